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

export interface Occupancy {
  /** The person in question has a seat. */
  readonly isHolder: boolean;
  /** One is kept for them. */
  readonly isKept: boolean;
  /** Seats that are taken; those that lie in the future are, too. */
  readonly held: number;
  /** Seats that are kept for people who have none. */
  readonly kept: number;
}

/** How full a subscription is, in one row however many sit on it. By seats_holder_key and seat_reservations_pkey. */
export async function countOccupancy(
  tx: Tx,
  { accountId, productId, userId }: SeatPlace & { readonly userId: UserId },
): Promise<Occupancy> {
  const now = tx.now();
  const result = await sql<Occupancy>`
    with held as (select user_id from seats
        where account_id = ${accountId} and product_id = ${productId} and (ends_at is null or ends_at > ${now})),
      kept as (select user_id from seat_reservations
        where account_id = ${accountId} and product_id = ${productId} and until > ${now})
    select exists (select from held where user_id = ${userId}) as is_holder,
      exists (select from kept where user_id = ${userId}) as is_kept, (select count(*) from held) as held,
      (select count(*) from kept where not exists (select from held where held.user_id = kept.user_id)) as kept`.execute(
    tx.db,
  );
  const [occupancy] = result.rows;
  if (!occupancy) throw new Error('a count has no row');
  return occupancy;
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
