/**
 * What each flow costs the database. Every statement counts, BEGIN and COMMIT too, for each is a trip of its own; the least
 * of three runs, because what some request looks up every few seconds (a client, the signing keys) belongs to no flow.
 */
import { sql } from 'kysely';
import t, { type Test } from 'tap';
import { Agent } from '../support/agent.ts';
import { startApp } from '../support/app.ts';
import { createDatabase } from '../support/database.ts';
import { type RelyingParty, signIn, submitPassword, toStep } from '../support/relying-party.ts';
import { overhearStatements } from '../support/statements.ts';
import { assistApi, demoBasic, demoParty, introspect, obtainCode, post, userinfo } from './requests.ts';

const person = 'ada@acme.test';

/** The tables that a flow may leave rows in. */
const tables = ['sessions', 'grants', 'refresh_families', 'interactions', 'artifacts', 'events', 'throttles'];

t.test('the database hears', async (t) => {
  const { issuer, cost } = await openWorld(t);
  const assist = demoParty(issuer, 'assist');
  const reports = demoParty(issuer, 'confidential');
  const forApi = demoParty(issuer, 'assist', 'openid assist:read');
  await signIn(new Agent(issuer), assist, person); // the throttle keeps one row for each network, from its first try on
  const service = { grant_type: 'client_credentials', scope: 'assist:read', resource: assistApi };

  const begin = async (party: RelyingParty) => {
    const browser = new Agent(issuer);
    const started = await party.start();
    return { browser, started, step: await toStep(browser, started.url) };
  };
  const prove = async (party: RelyingParty) => {
    const begun = await begin(party);
    const done = await submitPassword(begun.browser, begun.step, person);
    return { ...begun, location: (done.json() as { location: string }).location };
  };

  t.same(
    await cost(
      () => Promise.resolve(),
      () => begin(assist),
    ),
    { statements: 2, rows: { interactions: 1 } },
    'two of an authorization request and its first step',
  );

  t.same(
    await cost(
      () => begin(assist),
      ({ browser, step }) => submitPassword(browser, step, person),
    ),
    // the interaction, its domain's home, the hash, the throttle's count and its return, the facts, the interaction
    { statements: 7, rows: {} },
    'seven of a password',
  );

  t.same(
    await cost(
      () => prove(assist),
      ({ browser, location }) => browser.follow(location),
    ),
    { statements: 2, rows: { sessions: 1, grants: 1, artifacts: 1, events: 1 } },
    'two of a return with its session, grant, code and event',
  );

  t.same(
    await cost(
      () => obtainCode(assist),
      ({ form }) => post(issuer, '/token', form),
    ),
    { statements: 2, rows: { refresh_families: 1, artifacts: 1 } },
    'two of the redemption of a code',
  );

  const signedIn = new Agent(issuer);
  await signIn(signedIn, assist, person);
  t.same(
    await cost(
      () => assist.start({ prompt: 'none' }),
      async (started) => assist.finish((await signedIn.follow(started.url.href)).location, started),
    ),
    { statements: 4, rows: { refresh_families: 1, artifacts: 2 } },
    'four of a single sign-on, its tokens included',
  );

  const { tokens: opaque } = await signIn(new Agent(issuer), assist, person);
  const { tokens: jwt } = await signIn(new Agent(issuer), forApi, person, { resource: assistApi });
  const { tokens: confidential } = await signIn(new Agent(issuer), reports, person);

  let current = jwt.refresh_token ?? '';
  t.same(
    await cost(
      () => Promise.resolve(),
      async () => (current = (await forApi.refresh(current)).refresh_token ?? ''),
    ),
    { statements: 2, rows: {} },
    'two of a rotation, which leaves nothing',
  );
  t.same(
    await cost(
      () => Promise.resolve(),
      () => reports.refresh(confidential.refresh_token ?? ''),
    ),
    { statements: 2, rows: { artifacts: 1 } },
    'two of a refresh that does not rotate, for an access token that is stored',
  );

  const one = { statements: 1, rows: {} };
  const idle = () => Promise.resolve();
  t.same(await cost(idle, () => userinfo(issuer, opaque.access_token)), one, 'one of userinfo');
  t.same(
    await cost(idle, () => introspect(issuer, confidential.access_token)),
    one,
    'one of an introspection, of a stored token',
  );
  t.same(await cost(idle, () => introspect(issuer, jwt.access_token)), one, 'one of that of a JWT');
  t.same(
    await cost(idle, () => introspect(issuer, confidential.refresh_token ?? '')),
    one,
    'one of that of a refresh token',
  );

  const none = { statements: 0, rows: {} };
  t.same(
    await cost(idle, () => post(issuer, '/token', service, demoBasic('service'))),
    none,
    'nothing of client credentials',
  );
  for (const path of ['/.well-known/openid-configuration', '/jwks'])
    t.same(await cost(idle, () => new Agent(issuer).get(path)), none, `nothing of ${path}`);
});

