/** The engine's configuration: assembled here from named parts, each small and in one place. */
import type { Configuration, JWKS } from 'oidc-provider';
import type { Config } from '../../config/load.ts';
import type { Context } from '../context.ts';
import { type Client, scopesOf } from '../core/clients/clients.ts';
import { locales } from '../kernel/locale.ts';
import { mayIntrospect } from './access-tokens.ts';
import { askForGrant, entitlementIn } from './access.ts';
import { createAdapterFactory } from './adapter.ts';
import { claimsByScope, createFindAccount, entitlementClaims, evidenceOf } from './claims.ts';
import type { ClientCache } from './client-cache.ts';
import { invalidClientAssertion, invalidParameter, invalidTarget } from './errors.ts';
import { createLoadExistingGrant } from './grants.ts';
import type { EnginePages } from './pages.ts';
import { createPolicy } from './policy.ts';
import { refreshTokenBits } from './refresh-family.ts';
import { acrValues, cookies, lifetimes, routes } from './settings.ts';
import { currentUnit, type Units } from './unit-of-work.ts';

export interface EngineParts {
  readonly ctx: Context;
  readonly units: Units;
  readonly clients: ClientCache;
  readonly pages: EnginePages;
  readonly jwks: JWKS;
  /** 32 bytes shared by all replicas: DPoP nonces are derived from it. */
  readonly nonceSecret: Buffer;
}

export function configurationOf(parts: EngineParts): Configuration {
  const { ctx, units, clients, pages, jwks } = parts;
  return {
    adapter: createAdapterFactory(units, clients),
    jwks,
    routes,
    cookies: cookies(ctx.config),
    ttl: lifetimes(units, ctx.now),
    findAccount: createFindAccount(units),
    loadExistingGrant: createLoadExistingGrant(units),
    interactions: { policy: createPolicy(units), url: (_koa, { uid }) => `/sign-in/${uid}` },
    extraTokenClaims: createExtraTokenClaims(units),
    fetch: (url, options) => ctx.fetch(url instanceof Request ? url.url : url, options),
    fetchResponseBodyLimits: { jwks_uri: 256 * 1024, sector_identifier_uri: 256 * 1024 },
    features: features(parts),
    renderError: (koa, out, error) => {
      pages.error(koa, out, error);
    },
    ...protocol,
    ...clientRules,
    ...tokenRules,
  };
}

/** What of OAuth 2.1 and OpenID Connect is spoken. */
const protocol: Configuration = {
  scopes: ['openid', 'profile', 'email', 'offline_access'],
  claims: claimsByScope,
  acrValues: [...acrValues],
  subjectTypes: ['public'],
  responseTypes: ['code'],
  discovery: { ui_locales_supported: [...locales] },
  allowOmittingSingleRegisteredRedirectUri: false,
  pkce: { required: (_koa, client) => client['pkce_waived'] !== true },
  extraParams: {
    account: (_koa, value) => {
      if (value !== undefined && !/^[a-z0-9_-]{1,80}$/.test(value))
        throw invalidParameter('account is not an account');
    },
    connection: (_koa, value) => {
      if (value !== undefined && !/^con_[0-9a-z]{26}$/.test(value))
        throw invalidParameter('connection is not a connection');
    },
    domain_hint: (_koa, value) => {
      if (value !== undefined && !/^[a-z0-9.-]{1,253}$/i.test(value))
        throw invalidParameter('domain_hint is not a domain');
    },
  },
};

const clientRules: Configuration = {
  clientAuthMethods: ['client_secret_basic', 'client_secret_post', 'private_key_jwt', 'none'],
  clientDefaults: { id_token_signed_response_alg: 'ES256' },
  extraClientMetadata: {
    properties: [
      'first_party',
      'pkce_waived',
      'product_resource',
      'start_url',
      'previous_secret',
      'previous_secret_until',
    ],
  },
  clientBasedCORS: (_koa, origin, client) => redirectOrigins(client.redirectUris).includes(origin),
  /** The audience is the issuer and nothing else: an assertion for another server must not do here. */
  assertJwtClientAuthClaimsAndHeader: (koa, claims) => {
    if (claims['aud'] !== koa.oidc.issuer)
      throw invalidClientAssertion('aud must be the issuer, as a string');
    const lifetime = Number(claims['exp']) - Math.floor(Date.now() / 1000);
    if (lifetime > 300) throw invalidClientAssertion('exp must lie within five minutes');
  },
  enabledJWA: {
    clientAuthSigningAlgValues: ['ES256', 'RS256', 'PS256', 'EdDSA'],
    idTokenSigningAlgValues: ['ES256', 'RS256'],
    userinfoSigningAlgValues: ['ES256', 'RS256'],
    dPoPSigningAlgValues: ['ES256', 'EdDSA'],
  },
};

