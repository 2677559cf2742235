/** What is done to the members of an account, by its admins or an operator. What they are elsewhere stays as it is. */
import type { Tx } from '../../context.ts';
import { Failure } from '../../kernel/failures.ts';
import { type EventType, recordEvent } from '../audit/audit.ts';
import { endAccess } from '../sessions/sessions.ts';
import { dispenseWithAdmin, lockAdmins } from './admins.ts';
import {
  deleteMembership,
  deleteReservations,
  findMember,
  getMember,
  lockPerson,
  type Member,
  type MemberRef,
  type Role,
  updateMembership,
} from './queries.ts';

/**
 * The member, held until the transaction ends, with the members of the account: so that of two changes that meet the second
 * sees what the first has done. Undefined for whoever is no member.
 */
export async function lockMember(tx: Tx, ref: MemberRef): Promise<Member | undefined> {
  // in one order everywhere, or two who change each other could wait for each other
  await lockPerson(tx, ref.userId);
  await lockAdmins(tx, ref.accountId);
  return findMember(tx.db, ref, tx.now());
}

/** Failure `not_found`. */
export async function getLockedMember(tx: Tx, ref: MemberRef): Promise<Member> {
  const member = await lockMember(tx, ref);
  if (!member) throw new Failure('not_found');
  return member;
}

/**
 * Makes a member an admin or an agent. Who is lowered leaves the clients that require a role at once. Idempotent. Failures
 * `not_found`, `last_admin`, `last_break_glass`.
 */
export async function changeRole(
  tx: Tx,
  { role, ...ref }: MemberRef & { readonly role: Role },
): Promise<Member> {
  const member = await getLockedMember(tx, ref);
  if (member.role === role) return member;
  if (role === 'agent') await dispenseWithAdmin(tx, ref);
  await updateMembership(tx, ref, { role, ...(role === 'agent' && { breakGlass: false }) });
  const changes = { role: { before: member.role, after: role } };
  await recordEvent(tx, { type: 'membership.role_changed', ...ref, details: { role, changes } });
  if (role === 'agent') await endAccess(tx, { ...ref, adminClientsOnly: true, reason: 'role_lowered' });
  return getMember(tx.db, ref, tx.now());
}

/**
 * Switches a member off in this account, at once: what they hold is kept for the day they are switched on again. Idempotent.
 * Failures `not_found`, `last_admin`, `last_break_glass`.
 */
export async function deactivateMember(tx: Tx, ref: MemberRef): Promise<Member> {
  const member = await getLockedMember(tx, ref);
  if (member.deactivatedAt) return member;
  await dispenseWithAdmin(tx, ref);
  await switchMember(tx, member, { type: 'membership.deactivated', deactivatedAt: tx.now() });
  await endAccess(tx, { ...ref, reason: 'member_deactivated' });
  return getMember(tx.db, ref, tx.now());
}

/** Switches a member on again, who signs in anew. Idempotent. Failure `not_found`. */
export async function reactivateMember(tx: Tx, ref: MemberRef): Promise<Member> {
  const member = await getLockedMember(tx, ref);
  if (!member.deactivatedAt) return member;
  await switchMember(tx, member, { type: 'membership.reactivated', deactivatedAt: null });
  return getMember(tx.db, ref, tx.now());
}

async function switchMember(
  tx: Tx,
  { accountId, userId, deactivatedAt: before }: Member,
  { type, deactivatedAt }: { readonly type: EventType; readonly deactivatedAt: Date | null },
): Promise<void> {
  await updateMembership(tx, { accountId, userId }, { deactivatedAt });
  const changes = { deactivated_at: { before, after: deactivatedAt } };
  await recordEvent(tx, { type, accountId, userId, details: { changes } });
}

/**
 * Takes somebody out of an account, with their seats, what is kept for them and what they have asked for. The user stays.
 * Failures `not_found`, `last_admin`, `last_break_glass`.
 */
export async function removeMember(tx: Tx, ref: MemberRef): Promise<void> {
  const { role, state, products } = await getLockedMember(tx, ref);
  await dispenseWithAdmin(tx, ref);
  await deleteMembership(tx, ref);
  await deleteReservations(tx, ref);
  const before = { role, state, products };
  await recordEvent(tx, { type: 'membership.removed', ...ref, details: { before } });
  await endAccess(tx, { ...ref, reason: 'member_removed' });
}
