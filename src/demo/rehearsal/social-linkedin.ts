/**
 * LinkedIn as rehearsed: a `code_verifier` is answered with 401, no nonce is returned, and neither its metadata says how
 * a client proves itself nor its keys what they are for.
 */
import { day } from '../../kernel/time.ts';
import { digitsOf } from './social-accounts.ts';
import {
  complain,
  type Dialect,
  discovery,
  emailIn,
  keysDocument,
  scopesOf,
  signIdToken,
} from './social-dialect.ts';

const places = {
  authorizeAt: 'oauth/v2/authorization',
  tokenAt: 'oauth/v2/accessToken',
  keysAt: 'oauth/openid/jwks',
};

export const linkedin: Dialect = {
  ...places,
  documents: {
    'oauth/.well-known/openid-configuration': (question) =>
      discovery(question, { issuer: `${question.base}/oauth`, ...places }),
    [places.keysAt]: (question) => keysDocument(question, (key) => ({ ...key, use: undefined })),
  },
  objectsTo: (query) => (scopesOf(query).includes('openid') ? undefined : 'invalid_scope'),
  cancelled: { error: 'user_cancelled_login', error_description: 'The user cancelled LinkedIn login' },
  verifier: 'refused',
  complain,
  tokensFor: async (grant, mint) => {
    const { account, query } = grant;
    const email = emailIn(grant);
    const claims = {
      sub: digitsOf(10, 'linkedin', account.handle),
      ...(email && { email: email.email, email_verified: email.isVerified }),
      ...(scopesOf(query).includes('profile') && { name: account.name, locale: 'en_US' }),
    };
    const withoutNonce = { ...grant, query: { ...query, nonce: undefined } };
    return {
      access_token: mint.accessToken,
      expires_in: 60 * day,
      scope: scopesOf(query).join(','),
      token_type: 'Bearer',
      id_token: await signIdToken(claims, withoutNonce, { ...mint, issuer: `${mint.base}/oauth` }),
    };
  },
};
