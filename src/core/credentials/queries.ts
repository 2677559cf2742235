import type { Tx } from '../../context.ts';
import type { Db } from '../../db/connect.ts';
import type { EmailAddress } from '../../kernel/email-address.ts';
import type { UserId } from '../../kernel/ids.ts';

export interface StoredPassword {
  readonly userId: UserId;
  /** null for somebody who has no password. */
  readonly hash: string | null;
}

/** By users_email_key. One statement for everybody, whether or not there is such a user or such a password. */
export async function findPasswordByEmail(db: Db, email: EmailAddress): Promise<StoredPassword | undefined> {
  const row = await db
    .selectFrom('users')
    .leftJoin('passwords', 'passwords.userId', 'users.id')
    .select(['users.id as userId', 'passwords.hash'])
    .where('users.email', '=', email)
    .executeTakeFirst();
  return row;
}

/** Sets or replaces a user's password; the caller has hashed it before the transaction began. */
export async function updatePassword(tx: Tx, userId: UserId, hash: string): Promise<void> {
  const changedAt = tx.now();
  await tx.db
    .insertInto('passwords')
    .values({ userId, hash, changedAt })
    .onConflict((conflict) => conflict.column('userId').doUpdateSet({ hash, changedAt }))
    .execute();
}

/** Replaces the hash by one of the same password; a password changed meanwhile is left alone. */
export async function updateHashParameters(
  tx: Tx,
  old: { userId: UserId; hash: string },
  hash: string,
): Promise<void> {
  await tx.db
    .updateTable('passwords')
    .set({ hash })
    .where('userId', '=', old.userId)
    .where('hash', '=', old.hash)
    .execute();
}
