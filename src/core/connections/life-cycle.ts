/**
 * From draft to required. Every change locks the connection first, so that of changes that meet the second sees what
 * the first has done, and leaves an event in the same transaction; what is so already changes nothing, and leaves none.
 */
import { isDeepStrictEqual } from 'node:util';
import type { Tx } from '../../context.ts';
import type { EmailAddress } from '../../kernel/email-address.ts';
import { Failure } from '../../kernel/failures.ts';
import type { UserId } from '../../kernel/ids.ts';
import { addSeconds, hour } from '../../kernel/time.ts';
import { type EventType, recordEvent } from '../audit/audit.ts';
import { lockAdmins } from '../memberships/memberships.ts';
import {
  countIdentities,
  deleteConnectionRow,
  hasAdminSignedIn,
  lockBreakGlassCandidates,
  updateBreakGlass,
  updateConnection,
} from './life-cycle-queries.ts';
import { getLockedConnection } from './lock.ts';
import type { Connection, ConnectionRef } from './queries.ts';

/** Which connection is changed, and by whom: a user or a client; by default whoever the request is from. */
export interface Change extends ConnectionRef {
  readonly by?: string | undefined;
}

/** Whether a test has passed for exactly what the connection is now. */
export function isTested({ testedHash, settingsHash }: Connection): boolean {
  return testedHash?.equals(settingsHash) ?? false;
}

/** The listed people are sent there and nobody else is; the list replaces the one before. */
export async function pilotConnection(
  tx: Tx,
  { emails, ...change }: Change & { readonly emails: readonly EmailAddress[] },
): Promise<void> {
  const connection = await getTestedConnection(tx, change);
  if (emails.length === 0 || emails.length > 1000)
    throw new Failure('invalid_input', { fields: { emails: 'has not 1 to 1000 entries' } });
  const pilotEmails = [...new Set(emails)];
  if (connection.state === 'pilot' && isDeepStrictEqual(pilotEmails, connection.pilotEmails)) return;
  await updateConnection(tx, connection.id, { state: 'pilot', pilotEmails });
  // how many, and not who: the audit trail names no address
  await note(tx, connection, { type: 'connection.piloted', by: change.by, people: pilotEmails.length });
}

/** Everybody whose address leads there is sent there; the password goes on working. */
export async function enableConnection(tx: Tx, change: Change): Promise<void> {
  const connection = await getTestedConnection(tx, change);
  if (connection.state === 'enabled') return;
  await updateConnection(tx, connection.id, { state: 'enabled', pilotEmails: [] });
  await note(tx, connection, { type: 'connection.enabled', by: change.by });
}

async function getTestedConnection(tx: Tx, ref: ConnectionRef): Promise<Connection> {
  const connection = await getLockedConnection(tx, ref);
  if (!isTested(connection)) throw new Failure('connection_not_tested');
  return connection;
}

/** So recent the sign-in of an admin must be that shows that the connection works. */
const proofSeconds = hour;

/**
 * Closes every other door for the people of its domains. Only for an enabled connection by which an admin has come in
 * within the hour, and with one or two admins who keep their password: nobody must be able to lock everybody out.
 */
export async function requireConnection(
  tx: Tx,
  { breakGlass, ...change }: Change & { readonly breakGlass: readonly UserId[] },
): Promise<void> {
  const connection = await getTestedConnection(tx, change);
  const { id: connectionId, state } = connection;
  if (state !== 'enabled' && state !== 'required') throw new Failure('connection_not_enabled');
  const since = addSeconds(tx.now(), -proofSeconds);
  if (!(await hasAdminSignedIn(tx.db, { connectionId, since }))) throw new Failure('admin_sign_in_missing');
  await nameBreakGlass(tx, connection, { userIds: breakGlass, by: change.by });
  if (state === 'required') return;
  await updateConnection(tx, connectionId, { state: 'required' });
  await note(tx, connection, { type: 'connection.required', by: change.by });
}

async function nameBreakGlass(
  tx: Tx,
  { id, accountId }: Connection,
  { userIds, by }: { readonly userIds: readonly UserId[]; readonly by: string | undefined },
): Promise<void> {
  const wished = [...new Set(userIds)];
  const isCount = wished.length === 1 || wished.length === 2;
  // nobody who is named is taken away meanwhile
  await lockAdmins(tx, accountId);
  const able = isCount ? await lockBreakGlassCandidates(tx, accountId, wished) : [];
  if (!isCount || able.length < wished.length) {
    const breakGlass = 'is not one or two active admins of the account who have a password';
    throw new Failure('invalid_input', { fields: { breakGlass } });
  }
  for (const { userId, breakGlass } of await updateBreakGlass(tx, accountId, wished)) {
    const type = breakGlass ? 'break_glass.named' : 'break_glass.withdrawn';
    await recordEvent(tx, { type, actorId: by, userId, accountId, details: { connection_id: id } });
  }
}

/** Nobody comes in by it any more, those on their way neither. Everything it knows is kept. */
export async function disableConnection(tx: Tx, change: Change): Promise<void> {
  const connection = await getLockedConnection(tx, change);
  if (connection.state === 'disabled') return;
  const revision = connection.revision + 1;
  await updateConnection(tx, connection.id, { state: 'disabled', pilotEmails: [], revision });
  await note(tx, connection, { type: 'connection.disabled', by: change.by });
}

/** With everything it knows: whose identities they are, above all. Domains stay what they are. */
export async function deleteConnection(tx: Tx, change: Change): Promise<void> {
  const connection = await getLockedConnection(tx, change);
  const identities = await countIdentities(tx.db, connection.id);
  await deleteConnectionRow(tx, connection.id);
  const { kind, label } = connection;
  await note(tx, connection, { type: 'connection.deleted', by: change.by, kind, label, identities });
}

/** The event, with where the connection stood before. */
async function note(
  tx: Tx,
  { id, accountId, state }: Connection,
  {
    type,
    by,
    ...more
  }: { readonly type: EventType; readonly by: string | undefined } & Record<string, unknown>,
): Promise<void> {
  const details = { connection_id: id, before: state, ...more };
  await recordEvent(tx, { type, actorId: by, accountId, details });
}
