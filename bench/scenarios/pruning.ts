/** Old rows are deleted while people ask for new ones: how long anybody waits for it. */
import type { Context } from '../../src/context.ts';
import { prune, pruneBatch, retentions } from '../../src/core/retention/retention.ts';
import { introspect } from '../drive/flows.ts';
import { type Load, openLoop } from '../drive/load.ts';
import type { PruningFinding } from '../findings.ts';
import { connectTo } from '../measure/database.ts';
import { percentile } from '../measure/statistics.ts';
import type { Scenario } from '../scenario.ts';
import { arrange } from '../world/service.ts';

export const pruningScenario: Scenario = {
  name: 'pruning',
  async run(bench): Promise<PruningFinding[]> {
    const { databaseUrl, target } = await bench.crowd();
    const [perSecond, ms, rows] = bench.options.smoke ? [20, 300, 2000] : [100, 10_000, 100_000];
    const load = () => openLoop((slot) => introspect(target, slot), { perSecond, ms });
    await addOldRows(databaseUrl, rows);
    await load();
    const before = await load();
    let longestBatchMs = 0;
    let during: Load = before;
    await arrange(databaseUrl, async (ctx) => {
      const working = load();
      longestBatchMs = await pruneAll(ctx);
      during = await working;
    });
    return [{ kind: 'pruning', rows, longestBatchMs, before: waitsOf(before), during: waitsOf(during) }];
  },
};

/** As long as the longest transaction: nobody waits longer for a row it holds. */
async function pruneAll(ctx: Context): Promise<number> {
  const rule = retentions.find(({ table }) => table === 'artifacts');
  if (!rule) throw new Error('nothing says when artifacts are over');
  let longest = 0;
  for (let pruned = 1; pruned > 0;) {
    const began = performance.now();
    pruned = await pruneBatch(ctx, rule);
    longest = Math.max(longest, performance.now() - began);
  }
  await prune(ctx);
  return longest;
}

/** Access tokens that were over an hour ago, between those that are not. */
async function addOldRows(databaseUrl: string, count: number): Promise<void> {
  const client = await connectTo(databaseUrl);
  try {
    await client.query(
      `insert into artifacts select made.* from
         (select a.* from artifacts a where model = 'AccessToken' limit 1) one, artifacts t, generate_series(1, $1::int) n,
         lateral jsonb_populate_record(t, jsonb_build_object('id_hash', sha256(convert_to('old:' || n, 'UTF8')),
           'grant_id', md5('old:' || n), 'expires_at', now() - interval '30 days')) made
       where t.model = one.model and t.id_hash = one.id_hash`,
      [count],
    );
  } finally {
    await client.end();
  }
}

function waitsOf({ latenciesMs, failed }: Load) {
  return {
    p50Ms: percentile(latenciesMs, 0.5),
    p99Ms: percentile(latenciesMs, 0.99),
    longestMs: percentile(latenciesMs, 1),
    failed,
  };
}
