/** A user in an account, as admin or agent; a user may belong to several accounts. */
import type { Tx } from '../../context.ts';
import type { Db } from '../../db/connect.ts';
import type { EmailAddress } from '../../kernel/email-address.ts';
import type { AccountId, UserId } from '../../kernel/ids.ts';
import { recordEvent } from '../audit/audit.ts';
import { enqueueMail, type MailTemplate, type NewMail } from '../outbox/outbox.ts';

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

interface AdminContact {
  readonly email: EmailAddress;
  readonly locale: string | null;
}

/** The active admins of an account: whom a request of one of its people is mailed to. */
async function listAdminContacts(tx: Tx, accountId: AccountId): Promise<AdminContact[]> {
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

/** The same mail to each of them, in their own language. */
export async function mailAdmins<Template extends MailTemplate>(
  tx: Tx,
  accountId: AccountId,
  mail: Pick<NewMail<Template>, 'template' | 'data'>,
): Promise<void> {
  for (const { email, locale } of await listAdminContacts(tx, accountId))
    await enqueueMail(tx, { ...mail, recipient: email, locale: locale ?? 'en' });
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

/** Somebody who comes in by the password although the company's sign-in is required. */
export interface BreakGlass {
  readonly userId: UserId;
  readonly accountId: AccountId;
  readonly account: string;
  readonly person: string;
}

/** The membership, if it is one of those that keep the password for the day the identity provider is down. */
export async function findBreakGlass(
  db: Db,
  userId: UserId,
  { accountId, account }: { readonly accountId: AccountId; readonly account: string },
): Promise<BreakGlass | undefined> {
  const row = await db
    .selectFrom('memberships')
    .innerJoin('users', 'users.id', 'memberships.userId')
    .select(['users.name', 'users.email'])
    .where('memberships.accountId', '=', accountId)
    .where('memberships.userId', '=', userId)
    .where('memberships.breakGlass', '=', true)
    .executeTakeFirst();
  return row && { userId, accountId, account, person: row.name ?? row.email };
}

/** Tells every admin of the account that the glass was broken, and the audit trail. */
export async function alarmAdmins(tx: Tx, { userId, accountId, account, person }: BreakGlass): Promise<void> {
  await recordEvent(tx, { type: 'break_glass.used', actorId: userId, userId, accountId });
  await mailAdmins(tx, accountId, { template: 'break_glass_used', data: { person, account } });
}

/**
 * Gives a member the role that their identity provider says. An admin who breaks the glass stays one, and so does the
 * last active admin: an identity provider must not leave an account without anybody to run it.
 */
export async function followRole(
  tx: Tx,
  { accountId, userId, role, lowers }: NewMembership & { readonly lowers: boolean },
): Promise<void> {
  const admins = await lockAdmins(tx, accountId);
  const own = admins.find((admin) => admin.userId === userId);
  const isSame = (own !== undefined) === (role === 'admin');
  const isLast = own !== undefined && admins.length === 1;
  if (isSame || (role === 'agent' && (!lowers || own?.breakGlass || isLast))) return;
  const result = await tx.db
    .updateTable('memberships')
    .set({ role })
    .where('accountId', '=', accountId)
    .where('userId', '=', userId)
    .executeTakeFirst();
  if (result.numUpdatedRows === 0n) return;
  await recordEvent(tx, { type: 'membership.role_changed', userId, accountId, details: { role } });
}

/** In one order, so that two who lower two admins at once do not leave none. */
async function lockAdmins(tx: Tx, accountId: AccountId) {
  return tx.db
    .selectFrom('memberships')
    .innerJoin('users', 'users.id', 'memberships.userId')
    .select(['memberships.userId', 'memberships.breakGlass'])
    .where('memberships.accountId', '=', accountId)
    .where('memberships.role', '=', 'admin')
    .where('users.state', '=', 'active')
    .orderBy('memberships.userId')
    .forUpdate('memberships')
    .execute();
}
