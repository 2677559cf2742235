/**
 * A user in an account, as admin or agent; a user may belong to several accounts. active ⇄ deactivated, in this account
 * alone; its admins change it, and operators.
 */
import type { Tx } from '../../context.ts';
import type { Db } from '../../db/connect.ts';
import type { AccountId, UserId } from '../../kernel/ids.ts';
import { recordEvent } from '../audit/audit.ts';
import { enqueueMail, type MailTemplate, type NewMail } from '../outbox/outbox.ts';
import { endAccess } from '../sessions/sessions.ts';
import { lockAdmins } from './admins.ts';
import {
  type Admin,
  findMembership,
  listActiveAdmins,
  type MemberRef,
  type Role,
  updateMembership,
} from './queries.ts';

export { dispenseWithAdminEverywhere, lockAdmins } from './admins.ts';
export {
  changeRole,
  deactivateMember,
  getLockedMember,
  lockMember,
  reactivateMember,
  removeMember,
} from './change-member.ts';
export {
  findMember,
  findMembership,
  holdMembership,
  listMembers,
  type Member,
  type MemberFilter,
  type MemberRef,
  type MemberState,
  type Role,
} from './queries.ts';

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

export type AdminContact = Pick<Admin, 'userId' | 'email' | 'locale'>;

/** The active admins of an account: whom a request of one of its people is mailed to. */
export function listAdminContacts(tx: Tx, accountId: AccountId): Promise<AdminContact[]> {
  return listActiveAdmins(tx.db, accountId);
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

/** Switched off or not. */
export async function isMember(tx: Tx, ref: MemberRef): Promise<boolean> {
  return (await findMembership(tx.db, ref)) !== undefined;
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
    .where('memberships.deactivatedAt', 'is', null)
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
  const own = await findMembership(tx.db, { accountId, userId });
  if (!own || own.role === role) return;
  const isLast = admins.length === 1 && admins[0]?.userId === userId;
  if (role === 'agent' && (!lowers || own.breakGlass || isLast)) return;
  await updateMembership(tx, { accountId, userId }, { role });
  await recordEvent(tx, { type: 'membership.role_changed', userId, accountId, details: { role } });
  if (role === 'agent')
    await endAccess(tx, { accountId, userId, adminClientsOnly: true, reason: 'role_lowered' });
}
