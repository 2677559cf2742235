/** RL-09: signing keys change under load on two replicas, and a replica that stood still meanwhile knows of it before it signs. */
import { decodeProtectedHeader } from 'jose';
import { sql } from 'kysely';
import t from 'tap';
import { type Context, inTransaction } from '../../src/context.ts';
import { listKeys, retireSigningKey, rotateSigningKeys } from '../../src/core/keys/keys.ts';
import { demoParty, introspect } from '../provider/requests.ts';
import { Agent } from '../support/agent.ts';
import { createDatabase } from '../support/database.ts';
import { holdKeys } from '../support/key-holder.ts';
import { askForToken, currentKid, kept, kidIn, rotateQuickly, tokenOf } from '../support/quick-rotation.ts';
import { signIn } from '../support/relying-party.ts';
import { createEmptyDatabase, startReplicas } from '../support/replicas.ts';

const rotations = 4;
const workers = 3;
/** In seconds: by then whatever the old key has signed must have been looked at, however busy the machine is. */
const retires = 10;
/** How long keys count after they were read; a replica must stand still for longer. */
const confirmed = 5;

t.test(
  'rotations under load: no request fails, and no token is signed with a key unknown to those who verify',
  async (t) => {
    const { issuer, origins, ctx } = await startReplicas(t, {
      count: 2,
      databaseUrl: await createDatabase(t),
    });
    const holders = origins.map((origin) => holdKeys(origin, { seconds: kept, now: ctx.now }));
    const used = new Set<string>();
    const failures: string[] = [];
    let isOver = false;
    let verified = 0;

    /** Each token is verified by those who keep the keys of either replica, and introspected by the other. */
    const work = async (): Promise<void> => {
      while (!isOver) {
        const answer = await askForToken(issuer);
        if (answer.status !== 200) {
          failures.push(`${answer.status} ${answer.text}`);
          continue;
        }
        const token = tokenOf(answer);
        for (const holder of holders)
          await holder.verify(token).then(
            (kid) => used.add(kid),
            (error: unknown) => failures.push(String(error)),
          );
        if ((await introspect(issuer, token))['active'] !== true) failures.push('inactive');
        verified += 1;
      }
    };
    const visit = async (): Promise<void> => {
      while (!isOver) {
        const signedIn = signIn(new Agent(issuer), demoParty(issuer, 'confidential'), 'alan@acme.test');
        await signedIn.catch((error: unknown) => failures.push(String(error)));
      }
    };
    const load = Promise.all([...Array.from({ length: workers }, work), visit()]);

    const kids = new Set<string>();
    for (let rotation = 0; rotation < rotations; rotation += 1) {
      const [current, next] = await rotateQuickly(ctx, { retires });
      kids.add(current).add(next);
      // on each replica the next one signs, by the clock, and the one before is gone
      for (const origin of origins) while ((await askForToken(origin).then(kidIn)) !== next);
      while ((await (await fetch(`${issuer}/jwks`)).text()).includes(current));
    }
    isOver = true;
    await load;
    t.same(failures, []);
    t.ok(verified > 50, `${verified} tokens`);
    t.same(used, kids, 'each key has signed');
  },
);

t.test('a replica that stood still while its key was taken out', async (t) => {
  const { origins, ctx, signal } = await startReplicas(t, {
    count: 2,
    databaseUrl: await createDatabase(t),
  });
  const [frozen = '', other = ''] = origins;
  const old = await currentKid(ctx);
  const signed = tokenOf(await askForToken(frozen));
  t.equal(decodeProtectedHeader(signed).kid, old);

  signal(0, 'SIGSTOP');
  const [made] = await rotateSigningKeys(ctx, { alg: 'ES256', now: true });
  await inTransaction(ctx, (tx) => retireSigningKey(tx, old));
  const since = Date.now();
  const asked = Array.from({ length: 20 }, () => askForToken(frozen));
  const introspected = introspect(frozen, signed);
  const published = fetch(`${frozen}/jwks`);
  // life goes on elsewhere, once it is known there
  while ((await askForToken(other).then(kidIn)) !== made?.kid);
  while (Date.now() - since < (confirmed + 1) * 1000) t.equal((await askForToken(other)).status, 200);
  signal(0, 'SIGCONT');

  const answers = await Promise.all(asked);
  for (const answer of answers) t.same([answer.status, kidIn(answer)], [200, made?.kid]);
  t.same(await introspected, { active: false }, 'what the old key has signed is refused');
  t.notMatch(await (await published).text(), old, 'and the old key is published no more');
});

t.test('replicas of which one dies while the first keys are made', async (t) => {
  const exists = async ({ db }: Context): Promise<boolean> => {
    const { rows } = await sql<{ there: boolean }>`
      select to_regclass('signing_keys') is not null as there`.execute(db);
    return rows[0]?.there === true;
  };
  const { ctx, origins } = await startReplicas(t, {
    count: 3,
    databaseUrl: await createEmptyDatabase(t),
    seed: false,
    async atStart({ ctx, processes }) {
      while (!(await exists(ctx)));
      processes[0]?.kill('SIGKILL');
    },
  });
  t.equal(origins.length, 2);
  const keys = await listKeys(ctx.db, ctx.now());
  t.same(
    keys.map(({ alg, state }) => `${alg} ${state}`),
    ['ES256 current', 'RS256 current'],
  );
  const published = await Promise.all(origins.map(async (origin) => (await fetch(`${origin}/jwks`)).text()));
  t.equal(new Set(published).size, 1);
});
