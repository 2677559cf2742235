/** Google as rehearsed. It names itself beside its answers, and does not announce that it does. */
import { hour } from '../../kernel/time.ts';
import { oidcClient } from './addresses.ts';
import { digitsOf, domainOf, isCompany } from './social-accounts.ts';
import {
  complain,
  type Dialect,
  discovery,
  emailIn,
  type Grant,
  keysDocument,
  scopesOf,
  signIdToken,
} from './social-dialect.ts';

const places = {
  authorizeAt: 'o/oauth2/v2/auth',
  tokenAt: 'token',
  keysAt: 'oauth2/v3/certs',
};

export const google: Dialect = {
  ...places,
  documents: {
    '.well-known/openid-configuration': (question) =>
      discovery(
        question,
        { issuer: question.base, ...places },
        {
          token_endpoint_auth_methods_supported: ['client_secret_post'],
          code_challenge_methods_supported: ['S256'],
        },
      ),
    [places.keysAt]: (question) => keysDocument(question),
  },
  objectsTo: (query) => (scopesOf(query).includes('openid') ? undefined : 'invalid_scope'),
  // it knows no other way to ask again
  asksAgain: ({ prompt = '' }) => prompt.split(' ').includes('select_account'),
  issuerOf: (base) => base,
  beside: ({ query: { scope = '' } }) => ({ scope, authuser: '0', prompt: 'none' }),
  cancelled: { error: 'access_denied' },
  verifier: 'checked',
  complain,
  tokensFor: async (grant, mint) => ({
    access_token: mint.accessToken,
    expires_in: hour - 1,
    scope: grant.query.scope,
    token_type: 'Bearer',
    id_token: await signIdToken(claimsOf(grant), grant, { ...mint, issuer: mint.base }),
  }),
};

/** `hd` where the mailbox is of a company that has it at Google. */
function claimsOf(grant: Grant): object {
  const { handle, name } = grant.account;
  const email = emailIn(grant);
  return {
    sub: digitsOf(21, 'google', handle),
    azp: oidcClient.id,
    ...(isCompany(domainOf(handle)) && { hd: domainOf(handle) }),
    ...(email && { email: email.email, email_verified: email.isVerified }),
    ...(scopesOf(grant.query).includes('profile') && { name }),
  };
}