t.test(
  'nobody waits for a disk to know where a sign-in stands, and for everything else they do',
  async (t) => {
    const heard = await overhearStatements(t, await createDatabase(t));
    const { issuer } = await startApp(t, { databaseUrl: heard.databaseUrl });
    const assist = demoParty(issuer, 'assist', 'openid assist:read');
    heard.take();
    const { tokens } = await signIn(new Agent(issuer), assist, person, { resource: assistApi });
    await assist.refresh(tokens.refresh_token ?? '');
    await post(issuer, '/revoke', { token: tokens.access_token, client_id: 'demo-assist' });
    const written = heard
      .take()
      .map((text) => ({
        isForgettable: text.includes('synchronous_commit'),
        tables: [...text.matchAll(/\b(?:insert into|(?<!do )update|delete from) "?(\w+)/g)].map(
          ([, table]) => table,
        ),
      }))
      .filter(({ tables }) => tables.length > 0);
    const forgettable = written.filter((write) => write.isForgettable);
    t.same(
      forgettable.map((write) => write.tables),
      [['interactions'], ['interactions']],
      'the request, and the password that was right',
    );
    const kept = written.filter((write) => !write.isForgettable).flatMap((write) => write.tables);
    for (const table of [
      'sessions',
      'grants',
      'artifacts',
      'refresh_families',
      'events',
      'throttles',
      'interactions',
    ])
      t.ok(kept.includes(table), `${table} are waited for`);
  },
);

t.test('what is written together with where a sign-in stands is waited for', async (t) => {
  const heard = await overhearStatements(t, await createDatabase(t));
  const { issuer } = await startApp(t, { databaseUrl: heard.databaseUrl });
  const browser = new Agent(issuer);
  const step = await toStep(browser, (await demoParty(issuer, 'assist').start()).url);
  heard.take();
  t.equal((await submitPassword(browser, step, person, 'a wrong one')).status, 401);
  const texts = heard.take();
  t.ok(texts.includes('begin') && texts.some((text) => /insert into "?events/.test(text)), 'an event is');
  t.ok(
    texts.some((text) => text.includes('update interactions')),
    'beside the step',
  );
  t.notOk(texts.some((text) => text.includes('synchronous_commit')));
});

t.test('a live session with its grant and its refresh token takes less than two kilobytes', async (t) => {
  const { ctx, issuer } = await startApp(t);
  await signIn(new Agent(issuer), demoParty(issuer, 'assist', 'openid assist:read'), person, {
    resource: assistApi,
  });
  const size = async (table: string): Promise<number> => {
    const sizes = sql<{
      bytes: number;
    }>`select sum(pg_column_size(made.*))::int as bytes from ${sql.table(table)} made`;
    return (await sizes.execute(ctx.db)).rows[0]?.bytes ?? Infinity;
  };
  const sizes = await Promise.all(['sessions', 'grants', 'refresh_families'].map(size));
  const total = sizes.reduce((sum, bytes) => sum + bytes, 0);
  t.comment(`${total} bytes: ${sizes.join(', ')}`);
  t.ok(total < 2048);
});

t.test('of a sign-in that is over nothing is left but what happened', async (t) => {
  const { ctx, issuer, advance, runJob } = await startApp(t);
  const party = demoParty(issuer, 'confidential', 'openid offline_access');
  const { tokens } = await signIn(new Agent(issuer), party, person);
  await party.refresh(tokens.refresh_token ?? '');
  await userinfo(issuer, tokens.access_token);
  advance(400 * 86_400);
  await runJob('prune');
  for (const table of tables.filter((name) => name !== 'events')) {
    const { rows } = await sql`select 1 from ${sql.table(table)}`.execute(ctx.db);
    t.equal(rows.length, 0, table);
  }
});

/** A service, and what of its work is heard. */
async function openWorld(t: Test) {
  const heard = await overhearStatements(t, await createDatabase(t));
  const { ctx, issuer } = await startApp(t, { databaseUrl: heard.databaseUrl });

  const countRows = async (): Promise<Record<string, number>> => {
    const counts = tables.map(
      (table) => sql`${sql.lit(table)}, (select count(*)::int from ${sql.table(table)})`,
    );
    const query = sql<{
      rows: Record<string, number>;
    }>`select jsonb_build_object(${sql.join(counts)}) as rows`;
    return (await query.execute(ctx.db)).rows[0]?.rows ?? {};
  };

  const once = async <Prepared>(
    prepare: () => Promise<Prepared>,
    act: (prepared: Prepared) => Promise<unknown>,
  ) => {
    const prepared = await prepare();
    const before = await countRows();
    heard.take();
    await act(prepared);
    const statements = heard.take();
    const after = await countRows();
    const rows = Object.entries(after).map(
      ([table, count]) => [table, count - (before[table] ?? 0)] as const,
    );
    return { statements, rows: Object.fromEntries(rows.filter(([, count]) => count !== 0)) };
  };

  const cost = async <Prepared>(
    prepare: () => Promise<Prepared>,
    act: (prepared: Prepared) => Promise<unknown>,
  ) => {
    let least = await once(prepare, act);
    for (let run = 1; run < 3; run += 1) {
      const again = await once(prepare, act);
      if (again.statements.length < least.statements.length) least = again;
    }
    t.comment(
      `${least.statements.length}: ${least.statements.map((text) => text.trim().slice(0, 40)).join(' | ')}`,
    );
    return { statements: least.statements.length, rows: least.rows };
  };
  return { issuer, cost };
}
