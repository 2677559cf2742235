import { z } from 'zod';
import type { Tx } from '../../context.ts';
import { holdMembership } from '../../core/memberships/memberships.ts';
import {
  assignSeat,
  findSeat,
  getLockedSeat,
  listSeats,
  revokeSeat,
  type Seat,
} from '../../core/seats/seats.ts';
import { Failure } from '../../kernel/failures.ts';
import { accountParams } from './accounts.ts';
import { type AnyOperation, changing, reading } from './operation.ts';
import { listPage, pageOf, pageQuery } from './paging.ts';
import { email, given, givenTime, idOf, shownId, shownTime, shownTimeOrNull, slug, time } from './schemas.ts';

const tag = 'Seats';
const params = accountParams.extend({ seat_id: idOf('sea') });

const seat = z
  .strictObject({
    id: shownId('sea'),
    account_id: shownId('acc'),
    user: z.strictObject({ id: shownId('usr'), email, name: z.string().nullable() }),
    product: z.strictObject({ id: shownId('prd'), slug }),
    starts_at: time,
    ends_at: time.nullable(),
    created_at: time,
  })
  .meta({ id: 'Seat' });

function show(row: Seat): z.output<typeof seat> {
  const { id, accountId, userId, email, name, productId, product } = row;
  return {
    id,
    account_id: accountId,
    user: { id: userId, email, name },
    product: { id: productId, slug: product },
    starts_at: shownTime(row.startsAt),
    ends_at: shownTimeOrNull(row.endsAt),
    created_at: shownTime(row.createdAt),
  };
}

const current = async (tx: Tx, input: { params: z.output<typeof params> }) =>
  show(await getLockedSeat(tx, refOf(input.params)));

function refOf({ account_id: accountId, seat_id: seatId }: z.output<typeof params>) {
  return { accountId, seatId };
}

const write = { operator: 'admin:seats:write', admin: true } as const;

export const seatOperations: readonly AnyOperation[] = [
  reading({
    id: 'listSeats',
    method: 'GET',
    url: '/accounts/{account_id}/seats',
    tag,
    summary: 'List who sits on what, newest first',
    access: { operator: 'admin:seats:read', admin: true },
    params: accountParams,
    query: pageQuery.extend({ product_id: idOf('prd').optional(), user_id: idOf('usr').optional() }),
    answer: pageOf(seat),
    handler: (ctx, { params, query: { product_id: productId, user_id: userId } }, call) =>
      listPage(ctx, call, {
        rows: (window) => listSeats(ctx.db, { ...window, accountId: params.account_id, productId, userId }),
        keyOf: ({ id }) => id,
        show,
      }),
  }),
  changing({
    id: 'assignSeat',
    method: 'POST',
    url: '/accounts/{account_id}/seats',
    tag,
    summary: 'Assign a seat to a member',
    access: write,
    params: accountParams,
    body: z.strictObject({
      user_id: idOf('usr'),
      product_id: idOf('prd'),
      starts_at: givenTime.optional().meta({ description: 'Now, unless it says otherwise.' }),
      ends_at: givenTime.nullable().optional(),
    }),
    status: 201,
    answer: seat,
    failures: ['already_exists', 'no_free_seat'],
    location: ({ account_id, id }) => `/accounts/${account_id}/seats/${id}`,
    change: async (tx, { params, body }) => {
      const { user_id: userId, product_id: productId, starts_at: startsAt, ends_at: endsAt } = body;
      const place = { accountId: params.account_id, userId, productId };
      if (endsAt && endsAt <= (startsAt ?? tx.now()))
        throw new Failure('invalid_input', { fields: { ends_at: 'is not after its beginning' } });
      // another account's people and nobody are alike
      if (!(await holdMembership(tx, place))) throw new Failure('not_found');
      await assignSeat(tx, { ...place, ...given({ startsAt, endsAt }) });
      return show(await getLockedSeat(tx, place));
    },
  }),
  reading({
    id: 'getSeat',
    method: 'GET',
    url: '/accounts/{account_id}/seats/{seat_id}',
    tag,
    summary: 'Get a seat',
    access: { operator: 'admin:seats:read', admin: true },
    params,
    answer: seat,
    handler: async (ctx, { params }) => {
      const found = await findSeat(ctx.db, refOf(params));
      if (!found) throw new Failure('not_found');
      return show(found);
    },
  }),
  changing({
    id: 'endSeat',
    method: 'PATCH',
    url: '/accounts/{account_id}/seats/{seat_id}',
    tag,
    summary: 'Have a seat end on a day to come',
    access: write,
    params,
    body: z.strictObject({ ends_at: givenTime }),
    answer: seat,
    failures: ['action_not_available'],
    current,
    change: async (tx, { params, body }) =>
      show(await revokeSeat(tx, { ...refOf(params), endsAt: body.ends_at })),
  }),
  changing({
    id: 'revokeSeat',
    method: 'DELETE',
    url: '/accounts/{account_id}/seats/{seat_id}',
    tag,
    summary: 'Take a seat back at once',
    description: 'What its person was given of the product ends at once, and its apps are told.',
    access: write,
    params,
    status: 204,
    current,
    change: async (tx, { params }) => {
      await revokeSeat(tx, refOf(params));
    },
  }),
];
