/** A user's entitlement to a product, held by an account out of its subscription. May be dated. */
import type { Tx } from '../../context.ts';
import { Failure } from '../../kernel/failures.ts';
import { newId, type AccountId, type ProductId, type UserId } from '../../kernel/ids.ts';
import { lockSubscribedSeats } from '../subscriptions/subscriptions.ts';
export { requestSeat, type SeatRequest } from './seat-requests.ts';

export interface NewSeat {
  readonly accountId: AccountId;
  readonly productId: ProductId;
  readonly userId: UserId;
  /** Now, unless said. */
  readonly startsAt?: Date;
  readonly endsAt?: Date | null;
}

/**
 * Assigns a seat; the one path by which seats are taken, whatever the door. Seats in use never exceed seats bought:
 * the subscription is locked while they are counted. Failure `not_found` without a subscription, `no_free_seat`
 * when every seat is taken, `already_exists` when the user has one.
 */
export async function assignSeat(tx: Tx, seat: NewSeat): Promise<void> {
  const now = tx.now();
  const bought = await lockSubscribedSeats(tx, seat);
  if (bought === undefined) throw new Failure('not_found');
  const taken = await listTakenSeats(tx, seat);
  if (taken.includes(seat.userId)) throw new Failure('already_exists');
  if (taken.length >= bought) throw new Failure('no_free_seat');
  await tx.db
    .insertInto('seats')
    .values({
      id: newId('sea', now),
      accountId: seat.accountId,
      productId: seat.productId,
      userId: seat.userId,
      startsAt: seat.startsAt ?? now,
      endsAt: seat.endsAt ?? null,
      createdAt: now,
    })
    .onConflict((conflict) =>
      // a seat that has ended gives way to a new one of the same person
      conflict
        .constraint('seats_holder_key')
        .doUpdateSet({ startsAt: seat.startsAt ?? now, endsAt: seat.endsAt ?? null }),
    )
    .execute();
}

/** Who holds a seat of the subscription; one that lies in the future is taken already. */
async function listTakenSeats(tx: Tx, { accountId, productId }: NewSeat): Promise<UserId[]> {
  const seats = await tx.db
    .selectFrom('seats')
    .select('userId')
    .where('accountId', '=', accountId)
    .where('productId', '=', productId)
    .where((where) => where.or([where('endsAt', 'is', null), where('endsAt', '>', tx.now())]))
    .execute();
  return seats.map((seat) => seat.userId);
}
