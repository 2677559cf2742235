import type { Tx } from '../../context.ts';
import { Failure } from '../../kernel/failures.ts';
import type { ConnectionId } from '../../kernel/ids.ts';
import { changesBetween, recordEvent } from '../audit/audit.ts';
import { hashSettings, needSecret, sealClientSecret } from './configuration.ts';
import { listConnectionKeys, storeConnectionKey } from './keys.ts';
import type { Change } from './life-cycle.ts';
import { updateConnection } from './life-cycle-queries.ts';
import { getLockedConnection } from './lock.ts';
import type { OwnKeys } from './own-keys.ts';
import type { Connection, ConnectionState } from './queries.ts';
import {
  type ConnectionSettings,
  type Mapping,
  nothingPublished,
  type OidcPublished,
  type SamlPublished,
} from './settings.ts';

export interface Revision extends Change {
  readonly label?: string;
  /** As a whole, parsed. */
  readonly settings?: ConnectionSettings;
  readonly mapping?: Mapping;
  /** A new client secret; the old one is kept when there is none. */
  readonly secret?: string;
  /** New metadata of a SAML identity provider; needed where another one is meant. */
  readonly published?: SamlPublished;
  readonly refreshAt?: Date | null;
  /** Keys of our own that the settings ask for and that may not be there yet: see `makeMissingKeys`. */
  readonly keys?: OwnKeys;
}

/**
 * Changes what an admin decides. A draft has to be tested again, and so has a live connection, which stays live; sign-ins
 * that are under way end. What has not changed keeps its test; and where nothing has, nothing happens.
 */
export async function reviseConnection(tx: Tx, revision: Revision): Promise<void> {
  const { label, secret, refreshAt } = revision;
  const before = await getLockedConnection(tx, revision);
  const { id, accountId } = before;
  const { settings = before.settings, mapping = before.mapping } = revision;
  const published = publishedAfter(before, settings, revision.published);
  const secretSealed = secret === undefined ? before.secretSealed : sealClientSecret(tx.config, id, secret);
  needSecret(settings, secretSealed !== null);
  const changes = changesOf(before, revision);
  if (!changes) return;
  const settingsHash = hashSettings({ settings, mapping, secretSealed });
  await updateConnection(tx, id, {
    ...(label !== undefined && { label }),
    settings,
    mapping,
    secretSealed,
    settingsHash,
    state: stateAfter(before, settingsHash),
    revision: before.revision + 1,
    ...(published && { published, refreshError: null }),
    ...(refreshAt !== undefined && { refreshAt }),
  });
  const details = { connection_id: id, changes };
  await recordEvent(tx, { type: 'connection.changed', actorId: revision.by, accountId, details });
  await addMissingKeys(tx, id, revision.keys ?? []);
}

async function addMissingKeys(tx: Tx, connectionId: ConnectionId, keys: OwnKeys): Promise<void> {
  const present = await listConnectionKeys(tx.db, connectionId);
  const missing = keys.filter(
    ({ use }) => !present.some((key) => key.use === use && key.state === 'current'),
  );
  for (const { use, made } of missing)
    await storeConnectionKey(tx, { connectionId, use, state: 'current' }, made);
}

/** What is published belongs to one identity provider: another one's keys must not come in under the old ones' name. */
function publishedAfter(
  { settings: before }: Connection,
  settings: ConnectionSettings,
  published: SamlPublished | undefined,
): SamlPublished | OidcPublished | undefined {
  if (settings.kind === 'oidc') {
    if (before.kind !== 'oidc') throw new Failure('invalid_input', { fields: { kind: 'cannot change' } });
    return settings.issuer === before.issuer ? undefined : nothingPublished;
  }
  if (before.kind !== 'saml') throw new Failure('invalid_input', { fields: { kind: 'cannot change' } });
  if (settings.entityId !== before.entityId && !published)
    throw new Failure('invalid_input', { fields: { entityId: 'is of another identity provider' } });
  return published;
}

function stateAfter({ state, testedHash }: Connection, settingsHash: Buffer): ConnectionState {
  if (state !== 'draft' && state !== 'tested') return state;
  return testedHash?.equals(settingsHash) ? 'tested' : 'draft';
}

/** What differs, before and after; undefined when nothing does. Of a secret only that there is another one. */
function changesOf(before: Connection, revision: Revision): Readonly<Record<string, unknown>> | undefined {
  const { label = before.label, settings = before.settings, mapping = before.mapping } = revision;
  const changes = changesBetween(
    { ...before.settings, ...before.mapping, label: before.label },
    { ...settings, ...mapping, label },
  );
  const more = {
    ...(revision.secret !== undefined && { secret: 'changed' }),
    ...(revision.published && { published: 'changed' }),
  };
  return changes || Object.keys(more).length > 0 ? { ...changes, ...more } : undefined;
}
