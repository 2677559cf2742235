import type { Tx } from '../../context.ts';
import type { Db } from '../../db/connect.ts';
import type { AccountId } from '../../kernel/ids.ts';
import type { Window } from '../../kernel/page.ts';

export type AccountStatus = 'active' | 'lapsed' | 'suspended' | 'closed';

/** Whom to write to at a customer. */
export interface Contact {
  readonly kind: 'billing' | 'technical' | 'security';
  readonly name: string;
  readonly email: string;
}

export interface Account {
  readonly id: AccountId;
  readonly slug: string;
  readonly name: string;
  readonly status: AccountStatus;
  readonly expiresAt: Date | null;
  readonly graceDays: number;
  readonly contacts: readonly Contact[];
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

const columns = [
  'id',
  'slug',
  'name',
  'status',
  'expiresAt',
  'graceDays',
  'contacts',
  'createdAt',
  'updatedAt',
] as const;

/** By accounts_pkey. */
export async function findAccount(db: Db, id: AccountId): Promise<Account | undefined> {
  const query = db.selectFrom('accounts').select(columns).where('id', '=', id);
  return (await query.executeTakeFirst()) as Account | undefined;
}

/** By accounts_pkey. */
export async function lockAccount(tx: Tx, id: AccountId): Promise<Account | undefined> {
  const query = tx.db.selectFrom('accounts').select(columns).where('id', '=', id).forUpdate();
  return (await query.executeTakeFirst()) as Account | undefined;
}

export interface AccountFilter extends Window {
  readonly status?: AccountStatus | undefined;
  readonly slug?: string | undefined;
}

/** Newest first, by accounts_pkey. */
export async function listAccounts(
  db: Db,
  { after, limit, status, slug }: AccountFilter,
): Promise<Account[]> {
  let query = db.selectFrom('accounts').select(columns).orderBy('id', 'desc').limit(limit);
  if (after !== undefined) query = query.where('id', '<', after as AccountId);
  if (status !== undefined) query = query.where('status', '=', status);
  if (slug !== undefined) query = query.where('slug', '=', slug);
  return (await query.execute()) as unknown as Account[];
}

export type AccountChanges = Partial<
  Pick<Account, 'name' | 'status' | 'expiresAt' | 'graceDays' | 'contacts'>
>;

/** By accounts_pkey. */
export async function updateAccount(tx: Tx, id: AccountId, changes: AccountChanges): Promise<Account> {
  const { contacts, ...plain } = changes;
  const row = await tx.db
    .updateTable('accounts')
    .set({ ...plain, ...(contacts && { contacts: JSON.stringify(contacts) }), updatedAt: tx.now() })
    .where('id', '=', id)
    .returning(columns)
    .executeTakeFirstOrThrow();
  return row as unknown as Account;
}
