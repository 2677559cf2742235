import { z } from 'zod';
import {
  type KeyDescription,
  listKeys,
  prepareRotation,
  retireSigningKey,
  rotateTo,
} from '../../core/keys/keys.ts';
import { type AnyOperation, changing, reading } from './operation.ts';
import { shownTime, shownTimeOrNull, time } from './schemas.ts';

const tag = 'Keys';
const kid = z
  .string()
  .regex(/^[\w-]{1,100}$/)
  .meta({ examples: ['Kz3vQ0m1'] });
const alg = z.enum(['ES256', 'RS256']);

const key = z
  .strictObject({
    kid,
    alg,
    state: z.enum(['next', 'current', 'retired']).meta({
      description: 'Published before it signs, and after, until nothing it has signed counts any more.',
    }),
    publish_at: time,
    activate_at: time,
    retire_at: time.nullable(),
  })
  .meta({ id: 'Key' });

const keys = z.strictObject({ items: z.array(key) });

function show({ kid, alg, state, publishAt, activateAt, retireAt }: KeyDescription): z.output<typeof key> {
  return {
    kid,
    alg,
    state,
    publish_at: shownTime(publishAt),
    activate_at: shownTime(activateAt),
    retire_at: shownTimeOrNull(retireAt),
  };
}

const write = { operator: 'admin:keys:write' } as const;

export const keyOperations: readonly AnyOperation[] = [
  reading({
    id: 'listKeys',
    method: 'GET',
    url: '/keys',
    tag,
    summary: 'List the keys that are published',
    access: { operator: 'admin:keys:read' },
    answer: keys,
    handler: async (ctx) => ({ items: (await listKeys(ctx.db, ctx.now())).map(show) }),
  }),
  changing({
    id: 'rotateKeys',
    method: 'POST',
    url: '/keys/rotate',
    tag,
    summary: 'Make the next keys',
    description:
      'They sign a day later, when everybody has them; with `now` at once, for when the current key must not sign any longer. Again, while there is a next key, it changes nothing.',
    access: write,
    body: z.strictObject({ alg: alg.optional(), now: z.boolean().optional() }),
    answer: keys,
    prepare: (ctx, { body }) => prepareRotation(ctx, body),
    change: async (tx, _input, { prepared }) => ({ items: (await rotateTo(tx, prepared)).map(show) }),
  }),
  changing({
    id: 'retireKey',
    method: 'POST',
    url: '/keys/{kid}/retire',
    tag,
    summary: 'Withdraw a key at once',
    description:
      'For a key that was stolen: what it has signed counts no more, from this moment, anywhere that asks.',
    access: write,
    params: z.object({ kid }),
    status: 204,
    failures: ['not_found', 'only_signing_key'],
    change: (tx, { params }) => retireSigningKey(tx, params.kid),
  }),
];
