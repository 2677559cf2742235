/** No account is left without somebody to run it, and none that requires its company's sign-in without a way past it. */
import type { Tx } from '../../context.ts';
import { Failure } from '../../kernel/failures.ts';
import type { AccountId, UserId } from '../../kernel/ids.ts';
import { recordEvent } from '../audit/audit.ts';
import {
  type Admin,
  listActiveAdmins,
  listAdministered,
  lockAccount,
  lockPerson,
  type MemberRef,
  requiresCompany,
  updateMembership,
} from './queries.ts';

/**
 * The active admins; nobody takes one away until the transaction ends. Whatever changes a member comes through this lock of
 * the account first, so that two who lower two admins at once do not leave none. (One lock, and not one for each admin:
 * who is an admin may change while somebody waits, and with it the order of the locks.)
 */
export async function lockAdmins(tx: Tx, accountId: AccountId): Promise<Admin[]> {
  await lockAccount(tx, accountId);
  // a statement of its own: it sees what whoever held the lock has done
  return listActiveAdmins(tx.db, accountId);
}

/**
 * Makes sure that the account can do without this person as an admin, who breaks the glass no more from then on. Failures
 * `last_admin` and `last_break_glass`. Whoever is no admin, or cannot act as one, can always go.
 */
export async function dispenseWithAdmin(tx: Tx, { accountId, userId }: MemberRef): Promise<void> {
  const admins = await lockAdmins(tx, accountId);
  const own = admins.find((admin) => admin.userId === userId);
  if (!own) return;
  if (admins.length === 1) throw new Failure('last_admin');
  if (!own.breakGlass) return;
  const others = admins.filter((admin) => admin.breakGlass && admin.userId !== userId);
  if (others.length === 0 && (await requiresCompany(tx.db, accountId))) throw new Failure('last_break_glass');
  await updateMembership(tx, { accountId, userId }, { breakGlass: false });
  await recordEvent(tx, { type: 'break_glass.withdrawn', userId, accountId });
}

/** The same in every account that this person is an admin of. Holds the user, too. */
export async function dispenseWithAdminEverywhere(tx: Tx, userId: UserId): Promise<void> {
  await lockPerson(tx, userId);
  for (const accountId of await listAdministered(tx.db, userId))
    await dispenseWithAdmin(tx, { accountId, userId });
}
