/** Account × product: how many seats, from when, until when. One row for each pair; billing tells us by operators. */
import type { Tx } from '../../context.ts';
import type { Db } from '../../db/connect.ts';
import { Failure } from '../../kernel/failures.ts';
import { addSeconds, day } from '../../kernel/time.ts';
import { changesBetween, recordEvent } from '../audit/audit.ts';
import { holdProduct } from '../products/products.ts';
import { endAccess } from '../sessions/sessions.ts';
import {
  deleteSubscriptionRows,
  findSubscription,
  insertSubscription,
  lockOpenRequests,
  lockSeats,
  updateSubscription,
} from './queries.ts';
import type { NewSubscription, Subscription, SubscriptionPlace } from './subscription.ts';

export type { NewSubscription, Subscription, SubscriptionPlace } from './subscription.ts';
export { listSubscriptions, type SubscriptionFilter } from './queries.ts';

/** Failure `already_exists`. */
export async function createSubscription(tx: Tx, subscription: NewSubscription): Promise<void> {
  if (!(await insertNoted(tx, subscription))) throw new Failure('already_exists');
}

/** False when there is one already. */
async function insertNoted(tx: Tx, subscription: NewSubscription): Promise<boolean> {
  if (!(await insertSubscription(tx, subscription))) return false;
  const { accountId, productId, seats, startsAt, expiresAt = null, graceDays = 0 } = subscription;
  const terms = { seats, starts_at: startsAt, expires_at: expiresAt, grace_days: graceDays };
  await recordEvent(tx, {
    type: 'subscription.created',
    accountId,
    details: { product_id: productId, ...terms },
  });
  return true;
}

/** Failure `not_found`. */
export async function getSubscription(db: Db, place: SubscriptionPlace, now: Date): Promise<Subscription> {
  const subscription = await findSubscription(db, place, now);
  if (!subscription) throw new Failure('not_found');
  return subscription;
}

/** The subscription, held until the transaction ends: nobody takes a seat of it meanwhile. Failure `not_found`. */
export async function getLockedSubscription(tx: Tx, place: SubscriptionPlace): Promise<Subscription> {
  await lockOpenRequests(tx, place);
  // the lock first, and then the counts: in one statement they would be those from before the wait
  if ((await lockSeats(tx, place)) === undefined) throw new Failure('not_found');
  return getSubscription(tx.db, place, tx.now());
}

export interface SubscriptionTerms extends SubscriptionPlace {
  readonly seats: number;
  /** As it was, and now for a new one, unless said. */
  readonly startsAt?: Date;
  readonly expiresAt: Date | null;
  readonly graceDays: number;
}

/**
 * Makes the subscription what it says, whether there was one or not. Never fewer seats than are taken and kept: failure
 * `seats_in_use`; in a race with somebody who takes one, too. Whoever is let in no more by its dates is out at once.
 * Failures `not_found` without such a product, and `invalid_input`.
 */
export async function putSubscription(
  tx: Tx,
  { startsAt, ...terms }: SubscriptionTerms,
): Promise<Subscription> {
  if (!(await holdProduct(tx, terms.productId))) throw new Failure('not_found');
  const isThere = (await findSubscription(tx.db, terms, tx.now())) !== undefined;
  const fresh = { ...terms, startsAt: startsAt ?? tx.now() };
  if (!isThere) assertDates(fresh);
  // of two who make the same one at once the second changes what the first has made
  if (isThere || !(await insertNoted(tx, fresh))) {
    const before = await getLockedSubscription(tx, terms);
    await change(tx, before, { ...terms, startsAt: startsAt ?? before.startsAt });
  }
  return getSubscription(tx.db, terms, tx.now());
}

function assertDates({ startsAt, expiresAt }: NewSubscription): void {
  if (expiresAt && expiresAt <= startsAt)
    throw new Failure('invalid_input', { fields: { expires_at: 'is not after starts_at' } });
}

async function change(
  tx: Tx,
  before: Subscription,
  wanted: SubscriptionTerms & NewSubscription,
): Promise<void> {
  assertDates(wanted);
  const inUse = before.seatsTaken + before.seatsReserved;
  if (wanted.seats < before.seats && wanted.seats < inUse)
    throw new Failure('seats_in_use', { detail: `${inUse} are taken or kept.` });
  await updateSubscription(tx, wanted);
  const { accountId, productId } = wanted;
  const changes = changesBetween(before, { ...before, ...termsOf(wanted) });
  if (!changes) return;
  await recordEvent(tx, {
    type: 'subscription.changed',
    accountId,
    details: { product_id: productId, changes },
  });
  const now = tx.now();
  if (isLive(before, now) && !isLive(wanted, now))
    await endAccess(tx, { accountId, productId, reason: 'subscription_ended' });
}

function termsOf({ seats, startsAt, expiresAt, graceDays }: SubscriptionTerms & NewSubscription) {
  return { seats, startsAt, expiresAt, graceDays };
}

/** Whether its dates let anybody in. */
function isLive(
  { startsAt, expiresAt, graceDays }: Pick<Subscription, 'startsAt' | 'expiresAt' | 'graceDays'>,
  now: Date,
): boolean {
  return startsAt <= now && (expiresAt === null || addSeconds(expiresAt, graceDays * day) > now);
}

/**
 * Ends a subscription that nobody has a seat of, with what was asked of it. Failures `not_found`, and `seats_in_use` while
 * a seat of it is taken or kept.
 */
export async function deleteSubscription(tx: Tx, place: SubscriptionPlace): Promise<void> {
  const { seats, seatsTaken, seatsReserved } = await getLockedSubscription(tx, place);
  if (seatsTaken + seatsReserved > 0) throw new Failure('seats_in_use');
  await deleteSubscriptionRows(tx, place);
  const { accountId, productId } = place;
  await recordEvent(tx, {
    type: 'subscription.deleted',
    accountId,
    details: { product_id: productId, seats },
  });
}

/**
 * Locks the subscription and answers how many seats it has. Everything that takes a seat comes through this lock,
 * so that two who count at once cannot both find the last seat free.
 */
export function lockSubscribedSeats(
  tx: Tx,
  { accountId, productId }: SubscriptionPlace,
): Promise<number | undefined> {
  return lockSeats(tx, { accountId, productId });
}
