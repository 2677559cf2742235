/** From a draft to the day it is required, and back. */
import { z } from 'zod';
import type { Context, Tx } from '../../context.ts';
import {
  type ConnectionRef,
  disableConnection,
  enableConnection,
  getConnection,
  offerTest,
  pilotConnection,
  requireConnection,
} from '../../core/connections/connections.ts';
import { refreshProvider } from '../../federation/oidc/oidc.ts';
import { refreshSoon } from '../../federation/refresh.ts';
import { Failure, type FailureCode } from '../../kernel/failures.ts';
import { minute } from '../../kernel/time.ts';
import {
  connection,
  type ConnectionParams,
  connectionParams,
  connectionUrl,
  current,
  refOf,
  showNow,
} from './connection-answer.ts';
import { inWireWords } from './connection-settings.ts';
import { type AnyOperation, changing, reading } from './operation.ts';
import { givenEmail, idOf, shownTime, time } from './schemas.ts';

const write = { operator: 'admin:connections:write', admin: true } as const;
const addressed = { tag: 'Connections', method: 'POST', access: write, params: connectionParams } as const;

interface Move<Body extends z.ZodType | undefined> {
  readonly verb: string;
  readonly summary: string;
  readonly description: string;
  readonly body?: Body;
  readonly failures?: readonly FailureCode[];
  readonly work: (
    tx: Tx,
    ref: ConnectionRef,
    body: Body extends z.ZodType ? z.output<Body> : undefined,
  ) => Promise<void>;
}

/** A change of where a connection stands; the answer is the connection. */
function move<Body extends z.ZodType | undefined = undefined>({ verb, work, ...about }: Move<Body>) {
  return changing({
    ...addressed,
    ...about,
    id: `${verb}Connection`,
    url: `${connectionUrl}/${verb}`,
    answer: connection,
    current,
    change: async (tx, { params, body }) => {
      await inWireWords(() => work(tx, refOf(params), body as never));
      return showNow(tx, params);
    },
  });
}

export const lifeCycleOperations: readonly AnyOperation[] = [
  changing({
    ...addressed,
    id: 'testConnection',
    url: `${connectionUrl}/test`,
    summary: 'Begin a test of a connection',
    description:
      'Answers a link that starts one real sign-in, in any browser. It signs nobody in and makes nobody; what it finds is shown to whoever follows it and stands among the attempts.',
    answer: z
      .strictObject({
        url: z.string().meta({
          examples: [
            'https://id.vendor.com/federation/con_01k0c3v7e8t9w2x4y6z8a0b2c4/start?test=Zm9yIGV4YW1wbGU',
          ],
        }),
        expires_at: time.meta({ description: 'In ten minutes.' }),
      })
      .meta({ id: 'ConnectionTest' }),
    change: async (tx, { params }) => {
      const { url, expiresAt } = await offerTest(tx, refOf(params));
      return { url, expires_at: shownTime(expiresAt) };
    },
  }),
  move({
    verb: 'pilot',
    summary: 'Send these people to a connection',
    description: 'And nobody else; the list replaces the one before.',
    body: z.strictObject({ emails: z.array(givenEmail).min(1).max(1000) }),
    failures: ['connection_not_tested'],
    work: (tx, ref, { emails }) => pilotConnection(tx, { ...ref, emails }),
  }),
  move({
    verb: 'enable',
    summary: 'Send everybody of its domains to a connection',
    description: 'The password goes on working.',
    failures: ['connection_not_tested'],
    work: (tx, ref) => enableConnection(tx, ref),
  }),
  move({
    verb: 'require',
    summary: 'Close every other door for the people of its domains',
    description:
      'Only when an admin has come in by it within the hour. One or two admins keep their password, for the day the identity provider is down.',
    body: z.strictObject({ break_glass: z.array(idOf('usr')).min(1).max(2) }),
    failures: ['connection_not_tested', 'connection_not_enabled', 'admin_sign_in_missing'],
    work: (tx, ref, { break_glass: breakGlass }) => requireConnection(tx, { ...ref, breakGlass }),
  }),
  move({
    verb: 'disable',
    summary: 'Send nobody to a connection any more',
    description: 'Whoever is on their way does not come in either. What it knows is kept.',
    work: (tx, ref) => disableConnection(tx, ref),
  }),
  reading({
    ...addressed,
    id: 'refreshConnectionMetadata',
    url: `${connectionUrl}/refresh-metadata`,
    summary: 'Fetch now what the identity provider publishes',
    description:
      'Of SAML at most once in five minutes. Refused is what cannot be used: the last good one is kept.',
    answer: connection,
    failures: ['metadata_refused', 'action_not_available', 'throttled'],
    handler: async (ctx, { params }) => {
      await refresh(ctx, params);
      return showNow(ctx, params);
    },
  }),
];

async function refresh(ctx: Context, params: ConnectionParams): Promise<void> {
  const before = await getConnection(ctx.db, refOf(params));
  if (before.kind === 'oidc') await refreshProvider(ctx, before);
  else if (before.settings.metadataUrl === null) throw new Failure('action_not_available');
  else if (!(await refreshSoon(ctx, before))) throw new Failure('throttled', { retryAfter: 5 * minute });
  const { refreshError } = await getConnection(ctx.db, refOf(params));
  if (refreshError !== null) throw new Failure('metadata_refused', { detail: refreshError });
}
