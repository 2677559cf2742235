/**
 * What a provider publishes, kept in the connection's row for all replicas: metadata for a day and asked for again after
 * an hour, keys for five minutes, and for an hour while the provider does not answer. The row is the only cache.
 */
import { type Context, inTransaction } from '../../context.ts';
import {
  type OidcConnection,
  type OidcPublished,
  type OidcSettings,
  updateOidcPublished,
} from '../../core/connections/connections.ts';
import { RefusedRequest } from '../../fetch.ts';
import { Failure } from '../../kernel/failures.ts';
import { day, hour, minute } from '../../kernel/time.ts';
import { type Keys, type Metadata, readKeys, readMetadata } from './documents.ts';
import { judge, type Judged, refuse } from './refusing.ts';

/** From the row while it is fresh, else from the provider. Past an hour a new one is fetched beside the sign-in. */
export async function loadMetadata(ctx: Context, connection: OidcConnection): Promise<Judged<Metadata>> {
  const { id, revision, published, settings } = connection;
  const { metadata, metadataAt } = published;
  const age = metadataAt === null ? Infinity : (ctx.now().getTime() - Date.parse(metadataAt)) / 1000;
  if (metadata === null || !(age < day))
    return renewOnce(`${id} ${revision} ${settings.issuer} ${metadataAt}`, () =>
      refreshProvider(ctx, connection),
    );
  if (age >= hour) refreshBeside(ctx, connection);
  return judge('oidc_metadata', () => readMetadata(metadata, rulesFor(ctx, connection)));
}

/** When this process asked for metadata beside a sign-in, by connection. */
const askedBeside = new Map<string, number>();

/**
 * Nobody waits for it, and what is there goes on being used when it fails. Once a minute at most: a crowd that comes in
 * while the provider is down must not ask it a crowd of times.
 */
function refreshBeside(ctx: Context, connection: OidcConnection): void {
  const now = ctx.now().getTime() / 1000;
  if (now - (askedBeside.get(connection.id) ?? -Infinity) < minute) return;
  askedBeside.set(connection.id, now);
  refreshProvider(ctx, connection).catch((err: unknown) => {
    ctx.log.warn({ err, connectionId: connection.id }, 'the metadata of a provider was not kept');
  });
}

/** Fetches the metadata and keeps it; the connection shows why, where it cannot be had. */
export async function refreshProvider(ctx: Context, connection: OidcConnection): Promise<Judged<Metadata>> {
  const fetched = await fetchMetadata(ctx, connection);
  const outcome =
    'answer' in fetched
      ? { published: { metadata: fetched.answer, metadataAt: ctx.now().toISOString() }, refreshError: null }
      : { refreshError: fetched.detail ?? fetched.refused };
  await inTransaction(ctx, (tx) => updateOidcPublished(tx, connection, outcome));
  return fetched;
}

/** Of whom nothing is known yet but what an admin has said. */
type Named = Pick<OidcConnection, 'settings'>;

function fetchMetadata(ctx: Context, named: Named): Promise<Judged<Metadata>> {
  const address = `${named.settings.issuer.replace(/\/$/, '')}/.well-known/openid-configuration`;
  return judge('oidc_metadata', async () =>
    readMetadata(await fetchDocument(ctx, address), rulesFor(ctx, named)),
  );
}

/** What a provider publishes, before there is a connection. Failure `metadata_refused` for whatever is wrong with it. */
export async function findProvider(ctx: Context, settings: OidcSettings): Promise<OidcPublished> {
  const fetched = await fetchMetadata(ctx, { settings });
  if (!('answer' in fetched))
    throw new Failure('metadata_refused', { detail: sentenceOf(fetched.detail ?? fetched.refused) });
  return { metadata: fetched.answer, metadataAt: ctx.now().toISOString(), jwks: null, jwksAt: null };
}

function sentenceOf(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}

function rulesFor({ config }: Context, { settings }: Named) {
  return { settings, allowHttp: !config.production };
}