const tokenRules: Configuration = {
  // the family of a refresh token is named by its first characters: refresh-family.ts
  formats: {
    bitsOfOpaqueRandomness: (_koa, token) =>
      (token as { kind?: string }).kind === 'RefreshToken' ? refreshTokenBits : 256,
  },
  expiresWithSession: (_koa, token) => !token.scopes.has('offline_access'),
  issueRefreshToken: (_koa, client, token) =>
    client.grantTypeAllowed('refresh_token') &&
    (token.scopes.has('offline_access') || client['first_party'] === true),
  // a confidential client proves itself at every refresh; a public one has nothing but the token
  rotateRefreshToken: ({ oidc }) => oidc.client?.tokenEndpointAuthMethod === 'none',
};

function redirectOrigins(uris: readonly string[] | undefined): string[] {
  return (uris ?? []).map((uri) => URL.parse(uri)?.origin ?? '');
}

function createExtraTokenClaims(units: Units): NonNullable<Configuration['extraTokenClaims']> {
  return async (koa, token) => {
    if (!('accountId' in token) || !token.accountId || !token.grantId) return undefined;
    const { accountId: userId, clientId, grantId } = token;
    const answer = await askForGrant(currentUnit(units), { userId, clientId: String(clientId), grantId });
    // a JWT must name its grant itself; an opaque token's row does, and introspection would show what is in here
    const isJwt = token.resourceServer?.accessTokenFormat === 'jwt';
    return { ...entitlementClaims(answer), ...evidenceOf(koa), ...(isJwt && { grant_id: grantId }) };
  };
}

function features({
  ctx,
  units,
  clients,
  pages,
  nonceSecret,
}: EngineParts): NonNullable<Configuration['features']> {
  const on = { enabled: true };
  const off = { enabled: false };
  return {
    devInteractions: off,
    externalSigningSupport: { enabled: true, ack: 'experimental-01' }, // signing.ts
    userinfo: on,
    clientCredentials: on,
    claimsParameter: on,
    revocation: { enabled: true, allowedPolicy: (_koa, client, token) => token.clientId === client.clientId },
    backchannelLogout: on,
    pushedAuthorizationRequests: { enabled: true, allowUnregisteredRedirectUris: false },
    dPoP: { enabled: true, nonceSecret, requireNonce: () => false, allowReplay: false },
    introspection: {
      enabled: true,
      allowedPolicy: async (_koa, client, token) => {
        if (!mayIntrospect(client, { clientId: token.clientId, aud: 'aud' in token ? token.aud : undefined }))
          return false;
        if (!('accountId' in token) || !token.accountId || !token.grantId) return true;
        const { accountId: userId, clientId, grantId } = token;
        const answer = await askForGrant(currentUnit(units), { userId, clientId: String(clientId), grantId });
        return entitlementIn(answer) !== undefined;
      },
    },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => [],
      useGrantedResource: () => true,
      getResourceServerInfo: async (_koa, resource, { clientId }) => {
        const client = await clients.find(clientId);
        return resourceServer(ctx.config, client, resource);
      },
    },
    rpInitiatedLogout: {
      enabled: true,
      logoutSource: (koa, form) => pages.signOut(koa, form),
      postLogoutSuccessSource: (koa) => pages.signedOut(koa),
    },
  };
}

/** A resource the client may ask tokens for, with the scopes that both it and the client know. */
function resourceServer(config: Config, client: Client | undefined, resource: string) {
  if (!client?.resources.includes(resource)) throw invalidTarget();
  const known = scopesOf(config, client, resource);
  if (!known) throw invalidTarget();
  return {
    scope: known.filter((scope) => client.scopes.includes(scope)).join(' '),
    audience: resource,
    accessTokenFormat: 'jwt' as const,
    jwt: { sign: { alg: 'ES256' as const } },
  };
}
