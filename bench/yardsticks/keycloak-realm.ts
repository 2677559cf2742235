/** What Keycloak has to know for the flows: the clients, people and lifetimes of the bench, and refresh tokens that rotate. */
import { issuer, password } from '../drive/target.ts';
import { emailOf } from '../world/seed.ts';

export const realm = 'bench';

const hour = 3600;

/** To be imported. Its people are all there from the start, each with the same password. */
export function keycloakRealm(people: number): object {
  return {
    realm,
    enabled: true,
    accessTokenLifespan: 600,
    ssoSessionIdleTimeout: 12 * hour,
    defaultSignatureAlgorithm: 'ES256',
    revokeRefreshToken: true,
    refreshTokenMaxReuse: 0,
    passwordPolicy: 'hashAlgorithm(argon2) and hashIterations(2)',
    components: { 'org.keycloak.keys.KeyProvider': [signingKey] },
    clientScopes: [
      scope('basic', mapper('sub', 'oidc-sub-mapper')),
      scope('profile', mapper('name', 'oidc-full-name-mapper')),
      scope('email', mapper('email', 'oidc-usermodel-attribute-mapper', { 'user.attribute': 'email' })),
      scope('assist:read'),
    ],
    defaultDefaultClientScopes: ['basic', 'profile', 'email'],
    defaultOptionalClientScopes: ['assist:read'],
    clients: [
      { clientId: 'demo-assist', publicClient: true, redirectUris: [`${issuer}/*`] },
      {
        clientId: 'demo-service',
        secret: 'demo-service-secret',
        serviceAccountsEnabled: true,
        standardFlowEnabled: false,
      },
    ],
    users: Array.from({ length: people }, (_, person) => user(emailOf(person))),
  };
}

const signingKey = {
  name: 'es256',
  providerId: 'ecdsa-generated',
  config: { priority: ['100'], ecdsaEllipticCurveKey: ['P-256'] },
};

function scope(name: string, ...protocolMappers: readonly object[]): object {
  const attributes = { 'include.in.token.scope': 'true' };
  return { name, protocol: 'openid-connect', attributes, protocolMappers };
}

function mapper(claim: string, protocolMapper: string, config: object = {}): object {
  return {
    name: claim,
    protocol: 'openid-connect',
    protocolMapper,
    config: {
      'claim.name': claim,
      'jsonType.label': 'String',
      'id.token.claim': 'true',
      'access.token.claim': 'true',
      'userinfo.token.claim': 'true',
      ...config,
    },
  };
}

function user(email: string): object {
  return {
    username: email,
    email,
    emailVerified: true,
    firstName: 'Made',
    lastName: 'User',
    enabled: true,
    credentials: [{ type: 'password', value: password }],
  };
}
