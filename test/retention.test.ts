/** What is deleted by itself: by one table, in time and not before, and in nobody's way. */
import { sql } from 'kysely';
import t from 'tap';
import {
  kept,
  prune,
  pruneBatch,
  type Retention,
  retentions,
  tableName,
} from '../src/core/retention/retention.ts';
import { selectOver } from '../src/core/retention/queries.ts';
import { connect, type Db } from '../src/db/connect.ts';
import { startApp, type TestApp } from './support/app.ts';
import { insertOpen, insertOver, makeParts } from './support/prunable.ts';

const rules: readonly Retention[] = retentions;
const pruned = [...new Set(rules.map(({ table }) => tableName(table)))];

async function count(db: Db, table: string): Promise<number> {
  const query = sql<{ count: number }>`select count(*) as count from ${sql.table(table)}`;
  return (await query.execute(db)).rows[0]?.count ?? 0;
}

async function countAll(db: Db): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const table of [...pruned, 'password_resets', 'invitation_products'])
    counts[table] = await count(db, table);
  return counts;
}

async function insertThrottles(app: TestApp, howMany: number): Promise<void> {
  await sql`insert into throttles (bucket, taken, ends_at)
    select sha256(n::text::bytea), 1, ${app.ctx.now()} from generate_series(1, ${howMany}::integer) n`.execute(
    app.ctx.db,
  );
}

t.test('every table is pruned, or is kept for a reason', async (t) => {
  const { ctx } = await startApp(t, { demo: false });
  const { rows } = await sql<{ name: string }>`
    select relname as name from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'p')
      and relname not like 'kysely%' order by relname`.execute(ctx.db);
  const listed = [...pruned, ...Object.keys(kept).map((table) => tableName(table as keyof typeof kept))];
  t.same(
    rows.map(({ name }) => name),
    listed.sort(),
  );
});

t.test('every rule finds what is over by its index, in the order of it', async (t) => {
  const { ctx } = await startApp(t, { demo: false });
  for (const rule of rules) {
    const plan = await ctx.db.transaction().execute(async (tx) => {
      await sql`set local enable_seqscan = off`.execute(tx);
      await sql`set local enable_bitmapscan = off`.execute(tx);
      return sql`explain ${selectOver(rule, ctx.now(), 500)}`.execute(tx);
    });
    const text = JSON.stringify(plan.rows);
    t.ok(text.includes(`using ${rule.index} on`), `${rule.rows}: ${text}`);
    t.notOk(text.includes('Sort'), rule.rows);
  }
});

t.test('a row goes when its time is over, and not before', async (t) => {
  const app = await startApp(t, { demo: false });
  const { ctx } = app;
  const began = ctx.now();
  const parts = await makeParts(ctx.db, began);
  await insertOver(ctx.db, parts, began);
  const elapsed = () => (ctx.now().getTime() - began.getTime()) / 1000;
  for (const seconds of new Set(rules.map(({ keptSeconds }) => keptSeconds).toSorted((a, b) => a - b))) {
    app.advance(seconds - elapsed() - 60);
    const before = await countAll(ctx.db);
    await app.runJob('prune');
    t.same(await countAll(ctx.db), before, `nothing goes before ${seconds} seconds`);
    app.advance(120);
    await app.runJob('prune');
    const due = rules.filter(({ keptSeconds }) => keptSeconds === seconds);
    const after = await countAll(ctx.db);
    for (const { table } of due) {
      const name = tableName(table);
      const rest = rules.filter((rule) => rule.table === table && rule.keptSeconds > seconds).length;
      t.equal(after[name], rest, `${name} after ${seconds} seconds`);
    }
  }
  t.same(
    Object.entries(await countAll(ctx.db)).filter(([, rows]) => rows > 0),
    [],
    'and what hangs on it goes along',
  );
});

t.test('what is not over stays, however old it is', async (t) => {
  const app = await startApp(t, { demo: false });
  const { ctx } = app;
  await insertOpen(ctx.db, await makeParts(ctx.db, ctx.now()), ctx.now());
  const before = await countAll(ctx.db);
  app.advance(20 * 365 * 86_400);
  await app.runJob('prune');
  t.same(await countAll(ctx.db), before);
});

t.test('a row that somebody holds is passed over, and goes the next time', async (t) => {
  const app = await startApp(t, { demo: false });
  const { ctx } = app;
  await insertThrottles(app, 3);
  app.advance(7200);
  const other = connect(app.databaseUrl, { max: 1 });
  t.teardown(() => other.destroy());
  await other.transaction().execute(async (tx) => {
    await sql`select bucket from throttles limit 1 for update`.execute(tx);
    await app.runJob('prune');
    t.equal(await count(ctx.db, 'throttles'), 1, 'nobody waits for anybody');
  });
  await app.runJob('prune');
  t.equal(await count(ctx.db, 'throttles'), 0);
});

t.test('a rule that fails holds up no other, and is told of when they are done', async (t) => {
  const app = await startApp(t, { demo: false });
  const { ctx } = app;
  await insertThrottles(app, 1200);
  app.advance(7200);
  await sql`alter table sessions rename to elsewhere`.execute(ctx.db);
  t.equal(await prune(ctx), 500);
  t.equal(await prune(ctx), 500);
  t.equal(await prune(ctx), 200);
  await t.rejects(prune(ctx), { message: 'not everything that is over was deleted' });
});

t.test('much of it goes in batches; of replicas that prune at once each deletes its own', async (t) => {
  const app = await startApp(t, { demo: false });
  const { ctx } = app;
  await insertThrottles(app, 3100);
  app.advance(7200);
  const rule = rules.find(({ table }) => table === 'throttles');
  if (!rule) throw new Error('throttles are not pruned');
  const batch = await pruneBatch(ctx, rule);
  t.ok(batch > 0 && batch <= 1000);
  const others = await Promise.all(Array.from({ length: 4 }, () => pruneBatch(ctx, rule)));
  const deleted = batch + others.reduce((sum, rows) => sum + rows, 0);
  t.equal(await count(ctx.db, 'throttles'), 3100 - deleted, 'none is counted twice');
  await app.runJob('prune');
  t.equal(await count(ctx.db, 'throttles'), 0);
});
