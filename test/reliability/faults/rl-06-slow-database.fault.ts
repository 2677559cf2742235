/** Everything the database says comes late: a little, a lot, and later than anybody waits. */
import t from 'tap';
import { demoParty, refreshForm } from '../../provider/requests.ts';
import { Agent } from '../../support/agent.ts';
import { createMigrated, startCluster } from '../../support/cluster.ts';
import { startFaultyWire } from '../../support/faulty-wire.ts';
import { assertInvariants } from '../../support/invariants.ts';
import { p99, startOutageLoad, watch } from '../../support/outage.ts';
import { amount, pause, random, seed, tell, until } from '../../support/reliability.ts';
import { signIn } from '../../support/relying-party.ts';
import { isAtRest } from '../../support/replica-pool.ts';
import { startReplicas } from '../../support/replicas.ts';

const lasts = amount({ whole: 30_000, bounded: 4000 });
const workers = amount({ whole: 8, bounded: 2 });
const env = { DATABASE_STATEMENT_SECONDS: '3', DATABASE_WAIT_SECONDS: '2' };

t.test('RL-06 the database answers late', async (t) => {
  const cluster = await startCluster(t, { fsync: false });
  const direct = await createMigrated(cluster);
  const wire = await startFaultyWire(t, { port: cluster.port, chance: random(seed(t)).next });
  const databaseUrl = direct.replace(`:${cluster.port}/`, `:${wire.port}/`);
  const { issuer, origins, ctx } = await startReplicas(t, { count: 1, databaseUrl, env });
  const [origin = ''] = origins;

  const faults = {
    'by 50 ms': { delayMs: 50 },
    'by up to 500 ms': { delayMs: 50, jitterMs: 450 },
    'by five seconds': { delayMs: 5000 },
  };
  for (const [late, fault] of Object.entries(faults))
    await t.test(late, async (t) => {
      const { load, assertKept } = await startOutageLoad(issuer, workers);
      const watched = watch(origin);
      wire.become(fault);
      await pause(lasts);
      wire.become({});
      const before = load.tally.counts[200] ?? 0;
      const back = await until(() => (load.tally.counts[200] ?? 0) > before, { what: 'it serves' });
      const { counts, failures, slowestMs } = await load.stop();
      const seen = await watched.stop();
      tell(
        t,
        `${JSON.stringify(counts)}, the slowest ${slowestMs.toFixed()} ms, back after ${back.toFixed()} ms`,
      );
      t.same(failures, [], 'nothing but 200, and 503 with Retry-After');
      t.ok(slowestMs < 25_000, `nobody waited longer than ${slowestMs.toFixed()} ms`);
      t.ok(
        seen.every(({ status }) => status === 200) && p99(seen) < 1000,
        `without it: p99 ${p99(seen).toFixed()} ms`,
      );
      await assertKept();
      await until(() => isAtRest(origin, ctx.db), { what: 'every connection has come back' });
      await assertInvariants(t, ctx.db);
    });

  await t.test('and whoever hangs up leaves nothing behind', async (t) => {
    const { tokens } = await signIn(new Agent(issuer), demoParty(issuer, 'assist'), 'alan@acme.test');
    const body = new URLSearchParams(refreshForm(tokens.refresh_token));
    wire.become({ delayMs: 300 });
    await Promise.all(
      Array.from({ length: 60 }, async (_, index) => {
        const signal = AbortSignal.timeout(20 + index * 5);
        await t.rejects(fetch(`${origin}/token`, { method: 'POST', body, signal }));
      }),
    );
    wire.become({});
    const rest = await until(() => isAtRest(origin, ctx.db), { what: 'every connection has come back' });
    tell(t, `at rest after ${rest.toFixed()} ms`);
  });
});
