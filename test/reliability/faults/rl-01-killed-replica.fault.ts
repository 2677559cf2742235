/**
 * RL-01: a replica is killed at every step of every flow: just before and just after each statement that it sends while
 * somebody is at it, and at random moments. What was acknowledged is there, what counts once has counted once, everything
 * that changed has its event, and whoever it happened to has gone on or has started again.
 */
import t, { type Test } from 'tap';
import { createDatabase } from '../../support/database.ts';
import { type Flow, openWorld, type World } from '../../support/crash-flow.ts';
import { keyRotationFlow } from '../../support/crash-flows-keys.ts';
import {
  companyFlow,
  invitationFlow,
  linkFlow,
  resetFlow,
  seatRequestFlow,
} from '../../support/crash-flows-people.ts';
import { codeFlow, consentFlow, refreshFlow, signInFlow } from '../../support/crash-flows-protocol.ts';
import { type Fleet, type Moment, startFleet } from '../../support/fleet.ts';
import { assertInvariants } from '../../support/invariants.ts';
import { amount, random, seed } from '../../support/reliability.ts';

const isWhole = amount({ whole: 1, bounded: 0 }) === 1;

const mainFlows: readonly Flow[] = [signInFlow, codeFlow, refreshFlow, resetFlow, invitationFlow];
const otherFlows: readonly Flow[] = [consentFlow, linkFlow, companyFlow, keyRotationFlow, seatRequestFlow];

t.test('RL-01 a replica is killed at every step of every flow', async (t) => {
  const draw = random(seed(t)).next;
  const fleet = await startFleet(t, {
    count: amount({ whole: 4, bounded: 3 }),
    databaseUrl: await createDatabase(t),
    env: { API_REQUESTS_PER_MINUTE: '100000' },
  });
  const world = await openWorld(fleet);
  for (const flow of [...mainFlows, ...otherFlows]) {
    const bounded = mainFlows.includes(flow) ? 2 : 1;
    await t.test(flow.name, async (t) => {
      const explored = await explore(fleet, world, flow);
      const { moments } = explored;
      t.ok(moments.length > 1, `${moments.length} moments`);
      const before = fleet.kills;
      const enough = (): boolean => fleet.kills - before >= amount({ whole: 200, bounded });
      // a moment that the walk does not come to this time (what was asked is cached) costs nobody anything
      for (const moment of moments)
        if (isWhole || !enough())
          await under(t, { fleet, world, flow, label: labelOf(moment) }, () => {
            fleet.killAt(moment);
            return () => fleet.disarm();
          });
      let { walkMs } = explored;
      while (!enough()) {
        const ms = draw() * walkMs;
        const deaths = fleet.kills;
        const tookMs = await under(
          t,
          { fleet, world, flow, label: `at random, after ${Math.round(ms)} ms` },
          () => {
            const timer = setTimeout(() => fleet.killBusy(), ms);
            return () => clearTimeout(timer); // the walk was quicker
          },
        );
        // as long as it takes now: the machine may have been busier when it was explored
        if (fleet.kills === deaths) walkMs = tookMs;
      }
      t.comment(`${fleet.kills - before} kills`);
    });
  }
  await assertInvariants(t, world.ctx.db, 'of the test');
  t.same(fleet.faults, [], 'no replica has answered 5xx');
  t.ok(fleet.lost.length <= fleet.kills, 'a death costs the request that it interrupts and no other');
});

/** Before and after everything that the flow has the database do; commits first, the last of them foremost: they decide. */
async function explore(
  fleet: Fleet,
  world: World,
  flow: Flow,
): Promise<{ readonly moments: readonly Moment[]; readonly walkMs: number }> {
  const attempt = await flow.begin(world);
  const begun = performance.now();
  const statements = [...new Set(await fleet.watch(() => attempt.walk()))].filter(
    (statement) =>
      !/^(begin|rollback|listen|set )/i.test(statement) &&
      statement !== 'commit of nothing' &&
      !/\btimelines\b/.test(statement), // of a new connection, whatever it is for
  );
  const walkMs = performance.now() - begun;
  const commits = statements.filter((statement) => statement.startsWith('commit')).reverse();
  const others = statements.filter((statement) => !statement.startsWith('commit'));
  const moments = [...commits, ...others].flatMap((statement): Moment[] => [
    { statement, side: 'after' },
    { statement, side: 'before' },
  ]);
  return { moments, walkMs };
}

interface Case {
  readonly fleet: Fleet;
  readonly world: World;
  readonly flow: Flow;
  readonly label: string;
}

/** Answers how long the walk took, in milliseconds. */
async function under(t: Test, { fleet, world, flow, label }: Case, fire: () => () => void): Promise<number> {
  await world.ctx.db.deleteFrom('throttles').execute();
  const attempt = await flow.begin(world);
  await fleet.ready(2);
  const begun = performance.now();
  const cease = fire();
  try {
    await attempt.walk();
  } catch (error) {
    t.fail(`${label}: ${String(error)}`);
    return performance.now() - begun;
  } finally {
    cease();
  }
  const tookMs = performance.now() - begun;
  await fleet.ready(1);
  await t.test(label, (t) => attempt.check(t));
  return tookMs;
}

function labelOf({ statement, side }: Moment): string {
  return `${side} ${statement.slice(0, 100)}`;
}
