/**
 * Clients in memory, as the engine wants them. It asks on every request; a change is announced by NOTIFY, and every
 * entry expires within seconds for the case that the announcement is lost: within one while nobody listens.
 */
import type { Context } from '../context.ts';
import { type Client, findClient } from '../core/clients/clients.ts';
import type { Payload } from './copy-json.ts';

export interface ClientCache {
  /** The client's metadata as the engine reads it (OpenID Connect Registration §2). */
  findMetadata(clientId: string): Promise<Payload | undefined>;
  find(clientId: string): Promise<Client | undefined>;
  /** Forgets one client, or all. */
  forget(clientId?: string): void;
  /** How many are remembered. */
  size(): number;
}

interface CacheEntry {
  readonly client: Promise<Client | undefined>;
  readonly until: number;
}

/** At most: each entry a little shorter, so that what was loaded together is not loaded together again. */
const entryMs = 5000;
/** While announcements do not arrive; and for what is not there: somebody has perhaps just made it. */
const doubtfulMs = 1000;
/** Only so many, or names nobody has would fill the memory. */
export const maxEntries = 10_000;

export function createClientCache(ctx: Pick<Context, 'db'>, isListening: () => boolean): ClientCache {
  const entries = new Map<string, CacheEntry>();
  // the engine reads it, and changes nothing
  const metadata = new WeakMap<Client, Payload>();
  const keep = (clientId: string, client: CacheEntry['client'], forMs: number): void => {
    entries.set(clientId, { client, until: performance.now() + forMs * (0.8 + Math.random() / 5) });
  };

  const find = (clientId: string): Promise<Client | undefined> => {
    const known = entries.get(clientId);
    if (known && known.until > performance.now()) return known.client;
    if (!isClientId(clientId)) return Promise.resolve(undefined);
    // the oldest goes, and not all: the clients there are would be asked for anew, together
    const [oldest] = entries.keys();
    if (entries.size >= maxEntries && oldest !== undefined) entries.delete(oldest);
    // the promise is kept, not the row: of requests that come together one asks
    const client = findClient(ctx.db, clientId);
    entries.delete(clientId);
    keep(clientId, client, isListening() ? entryMs : doubtfulMs);
    const isKept = (): boolean => entries.get(clientId)?.client === client;
    client.then(
      (row) => {
        if (!row && isKept()) keep(clientId, client, doubtfulMs);
      },
      () => {
        if (isKept()) entries.delete(clientId);
      },
    );
    return client;
  };

  return {
    find,
    async findMetadata(clientId) {
      const client = await find(clientId);
      if (!client) return undefined;
      const known = metadata.get(client) ?? metadataOf(client);
      metadata.set(client, known);
      return known;
    },
    forget(clientId) {
      if (clientId === undefined) entries.clear();
      else entries.delete(clientId);
    },
    size: () => entries.size,
  };
}

/** What could be in the table at all: anything else (a NUL byte, a megabyte) is not worth a query. */
export function isClientId(text: string): boolean {
  return /^[A-Za-z0-9._-]{1,100}$/.test(text);
}

/** Members outside the standard are listed in `extraClientMetadata` (configuration.ts). */
function metadataOf(client: Client): Payload {
  const interactive = client.grantTypes.includes('authorization_code');
  const metadata = {
    client_id: client.clientId,
    client_name: client.name,
    application_type: client.applicationType,
    token_endpoint_auth_method: client.authMethod,
    // the hash: `compareClientSecret` hashes what is presented (provider.ts)
    client_secret: client.secretHash?.toString('hex'),
    previous_secret: client.previousSecretHash?.toString('hex'),
    previous_secret_until: client.previousSecretUntil?.getTime(),
    jwks: client.jwks ?? undefined,
    jwks_uri: client.jwksUri ?? undefined,
    grant_types: client.grantTypes,
    response_types: interactive ? ['code'] : [],
    redirect_uris: client.redirectUris,
    post_logout_redirect_uris: client.postLogoutRedirectUris,
    backchannel_logout_uri: client.backchannelLogoutUri ?? undefined,
    backchannel_logout_session_required: client.backchannelLogoutUri ? true : undefined,
    logo_uri: client.logoUri ?? undefined,
    scope: [
      'openid',
      'profile',
      'email',
      ...client.scopes.filter((scope) => scope === 'offline_access'),
    ].join(' '),
    id_token_signed_response_alg: client.idTokenSignedResponseAlg,
    require_pushed_authorization_requests: client.requirePushedAuthorizationRequests,
    dpop_bound_access_tokens: client.dpopBoundAccessTokens,
    first_party: client.firstParty,
    pkce_waived: client.pkceWaived,
    // not `initiate_login_uri`: the engine wants https there even for a client on loopback
    start_url: client.initiateLoginUri ?? client.homeUri ?? undefined,
    product_resource: client.product?.resource ?? undefined,
  };
  return Object.fromEntries(Object.entries(metadata).filter(([, value]) => value !== undefined));
}
