/**
 * Apple as rehearsed: the secret is a token that the client signs, the answer is posted, truths are words, and a name
 * comes beside the code and only the first time.
 */
import { createPublicKey } from 'node:crypto';
import { jwtVerify } from 'jose';
import { rehearsalApple } from '../../../config/social.ts';
import { day, hour } from '../../kernel/time.ts';
import { newToken } from '../../kernel/tokens.ts';
import { seconds } from './oidc-tokens.ts';
import { digitsOf, hexOf } from './social-accounts.ts';
import {
  type Dialect,
  discovery,
  emailIn,
  type Grant,
  keysDocument,
  type Mint,
  scopesOf,
  signIdToken,
} from './social-dialect.ts';

const places = { authorizeAt: 'auth/authorize', tokenAt: 'auth/token', keysAt: 'auth/keys' };

export const apple: Dialect = {
  ...places,
  documents: {
    '.well-known/openid-configuration': (question) =>
      discovery(
        question,
        { issuer: question.base, ...places },
        {
          response_modes_supported: ['query', 'fragment', 'form_post'],
          token_endpoint_auth_methods_supported: ['client_secret_post'],
        },
      ),
    [places.keysAt]: (question) => keysDocument(question),
  },
  // who asks for a name or an address must take the answer by POST
  objectsTo: (query) =>
    scopesOf(query).some((scope) => scope === 'name' || scope === 'email') &&
    query.response_mode !== 'form_post'
      ? 'invalid_request'
      : undefined,
  beside: (grant, isFirst) => ({ ...(isFirst && { user: userOf(grant) }) }),
  cancelled: { error: 'user_cancelled_authorize' },
  verifier: 'checked',
  isSecret,
  complain: (error) => ({ status: 400, body: { error } }),
  tokensFor: async (grant, mint) => ({
    access_token: mint.accessToken,
    token_type: 'Bearer',
    expires_in: hour,
    refresh_token: newToken().token,
    id_token: await signIdToken(claimsOf(grant, mint), grant, { ...mint, issuer: mint.base }),
  }),
};

function userOf(grant: Grant): string {
  const [firstName = '', lastName = ''] = grant.account.name.split(' ');
  const email = emailIn(grant)?.email;
  return JSON.stringify({ name: { firstName, lastName }, ...(email !== undefined && { email }) });
}

function claimsOf(grant: Grant, { now }: Mint): object {
  const { handle } = grant.account;
  const email = emailIn(grant);
  return {
    sub: `${digitsOf(6, 'apple', handle)}.${hexOf(32, 'apple', handle)}.${digitsOf(4, 'apple', handle)}`,
    nonce_supported: true,
    ...(email && {
      email: email.email,
      email_verified: String(email.isVerified),
      ...(email.email.endsWith('@privaterelay.appleid.com') && { is_private_email: 'true' }),
    }),
    // it has everybody confirm each time, and so the proof is always new
    auth_time: seconds(now),
  };
}

const longestSeconds = 180 * day;

/** Signed with the key of the demo, for Apple, for this client, and for half a year at most. */
async function isSecret(secret: string, { base, now }: Pick<Mint, 'base' | 'now'>): Promise<boolean> {
  const { clientId, teamId, keyId, privateKey } = rehearsalApple();
  try {
    const { payload, protectedHeader } = await jwtVerify(secret, createPublicKey(privateKey), {
      algorithms: ['ES256'],
      issuer: teamId,
      subject: clientId,
      audience: base,
      requiredClaims: ['iat', 'exp'],
      currentDate: now,
    });
    const { iat = 0, exp = Infinity } = payload;
    return protectedHeader.kid === keyId && exp - iat <= longestSeconds;
  } catch {
    return false;
  }
}
