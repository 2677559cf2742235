import { sql } from 'kysely';
import type { Tx } from '../../context.ts';
import type { Db } from '../../db/connect.ts';
import type { EmailAddress } from '../../kernel/email-address.ts';
import type { AccountId, UserId } from '../../kernel/ids.ts';
import type { Role } from '../memberships/memberships.ts';

export interface OwnMembership {
  readonly id: AccountId;
  readonly slug: string;
  readonly name: string;
  readonly role: Role;
}

/** A person as they see themself. */
export interface Self {
  readonly id: UserId;
  readonly email: EmailAddress;
  readonly emailVerifiedAt: Date | null;
  readonly name: string | null;
  readonly locale: string | null;
  readonly hasPassword: boolean;
  readonly passwordChangedAt: Date | null;
  readonly createdAt: Date;
  readonly accounts: readonly OwnMembership[];
}

const accounts = sql<OwnMembership[]>`coalesce((
  select jsonb_agg(jsonb_build_object('id', a.id, 'slug', a.slug, 'name', a.name, 'role', m.role) order by a.id)
  from memberships m join accounts a on a.id = m.account_id
  where m.user_id = users.id and m.deactivated_at is null), '[]')`;

/** By users_pkey and memberships_user_id_idx. */
export async function findSelf(db: Db, userId: UserId): Promise<Self | undefined> {
  const row = await db
    .selectFrom('users')
    .leftJoin('passwords', 'passwords.userId', 'users.id')
    .select(['users.id', 'users.email', 'emailVerifiedAt', 'name', 'locale', 'createdAt'])
    .select(['passwords.changedAt as passwordChangedAt', accounts.as('accounts')])
    .where('users.id', '=', userId)
    .executeTakeFirst();
  return row && ({ ...row, hasPassword: row.passwordChangedAt !== null } as unknown as Self);
}

export async function lockSelf(tx: Tx, userId: UserId): Promise<void> {
  await tx.db.selectFrom('users').select('id').where('id', '=', userId).forUpdate().execute();
}

export async function updateSelf(
  tx: Tx,
  userId: UserId,
  changes: { readonly name?: string; readonly locale?: string | null },
): Promise<void> {
  await tx.db
    .updateTable('users')
    .set({ ...changes, updatedAt: tx.now() })
    .where('id', '=', userId)
    .execute();
}
