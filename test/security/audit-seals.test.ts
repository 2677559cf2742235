/** LG-04: whoever can write to the audit trail past the service, its owner even, cannot do it unseen. */
import { sql } from 'kysely';
import pg from 'pg';
import t, { type Test } from 'tap';
import type { Context } from '../../src/context.ts';
import { sealEvents, type TrailFault, verifyTrail } from '../../src/core/audit/audit.ts';
import { isWritingForLong } from '../../src/core/audit/queries.ts';
import { addSeconds, hour } from '../../src/kernel/time.ts';
import { firstIdAt } from '../../src/kernel/ids.ts';
import { startApp, type TestApp } from '../support/app.ts';
import { doorward } from '../support/command.ts';

/** What has happened until now is sealed. */
async function seal(app: TestApp): Promise<void> {
  app.advance(600);
  await app.runJob('event seals');
}

const rolledBack = new Error('rolled back');

/** What is found after the owner of the tables has done that; it is undone. */
async function faultAfter(ctx: Context, ...statements: string[]): Promise<TrailFault | undefined> {
  let fault: TrailFault | undefined;
  const tampering = ctx.db.transaction().execute(async (db) => {
    for (const table of ['events', 'event_seals'])
      await sql`alter table ${sql.ref(table)} disable trigger ${sql.ref(`${table}_append_only`)}`.execute(db);
    for (const statement of statements) await sql.raw(statement).execute(db);
    ({ fault } = await verifyTrail(db));
    throw rolledBack;
  });
  await tampering.catch((error: unknown) => {
    if (error !== rolledBack) throw error;
  });
  return fault;
}

/** Events with every column filled, as many as are asked for; in time before everything else. */
async function insertEvents(ctx: Context, count: number): Promise<void> {
  await sql`insert into events (id, type, occurred_at, actor_id, user_id, account_id, client_id, case_id, request_id, ip, details)
    select 'evt_' || lpad(n::text, 26, '0'), 'user.signed_in', to_timestamp(n), 'usr_a', 'usr_b', 'acc_c', 'client', 'CASE-0000',
      'request', '192.0.2.1', jsonb_build_object('n', n) from generate_series(1, ${count}::integer) n`.execute(
    ctx.db,
  );
}

async function listColumns(ctx: Context): Promise<readonly { name: string; type: string }[]> {
  const { rows } = await sql<{ name: string; type: string }>`
    select attname as name, format_type(atttypid, null) as type from pg_attribute
    where attrelid = 'events'::regclass and attnum > 0 and not attisdropped`.execute(ctx.db);
  return rows;
}

const eventOf = (n: number): string => `evt_${String(n).padStart(26, '0')}`;

