/**
 * Invitations: pending → accepted | revoked, and expired by the clock. An invitation belongs to an account, an address,
 * a role and products, and keeps a seat on each of these until it ends. Operators and an account's admins make them;
 * whoever has the mailed link accepts, once. Accepting signs nobody in.
 */
import type { Tx } from '../../context.ts';
import type { EmailAddress } from '../../kernel/email-address.ts';
import { Failure } from '../../kernel/failures.ts';
import { type AccountId, newId, type ProductId, type UserId } from '../../kernel/ids.ts';
import { addSeconds, day, minute } from '../../kernel/time.ts';
import { newToken } from '../../kernel/tokens.ts';
import { getAccountName } from '../accounts/accounts.ts';
import { recordEvent } from '../audit/audit.ts';
import { isMember, type Role } from '../memberships/memberships.ts';
import { enqueueMail } from '../outbox/outbox.ts';
import { releaseSeats, reserveSeat } from '../seats/seats.ts';
import { ensureInvitedUser } from '../users/users.ts';
import {
  closeExpired,
  closePending,
  findEntrance,
  findLastSent,
  insertInvitation,
  insertInvitedProduct,
  type InvitationRow,
  listInvitedProducts,
  lockLatestOf,
  lockSent,
  updateToken,
} from './queries.ts';

export {
  acceptInvitation,
  acceptInvitationByIdentity,
  acceptPendingInvitation,
  findAcceptedInvitation,
  findInvitation,
  type ShownInvitation,
} from './accept.ts';
export { findPending as findPendingInvitation, listInvitedProducts } from './queries.ts';

export {
  getInvitation,
  getLockedInvitation,
  type Invitation,
  type InvitationFilter,
  type InvitationState,
  listInvitations,
} from './manage.ts';

const invitationDays = 7;

/** So often an account mails one person, whoever asks for it: nobody's mailbox is filled by others. */
const resendAfterSeconds = minute;

export interface NewInvitation {
  readonly accountId: AccountId;
  readonly email: EmailAddress;
  readonly role: Role;
  readonly products: readonly ProductId[];
  /** Where the person goes on afterwards; without it, at an application of the first product. */
  readonly clientId?: string | undefined;
  /** Who invites: whose name stands in the mail, and whose act it is. */
  readonly inviter?: { readonly id: UserId; readonly name: string } | undefined;
  readonly locale?: string;
}

/**
 * Invites, keeps the seats and mails the link, all in the caller's transaction. Failures `already_exists` (a member, or
 * invited already), `not_found` (no such subscription), `no_free_seat`, `throttled` (the account has mailed them within the
 * minute). That somebody is switched off is not told, or any account could ask; their link is dead for as long as they are.
 */
export async function createInvitation(tx: Tx, invitation: NewInvitation): Promise<string> {
  const { accountId, email, role, inviter, locale = 'en' } = invitation;
  // in one order everywhere, or two invitations could wait for each other's subscriptions
  const products = [...new Set(invitation.products)].sort();
  const user = await ensureInvitedUser(tx, email, locale);
  const userId = user.id;
  if (await isMember(tx, { accountId, userId })) throw new Failure('already_exists');
  await closeExpired(tx, accountId, userId);
  const [first] = products;
  const clientId = invitation.clientId ?? (first && (await findEntrance(tx.db, first))) ?? null;
  const row = { id: newId('inv', tx.now()), accountId, userId, email, role, clientId };
  const issued = issueToken(tx);
  const named = { inviter: inviter?.name ?? null, locale: user.locale ?? locale };
  const { tokenHash, expiresAt } = issued;
  if (!(await insertInvitation(tx, { ...row, ...named, tokenHash, expiresAt })))
    throw new Failure('already_exists');
  // whoever takes an invitation back and makes it anew would mail as often as they like; asked with the place taken, or two
  // at once would both find that nothing was mailed
  assertMayMail(tx, await findLastSent(tx, row));
  for (const productId of products) {
    // in this order: the foreign key would take a weak lock of the subscription, and two of these cannot become strong
    await reserveSeat(tx, { accountId, productId, userId, until: expiresAt });
    await insertInvitedProduct(tx, { accountId, invitationId: row.id, productId });
  }
  await record(tx, 'invitation.created', { ...row, ...named, actorId: inviter?.id });
  await mailLink(tx, { ...row, ...named }, issued);
  return row.id;
}

/**
 * Mails a new link and keeps the seats for as long as it works; the old link is dead at once. Failures `not_found` (there
 * is none that is pending), `no_free_seat` (it had expired, and the seats have gone), `throttled` (within the minute).
 */
export async function resendInvitation(tx: Tx, id: string): Promise<void> {
  assertMayMail(tx, await lockSent(tx, id));
  const issued = issueToken(tx);
  const { tokenHash, expiresAt } = issued;
  const invitation = await updateToken(tx, id, { tokenHash, expiresAt });
  if (!invitation) throw new Failure('not_found');
  const { accountId, userId } = invitation;
  for (const { id: productId } of await listInvitedProducts(tx.db, id))
    await reserveSeat(tx, { accountId, productId, userId, until: expiresAt });
  await record(tx, 'invitation.resent', invitation);
  await mailLink(tx, invitation, issued);
}

/** Mails a person's own newest invitation again, once a minute at most; false when there is none to send. */
export async function resendInvitationOf(tx: Tx, userId: UserId): Promise<boolean> {
  const id = await lockLatestOf(tx, userId, addSeconds(tx.now(), -resendAfterSeconds));
  if (id === undefined) return false;
  await resendInvitation(tx, id);
  return true;
}

/** Takes an invitation back and gives its seats back. Failure `not_found` when none is pending. */
export async function revokeInvitation(tx: Tx, id: string, actorId?: UserId): Promise<void> {
  const invitation = await closePending(tx, id);
  if (!invitation) throw new Failure('not_found');
  await releaseSeats(tx, invitation);
  await record(tx, 'invitation.revoked', { ...invitation, actorId });
}

/** Failure `throttled`. */
function assertMayMail(tx: Tx, lastSent: Date | undefined): void {
  if (!lastSent) return;
  const seconds = resendAfterSeconds - (tx.now().getTime() - lastSent.getTime()) / 1000;
  if (seconds > 0) throw new Failure('throttled', { retryAfter: Math.ceil(seconds) });
}

interface Issued {
  readonly token: string;
  readonly tokenHash: Buffer;
  readonly expiresAt: Date;
}

function issueToken(tx: Tx): Issued {
  const { token, hash } = newToken();
  return { token, tokenHash: hash, expiresAt: addSeconds(tx.now(), invitationDays * day) };
}

async function mailLink(tx: Tx, invitation: InvitationRow, { token, expiresAt }: Issued): Promise<void> {
  const account = await getAccountName(tx.db, invitation.accountId);
  const products = await listInvitedProducts(tx.db, invitation.id);
  const { email, inviter, locale } = invitation;
  await enqueueMail(tx, {
    template: 'invitation',
    recipient: email,
    locale,
    data: { account, inviter, products: products.map(({ name }) => name), days: invitationDays },
    secrets: { token },
    expiresAt,
  });
}

type InvitationEvent = 'invitation.created' | 'invitation.resent' | 'invitation.revoked';

function record(
  tx: Tx,
  type: InvitationEvent,
  { id, accountId, userId, role, actorId }: InvitationRow & { readonly actorId?: UserId | undefined },
): Promise<void> {
  return recordEvent(tx, { type, actorId, userId, accountId, details: { invitation_id: id, role } });
}
