/**
 * A person, one for each canonical email: invited → active ⇄ deactivated. Only operators switch somebody off everywhere;
 * an account's admins do so in their account: see core/memberships.
 */
import type { Tx } from '../../context.ts';
import type { Db } from '../../db/connect.ts';
import type { EmailAddress } from '../../kernel/email-address.ts';
import { newId, type UserId } from '../../kernel/ids.ts';
import type { UserState } from './queries.ts';

export { deactivateUser, getLockedUser, reactivateUser, renameUser, type Renaming } from './change-user.ts';
export { findUser, listUsers, lockUser, type User, type UserFilter, type UserState } from './queries.ts';

export interface NewUser {
  readonly email: EmailAddress;
  readonly name?: string | null;
  readonly locale?: string | null;
  readonly state: UserState;
  /** When the person last proved that the mailbox is theirs. */
  readonly emailVerifiedAt?: Date | null;
}

export async function createUser(tx: Tx, user: NewUser): Promise<UserId> {
  const now = tx.now();
  const id = newId('usr', now);
  await tx.db
    .insertInto('users')
    .values({ ...user, id, createdAt: now, updatedAt: now })
    .execute();
  return id;
}

export interface UserSummary {
  readonly id: UserId;
  readonly state: UserState;
  readonly locale: string | null;
  /** null for an address that nobody has ever proven to be theirs. */
  readonly emailVerifiedAt: Date | null;
}

/** By users_email_key. */
export async function findUserByEmail(db: Db, email: EmailAddress): Promise<UserSummary | undefined> {
  const row = await db
    .selectFrom('users')
    .select(['id', 'state', 'locale', 'emailVerifiedAt'])
    .where('email', '=', email)
    .executeTakeFirst();
  return row as UserSummary | undefined;
}

/** By users_pkey. */
export async function findUserEmail(db: Db, id: UserId): Promise<EmailAddress | undefined> {
  const row = await db.selectFrom('users').select('email').where('id', '=', id).executeTakeFirst();
  return row?.email as EmailAddress | undefined;
}

/** The user of an address; one that is not there yet is made, invited. Of two that run at once both get the same. */
export async function ensureInvitedUser(tx: Tx, email: EmailAddress, locale: string): Promise<UserSummary> {
  const now = tx.now();
  const invited = { email, locale, state: 'invited', id: newId('usr', now), createdAt: now, updatedAt: now };
  await tx.db
    .insertInto('users')
    .values(invited)
    .onConflict((conflict) => conflict.constraint('users_email_key').doNothing())
    .execute();
  const user = await findUserByEmail(tx.db, email);
  if (!user) throw new Error('a user was deleted while it was being invited');
  return user;
}

/** Notes that the mailbox was proven, for a user whose state stays what it is. */
export async function verifyEmail(tx: Tx, id: UserId): Promise<void> {
  const now = tx.now();
  await tx.db
    .updateTable('users')
    .set({ emailVerifiedAt: now, updatedAt: now })
    .where('id', '=', id)
    .execute();
}

/** Makes an invited user an active one, whose mailbox is proven; false for one who is not invited (any more). */
export async function activateUser(
  tx: Tx,
  { id, name }: { readonly id: UserId; readonly name: string | undefined },
): Promise<boolean> {
  const now = tx.now();
  const result = await tx.db
    .updateTable('users')
    .set({
      state: 'active',
      emailVerifiedAt: now,
      updatedAt: now,
      ...(name !== undefined && { name }),
    })
    .where('id', '=', id)
    .where('state', '=', 'invited')
    .executeTakeFirst();
  return result.numUpdatedRows === 1n;
}