t.test('the seals of the audit trail', async (t) => {
  const app = await startApp(t, { demo: false });
  const { ctx } = app;
  await insertEvents(ctx, 12_000);
  await seal(app);
  const sealed = await verifyTrail(ctx.db);

  t.test('LG-04: cover everything that has settled, so many at once and in one chain', async (t) => {
    t.match(sealed, { seals: 2, unsealed: 0, fault: undefined });
    const rows = await ctx.db
      .selectFrom('eventSeals')
      .select(['number', 'eventCount'])
      .orderBy('number')
      .execute();
    const { count } = await ctx.db
      .selectFrom('events')
      .select(({ fn }) => fn.countAll<number>().as('count'))
      .executeTakeFirstOrThrow();
    t.same(rows, [
      { number: 1, eventCount: 10_000 },
      { number: 2, eventCount: count - 10_000 },
    ]);
    t.equal(sealed.events, count);
  });

  t.test('LG-04: no column of an event can be changed unseen', async (t) => {
    const others: Readonly<Record<string, string>> = {
      text: `'evt_changed'`,
      'timestamp with time zone': `occurred_at + interval '1 microsecond'`,
      inet: `'192.0.2.2'`,
      jsonb: `'{"n": 6, "m": 7}'`,
    };
    const columns = await listColumns(ctx);
    t.ok(columns.length >= 11);
    for (const { name, type } of columns) {
      const value = name === 'id' ? `'${eventOf(6)}x'` : (others[type] ?? 'unknown type');
      for (const to of name === 'id' || name === 'type' || name === 'occurred_at' || name === 'details'
        ? [value]
        : [value, 'null'])
        t.match(
          await faultAfter(ctx, `update events set ${name} = ${to} where id = '${eventOf(6)}'`),
          { seal: 1, problem: 'changed' },
          `${name} = ${to}`,
        );
    }
  });

  t.test('LG-04: nor can one be taken away, slipped in, or put in the place of another', async (t) => {
    const gone = (n: number): string => `delete from events where id = '${eventOf(n)}'`;
    const added = (id: string): string =>
      `insert into events (id, type, occurred_at) values ('${id}', 'user.signed_in', now())`;
    t.match(await faultAfter(ctx, gone(1)), { seal: 1, problem: 'event_missing' });
    t.match(await faultAfter(ctx, gone(10_001)), { seal: 2, problem: 'event_missing' });
    t.match(await faultAfter(ctx, added('evt_0')), { seal: 1, problem: 'event_added' });
    t.match(await faultAfter(ctx, added(`${eventOf(10_000)}x`)), { seal: 2, problem: 'event_added' });
    t.match(await faultAfter(ctx, gone(5), added(`${eventOf(5)}x`)), { seal: 1, problem: 'changed' });
    t.match(await faultAfter(ctx, 'truncate events'), { seal: 1, problem: 'event_missing' });
    t.equal(
      await faultAfter(ctx, added('evt_zz')),
      undefined,
      'what is younger than the last seal is not sealed',
    );
  });

  t.test('LG-04: nor can a seal', async (t) => {
    const changes = [
      'event_count = event_count',
      `sealed_at = sealed_at + interval '1 second'`,
      `last_event_id = '${eventOf(9_999)}'`,
      `hash = sha256('x')`,
      `up_to_id = up_to_id || 'x'`,
    ];
    for (const change of changes.slice(1))
      t.match(
        await faultAfter(ctx, `update event_seals set ${change} where number = 1`),
        { seal: 1, problem: 'changed' },
        change,
      );
    t.equal(await faultAfter(ctx, `update event_seals set ${changes[0] ?? ''}`), undefined);
    t.match(await faultAfter(ctx, 'delete from event_seals where number = 1'), {
      seal: 1,
      problem: 'seal_missing',
    });
    const swapped =
      'update event_seals set hash = (select hash from event_seals where number = 1) where number = 2';
    t.match(await faultAfter(ctx, swapped), { seal: 2, problem: 'changed' });
  });

  t.test(
    'LG-04: whoever takes the end away, or makes all of it anew, has the log against them',
    async (t) => {
      const [line] = app.lines
        .map((text) => JSON.parse(text) as { msg: string; seal?: number; hash?: string })
        .filter(({ seal }) => seal === 2);
      const known = { number: 2, hash: Buffer.from(line?.hash ?? '', 'hex') };
      t.match(await verifyTrail(ctx.db, known), { seals: 2, fault: undefined });
      t.match(await verifyTrail(ctx.db, { ...known, number: 3 }), {
        fault: { seal: 3, problem: 'seal_missing' },
      });
      t.match(await verifyTrail(ctx.db, { number: 1, hash: known.hash }), {
        fault: { seal: 1, problem: 'changed' },
      });
    },
  );

  t.test('LG-04: a quiet hour is sealed as well', async (t) => {
    await app.runJob('event seals');
    t.equal((await verifyTrail(ctx.db)).seals, 2, 'not every few minutes');
    app.advance(2 * hour);
    await app.runJob('event seals');
    t.match(await verifyTrail(ctx.db), { seals: 3, events: sealed.events, fault: undefined });
    const inIt = firstIdAt('evt', addSeconds(ctx.now(), -hour));
    const slipped = `insert into events (id, type, occurred_at) values ('${inIt}', 'user.signed_in', now())`;
    t.match(await faultAfter(ctx, slipped), { seal: 3, problem: 'event_added' });
  });

  t.test('LG-04: of any number of replicas one makes the next seal', async (t) => {
    await insertLate(ctx);
    app.advance(600);
    await Promise.all(Array.from({ length: 8 }, () => sealEvents(ctx)));
    t.match(await verifyTrail(ctx.db), {
      seals: 4,
      events: sealed.events + 1,
      unsealed: 0,
      fault: undefined,
    });
  });

  t.test('LG-04: the table of the seals can only grow', async (t) => {
    const denied = { code: '42501' };
    await t.rejects(ctx.db.deleteFrom('eventSeals').execute(), denied);
    await t.rejects(ctx.db.updateTable('eventSeals').set({ eventCount: 0 }).execute(), denied);
    await t.rejects(sql`truncate event_seals`.execute(ctx.db), denied);
  });
});

