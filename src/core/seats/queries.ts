import { sql } from 'kysely';
import type { Tx } from '../../context.ts';
import type { Db } from '../../db/connect.ts';
import { type AccountId, newId, type ProductId, type UserId } from '../../kernel/ids.ts';

export interface SeatPlace {
  readonly accountId: AccountId;
  readonly productId: ProductId;
}

export interface NewSeat extends SeatPlace {
  readonly userId: UserId;
  /** Now, unless said. */
  readonly startsAt?: Date;
  readonly endsAt?: Date | null;
}

/** A seat that has ended gives way to a new one of the same person (seats_holder_key). */
export async function insertSeat(
  tx: Tx,
  { startsAt = tx.now(), endsAt = null, ...seat }: NewSeat,
): Promise<void> {
  const { accountId, productId, userId } = seat;
  const now = tx.now();
  await tx.db
    .insertInto('seats')
    .values({ id: newId('sea', now), accountId, productId, userId, startsAt, endsAt, createdAt: now })
    .onConflict((conflict) => conflict.constraint('seats_holder_key').doUpdateSet({ startsAt, endsAt }))
    .execute();
}

/** Who holds a seat of the subscription; one that lies in the future is taken already. By seats_holder_key. */
export async function listSeatHolders(tx: Tx, { accountId, productId }: SeatPlace): Promise<UserId[]> {
  const seats = await tx.db
    .selectFrom('seats')
    .select('userId')
    .where('accountId', '=', accountId)
    .where('productId', '=', productId)
    .where((where) => where.or([where('endsAt', 'is', null), where('endsAt', '>', tx.now())]))
    .execute();
  return seats.map((seat) => seat.userId);
}

/** Whom a seat is kept for, and still is. By seat_reservations_pkey. */
export async function listReservedFor(tx: Tx, { accountId, productId }: SeatPlace): Promise<UserId[]> {
  const reservations = await tx.db
    .selectFrom('seatReservations')
    .select('userId')
    .where('accountId', '=', accountId)
    .where('productId', '=', productId)
    .where('until', '>', tx.now())
    .execute();
  return reservations.map((reservation) => reservation.userId);
}

export interface Reservation extends SeatPlace {
  readonly userId: UserId;
  readonly until: Date;
}

export async function insertReservation(tx: Tx, { until, ...reservation }: Reservation): Promise<void> {
  await tx.db
    .insertInto('seatReservations')
    .values({ ...reservation, until })
    .onConflict((conflict) => conflict.constraint('seat_reservations_pkey').doUpdateSet({ until }))
    .execute();
}

/** Those of a user in an account, or only the one for a product. By seat_reservations_user_id_idx. */
export async function deleteReservations(
  tx: Tx,
  { accountId, userId, productId }: { accountId: AccountId; userId: UserId; productId?: ProductId },
): Promise<void> {
  const query = tx.db
    .deleteFrom('seatReservations')
    .where('userId', '=', userId)
    .where('accountId', '=', accountId);
  await (productId ? query.where('productId', '=', productId) : query).execute();
}

/** Seats bought that nobody else has or is kept for; one that is this very person's counts as free for them. */
export async function countFreeSeats(
  db: Db,
  { accountId, productId, userId }: SeatPlace & { readonly userId: UserId },
  now: Date,
): Promise<number> {
  const result = await sql<{ free: number }>`
    select greatest(0, seats - (select count(*) from (
      select user_id from seats
        where account_id = ${accountId} and product_id = ${productId} and (ends_at is null or ends_at > ${now})
      union select user_id from seat_reservations
        where account_id = ${accountId} and product_id = ${productId} and until > ${now}) taken
      where user_id <> ${userId})) as free
    from subscriptions where account_id = ${accountId} and product_id = ${productId}`.execute(db);
  return result.rows[0]?.free ?? 0; // by subscriptions_pkey, seats_holder_key, seat_reservations_pkey
}
