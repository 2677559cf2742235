/**
 * RL-08 without a second server: the database is on a timeline that is not known, as after a promotion or a restore, and every
 * connection is new. What was for one use is ended once, before anybody asks; the rest goes on.
 */
import { sql } from 'kysely';
import t, { type Test } from 'tap';
import { demoParty, obtainCode, post, refreshForm, userinfo } from '../provider/requests.ts';
import { connect } from '../../src/db/connect.ts';
import { Agent, type Answer } from '../support/agent.ts';
import { startApp, type TestApp } from '../support/app.ts';
import { signIn, submitPassword, toStep } from '../support/relying-party.ts';
import { askForReset, complete, mailedResets, obtainReset, openLink } from '../support/reset.ts';
import { until } from '../support/reliability.ts';
import { createTwoRoles } from '../support/roles.ts';

const failOvers = 'the database has failed over';
const unreadable = 'the timeline of the database cannot be read';

type App = Pick<TestApp, 'ctx' | 'lines'>;

async function timelinesOf({ ctx }: App): Promise<string[]> {
  const rows = await ctx.db.selectFrom('timelines').select('timeline').orderBy('timeline').execute();
  return rows.map(({ timeline }) => timeline);
}

async function eventsOf({ ctx }: App): Promise<Record<string, unknown>[]> {
  const events = ctx.db.selectFrom('events').select('details').where('type', '=', 'database.failed_over');
  return (await events.execute()).map(({ details }) => details as Record<string, unknown>);
}

const told = (apps: readonly App[], text: string): number =>
  apps.flatMap(({ lines }) => lines).filter((line) => line.includes(text)).length;

/** Breaks every connection to the database, as a fail-over does; answers when they are gone. */
async function breakConnections({ ctx }: App): Promise<void> {
  const cut = sql<{ count: number }>`
    select count(pg_terminate_backend(pid)) as count from pg_stat_activity
    where datname = current_database() and application_name = 'doorward' and pid <> pg_backend_pid()`;
  await until(async () => (await cut.execute(ctx.db)).rows[0]?.count === 0, { what: 'all are cut off' });
}

/** Two replicas; `failOver` leaves them without a connection, on a database that knows only of another timeline. */
async function startPair(t: Test) {
  const app = await startApp(t);
  const { databaseUrl, issuer } = app;
  const other = await startApp(t, { databaseUrl, demo: false, env: { ISSUER: issuer } });
  const failOver = async (): Promise<void> => {
    await sql`update timelines set timeline = '00000000'`.execute(app.ctx.db);
    await breakConnections(app);
    // the last one, by itself
    await sql`select pg_terminate_backend(pg_backend_pid())`.execute(app.ctx.db).catch(() => {});
  };
  return { apps: [app, other] as const, issuer, failOver };
}

t.test('RL-08 after a fail-over nothing that was for one use is good any more', async (t) => {
  const { apps, issuer, failOver } = await startPair(t);
  const [app, other] = apps;
  const [present] = await timelinesOf(app);
  const assist = demoParty(issuer, 'assist');
  const browser = new Agent(issuer);
  const { tokens } = await signIn(browser, assist, 'alan@acme.test');
  const unused = await obtainCode(assist, { browser });
  const used = await obtainCode(assist, { browser });
  t.equal((await post(issuer, '/token', used.form)).status, 200);
  // its use is among what the new primary has never heard of
  await app.ctx.db
    .updateTable('artifacts')
    .set({ consumedAt: null })
    .where('model', '=', 'AuthorizationCode')
    .execute();
  const half = new Agent(issuer);
  const step = await toStep(half, (await assist.start()).url);
  const { token } = await obtainReset(app, new Agent(issuer), 'ada@acme.test');
  const waiting = new Agent(issuer);
  await askForReset(waiting, 'ian@initech.test');
  await failOver();

  const statuses = await Promise.all(
    Array.from({ length: 20 }, async (_, index) => {
      const { origin } = index % 2 === 0 ? app : other;
      return (await post(origin, '/token', (index < 10 ? used : unused).form)).status;
    }),
  );
  t.same(new Set(statuses), new Set([400]), 'codes, used or not');
  t.not((await submitPassword(half, step, 'alan@acme.test')).status, 200, 'a sign-in begins again');
  const thief = new Agent(issuer);
  await openLink(thief, token);
  t.not((await complete(thief)).status, 200, 'a link to a new password');
  const counts = await Promise.all(
    (['interactions', 'departures', 'socialDepartures', 'arrivals', 'passwordResets'] as const).map(
      async (table) =>
        (
          await app.ctx.db
            .selectFrom(table)
            .select(sql`1`.as('row'))
            .execute()
        ).length,
    ),
  );
  t.same(counts, [0, 0, 0, 0, 0]);

  t.same(await timelinesOf(app), ['00000000', present], 'it is known from now on');
  t.match(await eventsOf(app), [{ timeline: present, ended: Number }], 'once, whoever came first');
  t.equal((await eventsOf(app)).length, 1);
  t.equal(told(apps, failOvers), 1);

  t.equal((await userinfo(issuer, tokens.access_token)).status, 200, 'a token goes on');
  t.equal(
    (await post(issuer, '/token', refreshForm(tokens.refresh_token))).status,
    200,
    'a refresh token, too',
  );
  const again = await obtainCode(assist, { browser });
  t.equal((await post(other.origin, '/token', again.form)).status, 200, 'and a session');
  t.equal((await mailedResets(app, 'ian@initech.test')).length, 1, 'who has asked for a mail gets it');
});

