/** PostgreSQL is restarted, killed and frozen under load: the process survives, says so, and is back when it is. */
import t, { type Test } from 'tap';
import { createMigrated, startCluster } from '../../support/cluster.ts';
import { assertInvariants } from '../../support/invariants.ts';
import { p99, startOutageLoad, watch } from '../../support/outage.ts';
import { amount, pause, tell, until } from '../../support/reliability.ts';
import { startReplicas } from '../../support/replicas.ts';

/** In milliseconds. */
const outage = amount({ whole: 20_000, bounded: 2500 });
const frozenFor = amount({ whole: 20_000, bounded: 7000 });
const workers = amount({ whole: 10, bounded: 3 });
/** What is promised; a machine that is busy with other tests looks late. In milliseconds. */
const noticedWithin = amount({ whole: 1000, bounded: 3000 });
const backWithin = amount({ whole: 2000, bounded: 5000 });
/** A statement has three seconds, its connection two more, and another of them is waited for three. */
const env = { DATABASE_STATEMENT_SECONDS: '3' };
const longestAnswer = 12_000;

async function statusOf(address: string): Promise<number> {
  const answer = await fetch(address);
  await answer.arrayBuffer();
  return answer.status;
}

t.test('RL-04 the database restarts under load', async (t) => {
  const cluster = await startCluster(t);
  const databaseUrl = await createMigrated(cluster);
  const { issuer, origins, ctx, output, isOver } = await startReplicas(t, { count: 1, databaseUrl, env });
  const [origin = ''] = origins;
  const isServing = async (): Promise<boolean> => (await statusOf(`${origin}/readyz`)) === 200;

  const faults: Readonly<Record<string, { strike(): Promise<void>; heal(): Promise<void>; ms: number }>> = {
    'a fast stop': { strike: () => cluster.stop('fast'), heal: cluster.start, ms: outage },
    'an immediate stop': { strike: () => cluster.stop('immediate'), heal: cluster.start, ms: outage },
    'a postmaster killed': { strike: cluster.kill, heal: cluster.start, ms: outage },
    'every process frozen': { strike: cluster.freeze, heal: cluster.thaw, ms: frozenFor },
  };
  for (const [what, { strike, heal, ms }] of Object.entries(faults))
    await t.test(what, async (t) => {
      const { load, assertKept } = await startOutageLoad(issuer, workers);
      await until(() => (load.tally.counts[200] ?? 0) > 20, { what: 'the load runs' });
      const watched = watch(origin);
      const striking = strike();
      const noticed = await until(async () => !(await isServing()), { what: 'it is not ready' });
      await striking;
      await pause(ms); // how long the database is gone
      t.notOk(await isServing(), 'it stays not ready');
      await heal();
      const ready = await until(isServing, { what: 'it is ready again' });
      const before = load.tally.counts[200] ?? 0;
      const back = ready + (await until(() => (load.tally.counts[200] ?? 0) > before, { what: 'it serves' }));
      await checkAfter(t, { load: await load.stop(), seen: await watched.stop() });
      await assertKept();
      await assertInvariants(t, ctx.db);
      tell(
        t,
        `not ready after ${noticed.toFixed()} ms, serving ${back.toFixed()} ms after the database is back`,
      );
      t.ok(noticed < noticedWithin, `it is not ready after ${noticed.toFixed()} ms`);
      t.ok(back < backWithin, `it serves ${back.toFixed()} ms after the database is back`);
    });
  t.notOk(isOver(0), 'the process has never ended');
  t.notMatch(output(), /"level":(?:5|6)0.*(?:unexpected error|fault in)/, 'and takes none of it for a fault');
});

interface Result {
  readonly load: Awaited<ReturnType<Awaited<ReturnType<typeof startOutageLoad>>['load']['stop']>>;
  readonly seen: Awaited<ReturnType<ReturnType<typeof watch>['stop']>>;
}

async function checkAfter(t: Test, { load, seen }: Result): Promise<void> {
  t.same(load.failures, [], 'nothing but 200, and 503 with Retry-After');
  t.ok((load.counts[503] ?? 0) > 0, 'the outage was felt');
  t.ok(load.slowestMs < longestAnswer, `nobody waited longer than ${load.slowestMs.toFixed()} ms`);
  t.ok(
    seen.every(({ status }) => status === 200),
    'what needs no database is served',
  );
  t.ok(p99(seen) < 1000, `and soon: p99 ${p99(seen).toFixed()} ms`);
}
