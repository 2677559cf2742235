/** A user in an account, as admin or agent; a user may belong to several accounts. */
import type { Tx } from '../../context.ts';
import type { EmailAddress } from '../../kernel/email-address.ts';
import type { AccountId, UserId } from '../../kernel/ids.ts';

export type Role = 'admin' | 'agent';

export interface NewMembership {
  readonly accountId: AccountId;
  readonly userId: UserId;
  readonly role: Role;
}

export async function createMembership(tx: Tx, membership: NewMembership): Promise<void> {
  await tx.db
    .insertInto('memberships')
    .values({ ...membership, createdAt: tx.now() })
    .execute();
}

export interface AdminContact {
  readonly email: EmailAddress;
  readonly locale: string | null;
}

/** The active admins of an account: whom a request of one of its people is mailed to. */
export async function listAdminContacts(tx: Tx, accountId: AccountId): Promise<AdminContact[]> {
  const admins = await tx.db
    .selectFrom('memberships')
    .innerJoin('users', 'users.id', 'memberships.userId')
    .select(['users.email', 'users.locale'])
    .where('memberships.accountId', '=', accountId)
    .where('memberships.role', '=', 'admin')
    .where('users.state', '=', 'active')
    .orderBy('users.email')
    .execute();
  return admins as AdminContact[];
}

/** By memberships_pkey. */
export async function isMember(tx: Tx, { accountId, userId }: Omit<NewMembership, 'role'>): Promise<boolean> {
  const row = await tx.db
    .selectFrom('memberships')
    .select('userId')
    .where('accountId', '=', accountId)
    .where('userId', '=', userId)
    .executeTakeFirst();
  return row !== undefined;
}
