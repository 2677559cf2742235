/** How seats are taken and kept: the subscription is locked while they are counted. */
import type { Tx } from '../../context.ts';
import { Failure } from '../../kernel/failures.ts';
import type { UserId } from '../../kernel/ids.ts';
import { recordEvent } from '../audit/audit.ts';
import { holdMembership } from '../memberships/memberships.ts';
import { lockSubscribedSeats } from '../subscriptions/subscriptions.ts';
import {
  countOccupancy,
  deleteReservations,
  insertReservation,
  insertSeat,
  type NewSeat,
  type Reservation,
  type SeatPlace,
} from './queries.ts';

/**
 * Assigns a seat; the one path by which seats are taken, whatever the door. Seats in use never exceed seats bought:
 * the subscription is locked while they are counted. What was kept for this very user gives way to it. Failures
 * `not_found` without a subscription or membership, `no_free_seat` when every seat is taken, `already_exists` when the user
 * has one, `invalid_input` when it ends before it begins.
 */
export async function assignSeat(tx: Tx, seat: NewSeat): Promise<void> {
  const { startsAt = tx.now(), endsAt } = seat;
  if (endsAt && endsAt <= startsAt)
    throw new Failure('invalid_input', { fields: { ends_at: 'is not after its beginning' } });
  // held, or the member could be gone when the seat is written
  if (!(await holdMembership(tx, seat))) throw new Failure('not_found');
  if (!(await ensureSeat(tx, seat))) throw new Failure('already_exists');
}

/** Like `assignSeat`, for somebody who may have one: then it is left as it is, and the answer is false. */
export async function ensureSeat(tx: Tx, seat: NewSeat): Promise<boolean> {
  const isHolder = await findFreeSeat(tx, seat);
  await deleteReservations(tx, seat);
  if (isHolder) return false;
  await insertSeat(tx, seat);
  const { userId, accountId, productId, startsAt, endsAt } = seat;
  const details = {
    product_id: productId,
    ...(startsAt && { starts_at: startsAt }),
    ...(endsAt && { ends_at: endsAt }),
  };
  await recordEvent(tx, { type: 'seat.assigned', userId, accountId, details });
  return true;
}

/**
 * Keeps a seat for a user, counted like one that is assigned; again, it is kept for longer. Nothing is kept for who has
 * one already. Failures `not_found`, `no_free_seat`.
 */
export async function reserveSeat(tx: Tx, reservation: Reservation): Promise<void> {
  const isHolder = await findFreeSeat(tx, reservation);
  if (!isHolder) await insertReservation(tx, reservation);
}

/** Locks the subscription and makes sure that one more may sit, or that this one does already: then it answers true. */
async function findFreeSeat(tx: Tx, place: SeatPlace & { readonly userId: UserId }): Promise<boolean> {
  const bought = await lockSubscribedSeats(tx, place);
  if (bought === undefined) throw new Failure('not_found');
  const { isHolder, isKept, held, kept } = await countOccupancy(tx, place);
  if (isHolder) return true;
  // when fewer seats are bought than are kept, those they are kept for come first to serve, before everybody else
  const taken = isKept ? held : held + kept;
  if (taken >= bought) throw new Failure('no_free_seat');
  return false;
}
