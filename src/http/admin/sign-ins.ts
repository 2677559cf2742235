import { z } from 'zod';
import { listSignIns, type SignInAttempt, signInOutcomes, type Way } from '../../core/sign-ins/sign-ins.ts';
import { accountParams } from './accounts.ts';
import { type AnyOperation, reading } from './operation.ts';
import { listPage, pageOf, pageQuery } from './paging.ts';
import { idOf, shownId, shownTime, time } from './schemas.ts';

const outcome = z.enum(signInOutcomes);

const way = z
  .discriminatedUnion('method', [
    z.strictObject({ method: z.literal('password') }),
    z.strictObject({
      method: z.literal('connection'),
      connection_id: shownId('con'),
      label: z.string().nullable().meta({ description: 'null when the connection is gone.' }),
    }),
    z.strictObject({ method: z.literal('social'), provider: z.string() }),
  ])
  .nullable()
  .meta({ description: 'null where nothing was proven anew.' });

const signIn = z
  .strictObject({
    id: shownId('evt'),
    at: time,
    outcome,
    code: z
      .string()
      .nullable()
      .meta({ description: 'Why not.', examples: ['no_seat'] }),
    stage: z.string().meta({ description: 'How far it came.', examples: ['access'] }),
    way,
    user: z
      .strictObject({ id: shownId('usr'), email: z.string().nullable(), name: z.string().nullable() })
      .nullable()
      .meta({ description: 'null when it is not known who it was; the address of members only.' }),
    client_id: z
      .string()
      .nullable()
      .meta({ examples: ['demo-assist'] }),
    case_id: z
      .string()
      .nullable()
      .meta({ description: 'What the person was shown to ask about it.', examples: ['7K3M-Q0RX'] }),
    ip: z
      .string()
      .nullable()
      .meta({ examples: ['192.0.2.1'] }),
  })
  .meta({ id: 'SignIn' });

function show(row: SignInAttempt): z.output<typeof signIn> {
  const { id, at, outcome, code, stage, userId, email, name, clientId, caseId, ip } = row;
  return {
    id,
    at: shownTime(at),
    outcome,
    code,
    stage,
    way: row.way && showWay(row.way),
    user: userId === null ? null : { id: userId, email, name },
    client_id: clientId,
    case_id: caseId,
    ip,
  };
}

function showWay(way: Way): z.output<typeof signIn>['way'] {
  if (way.method !== 'connection') return way;
  return { method: 'connection', connection_id: way.connectionId, label: way.label };
}

export const signInOperations: readonly AnyOperation[] = [
  reading({
    id: 'listSignIns',
    method: 'GET',
    url: '/accounts/{account_id}/sign-ins',
    tag: 'Sign-ins',
    summary: 'List every try of the account’s people to sign in, newest first',
    access: { operator: 'admin:sign_ins:read', admin: true },
    params: accountParams,
    query: pageQuery.extend({ user_id: idOf('usr').optional(), outcome: outcome.optional() }),
    answer: pageOf(signIn),
    handler: (ctx, { params, query: { user_id: userId, outcome } }, call) =>
      listPage(ctx, call, {
        rows: (window) => listSignIns(ctx.db, { ...window, accountId: params.account_id, userId, outcome }),
        keyOf: ({ id }) => id,
        show,
      }),
  }),
];
