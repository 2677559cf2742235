/**
 * RL-12: clocks differ, and jump. All replicas decide by the database's clock: what one has issued another takes, what has
 * ended has ended at each of them, and whoever is signed in stays so.
 */
import t, { type Test } from 'tap';
import {
  assistApi,
  demoParty,
  introspect,
  obtainCode,
  post,
  refreshForm,
  userinfo,
} from '../../provider/requests.ts';
import { Agent } from '../../support/agent.ts';
import { createDatabase } from '../../support/database.ts';
import { otherClock } from '../../support/faketime.ts';
import { type Fleet, startFleet } from '../../support/fleet.ts';
import { assertInvariants } from '../../support/invariants.ts';
import { callbackParams, signIn } from '../../support/relying-party.ts';

const email = 'alan@acme.test';
interface Tokens {
  readonly access_token: string;
  readonly refresh_token: string;
}

/** At one replica, then the rest at another. */
async function at<Result>(fleet: Fleet, replica: number, work: () => Promise<Result>): Promise<Result> {
  fleet.prefer(replica);
  try {
    return await work();
  } finally {
    fleet.prefer();
  }
}

const signedIn = ({ issuer }: Fleet) =>
  signIn(new Agent(issuer), demoParty(issuer, 'assist'), email, { resource: assistApi });
const codeOf = ({ issuer }: Fleet) => obtainCode(demoParty(issuer, 'assist'));

async function goesFrom(t: Test, fleet: Fleet, [from, to]: readonly [number, number]): Promise<void> {
  const { issuer } = fleet;
  const { form } = await at(fleet, from, () => codeOf(fleet));
  const exchanged = await at(fleet, to, () => post(issuer, '/token', form));
  t.equal(exchanged.status, 200, 'a code');
  const tokens = exchanged.json() as Tokens;
  t.equal((await at(fleet, from, () => userinfo(issuer, tokens.access_token))).status, 200, 'its token');
  const { tokens: api } = await at(fleet, to, () => signedIn(fleet));
  t.match(await at(fleet, from, () => introspect(issuer, api.access_token)), { active: true }, 'a JWT');
  const refresh = () => post(issuer, '/token', refreshForm(tokens.refresh_token));
  const rotated = await at(fleet, from, refresh);
  const lost = await at(fleet, to, refresh);
  t.equal(lost.status, 200, 'a lost reply is given again');
  t.equal((lost.json() as Tokens).refresh_token, (rotated.json() as Tokens).refresh_token);
  const browser = new Agent(issuer);
  await at(fleet, from, () => signIn(browser, demoParty(issuer, 'assist'), email));
  t.ok(await at(fleet, to, () => isSignedIn(fleet, browser)), 'a session');
}

async function isSignedIn({ issuer }: Fleet, browser: Agent): Promise<boolean> {
  const { url } = await demoParty(issuer, 'assist').start({ prompt: 'none' });
  return callbackParams(await browser.follow(url.href)).has('code');
}

t.test('RL-12 clocks differ by three minutes', async (t) => {
  const clocks = [await otherClock(-90), await otherClock(90), await otherClock(0)];
  const fleet = await startFleet(t, {
    count: 3,
    databaseUrl: await createDatabase(t),
    own: (index) => ({ env: clocks[index]?.env ?? {} }),
  });
  const { ctx, issuer } = fleet;
  const [behind, ahead, right] = [0, 1, 2];
  const replicas = [behind, ahead, right];

  for (const way of replicas.flatMap((from) => replicas.map((to) => [from, to] as const)))
    if (way[0] !== way[1]) await t.test(`from ${way[0]} to ${way[1]}`, (t) => goesFrom(t, fleet, way));

  await t.test('what ended a second ago has ended at each, behind or not', async (t) => {
    for (const replica of replicas) {
      const { form } = await at(fleet, ahead, () => codeOf(fleet));
      const { tokens } = await at(fleet, ahead, () =>
        signIn(new Agent(issuer), demoParty(issuer, 'assist'), email),
      );
      const ended = new Date(Date.now() - 1000);
      await ctx.db.updateTable('artifacts').set({ expiresAt: ended }).execute();
      t.equal((await at(fleet, replica, () => post(issuer, '/token', form))).status, 400, 'a code');
      const answer = await at(fleet, replica, () => userinfo(issuer, tokens.access_token));
      t.equal(answer.status, 401, 'a token');
    }
  });

  await t.test('a clock that jumps by an hour, and back, signs nobody out and revives nothing', async (t) => {
    const browser = new Agent(issuer);
    const { tokens } = await at(fleet, right, () => signIn(browser, demoParty(issuer, 'assist'), email));
    const { form } = await at(fleet, right, () => codeOf(fleet));
    await at(fleet, right, () => post(issuer, '/token', form));
    for (const jump of [3600, -3600, 0]) {
      await clocks[right]?.set(jump);
      t.ok(await at(fleet, right, () => isSignedIn(fleet, browser)), `${jump} s: still signed in`);
      const known = await at(fleet, right, () => userinfo(issuer, tokens.access_token));
      t.equal(known.status, 200, `${jump} s: the token counts`);
      t.equal(
        (await at(fleet, right, () => post(issuer, '/token', form))).status,
        400,
        'a used code is used',
      );
    }
  });
  t.same(fleet.faults, []);
  await assertInvariants(t, ctx.db);
});

t.test('RL-12 the database has another time than all replicas', async (t) => {
  const clock = await otherClock(3600);
  const fleet = await startFleet(t, {
    count: 2,
    databaseUrl: await createDatabase(t),
    own: () => ({ env: clock.env }),
  });
  await goesFrom(t, fleet, [0, 1]);
  t.match(fleet.output(), 'this clock is not that of the database', 'and the log says so');
  t.same(fleet.faults, []);
});
