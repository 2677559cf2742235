/** What is done to a person as a whole, in all their accounts. */
import type { Tx } from '../../context.ts';
import { Failure } from '../../kernel/failures.ts';
import type { AccountId, UserId } from '../../kernel/ids.ts';
import { type EventType, recordEvent } from '../audit/audit.ts';
import { dispenseWithAdminEverywhere } from '../memberships/memberships.ts';
import { endSessionsOfUser } from '../sessions/sessions.ts';
import { findUser, hasComeIn, lockUser, updateUser, type User, type UserState } from './queries.ts';

/** Failure `not_found`. */
export async function getUser(tx: Tx, id: UserId): Promise<User> {
  const user = await findUser(tx.db, id);
  if (!user) throw new Failure('not_found');
  return user;
}

/** The user, held until the transaction ends. Failure `not_found`. */
export async function getLockedUser(tx: Tx, id: UserId): Promise<User> {
  const user = await lockUser(tx, id);
  if (!user) throw new Failure('not_found');
  return user;
}

export interface Renaming {
  readonly userId: UserId;
  readonly name: string | null;
  /** Whose admin does it: so that its trail says so. */
  readonly accountId?: AccountId;
}

/** Gives a person another name. The trail says that it changed, and not the names. Idempotent. Failure `not_found`. */
export async function renameUser(tx: Tx, { userId, name, accountId }: Renaming): Promise<User> {
  const user = await getLockedUser(tx, userId);
  if (user.name === name) return user;
  await updateUser(tx, userId, { name });
  // a name may not stay for ever in the trail
  await recordEvent(tx, { type: 'user.changed', userId, accountId, details: { changed: ['name'] } });
  return getUser(tx, userId);
}

/**
 * Switches a person off everywhere, at once: every session, grant and token ends, and the clients are told. Idempotent.
 * Failures `not_found`; `last_admin` and `last_break_glass` when one of their accounts cannot do without them.
 */
export async function deactivateUser(tx: Tx, id: UserId): Promise<User> {
  const user = await getLockedUser(tx, id);
  if (user.state === 'deactivated') return user;
  await dispenseWithAdminEverywhere(tx, id);
  await switchUser(tx, user, { type: 'user.deactivated', state: 'deactivated' });
  await endSessionsOfUser(tx, id, 'user_deactivated');
  return getUser(tx, id);
}

/** Switches a person on again; whoever had never come in is invited, as before. Idempotent. Failure `not_found`. */
export async function reactivateUser(tx: Tx, id: UserId): Promise<User> {
  const user = await getLockedUser(tx, id);
  if (user.state !== 'deactivated') return user;
  const state = (await hasComeIn(tx.db, id)) ? 'active' : 'invited';
  await switchUser(tx, user, { type: 'user.reactivated', state });
  return getUser(tx, id);
}

async function switchUser(
  tx: Tx,
  { id, state: before }: User,
  { type, state }: { readonly type: EventType; readonly state: UserState },
): Promise<void> {
  await updateUser(tx, id, { state });
  const changes = { state: { before, after: state } };
  await recordEvent(tx, { type, userId: id, details: { changes } });
}
