/** A customer: the billing tenant. active, lapsed, suspended or closed; operators change it. */
import type { Tx } from '../../context.ts';
import type { Db } from '../../db/connect.ts';
import { Failure } from '../../kernel/failures.ts';
import { newId, type AccountId } from '../../kernel/ids.ts';

export type AccountStatus = 'active' | 'lapsed' | 'suspended' | 'closed';

export interface NewAccount {
  /** A stable short name, unique, for links and configuration. */
  readonly slug: string;
  readonly name: string;
  readonly status?: AccountStatus;
  readonly expiresAt?: Date | null;
  /** Days after `expiresAt` in which everything still works. */
  readonly graceDays?: number;
}

export async function createAccount(tx: Tx, account: NewAccount): Promise<AccountId> {
  const now = tx.now();
  const id = newId('acc', now);
  await tx.db
    .insertInto('accounts')
    .values({ ...account, id, createdAt: now, updatedAt: now })
    .execute();
  return id;
}

export async function getAccountName(db: Db, id: AccountId): Promise<string> {
  const query = db.selectFrom('accounts').select('name').where('id', '=', id);
  const account = await query.executeTakeFirst();
  if (!account) throw new Failure('not_found');
  return account.name;
}

/** By accounts_slug_key. */
export async function findAccountBySlug(
  db: Db,
  slug: string,
): Promise<{ readonly id: AccountId; readonly name: string } | undefined> {
  return db.selectFrom('accounts').select(['id', 'name']).where('slug', '=', slug).executeTakeFirst();
}
