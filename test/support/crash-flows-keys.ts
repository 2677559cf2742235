/** The rotation of signing keys by an operator, while replicas die. */
import { operatorScopes } from '../../src/core/clients/clients.ts';
import { listKeys } from '../../src/core/keys/keys.ts';
import { apiWith, operatorToken } from './api.ts';
import { type Flow, insist, type World } from './crash-flow.ts';
import { until } from './reliability.ts';

const alg = 'ES256';

async function rotationsOf({ ctx }: World): Promise<number> {
  const rows = await ctx.db
    .selectFrom('events')
    .select('id')
    .where('type', '=', 'signing_key.rotated')
    .execute();
  return rows.length;
}

export const keyRotationFlow: Flow = {
  name: 'the rotation of signing keys',
  async begin(world) {
    const { ctx, issuer } = world;
    // so many are not published at once; the last of them has signed the operator's token
    for (const { kid } of (await keysOf(world)).filter(({ state }) => state === 'retired').slice(3))
      await ctx.db.deleteFrom('signingKeys').where('kid', '=', kid).execute();
    const api = apiWith(world, await operatorToken(world, operatorScopes));
    const before = { events: await rotationsOf(world), keys: (await keysOf(world)).length };
    return {
      async walk() {
        const answer = await insist(async () => {
          const { status, headers, text } = await api.post('/keys/rotate', { alg, now: true });
          return {
            status,
            headers,
            text,
            location: undefined,
            url: '',
            json: () => JSON.parse(text) as unknown,
          };
        });
        if (answer.status !== 200) throw new Error(answer.text);
      },
      async check(t) {
        const keys = await keysOf(world);
        const made = keys.length - before.keys;
        t.ok(made >= 1, 'I1: rotated');
        t.equal((await rotationsOf(world)) - before.events, made, 'I6: an event for each key');
        t.equal(keys.filter(({ state }) => state === 'current').length, 1, 'one of them signs');
        const isPublished = async () =>
          (await (await fetch(`${issuer}/jwks`)).text()).includes(keys[0]?.kid ?? 'none');
        await until(isPublished, { what: 'it is published' });
      },
    };
  },
};

/** The newest first. */
async function keysOf({ ctx }: World) {
  const keys = (await listKeys(ctx.db, ctx.now())).filter((key) => key.alg === alg);
  return keys.sort((a, b) => b.activateAt.getTime() - a.activateAt.getTime());
}
