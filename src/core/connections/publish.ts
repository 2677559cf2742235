/** What a SAML identity provider publishes of itself, as it comes in again and again. The last good one is kept. */
import { createHash } from 'node:crypto';
import { type Context, inTransaction, type Tx } from '../../context.ts';
import type { ConnectionId } from '../../kernel/ids.ts';
import { addSeconds, day, hour, minute } from '../../kernel/time.ts';
import { getAccountName } from '../accounts/accounts.ts';
import { recordEvent } from '../audit/audit.ts';
import { mailAdmins } from '../memberships/memberships.ts';
import { changesOfPublished, mergePublished } from './merge-published.ts';
import { claimDueMetadata, claimMetadataNow } from './publish-queries.ts';
import { lockConnection, type SamlConnection, updatePublished } from './queries.ts';
import type { SamlPublished } from './settings.ts';

/** For so long a claimed refresh is left alone: longer than fetching can take. */
const leaseSeconds = 5 * minute;
/** So often a signature that fails may be answered by fetching: whoever forges them must not make us a siege engine. */
const onDemandSeconds = 5 * minute;

/** The next connection whose metadata is due: of any number of replicas one gets it. */
export async function claimRefresh(ctx: Context): Promise<SamlConnection | undefined> {
  return inTransaction(ctx, (tx) => claimDueMetadata(tx, addSeconds(tx.now(), leaseSeconds)));
}

/** The connection, if its metadata may be fetched out of turn: once in five minutes, whoever asks. */
export async function claimRefreshNow(ctx: Context, id: ConnectionId): Promise<SamlConnection | undefined> {
  return inTransaction(ctx, (tx) => claimMetadataNow(tx, id, addSeconds(tx.now(), -onDemandSeconds)));
}

/** What was fetched, or why it could not be. */
export type Fetched =
  | { readonly published: SamlPublished; readonly cacheSeconds?: number | undefined }
  | { readonly refused: string };

/**
 * Stores how a refresh ended. A failure leaves what is there. What has changed is on the audit trail, and a new address
 * for the people's passwords is mailed to the admins. Nothing happens when the settings have changed meanwhile, or when
 * another has begun since: what this one has fetched is older, however late it comes.
 */
export async function settleRefresh(tx: Tx, asked: SamlConnection, fetched: Fetched): Promise<void> {
  const connection = await lockConnection(tx, { connectionId: asked.id });
  if (connection?.kind !== 'saml' || !isSameSource(connection, asked)) return;
  if (connection.published.triedAt !== asked.published.triedAt) return;
  const { id } = connection;
  if ('refused' in fetched) {
    const refreshAt = addSeconds(tx.now(), withJitter(id, hour));
    await updatePublished(tx, id, { refreshAt, refreshError: fetched.refused });
    return;
  }
  const published = mergePublished(connection.published, fetched.published, tx.now());
  const refreshAt = addSeconds(tx.now(), refreshSeconds(id, fetched.cacheSeconds));
  await updatePublished(tx, id, { published, refreshAt, refreshError: null });
  await noteChanges(tx, connection, published);
}

function isSameSource({ settings: one }: SamlConnection, { settings: other }: SamlConnection): boolean {
  return one.entityId === other.entityId && one.metadataUrl === other.metadataUrl;
}

async function noteChanges(tx: Tx, connection: SamlConnection, merged: SamlPublished): Promise<void> {
  const changes = changesOfPublished(connection.published, merged);
  if (!changes) return;
  const { id, accountId, label } = connection;
  const { endpoint, ...certificates } = changes;
  await recordEvent(tx, {
    type: 'connection.metadata_changed',
    accountId,
    details: { connection_id: id, endpoint, ...certificates },
  });
  if (!endpoint) return;
  const { host } = new URL(endpoint.after);
  const data = { account: await getAccountName(tx.db, accountId), connection: label, host };
  await mailAdmins(tx, accountId, { template: 'sign_in_address_changed', data });
}

/** Until the next refresh: a day, or sooner where the metadata says so (cacheDuration), but never under an hour. */
export function refreshSeconds(id: ConnectionId, cacheSeconds: number = day): number {
  return Math.max(hour, withJitter(id, Math.min(day, cacheSeconds)));
}

/** A tenth more or less, the connection's own: what came in together is not fetched together for ever. */
function withJitter(id: ConnectionId, seconds: number): number {
  const share = createHash('sha256').update(id).digest().readUInt16BE(0) / 0xffff;
  return Math.round(seconds * (0.9 + share / 5));
}
