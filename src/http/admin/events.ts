import { z } from 'zod';
import { type EventRow, listEvents } from '../../core/audit/audit.ts';
import { accountParams } from './accounts.ts';
import { type AnyOperation, reading } from './operation.ts';
import { listPage, pageOf, pageQuery } from './paging.ts';
import { givenTime, idOf, shownId, shownTime, time } from './schemas.ts';

const tag = 'Events';

const event = z
  .strictObject({
    id: shownId('evt'),
    type: z.string().meta({ description: '`noun.past_tense`', examples: ['seat.assigned'] }),
    occurred_at: time,
    actor: z
      .strictObject({ id: shownId('usr'), name: z.string().nullable() })
      .nullable()
      .meta({ description: 'Who did it, a user or a client; null for the service itself.' }),
    user: z
      .strictObject({ id: shownId('usr'), name: z.string().nullable() })
      .nullable()
      .meta({
        description:
          'Whom it is about. An account’s list names members alone, and whom it invited not before they accept.',
      }),
    account_id: shownId('acc').nullable(),
    client_id: z
      .string()
      .nullable()
      .meta({ examples: ['demo-assist'] }),
    case_id: z
      .string()
      .nullable()
      .meta({ examples: ['7K3M-Q0RX'] }),
    request_id: z
      .string()
      .nullable()
      .meta({ examples: ['Zm9yIGV4YW1w'] }),
    ip: z
      .string()
      .nullable()
      .meta({ examples: ['192.0.2.1'] }),
    details: z
      .record(z.string(), z.unknown())
      .meta({ description: 'What exactly; of a change `changes`, with before and after.', examples: [{}] }),
  })
  .meta({ id: 'Event' });

function show(row: EventRow): z.output<typeof event> {
  const { id, type, actorId, actorName, userId, userName, accountId, clientId, caseId, requestId, ip } = row;
  return {
    id,
    type,
    occurred_at: shownTime(row.occurredAt),
    actor: actorId === null ? null : { id: actorId, name: actorName },
    user: userId === null ? null : { id: userId, name: userName },
    account_id: accountId,
    client_id: clientId,
    case_id: caseId,
    request_id: requestId,
    ip,
    details: row.details,
  };
}

const query = pageQuery.extend({
  type: z
    .string()
    .regex(/^[a-z_]+\.[a-z_]+$/)
    .max(60)
    .optional()
    .meta({ examples: ['seat.assigned'] }),
  user_id: idOf('usr').optional(),
  case_id: z
    .string()
    .regex(/^[0-9A-Z]{4}-[0-9A-Z]{4}$/)
    .optional()
    .meta({ examples: ['7K3M-Q0RX'] }),
  request_id: z
    .string()
    .regex(/^[\w-]{1,40}$/)
    .optional(),
  from: givenTime.optional(),
  to: givenTime.optional(),
});

function filterOf({ type, user_id, case_id, request_id, from, to }: z.output<typeof query>) {
  return { type, userId: user_id, caseId: case_id, requestId: request_id, from, to };
}

const keyOf = ({ id }: EventRow) => id;
const read = { operator: 'admin:events:read' } as const;

export const eventOperations: readonly AnyOperation[] = [
  reading({
    id: 'listAllEvents',
    method: 'GET',
    url: '/events',
    tag,
    summary: 'List all that was changed, newest first',
    access: read,
    query,
    answer: pageOf(event),
    handler: (ctx, { query }, call) =>
      listPage(ctx, call, {
        rows: (window) => listEvents(ctx.db, { ...filterOf(query), ...window }),
        keyOf,
        show,
      }),
  }),
  reading({
    id: 'listEvents',
    method: 'GET',
    url: '/accounts/{account_id}/events',
    tag,
    summary: 'List what was changed in an account, newest first',
    access: { ...read, admin: true },
    params: accountParams,
    query,
    answer: pageOf(event),
    handler: (ctx, { params, query }, call) =>
      listPage(ctx, call, {
        rows: (window) =>
          listEvents(ctx.db, {
            ...filterOf(query),
            ...window,
            accountId: params.account_id,
            ofEverybody: call.caller.kind === 'operator',
          }),
        keyOf,
        show,
      }),
  }),
];