t.test('RL-08 the first timeline of a database is noted, and nothing is ended', async (t) => {
  const { apps, issuer } = await startPair(t);
  const [app] = apps;
  const noted = await timelinesOf(app);
  t.match(noted, [/^[0-9A-F]{8}$/]);
  const { form } = await obtainCode(demoParty(issuer, 'assist'));
  // as a version before this one has left it
  await app.ctx.db.deleteFrom('timelines').execute();
  await breakConnections(app);
  const upgraded = await startApp(t, { databaseUrl: app.databaseUrl, demo: false, env: { ISSUER: issuer } });
  t.equal((await post(upgraded.origin, '/token', form)).status, 200);
  t.same(await timelinesOf(app), noted);
  t.same(await eventsOf(app), []);
  t.equal(told([...apps, upgraded], failOvers), 0);
});

t.test('RL-08 who comes while the first one is at it waits until it is done', async (t) => {
  const { apps, issuer, failOver } = await startPair(t);
  const [app, other] = apps;
  const { form } = await obtainCode(demoParty(issuer, 'assist'));
  const outside = connect(app.databaseUrl, { max: 2 });
  t.teardown(() => outside.destroy());
  await failOver();
  let isDone = false;
  const answers: Promise<Answer>[] = [];
  await outside.transaction().execute(async (tx) => {
    await tx.selectFrom('artifacts').select('model').forUpdate().execute(); // what the first one is about to delete
    for (const { origin } of [app, other, app, other])
      answers.push(post(origin, '/token', form).finally(() => t.ok(isDone, 'nobody was answered before')));
    const waiting = sql<{ count: number }>`
      select count(*) as count from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'
        and (query like 'insert into "timelines"%' or query like 'delete from "artifacts"%')`;
    await until(async () => ((await waiting.execute(outside)).rows[0]?.count ?? 0) >= 2, {
      what: 'a connection of each waits, and whoever shares its statement',
    });
    isDone = true;
  });
  t.same(
    (await Promise.all(answers)).map(({ status }) => status),
    [400, 400, 400, 400],
  );
  t.equal((await eventsOf(app)).length, 1);
});

t.test('RL-08 where the timeline may not be read nothing is checked, and the log says so once', async (t) => {
  const { ownerUrl, serviceUrl, adminUrl } = await createTwoRoles(t);
  const admin = connect(adminUrl, { max: 1 });
  await sql`revoke execute on function pg_current_wal_lsn() from public`.execute(admin);
  await admin.destroy();
  const app = await startApp(t, { databaseUrl: serviceUrl, env: { MIGRATION_DATABASE_URL: ownerUrl } });
  const { form } = await obtainCode(demoParty(app.issuer, 'assist'));
  t.equal((await post(app.issuer, '/token', form)).status, 200);
  t.same(await timelinesOf(app), []);
  t.equal(told([app], unreadable), 1);
});