async function insertLate({ db, now }: Context): Promise<void> {
  const event = { id: firstIdAt('evt', now()), type: 'user.signed_in', occurredAt: now() };
  await db.insertInto('events').values(event).execute();
}

t.test('LG-04: nothing is sealed over the head of a transaction that still writes', async (t) => {
  const { ctx, databaseUrl } = await startApp(t, { demo: false });
  const reader = await openClient(t, databaseUrl);
  await reader.query('begin');
  await reader.query('select from accounts');
  t.equal(await isWritingForLong(ctx.db, 0), false, 'one that reads');
  await reader.query(`insert into throttles (bucket, taken, ends_at) values (sha256('x'), 1, now())`);
  t.equal(await isWritingForLong(ctx.db, 0), true, 'one that writes');
  t.equal(await isWritingForLong(ctx.db, hour), false, 'but not for that long');
  await reader.query('rollback');
  t.equal(await isWritingForLong(ctx.db, 0), false, 'over');
});

async function openClient(t: Test, url: string): Promise<pg.Client> {
  const client = new pg.Client(url);
  client.on('error', () => {});
  await client.connect();
  t.teardown(() => client.end());
  return client;
}

t.test('LG-04: an operator proves the trail from a shell', async (t) => {
  const app = await startApp(t);
  t.match(await doorward(app, 'audit', 'verify'), { code: 0, output: /no seal yet/ });
  await seal(app);
  const whole = await doorward(app, 'audit', 'verify');
  t.equal(whole.code, 0, whole.errors);
  const [known = ''] = /1:[0-9a-f]{64}/.exec(whole.output) ?? [];
  t.match(await doorward(app, 'audit', 'verify', known), { code: 0, errors: '' });
  const shown = await doorward(app, 'audit', 'verify', known, '--progress', '--json');
  t.match(JSON.parse(shown.output), { whole: true, last: known }, 'how far it is is told apart');
  t.match(shown.errors, /^1 of 1 seals, \d+ events, \d+ s\n$/m);
  t.equal(
    (await doorward(app, 'audit', 'verify', known.replace('1:', '7:'))).code,
    1,
    'the seal is not there',
  );
  t.equal((await doorward(app, 'audit', 'verify', 'nonsense')).code, 2);
  const listed = await doorward(app, 'audit', 'list', '--type', 'signing_key.created');
  t.match(listed, { code: 0, output: /^\d{4}-\S+\tsigning_key\.created\t/ });
  t.equal((await doorward(app, 'audit', 'list', '--account', 'nobody')).code, 1);

  await sql`alter table events disable trigger events_append_only`.execute(app.ctx.db);
  await app.ctx.db.updateTable('events').set({ actorId: 'usr_somebody_else' }).execute();
  t.match(await doorward(app, 'audit', 'verify'), { code: 1, output: /seal 1 / });
});
