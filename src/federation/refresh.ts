/** Fetches what SAML identity providers publish of themselves: once a day, and sooner when a signature does not fit. */
import { type Context, inTransaction } from '../context.ts';
import {
  claimRefresh,
  claimRefreshNow,
  type Fetched,
  findConnection,
  type SamlConnection,
  settleRefresh,
} from '../core/connections/connections.ts';
import { RefusedRequest } from '../fetch.ts';
import { Failure } from '../kernel/failures.ts';
import { type IdpMetadata, parseSamlMetadata } from './saml/metadata.ts';

/** Refreshes the connection that has been due for longest; answers whether there was one. For any number of replicas. */
export async function refreshMetadata(ctx: Context): Promise<number> {
  const connection = await claimRefresh(ctx);
  if (!connection) return 0;
  await refresh(ctx, connection);
  return 1;
}

/**
 * Refreshes out of turn, after a signature that no certificate fits: the identity provider may have changed its key.
 * The connection as it is then; undefined when it was tried within five minutes, so that forged responses cannot make
 * us fetch again and again.
 */
export async function refreshSoon(
  ctx: Context,
  { id }: Pick<SamlConnection, 'id'>,
): Promise<SamlConnection | undefined> {
  const claimed = await claimRefreshNow(ctx, id);
  if (!claimed) return undefined;
  await refresh(ctx, claimed);
  const refreshed = await findConnection(ctx.db, id);
  return refreshed?.kind === 'saml' ? refreshed : undefined;
}

async function refresh(ctx: Context, connection: SamlConnection): Promise<void> {
  const { entityId, metadataUrl } = connection.settings;
  if (metadataUrl === null) return;
  const fetched = await fetchPinned(ctx, { entityId, metadataUrl });
  if ('refused' in fetched)
    ctx.log.warn({ connectionId: connection.id, reason: fetched.refused }, 'metadata was not refreshed');
  await inTransaction(ctx, (tx) => settleRefresh(tx, connection, fetched));
}

/** The entity id is pinned: whoever takes over an address must not become another identity provider by it. */
async function fetchPinned(
  ctx: Context,
  { entityId, metadataUrl }: { readonly entityId: string; readonly metadataUrl: string },
): Promise<Fetched> {
  try {
    const { published, cacheSeconds } = await fetchMetadata(ctx, metadataUrl, entityId);
    return { published, cacheSeconds };
  } catch (error) {
    if (error instanceof Failure) return { refused: error.detail ?? error.code };
    throw error;
  }
}

/**
 * Fetches and reads metadata; of an aggregate the one of `entityId`.
 * Failure `metadata_refused` for whatever is wrong with the address, the answer or the document.
 */
export async function fetchMetadata(ctx: Context, url: string, entityId?: string): Promise<IdpMetadata> {
  const xml = await fetchText(ctx, url);
  const allowHttp = !ctx.config.production;
  return parseSamlMetadata(xml, { now: ctx.now(), allowHttp, ...(entityId !== undefined && { entityId }) });
}

async function fetchText(ctx: Context, url: string): Promise<string> {
  const headers = { accept: 'application/samlmetadata+xml, application/xml;q=0.9, text/xml;q=0.8' };
  const body = await ctx
    .fetch(url, { headers })
    .then(async (response) => {
      if (response.status === 200) return response.arrayBuffer();
      await response.body?.cancel();
      throw new Failure('metadata_refused', { detail: `Its address answered ${response.status}.` });
    })
    .catch((cause: unknown) => {
      if (cause instanceof Failure) throw cause;
      throw new Failure('metadata_refused', { detail: reasonOf(cause), cause });
    });
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(body);
  } catch (cause) {
    throw new Failure('metadata_refused', { detail: 'It is not UTF-8.', cause });
  }
}

/** No more than this: what the network inside looks like is nobody's business. */
function reasonOf(error: unknown): string {
  return error instanceof RefusedRequest
    ? 'Its address or its answer is not allowed.'
    : 'It could not be fetched.';
}
