import type { AccountId, ProductId } from '../../kernel/ids.ts';

export interface SubscriptionPlace {
  readonly accountId: AccountId;
  readonly productId: ProductId;
}

export interface NewSubscription extends SubscriptionPlace {
  readonly seats: number;
  readonly startsAt: Date;
  readonly expiresAt?: Date | null;
  /** Days after `expiresAt` in which everything still works. */
  readonly graceDays?: number;
}

export interface Subscription {
  readonly accountId: AccountId;
  readonly product: { readonly id: ProductId; readonly slug: string; readonly name: string };
  /** Bought. */
  readonly seats: number;
  readonly seatsTaken: number;
  /** Kept for people who have none yet. */
  readonly seatsReserved: number;
  readonly seatsFree: number;
  readonly startsAt: Date;
  readonly expiresAt: Date | null;
  readonly graceDays: number;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}
