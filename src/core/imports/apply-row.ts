/** What becomes of one row, in the transaction of the row: all of it or nothing. */
import type { Tx } from '../../context.ts';
import { Failure } from '../../kernel/failures.ts';
import type { AccountId, ProductId, UserId } from '../../kernel/ids.ts';
import { recordEvent } from '../audit/audit.ts';
import { importPasswordHash } from '../credentials/credentials.ts';
import { createInvitation } from '../invitations/invitations.ts';
import { changeRole, createMembership } from '../memberships/memberships.ts';
import { ensureSeat } from '../seats/seats.ts';
import { createUser } from '../users/users.ts';
import type { ImportedUser } from './parse-row.ts';
import { findStanding, type Standing } from './queries.ts';

export type Outcome = 'created' | 'joined' | 'invited' | 'updated' | 'unchanged' | 'refused';

export interface Destination {
  readonly accountId: AccountId;
  /**
   * An operator's import: passwords and proven mailboxes are believed, and whoever is a user already is joined. Otherwise
   * everybody is invited who is not a member, so that nothing tells who is a user already.
   */
  readonly mayVouch: boolean;
  /** Whose name stands in the mail. */
  readonly inviter?: { readonly id: UserId; readonly name: string } | undefined;
}

/** What was done, and what of it a later row can run into. */
export interface Applied {
  readonly outcome: Exclude<Outcome, 'refused'>;
  readonly seats: readonly ProductId[];
  readonly standing: Standing | undefined;
  /** The role they have come to by this row, as a member. */
  readonly becomes?: 'admin' | 'agent';
}

/**
 * Makes the person of a row a member, or invites them; what is theirs alone (name, language, password, mailbox) is only
 * written where the row makes the user. Idempotent. Failures `no_free_seat`, `last_admin`, `last_break_glass`,
 * `already_exists` for whoever is invited already to something else, and `throttled` as an invitation.
 */
export async function applyRow(tx: Tx, destination: Destination, user: ImportedUser): Promise<Applied> {
  const { accountId, mayVouch } = destination;
  const standing = await findStanding(tx, { accountId, email: user.email });
  if (standing?.role) return updateMember(tx, { accountId, user, standing, role: standing.role });
  const comesIn = user.state === 'active' || (mayVouch && standing && standing.state !== 'invited');
  if (!comesIn) return invite(tx, { ...destination, user, standing });
  const userId = standing?.userId ?? (await create(tx, { accountId, user }));
  const role = user.role ?? 'agent';
  await createMembership(tx, { accountId, userId, role });
  const details = { role, imported: true };
  await recordEvent(tx, { type: 'membership.created', userId, accountId, details });
  const seats = await takeSeats(tx, { accountId, userId, products: user.products });
  return { outcome: standing ? 'joined' : 'created', seats, standing, becomes: role };
}

interface Row {
  readonly accountId: AccountId;
  readonly user: ImportedUser;
}

async function create(tx: Tx, { accountId, user }: Row): Promise<UserId> {
  const { email, name = null, locale = null, emailVerified, passwordHash } = user;
  const emailVerifiedAt = emailVerified ? tx.now() : null;
  const userId = await createUser(tx, { email, name, locale, state: 'active', emailVerifiedAt });
  const details = { imported: true, email_verified: emailVerified };
  await recordEvent(tx, { type: 'user.created', userId, accountId, details });
  // of a mailbox that is not proven it is worth nothing any more once its owner has come another way: see core/linking
  if (passwordHash !== undefined) await importPasswordHash(tx, userId, passwordHash);
  return userId;
}

interface Seats {
  readonly accountId: AccountId;
  readonly userId: UserId;
  readonly products: readonly ProductId[];
}

/** Answers those that are new. */
async function takeSeats(tx: Tx, { accountId, userId, products }: Seats): Promise<ProductId[]> {
  const taken: ProductId[] = [];
  // in one order everywhere, or two rows could wait for each other's subscriptions
  for (const productId of [...products].sort())
    if (await ensureSeat(tx, { accountId, productId, userId })) taken.push(productId);
  return taken;
}

interface Invited extends Row, Pick<Destination, 'inviter'> {
  readonly standing: Standing | undefined;
}

async function invite(tx: Tx, { accountId, user, standing, inviter }: Invited): Promise<Applied> {
  const { email, name, role, products, locale = 'en' } = user;
  if (standing?.invitedRole) {
    const isSame =
      (role ?? standing.invitedRole) === standing.invitedRole && isWithin(products, standing.invitedProducts);
    if (!isSame) throw new Failure('already_exists');
    return { outcome: 'unchanged', seats: [], standing };
  }
  // before the invitation, which knows no name
  if (!standing && name !== undefined) await createUser(tx, { email, name, locale, state: 'invited' });
  await createInvitation(tx, { accountId, email, role: role ?? 'agent', products, locale, inviter });
  return { outcome: 'invited', seats: products.filter((id) => !standing?.kept.includes(id)), standing };
}

interface Member extends Row {
  readonly standing: Standing;
  readonly role: 'admin' | 'agent';
}

async function updateMember(tx: Tx, { accountId, user, standing, role }: Member): Promise<Applied> {
  const { userId } = standing;
  const becomes = user.role === role ? undefined : user.role;
  if (becomes) await changeRole(tx, { accountId, userId, role: becomes });
  const products = user.products.filter((productId) => !standing.seats.includes(productId));
  const seats = await takeSeats(tx, { accountId, userId, products });
  const outcome = becomes || seats.length > 0 ? 'updated' : 'unchanged';
  return { outcome, seats, standing, ...(becomes && { becomes }) };
}

function isWithin(some: readonly ProductId[], all: readonly ProductId[]): boolean {
  return some.every((one) => all.includes(one));
}
