/** How a seat is taken back: at once, or dated. */
import type { Tx } from '../../context.ts';
import { Failure } from '../../kernel/failures.ts';
import { recordEvent } from '../audit/audit.ts';
import { endAccess } from '../sessions/sessions.ts';
import { lockSubscribedSeats } from '../subscriptions/subscriptions.ts';
import { deleteSeat, findSeat, lockSeat, type Seat, type SeatRef, updateSeatEnd } from './seat-queries.ts';

/** The seat, held until the transaction ends, with its subscription. Failure `not_found`. */
export async function getLockedSeat(tx: Tx, ref: SeatRef): Promise<Seat> {
  const found = await findSeat(tx.db, ref);
  // first, as everything that takes a seat does: nobody may count while a seat that is over could be dated anew
  if (found) await lockSubscribedSeats(tx, found);
  const seat = found && (await lockSeat(tx, { accountId: ref.accountId, seatId: found.id }));
  if (!seat) throw new Failure('not_found');
  return seat;
}

/**
 * Takes a seat back. At once: it is gone, and so is whatever was issued on it to clients of its product. With `endsAt`, which
 * lies ahead: it is the person's until then. Answers the seat as it was, or with its end. Failures `not_found`;
 * `invalid_input` for a date that is over or before its beginning; `action_not_available` to date a seat that has ended.
 */
export async function revokeSeat(
  tx: Tx,
  { endsAt, ...ref }: SeatRef & { readonly endsAt?: Date },
): Promise<Seat> {
  const seat = await getLockedSeat(tx, ref);
  return endsAt === undefined ? revokeNow(tx, seat) : dateEnd(tx, seat, endsAt);
}

async function revokeNow(tx: Tx, seat: Seat): Promise<Seat> {
  const { id, accountId, userId, productId, startsAt, endsAt } = seat;
  await deleteSeat(tx, id);
  const before = { starts_at: startsAt, ends_at: endsAt };
  const details = { seat_id: id, product_id: productId, before };
  await recordEvent(tx, { type: 'seat.revoked', userId, accountId, details });
  await endAccess(tx, { accountId, userId, productId, reason: 'seat_revoked' });
  return seat;
}

async function dateEnd(tx: Tx, seat: Seat, endsAt: Date): Promise<Seat> {
  const { id, accountId, userId, productId, endsAt: before } = seat;
  // somebody else may sit on it since
  if (before && before <= tx.now()) throw new Failure('action_not_available');
  if (endsAt <= tx.now() || endsAt <= seat.startsAt)
    throw new Failure('invalid_input', {
      fields: { ends_at: 'does not lie ahead, or before its beginning' },
    });
  if (before?.getTime() === endsAt.getTime()) return seat;
  await updateSeatEnd(tx, id, endsAt);
  const changes = { ends_at: { before, after: endsAt } };
  const details = { seat_id: id, product_id: productId, changes };
  await recordEvent(tx, { type: 'seat.revoked', userId, accountId, details });
  return { ...seat, endsAt };
}
