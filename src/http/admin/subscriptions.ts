import { z } from 'zod';
import type { Tx } from '../../context.ts';
import {
  deleteSubscription,
  getLockedSubscription,
  getSubscription,
  listSubscriptions,
  putSubscription,
  type Subscription,
  type SubscriptionPlace,
} from '../../core/subscriptions/subscriptions.ts';
import { accountParams } from './accounts.ts';
import { type AnyOperation, changing, reading } from './operation.ts';
import { listPage, pageOf, pageQuery } from './paging.ts';
import {
  given,
  givenTime,
  graceDays,
  idOf,
  name,
  shownId,
  shownTime,
  shownTimeOrNull,
  slug,
  time,
} from './schemas.ts';

const tag = 'Subscriptions';
const subscriptionParams = accountParams.extend({ product_id: idOf('prd') });
const read = { operator: 'admin:subscriptions:read', admin: true } as const;
const write = { operator: 'admin:subscriptions:write' } as const;

const seats = z
  .int()
  .min(0)
  .max(1_000_000)
  .meta({ description: 'How many were bought.', examples: [5] });

const count = z.int().min(0);

const subscription = z
  .strictObject({
    account_id: shownId('acc'),
    product: z.strictObject({ id: shownId('prd'), slug, name }),
    seats: count.meta({ description: 'How many were bought.', examples: [5] }),
    seats_taken: count.meta({ examples: [3] }),
    seats_reserved: count.meta({ description: 'Kept for people who are invited.', examples: [1] }),
    seats_free: count.meta({ examples: [1] }),
    starts_at: time,
    expires_at: time.nullable().meta({ description: 'null: it does not end by itself.' }),
    grace_days: graceDays,
    created_at: time,
    updated_at: time,
  })
  .meta({ id: 'Subscription' });

function show(row: Subscription): z.output<typeof subscription> {
  const { accountId, product, seats, seatsTaken, seatsReserved, seatsFree, graceDays } = row;
  return {
    account_id: accountId,
    product: { id: product.id, slug: product.slug, name: product.name },
    seats,
    seats_taken: seatsTaken,
    seats_reserved: seatsReserved,
    seats_free: seatsFree,
    starts_at: shownTime(row.startsAt),
    expires_at: shownTimeOrNull(row.expiresAt),
    grace_days: graceDays,
    created_at: shownTime(row.createdAt),
    updated_at: shownTime(row.updatedAt),
  };
}

type Addressed = Readonly<{ params: z.output<typeof subscriptionParams> }>;

function placeOf({ params }: Addressed): SubscriptionPlace {
  return { accountId: params.account_id, productId: params.product_id };
}

const current = async (tx: Tx, input: Addressed) => show(await getLockedSubscription(tx, placeOf(input)));

export const subscriptionOperations: readonly AnyOperation[] = [
  reading({
    id: 'listSubscriptions',
    method: 'GET',
    url: '/accounts/{account_id}/subscriptions',
    tag,
    summary: 'List what an account has subscribed to, the newest product first',
    access: read,
    params: accountParams,
    query: pageQuery,
    answer: pageOf(subscription),
    handler: (ctx, { params: { account_id: accountId } }, call) =>
      listPage(ctx, call, {
        rows: (window) => listSubscriptions(ctx.db, { ...window, accountId, now: ctx.now() }),
        keyOf: ({ product }) => product.id,
        show,
      }),
  }),
  reading({
    id: 'getSubscription',
    method: 'GET',
    url: '/accounts/{account_id}/subscriptions/{product_id}',
    tag,
    summary: 'Get a subscription',
    access: read,
    params: subscriptionParams,
    answer: subscription,
    handler: async (ctx, input) => show(await getSubscription(ctx.db, placeOf(input), ctx.now())),
  }),
  changing({
    id: 'putSubscription',
    method: 'PUT',
    url: '/accounts/{account_id}/subscriptions/{product_id}',
    tag,
    summary: 'Subscribe an account to a product, or change its terms',
    description:
      'Never fewer seats than are taken and reserved: `seats_in_use`. Whom its dates let in no more is out at once.',
    access: write,
    params: subscriptionParams,
    body: z.strictObject({
      seats,
      starts_at: givenTime.optional().meta({ description: 'Left out: as it was, and now for a new one.' }),
      expires_at: givenTime.nullable().meta({ description: 'null: it does not end by itself.' }),
      grace_days: graceDays.default(0),
    }),
    answer: subscription,
    failures: ['seats_in_use'],
    current,
    change: async (tx, input) => {
      const { seats, starts_at: startsAt, expires_at: expiresAt, grace_days: graceDays } = input.body;
      const terms = { ...placeOf(input), seats, expiresAt, graceDays, ...given({ startsAt }) };
      return show(await putSubscription(tx, terms));
    },
  }),
  changing({
    id: 'deleteSubscription',
    method: 'DELETE',
    url: '/accounts/{account_id}/subscriptions/{product_id}',
    tag,
    summary: 'Delete a subscription that nobody has a seat of',
    description: 'While a seat is taken or reserved it stays: `seats_in_use`. To end it, set `expires_at`.',
    access: write,
    params: subscriptionParams,
    status: 204,
    failures: ['seats_in_use'],
    current,
    change: (tx, input) => deleteSubscription(tx, placeOf(input)),
  }),
];
