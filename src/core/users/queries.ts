import { sql } from 'kysely';
import type { Tx } from '../../context.ts';
import type { Db } from '../../db/connect.ts';
import type { EmailAddress } from '../../kernel/email-address.ts';
import type { UserId } from '../../kernel/ids.ts';
import type { Window } from '../../kernel/page.ts';

export type UserState = 'invited' | 'active' | 'deactivated';

/** A person as an operator sees them. */
export interface User {
  readonly id: UserId;
  readonly email: EmailAddress;
  /** When the person last proved that the mailbox is theirs. */
  readonly emailVerifiedAt: Date | null;
  readonly name: string | null;
  readonly locale: string | null;
  readonly state: UserState;
  readonly hasPassword: boolean;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

export interface UserFilter extends Window {
  readonly email?: EmailAddress | undefined;
  readonly state?: UserState | undefined;
}

const columns = [
  'id',
  'email',
  'emailVerifiedAt',
  'name',
  'locale',
  'state',
  'createdAt',
  'updatedAt',
] as const;

/** By passwords_pkey. */
const hasPassword = sql<boolean>`exists (select from passwords where passwords.user_id = users.id)`;

/** The newest first, by users_pkey; an address by users_email_key. */
export async function listUsers(db: Db, { email, state, after, limit }: UserFilter): Promise<User[]> {
  let query = db.selectFrom('users').select(columns).select(hasPassword.as('hasPassword'));
  if (email !== undefined) query = query.where('email', '=', email);
  if (state !== undefined) query = query.where('state', '=', state);
  if (after !== undefined) query = query.where('id', '<', after as UserId);
  const rows = await query.orderBy('id', 'desc').limit(limit).execute();
  return rows as User[];
}

/** By users_pkey. */
export async function findUser(db: Db, id: UserId): Promise<User | undefined> {
  const query = db.selectFrom('users').select(columns).select(hasPassword.as('hasPassword'));
  return (await query.where('id', '=', id).executeTakeFirst()) as User | undefined;
}

/** The same, held until the transaction ends. By users_pkey. */
export async function lockUser(tx: Tx, id: UserId): Promise<User | undefined> {
  const query = tx.db.selectFrom('users').select(columns).select(hasPassword.as('hasPassword'));
  return (await query.where('id', '=', id).forNoKeyUpdate().executeTakeFirst()) as User | undefined;
}

/** By users_pkey. */
export async function updateUser(
  tx: Tx,
  id: UserId,
  changes: { readonly name?: string | null; readonly state?: UserState },
): Promise<void> {
  await tx.db
    .updateTable('users')
    .set({ ...changes, updatedAt: tx.now() })
    .where('id', '=', id)
    .execute();
}

/** Whether the person has ever come in, or could: then they are not only invited. By passwords_pkey, identities_user_id_idx. */
export async function hasComeIn(db: Db, id: UserId): Promise<boolean> {
  const result = await sql<{ hasComeIn: boolean }>`
    select email_verified_at is not null or exists (select from passwords where user_id = users.id)
      or exists (select from identities where user_id = users.id) as has_come_in
    from users where id = ${id}`.execute(db);
  return result.rows[0]?.hasComeIn ?? false;
}
