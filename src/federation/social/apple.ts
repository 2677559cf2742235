/**
 * Apple: OpenID Connect, but not quite. The client secret is a token that we make for every code; the answer is posted;
 * and a name comes only the first time, beside the token and unsigned.
 * @see https://developer.apple.com/documentation/signinwithapplerestapi
 */
import { importPKCS8, SignJWT } from 'jose';
import type { AppleClient } from '../../../config/social.ts';
import { minute } from '../../kernel/time.ts';
import { isRefusal } from '../connector.ts';
import { isText } from '../oidc/identity.ts';
import { isMembers, parseMembers } from './ask.ts';
import { verifyIdToken } from './id-token.ts';
import { fromClaims, isTrue } from './identity.ts';
import { addressAt, type Dialect, type Members } from './provider.ts';

export function apple(client: AppleClient): Dialect {
  const { clientId, baseUrl } = client;
  const { issuer, keysAt } = applePlaces(baseUrl);
  return {
    clientId,
    authorizeAt: `${issuer}/auth/authorize`,
    tokenAt: `${issuer}/auth/token`,
    scope: 'name email',
    // undocumented; the nonce binds the code here
    pkce: false,
    nonce: true,
    // it demands this where a name or an address is asked for
    parameters: () => ({ response_mode: 'form_post' }),
    isIssuer: (iss) => iss === issuer,
    cancelled: ['user_cancelled_authorize'],
    clientSecret: (now) => makeSecret(client, { issuer, now }),
    identify: async (ctx, granted) => {
      const proven = await verifyIdToken(ctx, granted, { clientId, keysAt, issuers: () => [issuer] });
      if (isRefusal(proven)) return proven;
      const { email, email_verified: verified } = proven.answer;
      return fromClaims(proven.answer, ['sub'], {
        provider: 'apple',
        issuer,
        email,
        // also one of @privaterelay.appleid.com: it reaches the person, and belongs to no company
        emailTrust: isTrue(verified) ? 'verified_once' : 'none',
        name: nameIn(granted.response.get('user')),
      });
    },
  };
}

export function applePlaces(baseUrl: string | undefined) {
  const issuer = addressAt(baseUrl, 'https://appleid.apple.com', '');
  return { issuer, keysAt: `${issuer}/auth/keys` };
}

/** Apple takes one for six months; this one is for a single code. */
async function makeSecret(
  { clientId, teamId, keyId, privateKey }: AppleClient,
  { issuer, now }: { readonly issuer: string; readonly now: Date },
): Promise<string> {
  const seconds = Math.floor(now.getTime() / 1000);
  return new SignJWT({ iss: teamId, sub: clientId, aud: issuer, iat: seconds, exp: seconds + 5 * minute })
    .setProtectedHeader({ alg: 'ES256', kid: keyId })
    .sign(await importPKCS8(privateKey, 'ES256'));
}

/** Came through the browser, so anybody can have written it: a name to begin with, and the address in it is not read. */
function nameIn(user: string | null): string | undefined {
  if (user === null || user.length > 2000) return undefined;
  const { name } = parseMembers(user);
  const { firstName, lastName }: Members = isMembers(name) ? name : {};
  return [firstName, lastName].filter(isText).join(' ');
}
