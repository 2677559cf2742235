/** How a seat is asked for: the request is stored, and each admin of the account gets a link to decide it. */
import type { Tx } from '../../context.ts';
import { newId, type AccountId, type ProductId, type UserId } from '../../kernel/ids.ts';
import { addSeconds, day } from '../../kernel/time.ts';
import { newToken } from '../../kernel/tokens.ts';
import { recordEvent } from '../audit/audit.ts';
import { type AdminContact, listAdminContacts } from '../memberships/memberships.ts';
import { enqueueMail } from '../outbox/outbox.ts';
import { insertLink, insertOrRenewRequest } from './request-queries.ts';

const linkDays = 7;

export interface NewSeatRequest {
  readonly user: { readonly id: UserId; readonly email: string; readonly name: string | null };
  readonly account: { readonly id: AccountId; readonly name: string };
  readonly product: { readonly id: ProductId; readonly name: string };
  /** Where the person came from, and goes on to when they have a seat. */
  readonly clientId: string;
  readonly caseId: string;
}

/**
 * Stores the wish for a seat and mails the account's admins, together. Idempotent: while a request is open, asking
 * again changes nothing and mails nobody, so the button cannot be used to flood an admin; but when its links have died
 * undecided, it is asked anew. Answers whether anybody was mailed.
 */
export async function requestSeat(tx: Tx, request: NewSeatRequest): Promise<boolean> {
  const { user, account, product, clientId, caseId } = request;
  const accountId = account.id;
  const row = { accountId, productId: product.id, userId: user.id, clientId, caseId };
  const diedBefore = addSeconds(tx.now(), -linkDays * day);
  const id = await insertOrRenewRequest(tx, { id: newId('srq', tx.now()), ...row }, diedBefore);
  if (id === undefined) return false;
  await recordEvent(tx, {
    type: 'seat.requested',
    actorId: user.id,
    ...{ userId: user.id, accountId, clientId, caseId },
    details: { product_id: product.id, request_id: id },
  });
  for (const admin of await listAdminContacts(tx, accountId)) await mailLink(tx, { ...request, id, admin });
  return true;
}

/** The token is the admin's own, so that the trail can name who has decided. */
async function mailLink(
  tx: Tx,
  {
    user,
    account,
    product,
    id,
    admin,
  }: NewSeatRequest & { readonly id: string; readonly admin: AdminContact },
): Promise<void> {
  const { token, hash } = newToken();
  const { userId, email, locale } = admin;
  const expiresAt = addSeconds(tx.now(), linkDays * day);
  await insertLink(tx, { accountId: account.id, requestId: id, userId, email, tokenHash: hash, expiresAt });
  await enqueueMail(tx, {
    template: 'seat_requested',
    recipient: email,
    locale: locale ?? 'en',
    data: {
      person: user.name ?? user.email,
      personEmail: user.email,
      product: product.name,
      account: account.name,
      requestId: id,
      days: linkDays,
    },
    secrets: { token },
    expiresAt,
  });
}
