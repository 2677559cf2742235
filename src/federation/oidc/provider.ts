/** The provider of a connection, ready to be asked by the library: strict about signatures, and on our clock. */
import {
  allowInsecureRequests,
  clockSkew,
  clockTolerance,
  type Configuration,
  customFetch,
  discovery,
  enableNonRepudiationChecks,
  setJwksCache,
} from 'openid-client';
import type { Context } from '../../context.ts';
import type { Refusal } from '../../core/attempts/attempts.ts';
import type { OidcConnection } from '../../core/connections/connections.ts';
import { isRefusal } from '../connector.ts';
import { clientAuthentication } from './client.ts';
import type { Keys, Metadata } from './documents.ts';
import { fetchKeys, keepKeys, loadMetadata, send } from './published.ts';
import { judge } from './refusing.ts';

export interface Provider {
  readonly metadata: Metadata;
  readonly configuration: Configuration;
  /** Goes out by `ctx.fetch` alone; the keys it fetches are kept. */
  readonly fetch: (address: string, init: object) => Promise<Response>;
  /** What is known of its keys, and since when (Unix seconds, by the process clock as the libraries have it). */
  readonly knownKeys: { readonly jwks: Keys; readonly uat: number } | undefined;
}

/** Of any clock: theirs may differ from ours by so many seconds. */
export const toleranceSeconds = 30;

/** Does `work` with the provider, and keeps the keys that were fetched for it, whatever came of it. */
export async function withProvider<Answer extends object>(
  ctx: Context,
  connection: OidcConnection,
  work: (provider: Provider) => Promise<Answer | Refusal>,
): Promise<Answer | Refusal> {
  const fetched: { keys?: Keys } = {};
  const provider = await connect(ctx, connection, fetched);
  if (isRefusal(provider)) return provider;
  const answer = await work(provider);
  if (fetched.keys) await keepKeys(ctx, connection, fetched.keys);
  return answer;
}

async function connect(
  ctx: Context,
  connection: OidcConnection,
  fetched: { keys?: Keys },
): Promise<Provider | Refusal> {
  const loaded = await loadMetadata(ctx, connection);
  if (isRefusal(loaded)) return loaded;
  const metadata = loaded.answer;
  const authentication = await clientAuthentication(ctx, connection, metadata);
  if (isRefusal(authentication)) return authentication;
  const { issuer, clientId, idTokenAlgorithm } = connection.settings;
  const skew = Math.round((ctx.now().getTime() - Date.now()) / 1000);
  const client = {
    // else the provider's own metadata decides, and it may say `none`
    id_token_signed_response_alg: idTokenAlgorithm,
    [clockTolerance]: toleranceSeconds,
    [clockSkew]: skew,
  };
  // not built from the metadata, but discovered: only so the library knows the tenants of Entra ID
  const discovered = await judge('oidc_metadata', () =>
    discovery(new URL(issuer), clientId, client, authentication, {
      [customFetch]: () => Promise.resolve(Response.json(metadata)),
      timeout: 5,
      execute: [enableNonRepudiationChecks, ...(ctx.config.production ? [] : [allowInsecureRequests])],
    }),
  );
  if (isRefusal(discovered)) return discovered;
  const configuration = discovered.answer;
  const fetch = createTransport(ctx, connection, { metadata, fetched });
  configuration[customFetch] = fetch;
  const knownKeys = keysOf(connection, skew);
  if (knownKeys) setJwksCache(configuration, knownKeys);
  return { metadata, configuration, fetch, knownKeys };
}

function createTransport(
  ctx: Context,
  connection: OidcConnection,
  { metadata, fetched }: { readonly metadata: Metadata; readonly fetched: { keys?: Keys } },
): Provider['fetch'] {
  return async (address, init) => {
    if (address !== new URL(metadata.jwks_uri).href) return send(ctx, address, init);
    const { keys, isNew } = await fetchKeys(ctx, connection, metadata.jwks_uri);
    if (isNew) fetched.keys = keys;
    return Response.json(keys);
  };
}

function keysOf({ published }: OidcConnection, skew: number): Provider['knownKeys'] {
  const { jwks, jwksAt } = published;
  if (jwks === null || jwksAt === null) return undefined;
  return { jwks: jwks as Keys, uat: jwksAt - skew };
}
