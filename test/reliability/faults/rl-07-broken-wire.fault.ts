/** The wire to the database is reset again and again, swallows everything, or one of its directions. */
import t from 'tap';
import { createMigrated, startCluster } from '../../support/cluster.ts';
import { startFaultyWire, type FaultyWire } from '../../support/faulty-wire.ts';
import { assertInvariants } from '../../support/invariants.ts';
import { p99, startOutageLoad, watch } from '../../support/outage.ts';
import { amount, pause, tell, until } from '../../support/reliability.ts';
import { isAtRest } from '../../support/replica-pool.ts';
import { startReplicas } from '../../support/replicas.ts';

const lasts = amount({ whole: 30_000, bounded: 4000 });
const workers = amount({ whole: 8, bounded: 2 });
const env = { DATABASE_STATEMENT_SECONDS: '2', DATABASE_WAIT_SECONDS: '2' };

/** Each breaks the wire for a while, and mends it. */
const faults: Readonly<Record<string, (wire: FaultyWire) => Promise<void>>> = {
  'is reset again and again': async (wire) => {
    for (let over = 0; over < lasts; over += 100) {
      wire.reset();
      await pause(100);
    }
  },
  'cannot be had': async (wire) => {
    wire.become({ refuses: true });
    wire.reset();
    await pause(lasts);
  },
  'swallows everything': async (wire) => {
    wire.become({ swallows: 'both' });
    await pause(lasts);
  },
  'swallows the answers': async (wire) => {
    wire.become({ swallows: 'answers' });
    await pause(lasts);
  },
  'swallows the requests': async (wire) => {
    wire.become({ swallows: 'requests' });
    await pause(lasts);
  },
};

t.test('RL-07 the wire to the database breaks', async (t) => {
  const cluster = await startCluster(t, { fsync: false });
  const direct = await createMigrated(cluster);
  const wire = await startFaultyWire(t, { port: cluster.port });
  const databaseUrl = direct.replace(`:${cluster.port}/`, `:${wire.port}/`);
  const { issuer, origins, ctx, isOver } = await startReplicas(t, { count: 1, databaseUrl, env });
  const [origin = ''] = origins;
  for (const [what, provoke] of Object.entries(faults))
    await t.test(`it ${what}`, async (t) => {
      const { load, assertKept } = await startOutageLoad(issuer, workers);
      const watched = watch(origin);
      await provoke(wire);
      wire.become({});
      const before = load.tally.counts[200] ?? 0;
      const back = await until(() => (load.tally.counts[200] ?? 0) > before, { what: 'it serves' });
      const ready = async () => (await fetch(`${origin}/readyz`)).status === 200;
      await until(ready, { what: 'it is ready' });
      const { counts, failures, slowestMs } = await load.stop();
      const seen = await watched.stop();
      tell(
        t,
        `${JSON.stringify(counts)}, the slowest ${slowestMs.toFixed()} ms, back after ${back.toFixed()} ms`,
      );
      t.same(failures, [], 'nothing but 200, and 503 with Retry-After');
      t.ok((counts[503] ?? 0) > 0, 'it was felt');
      t.ok(slowestMs < 12_000, `nobody waited longer than ${slowestMs.toFixed()} ms`);
      t.ok(back < 6000, `it serves ${back.toFixed()} ms later`);
      t.ok(
        seen.every(({ status }) => status === 200) && p99(seen) < 1000,
        `without it: p99 ${p99(seen).toFixed()} ms`,
      );
      await assertKept();
      await until(() => isAtRest(origin, ctx.db), { what: 'every connection has come back' });
      await assertInvariants(t, ctx.db);
    });
  t.notOk(isOver(0), 'the process has never ended');
});
