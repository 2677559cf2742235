/** Our own keys towards one identity provider: published as the next, and then in use. */
import { z } from 'zod';
import type { Tx } from '../../context.ts';
import type { Db } from '../../db/connect.ts';
import {
  type ConnectionKey,
  getConnection,
  getLockedConnection,
  keyUses,
  listConnectionKeys,
  makeOwnKey,
  rotateConnectionKeys,
  storeConnectionKey,
} from '../../core/connections/connections.ts';
import { Failure } from '../../kernel/failures.ts';
import { type ConnectionParams, connectionParams, connectionUrl, refOf } from './connection-answer.ts';
import { type AnyOperation, changing, reading } from './operation.ts';
import { pageOf } from './paging.ts';
import { shownId, shownTime, time } from './schemas.ts';

const tag = 'Connections';
const url = `${connectionUrl}/keys` as const;
const read = { operator: 'admin:connections:read', admin: true } as const;
const write = { operator: 'admin:connections:write', admin: true } as const;

const use = z.enum(keyUses);
const key = z
  .strictObject({
    id: shownId('key'),
    use,
    state: z.enum(['current', 'next']).meta({
      description: 'The next is published beside the current, so that it is known before it is used.',
    }),
    certificate: z.string().meta({
      description: 'PEM.',
      examples: ['-----BEGIN CERTIFICATE-----\n…\n-----END CERTIFICATE-----\n'],
    }),
    expires_at: time.meta({ description: 'Of the certificate.' }),
  })
  .meta({ id: 'ConnectionKey' });

function show({ id, use, state, certificate, notAfter }: ConnectionKey): z.output<typeof key> {
  return { id, use, state, certificate, expires_at: shownTime(notAfter) };
}

type Addressed = Readonly<{ params: ConnectionParams }>;

/** All on one page: there are two of each use at most. */
async function showAll(db: Db, { id }: { readonly id: ConnectionKey['connectionId'] }) {
  return { items: (await listConnectionKeys(db, id)).map(show), next_cursor: null };
}

const current = async (tx: Tx, { params }: Addressed) =>
  showAll(tx.db, await getLockedConnection(tx, refOf(params)));

/** Failure `action_not_available` when the connection has no key for this use in this state. */
async function assertKey(
  tx: Tx,
  params: ConnectionParams,
  { use, state }: Pick<ConnectionKey, 'use' | 'state'>,
): Promise<void> {
  const { id } = await getLockedConnection(tx, refOf(params));
  const keys = await listConnectionKeys(tx.db, id);
  if (!keys.some((one) => one.use === use && one.state === state)) throw new Failure('action_not_available');
}

export const keyOperations: readonly AnyOperation[] = [
  reading({
    id: 'listConnectionKeys',
    method: 'GET',
    url,
    tag,
    summary: 'List our keys towards an identity provider',
    access: read,
    params: connectionParams,
    answer: pageOf(key),
    handler: async (ctx, { params }) => showAll(ctx.db, await getConnection(ctx.db, refOf(params))),
  }),
  changing({
    id: 'createConnectionKey',
    method: 'POST',
    url,
    tag,
    summary: 'Make and publish the next key',
    description: 'The identity provider has to know it before it is rotated in.',
    access: write,
    params: connectionParams,
    body: z.strictObject({ use }),
    status: 201,
    answer: key,
    failures: ['already_exists', 'action_not_available'],
    prepare: async (ctx, { params }) => {
      await getConnection(ctx.db, refOf(params));
      return makeOwnKey(ctx);
    },
    change: async (tx, { params, body: { use } }, { prepared }) => {
      await assertKey(tx, params, { use, state: 'current' });
      const place = { ...refOf(params), use, state: 'next' } as const;
      const id = await storeConnectionKey(tx, place, prepared);
      const { certificate, notAfter } = prepared;
      return { id, use, state: 'next' as const, certificate, expires_at: shownTime(notAfter) };
    },
  }),
  changing({
    id: 'rotateConnectionKey',
    method: 'POST',
    url: `${url}/rotate`,
    tag,
    summary: 'Use the next key',
    description: 'The one before is gone with that.',
    access: write,
    params: connectionParams,
    body: z.strictObject({ use }),
    answer: pageOf(key),
    failures: ['action_not_available'],
    current,
    change: async (tx, { params, body: { use } }) => {
      await assertKey(tx, params, { use, state: 'next' });
      await rotateConnectionKeys(tx, { ...refOf(params), use });
      return current(tx, { params });
    },
  }),
];
