import { z } from 'zod';
import type { Tx } from '../../context.ts';
import {
  findSeatRequest,
  grantSeatRequest,
  listSeatRequests,
  lockSeatRequest,
  refuseSeatRequest,
  type SeatRequest,
} from '../../core/seats/seats.ts';
import { Failure } from '../../kernel/failures.ts';
import { accountParams } from './accounts.ts';
import { type AnyOperation, changing, reading } from './operation.ts';
import { listPage, pageOf, pageQuery } from './paging.ts';
import { email, given, givenTime, idOf, shownId, shownTime, shownTimeOrNull, slug, time } from './schemas.ts';

const tag = 'Seats';
const params = accountParams.extend({ request_id: idOf('srq') });
const state = z.enum(['open', 'granted', 'refused']);

const request = z
  .strictObject({
    id: shownId('srq'),
    account_id: shownId('acc'),
    state,
    user: z.strictObject({ id: shownId('usr'), email, name: z.string().nullable() }),
    product: z.strictObject({ id: shownId('prd'), slug, name: z.string() }),
    client_id: z
      .string()
      .nullable()
      .meta({ description: 'Where they came from.', examples: ['demo-meet'] }),
    case_id: z.string().meta({ description: 'Of the refusal at which they asked.', examples: ['7K3M-Q0RX'] }),
    requested_at: time,
    decided_at: time.nullable(),
  })
  .meta({ id: 'SeatRequest' });

function show(row: SeatRequest): z.output<typeof request> {
  const { id, state, caseId, clientId, account, product, user } = row;
  return {
    id,
    account_id: account.id,
    state,
    user: { id: user.id, email: user.email, name: user.name },
    product: { id: product.id, slug: product.slug, name: product.name },
    client_id: clientId,
    case_id: caseId,
    requested_at: shownTime(row.requestedAt),
    decided_at: shownTimeOrNull(row.decidedAt),
  };
}

function refOf({ account_id: accountId, request_id: id }: z.output<typeof params>) {
  return { accountId, id };
}

const current = async (tx: Tx, input: { params: z.output<typeof params> }) => {
  const found = await lockSeatRequest(tx, refOf(input.params));
  if (!found) throw new Failure('not_found');
  return show(found);
};

const read = { operator: 'admin:seats:read', admin: true } as const;
const write = { operator: 'admin:seats:write', admin: true } as const;

export const seatRequestOperations: readonly AnyOperation[] = [
  reading({
    id: 'listSeatRequests',
    method: 'GET',
    url: '/accounts/{account_id}/seat-requests',
    tag,
    summary: 'List who asks for a seat, newest first',
    access: read,
    params: accountParams,
    query: pageQuery.extend({ state: state.optional() }),
    answer: pageOf(request),
    handler: (ctx, { params, query: { state } }, call) =>
      listPage(ctx, call, {
        rows: (window) => listSeatRequests(ctx.db, { ...window, accountId: params.account_id, state }),
        keyOf: ({ id }) => id,
        show,
      }),
  }),
  reading({
    id: 'getSeatRequest',
    method: 'GET',
    url: '/accounts/{account_id}/seat-requests/{request_id}',
    tag,
    summary: 'Get a request for a seat',
    access: read,
    params,
    answer: request,
    handler: async (ctx, { params }) => {
      const found = await findSeatRequest(ctx.db, refOf(params));
      if (!found) throw new Failure('not_found');
      return show(found);
    },
  }),
  changing({
    id: 'grantSeatRequest',
    method: 'POST',
    url: '/accounts/{account_id}/seat-requests/{request_id}/grant',
    tag,
    summary: 'Grant a request: the seat is assigned and the person is mailed',
    access: write,
    params,
    body: z
      .strictObject({ starts_at: givenTime.optional(), ends_at: givenTime.nullable().optional() })
      .optional(),
    answer: request,
    failures: ['already_decided', 'no_free_seat'],
    current,
    change: async (tx, { params, body: { starts_at: startsAt, ends_at: endsAt } = {} }) => {
      if (endsAt && endsAt <= (startsAt ?? tx.now()))
        throw new Failure('invalid_input', { fields: { ends_at: 'is not after its beginning' } });
      return show(await grantSeatRequest(tx, { ...refOf(params), ...given({ startsAt, endsAt }) }));
    },
  }),
  changing({
    id: 'refuseSeatRequest',
    method: 'POST',
    url: '/accounts/{account_id}/seat-requests/{request_id}/refuse',
    tag,
    summary: 'Refuse a request, which the person is mailed',
    access: write,
    params,
    answer: request,
    failures: ['already_decided'],
    current,
    change: async (tx, { params }) => show(await refuseSeatRequest(tx, refOf(params))),
  }),
];
