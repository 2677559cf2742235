/** Account × product: how many seats, from when, until when. One row for each pair; billing tells us by operators. */
import type { Tx } from '../../context.ts';
import type { AccountId, ProductId } from '../../kernel/ids.ts';

export interface NewSubscription {
  readonly accountId: AccountId;
  readonly productId: ProductId;
  readonly seats: number;
  readonly startsAt: Date;
  readonly expiresAt?: Date | null;
  /** Days after `expiresAt` in which everything still works. */
  readonly graceDays?: number;
}

export async function createSubscription(tx: Tx, subscription: NewSubscription): Promise<void> {
  const now = tx.now();
  await tx.db
    .insertInto('subscriptions')
    .values({ ...subscription, createdAt: now, updatedAt: now })
    .execute();
}

/**
 * Locks the subscription and answers how many seats it has. Everything that takes a seat comes through this lock,
 * so that two who count at once cannot both find the last seat free.
 */
export async function lockSubscribedSeats(
  tx: Tx,
  { accountId, productId }: Pick<NewSubscription, 'accountId' | 'productId'>,
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
