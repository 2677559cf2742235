/** Every sign-in by a connection: how far it came, and what stopped it. */
import { z } from 'zod';
import { type AttemptRow, listAttempts, refusalCodes } from '../../core/attempts/attempts.ts';
import { getConnection } from '../../core/connections/connections.ts';
import { connectionParams, connectionUrl, refOf } from './connection-answer.ts';
import { type AnyOperation, reading } from './operation.ts';
import { listPage, pageOf, pageQuery } from './paging.ts';
import { shownId, shownTime, time } from './schemas.ts';

const attempt = z
  .strictObject({
    id: shownId('att'),
    purpose: z.enum(['sign_in', 'test', 'unsolicited']),
    stage: z
      .enum(['departure', 'response', 'browser', 'match', 'access', 'done'])
      .meta({ description: 'How far it came; where it was refused, the stage that refused it.' }),
    outcome: z.enum(['pending', 'passed', 'refused']),
    code: z.enum(refusalCodes).nullable().meta({ description: 'Why it was refused.' }),
    case_id: z
      .string()
      .nullable()
      .meta({ description: 'What the person was shown.', examples: ['7K2M-9QXA'] }),
    client_id: z.string().nullable(),
    user_id: shownId('usr').nullable(),
    claims: z.unknown().meta({
      description: 'As mapped, where it came that far; never an assertion or a token.',
      examples: [null],
    }),
    started_at: time,
    updated_at: time,
  })
  .meta({ id: 'ConnectionAttempt' });

function show(row: AttemptRow): z.output<typeof attempt> {
  const { id, purpose, stage, outcome, code, caseId, clientId, userId, claims, startedAt, updatedAt } = row;
  return {
    id,
    purpose,
    stage,
    outcome,
    code,
    case_id: caseId,
    client_id: clientId,
    user_id: userId,
    claims,
    started_at: shownTime(startedAt),
    updated_at: shownTime(updatedAt),
  };
}

export const attemptOperations: readonly AnyOperation[] = [
  reading({
    id: 'listConnectionAttempts',
    method: 'GET',
    url: `${connectionUrl}/attempts`,
    tag: 'Connections',
    summary: 'List the sign-ins by a connection, newest first',
    access: { operator: 'admin:connections:read', admin: true },
    params: connectionParams,
    query: pageQuery,
    answer: pageOf(attempt),
    handler: async (ctx, { params }, call) => {
      const { id: connectionId, accountId } = await getConnection(ctx.db, refOf(params));
      return listPage(ctx, call, {
        rows: (window) => listAttempts(ctx.db, { ...window, accountId, connectionId }),
        keyOf: ({ id }) => id,
        show,
      });
    },
  }),
];
