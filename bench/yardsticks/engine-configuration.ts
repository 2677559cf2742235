/** The features of src/provider/configuration.ts, without what is ours: equal tokens, equal lifetimes, equal clients. */
import { createHash } from 'node:crypto';
import { exportJWK, generateKeyPair, type JWK } from 'jose';
import type { AdapterFactory, ClientMetadata, Configuration } from 'oidc-provider';
import { apiResource, confidentialRedirectUri, redirectUri } from '../drive/target.ts';

const interactive = {
  grant_types: ['authorization_code', 'refresh_token'],
  response_types: ['code'],
} as const;

export const benchClients: ClientMetadata[] = [
  {
    ...interactive,
    grant_types: [...interactive.grant_types],
    response_types: [...interactive.response_types],
    client_id: 'demo-assist',
    token_endpoint_auth_method: 'none',
    redirect_uris: [redirectUri],
  },
  {
    ...interactive,
    grant_types: [...interactive.grant_types],
    response_types: [...interactive.response_types],
    client_id: 'demo-confidential',
    client_secret: 'demo-confidential-secret',
    token_endpoint_auth_method: 'client_secret_basic',
    redirect_uris: [confidentialRedirectUri],
  },
  {
    client_id: 'demo-service',
    client_secret: 'demo-service-secret',
    token_endpoint_auth_method: 'client_secret_basic',
    grant_types: ['client_credentials'],
    response_types: [],
    redirect_uris: [],
  },
];

const minute = 60;
const day = 24 * 3600;
const scopes = ['openid', 'profile', 'email', 'offline_access', 'assist:read', 'assist:write'];
const entitlement = { account: 'acc_01jz00000000000000000000', role: 'agent', products: ['assist'] };

interface Parts {
  readonly adapter: AdapterFactory;
  readonly clients: ClientMetadata[];
}

export async function engineConfiguration({ adapter, clients }: Parts): Promise<Configuration> {
  return {
    adapter,
    clients,
    jwks: { keys: [await makeKey('ES256'), await makeKey('RS256')] },
    ...protocol,
    ...tokens,
    features,
    findAccount: (_koa, sub) => ({
      accountId: sub,
      claims: () => ({
        sub,
        name: 'Made User',
        locale: 'en',
        email: sub,
        email_verified: true,
        ...entitlement,
      }),
    }),
    loadExistingGrant: async ({ oidc }) => {
      const { session, client, account, provider, requestParamScopes } = oidc;
      const grantId = session?.grantIdFor(client?.clientId ?? '');
      if (grantId) return provider.Grant.find(grantId);
      const grant = new provider.Grant({ clientId: client?.clientId, accountId: account?.accountId });
      grant.addOIDCScope([...requestParamScopes].join(' '));
      grant.addResourceScope(apiResource, 'assist:read');
      await grant.save();
      return grant;
    },
  };
}

const protocol: Configuration = {
  scopes,
  claims: {
    openid: ['sub', 'sid', 'auth_time', 'acr', 'amr', 'account', 'role', 'products'],
    profile: ['name', 'locale', 'updated_at'],
    email: ['email', 'email_verified'],
  },
  responseTypes: ['code'],
  pkce: { required: () => true },
  routes: {
    authorization: '/authorize',
    token: '/token',
    userinfo: '/userinfo',
    introspection: '/introspect',
  },
  interactions: { url: (_koa, { uid }) => `/sign-in/${uid}` },
  cookies: { keys: [createHash('sha256').update('bench').digest('base64url')] },
  clientDefaults: { id_token_signed_response_alg: 'ES256' },
};

const tokens: Configuration = {
  ttl: {
    // not ten minutes as the service's: its people are signed in once, and must be so to the end of a run
    AccessToken: day,
    IdToken: 10 * minute,
    ClientCredentials: 10 * minute,
    AuthorizationCode: minute,
    Interaction: 60 * minute,
    Grant: 210 * day,
    RefreshToken: 30 * day,
    Session: day / 2,
  },
  expiresWithSession: (_koa, token) => !token.scopes.has('offline_access'),
  issueRefreshToken: (_koa, client) => client.grantTypeAllowed('refresh_token'),
  rotateRefreshToken: ({ oidc }) => oidc.client?.tokenEndpointAuthMethod === 'none',
  extraTokenClaims: () => entitlement,
};

const features: NonNullable<Configuration['features']> = {
  devInteractions: { enabled: false },
  clientCredentials: { enabled: true },
  claimsParameter: { enabled: true },
  revocation: { enabled: true },
  backchannelLogout: { enabled: true },
  pushedAuthorizationRequests: { enabled: true },
  dPoP: { enabled: true, nonceSecret: Buffer.alloc(32, 1), requireNonce: () => false },
  introspection: {
    enabled: true,
    allowedPolicy: (_koa, client, token) => token.clientId === client.clientId,
  },
  resourceIndicators: {
    enabled: true,
    defaultResource: () => [],
    useGrantedResource: () => true,
    getResourceServerInfo: () => ({
      scope: 'assist:read assist:write',
      audience: apiResource,
      accessTokenFormat: 'jwt',
      jwt: { sign: { alg: 'ES256' } },
    }),
  },
};

async function makeKey(alg: 'ES256' | 'RS256'): Promise<JWK> {
  const { privateKey } = await generateKeyPair(alg, { extractable: true });
  return { ...(await exportJWK(privateKey)), alg, use: 'sig', kid: alg };
}
