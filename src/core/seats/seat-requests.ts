import { sql } from 'kysely';
import type { Tx } from '../../context.ts';
import { newId, type AccountId, type ProductId, type UserId } from '../../kernel/ids.ts';
import { recordEvent } from '../audit/audit.ts';
import { mailAdmins } from '../memberships/memberships.ts';

export interface SeatRequest {
  readonly user: { readonly id: UserId; readonly email: string; readonly name: string | null };
  readonly account: { readonly id: AccountId; readonly name: string };
  readonly product: { readonly id: ProductId; readonly name: string };
  readonly clientId: string;
  readonly caseId: string;
}

/**
 * Stores the wish for a seat and mails the account's admins, together. Idempotent: while a request is open, asking
 * again changes nothing and mails nobody, so the button cannot be used to flood an admin. Answers whether it is new.
 */
export async function requestSeat(tx: Tx, request: SeatRequest): Promise<boolean> {
  const { user, account, product, clientId, caseId } = request;
  const id = newId('srq', tx.now());
  const inserted = await tx.db
    .insertInto('seatRequests')
    .values({
      id,
      accountId: account.id,
      productId: product.id,
      userId: user.id,
      caseId,
      requestedAt: tx.now(),
    })
    .onConflict((conflict) =>
      conflict
        .columns(['accountId', 'productId', 'userId'])
        .where(sql<boolean>`state = 'open'`)
        .doNothing(),
    )
    .executeTakeFirst();
  if (!inserted.numInsertedOrUpdatedRows) return false;
  await recordEvent(tx, {
    type: 'seat.requested',
    actorId: user.id,
    userId: user.id,
    accountId: account.id,
    clientId,
    caseId,
    details: { product_id: product.id, request_id: id },
  });
  const data = {
    person: user.name ?? user.email,
    personEmail: user.email,
    product: product.name,
    account: account.name,
    requestId: id,
  };
  await mailAdmins(tx, account.id, { template: 'seat_requested', data });
  return true;
}
