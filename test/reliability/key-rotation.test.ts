/** Signing keys change under load on two replicas, and a replica that stood still meanwhile knows of it before it signs. */
import { decodeProtectedHeader } from 'jose';
import { sql } from 'kysely';
import t from 'tap';
import { type Context, inTransaction } from '../../src/context.ts';
import {
  keysChangedChannel,
  listKeys,
  retireSigningKey,
  rotateSigningKeys,
} from '../../src/core/keys/keys.ts';
import { addSeconds } from '../../src/kernel/time.ts';
import { assistApi, demoBasic, demoParty, introspect, post } from '../provider/requests.ts';
import { Agent, type Answer } from '../support/agent.ts';
import { createDatabase } from '../support/database.ts';
import { holdKeys } from '../support/key-holder.ts';
import { signIn } from '../support/relying-party.ts';
import { createEmptyDatabase, startReplicas } from '../support/replicas.ts';

/** A day of rotation in seconds: how long keys are kept, when the next one signs, and when the old one is gone. */
const kept = 0.5;
const activates = 3;
const retires = 5;
const rotations = 4;
const workers = 3;
/** How long keys count after they were read; a replica must stand still for longer. */
const confirmed = 5;

function askForToken(origin: string): Promise<Answer> {
  const form = { grant_type: 'client_credentials', resource: assistApi, scope: 'assist:read' };
  return post(origin, '/token', form, demoBasic('service'));
}

function tokenOf(answer: Answer): string {
  return (answer.json() as { access_token: string }).access_token;
}

/** Undefined when there is no token in it. */
function kidIn(answer: Answer): string | undefined {
  return answer.status === 200 ? decodeProtectedHeader(tokenOf(answer)).kid : undefined;
}

async function currentKid({ db, now }: Context): Promise<string> {
  const keys = await listKeys(db, now());
  return keys.find(({ alg, state }) => alg === 'ES256' && state === 'current')?.kid ?? '';
}

/** A rotation as it is, but for its times: those of days become those of seconds. */
async function rotateQuickly(ctx: Context): Promise<readonly string[]> {
  const current = await currentKid(ctx);
  const [next] = await rotateSigningKeys(ctx, { alg: 'ES256' });
  const at = ctx.now();
  const change = (kid: string | undefined, times: { activateAt: Date } | { retireAt: Date }) =>
    ctx.db
      .updateTable('signingKeys')
      .set(times)
      .where('kid', '=', kid ?? '')
      .execute();
  await change(next?.kid, { activateAt: addSeconds(at, activates) });
  await change(current, { retireAt: addSeconds(at, retires) });
  await sql`select pg_notify(${keysChangedChannel}, '')`.execute(ctx.db);
  return [current, next?.kid ?? ''];
}

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
      const [current, next = ''] = await rotateQuickly(ctx);
      kids.add(current ?? '').add(next);
      // on each replica the next one signs, by the clock, and the one before is gone
      for (const origin of origins) while ((await askForToken(origin).then(kidIn)) !== next);
      while ((await (await fetch(`${issuer}/jwks`)).text()).includes(current ?? ''));
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