export async function keepKeys(ctx: Context, connection: OidcConnection, jwks: Keys): Promise<void> {
  const published = { jwks, jwksAt: Math.floor(ctx.now().getTime() / 1000) };
  await inTransaction(ctx, (tx) => updateOidcPublished(tx, connection, { published }));
}

/** Keys that are known already count for so long while newer ones cannot be had. */
const staleKeysFor = hour;

/** The provider's keys; those known before while it does not answer, if they are not too old. */
export async function fetchKeys(
  ctx: Context,
  { id, revision, published: { jwks, jwksAt } }: OidcConnection,
  address: string,
): Promise<{ readonly keys: Keys; readonly isNew: boolean }> {
  const fetched = await renewOnce(`${id} ${revision} keys ${address} ${jwksAt}`, () =>
    judge('oidc_id_token', async () => readKeys(await fetchDocument(ctx, address))),
  );
  if ('answer' in fetched) return { keys: fetched.answer, isNew: true };
  const isUsable = jwks !== null && jwksAt !== null && ctx.now().getTime() / 1000 - jwksAt < staleKeysFor;
  // what it does say is believed: keys that are gone may have been stolen
  if (fetched.refused !== 'idp_not_reachable' || !isUsable)
    return refuse(fetched.refused, fetched.detail ?? 'no keys');
  return { keys: jwks as Keys, isNew: false };
}

/** Documents that are being fetched: whoever needs one waits for the same answer, or a crowd would ask a crowd of times. */
const underway = new Map<string, Promise<unknown>>();

/** A public JSON document. Refuses what does not answer, or with something else. */
export function fetchDocument(ctx: Context, address: string): Promise<unknown> {
  const before = underway.get(address);
  if (before) return before;
  const document = getJson(ctx, address).finally(() => underway.delete(address));
  underway.set(address, document);
  return document;
}

/** What is being renewed, and was renewed a moment ago, by what it takes the place of. */
const renewals = new Map<string, Promise<Judged<unknown>>>();
const momentMs = 2000;

/**
 * Renews something once for all who have seen the same old thing: of a crowd, some come when the first answer has just
 * been stored, with a row that they had read before.
 */
function renewOnce<Answer>(old: string, renew: () => Promise<Judged<Answer>>): Promise<Judged<Answer>> {
  const before = renewals.get(old);
  if (before) return before as Promise<Judged<Answer>>;
  const renewal = renew();
  renewals.set(old, renewal);
  const forget = (): void => void renewals.delete(old);
  renewal.then((renewed) => {
    if ('answer' in renewed) setTimeout(forget, momentMs).unref();
    else forget();
  }, forget);
  return renewal;
}

async function getJson(ctx: Context, address: string): Promise<unknown> {
  const response = await send(ctx, address, { headers: { accept: 'application/json' } });
  const { status } = response;
  if (status !== 200)
    refuse(
      status >= 500 ? 'idp_not_reachable' : 'oidc_metadata',
      `a document of the provider answered ${status}`,
    );
  return response.json().catch(() => refuse('oidc_metadata', 'a document of the provider is not JSON'));
}

/**
 * Asks the provider, and reads the answer to its end. So all that the network can do wrong is refused here, and what a
 * library objects to afterwards is what was sent.
 */
export async function send(
  { fetch }: Pick<Context, 'fetch'>,
  address: string,
  init: Parameters<Context['fetch']>[1],
): Promise<Response> {
  try {
    const response = await fetch(address, init);
    const body = await response.arrayBuffer();
    const { status, headers } = response;
    return new Response([204, 205, 304].includes(status) ? null : body, { status, headers });
  } catch (error) {
    // no more than this: what the network inside looks like is nobody's business
    const isRefused = error instanceof RefusedRequest;
    return refuse(
      'idp_not_reachable',
      isRefused ? 'an address or answer is not allowed' : 'it did not answer in time',
    );
  }
}
