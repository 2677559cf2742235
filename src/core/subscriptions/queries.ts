import { sql } from 'kysely';
import type { Tx } from '../../context.ts';
import type { Db } from '../../db/connect.ts';
import type { AccountId, ProductId } from '../../kernel/ids.ts';
import type { Window } from '../../kernel/page.ts';
import type { NewSubscription, Subscription, SubscriptionPlace } from './subscription.ts';

/** Seats that lie in the future are taken; who has one and is kept one counts once. */
function selectSubscriptions(db: Db, now: Date) {
  const here = sql`account_id = s.account_id and product_id = s.product_id`;
  const held = sql`from seats where ${here} and (ends_at is null or ends_at > ${now})`;
  const kept = sql`from seat_reservations where ${here} and until > ${now}`;
  return db
    .selectFrom('subscriptions as s')
    .innerJoin('products as p', 'p.id', 's.productId')
    .select(['s.accountId', 's.productId', 's.seats', 's.startsAt', 's.expiresAt', 's.graceDays'])
    .select(['s.createdAt', 's.updatedAt', 'p.slug', 'p.name'])
    .select(sql<number>`(select count(*) ${held})`.as('seatsTaken'))
    .select(
      sql<number>`(select count(*) ${kept} and user_id not in (select user_id ${held}))`.as('seatsReserved'),
    );
}

type Row = Awaited<ReturnType<ReturnType<typeof selectSubscriptions>['executeTakeFirstOrThrow']>>;

function toSubscription({ productId, slug, name, ...row }: Row): Subscription {
  return {
    ...row,
    product: { id: productId, slug, name },
    seatsFree: Math.max(0, row.seats - row.seatsTaken - row.seatsReserved),
  };
}

/** By subscriptions_pkey; the counts by seats_holder_key and seat_reservations_pkey. */
export async function findSubscription(
  db: Db,
  { accountId, productId }: SubscriptionPlace,
  now: Date,
): Promise<Subscription | undefined> {
  const row = await selectSubscriptions(db, now)
    .where('s.accountId', '=', accountId)
    .where('s.productId', '=', productId)
    .executeTakeFirst();
  return row && toSubscription(row);
}

export interface SubscriptionFilter extends Window {
  readonly accountId: AccountId;
  readonly now: Date;
}

/** That of the newest product first, by subscriptions_pkey. */
export async function listSubscriptions(
  db: Db,
  { accountId, now, after, limit }: SubscriptionFilter,
): Promise<Subscription[]> {
  let query = selectSubscriptions(db, now).where('s.accountId', '=', accountId);
  if (after !== undefined) query = query.where('s.productId', '<', after as ProductId);
  const rows = await query.orderBy('s.productId', 'desc').limit(limit).execute();
  return rows.map(toSubscription);
}

/** False when there is one already. Waits for another transaction that has just made one. By subscriptions_pkey. */
export async function insertSubscription(tx: Tx, subscription: NewSubscription): Promise<boolean> {
  const now = tx.now();
  const inserted = await tx.db
    .insertInto('subscriptions')
    .values({ ...subscription, createdAt: now, updatedAt: now })
    .onConflict((conflict) => conflict.constraint('subscriptions_pkey').doNothing())
    .returning('productId')
    .executeTakeFirst();
  return inserted !== undefined;
}

/** By subscriptions_pkey. */
export async function lockSeats(
  tx: Tx,
  { accountId, productId }: SubscriptionPlace,
): Promise<number | undefined> {
  const subscription = await tx.db
    .selectFrom('subscriptions')
    .select('seats')
    .where('accountId', '=', accountId)
    .where('productId', '=', productId)
    .forUpdate()
    .executeTakeFirst();
  return subscription?.seats;
}

/** Before the subscription, as whoever grants one does, or the two could wait for each other. By seat_requests_open_key. */
export async function lockOpenRequests(tx: Tx, { accountId, productId }: SubscriptionPlace): Promise<void> {
  await tx.db
    .selectFrom('seatRequests')
    .select('id')
    .where('accountId', '=', accountId)
    .where('productId', '=', productId)
    .where('state', '=', 'open')
    .orderBy('id')
    .forUpdate()
    .execute();
}

/** By subscriptions_pkey. */
export async function updateSubscription(
  tx: Tx,
  { accountId, productId, ...terms }: NewSubscription,
): Promise<void> {
  await tx.db
    .updateTable('subscriptions')
    .set({ ...terms, updatedAt: tx.now() })
    .where('accountId', '=', accountId)
    .where('productId', '=', productId)
    .execute();
}

/**
 * With what is left of it: seats and reservations that are over, requests for seats, and what invitations were for. In
 * one statement the keys of all are checked at its end.
 */
export async function deleteSubscriptionRows(
  tx: Tx,
  { accountId, productId }: SubscriptionPlace,
): Promise<void> {
  const here = sql`account_id = ${accountId} and product_id = ${productId}`;
  await sql`
    with s as (delete from seats where ${here}),
      r as (delete from seat_reservations where ${here}),
      q as (delete from seat_requests where ${here}),
      i as (delete from invitation_products where ${here})
    delete from subscriptions where ${here}`.execute(tx.db);
}
