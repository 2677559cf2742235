/**
 * Microsoft as rehearsed: one door for all tenants, each of which is an issuer of its own. Whoever has a tenant may write
 * any address into it; only `xms_edov` says that the domain is proven.
 */
import { hour } from '../../kernel/time.ts';
import { seconds } from './oidc-tokens.ts';
import { domainOf, guidOf, hexOf, isCompany, type SocialAccount } from './social-accounts.ts';
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
  authorizeAt: 'common/oauth2/v2.0/authorize',
  tokenAt: 'common/oauth2/v2.0/token',
  keysAt: 'common/discovery/v2.0/keys',
};

const issuerOf = (base: string, tenant: string): string => `${base}/${tenant}/v2.0`;

export const microsoft: Dialect = {
  ...places,
  documents: {
    'common/v2.0/.well-known/openid-configuration': (question) =>
      discovery(
        question,
        { issuer: issuerOf(question.base, '{tenantid}'), ...places },
        {
          token_endpoint_auth_methods_supported: ['client_secret_post'],
          response_modes_supported: ['query', 'form_post'],
        },
      ),
    [places.keysAt]: (question) =>
      keysDocument(question, (key) => ({ ...key, issuer: issuerOf(question.base, '{tenantid}') })),
  },
  objectsTo: (query) => (scopesOf(query).includes('openid') ? undefined : 'invalid_scope'),
  asksAgain: ({ prompt, max_age: maxAge = 'Infinity' }, age) =>
    prompt === 'login' || prompt === 'select_account' || age > Number(maxAge),
  beside: ({ account: { handle }, signedInAt }) => ({
    session_state: guidOf('session', handle, signedInAt.toISOString()),
  }),
  cancelled: { error: 'access_denied', error_subcode: 'cancel' },
  verifier: 'checked',
  complain,
  tokensFor: async (grant, mint) => ({
    token_type: 'Bearer',
    scope: grant.query.scope,
    expires_in: hour,
    ext_expires_in: hour,
    access_token: mint.accessToken,
    id_token: await signIdToken(claimsOf(grant), grant, {
      ...mint,
      issuer: issuerOf(mint.base, tenantOf(grant.account)),
    }),
  }),
};

const privateAccounts = '9188040d-6c67-4c5b-b112-36a304b66dad';

function tenantOf({ handle }: SocialAccount): string {
  const domain = domainOf(handle);
  return /^(outlook|hotmail|live|msn)\.com$/.test(domain) ? privateAccounts : guidOf('tenant', domain);
}

function claimsOf(grant: Grant): object {
  const { account, query, signedInAt, fault } = grant;
  const { handle, name } = account;
  const address = emailIn(grant)?.email;
  const domain = domainOf(handle);
  // of this very company, and not only typed into its directory
  const isProven = isCompany(domain) && address !== undefined && domainOf(address) === domain;
  return {
    ver: '2.0',
    tid: tenantOf(account),
    sub: hexOf(43, 'microsoft', 'pairwise', handle),
    ...(address !== undefined && { email: address }),
    ...(isProven && fault !== 'unverified_email' && { xms_edov: true }),
    ...(scopesOf(query).includes('profile') && {
      oid: guidOf('microsoft', handle),
      name,
      preferred_username: handle,
    }),
    ...(query.max_age !== undefined && { auth_time: seconds(signedInAt) }),
  };
}
