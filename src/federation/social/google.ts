/** Google: OpenID Connect as written. @see https://developers.google.com/identity/openid-connect/openid-connect */
import type { SocialClient } from '../../../config/social.ts';
import type { EmailTrust } from '../../core/identities/identities.ts';
import { isRefusal } from '../connector.ts';
import { type Claims, isText } from '../oidc/identity.ts';
import { verifyIdToken } from './id-token.ts';
import { fromClaims, isTrue } from './identity.ts';
import { addressAt, type Dialect } from './provider.ts';

export function google({ clientId, clientSecret, baseUrl }: SocialClient): Dialect {
  const { issuer, issuers, keysAt } = googlePlaces(baseUrl);
  return {
    clientId,
    authorizeAt: addressAt(baseUrl, 'https://accounts.google.com', '/o/oauth2/v2/auth'),
    tokenAt: addressAt(baseUrl, 'https://oauth2.googleapis.com', '/token'),
    scope: 'openid email profile',
    pkce: true,
    nonce: true,
    // it documents no way to have the password asked again, only to have the account chosen
    parameters: ({ forceAuthn, loginHint }) => ({
      ...(loginHint !== undefined && { login_hint: loginHint }),
      ...(forceAuthn && { prompt: 'select_account' }),
    }),
    isIssuer: (iss) => issuers.includes(iss),
    clientSecret: () => clientSecret,
    identify: async (ctx, granted) => {
      const proven = await verifyIdToken(ctx, granted, { clientId, keysAt, issuers: () => issuers });
      if (isRefusal(proven)) return proven;
      const { email, name } = proven.answer;
      const emailTrust = trustIn(proven.answer);
      return fromClaims(proven.answer, ['sub'], { provider: 'google', issuer, email, emailTrust, name });
    },
  };
}

/** It calls itself by its address or by its bare name; we always by its address, or one person would be two. */
export function googlePlaces(baseUrl: string | undefined) {
  const issuer = addressAt(baseUrl, 'https://accounts.google.com', '');
  return {
    issuer,
    issuers: [issuer, issuer.replace(/^https?:\/\//, '')],
    keysAt: addressAt(baseUrl, 'https://www.googleapis.com', '/oauth2/v3/certs'),
  };
}

/** Without `hd` the mailbox is elsewhere: the address was proven once, and may have gone to somebody else since. */
function trustIn({ email, email_verified: verified, hd }: Claims): EmailTrust {
  if (!isTrue(verified)) return 'none';
  return isText(hd) || (isText(email) && /@gmail\.com$/i.test(email)) ? 'authoritative' : 'verified_once';
}
