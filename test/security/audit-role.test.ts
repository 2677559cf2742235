/**
 * CF-04, LG-04: the service's role in the database has what it needs and no more. The whole service runs by it, and
 * whoever has stolen its login can neither change the schema, nor tidy up the audit trail, nor reach the machine.
 */
import { sql } from 'kysely';
import pg from 'pg';
import t, { type Test } from 'tap';
import { createOperatorClient } from '../../src/core/clients/clients.ts';
import { connect } from '../../src/db/connect.ts';
import { prepareDatabase } from '../../src/db/grants.ts';
import { demoParty, post, refreshForm, signOut } from '../provider/requests.ts';
import { Agent } from '../support/agent.ts';
import { startApp } from '../support/app.ts';
import { run } from '../support/command.ts';
import { signIn, submitPassword, toStep } from '../support/relying-party.ts';
import { complete, newPassword, obtainReset, openLink } from '../support/reset.ts';
import { createTwoRoles } from '../support/roles.ts';

const denied = '42501';

async function open(t: Test, url: string): Promise<pg.Client> {
  const client = new pg.Client(url);
  // the database is dropped with force at the end
  client.on('error', () => {});
  await client.connect();
  t.teardown(() => client.end());
  return client;
}

async function codeOf(client: pg.Client, statement: string): Promise<string | undefined> {
  await client.query('begin');
  const code = await client.query(statement).then(
    () => undefined,
    (error: unknown) => (error as pg.DatabaseError).code,
  );
  await client.query('rollback');
  return code;
}

t.test('a service with a role of its own', async (t) => {
  const roles = await createTwoRoles(t);
  const env = { MIGRATION_DATABASE_URL: roles.ownerUrl };
  const app = await startApp(t, { databaseUrl: roles.serviceUrl, env });
  const { issuer, ctx } = app;
  const service = await open(t, roles.serviceUrl);

  t.test('CF-04: does everything that people ask of it', async (t) => {
    const assist = demoParty(issuer, 'assist');
    const browser = new Agent(issuer);
    const { tokens } = await signIn(browser, assist, 'ada@acme.test');
    const refreshed = await post(issuer, '/token', refreshForm(tokens.refresh_token));
    t.equal(refreshed.status, 200);

    const forgetful = new Agent(issuer);
    const { token } = await obtainReset(app, forgetful, 'ian@initech.test');
    await openLink(forgetful, token);
    t.equal((await complete(forgetful)).status, 200);
    const again = new Agent(issuer);
    const step = await toStep(again, (await assist.start()).url);
    t.equal((await submitPassword(again, step, 'ian@initech.test', newPassword)).status, 200);

    await signOut(t, browser, tokens.id_token ?? '');
    await createOperatorClient(ctx, 'by the service');
    app.advance(600);
    for (const job of ['mail', 'logout notices', 'prune', 'domains', 'event seals']) await app.runJob(job);
    t.ok(await ctx.db.selectFrom('eventSeals').select('number').executeTakeFirst());
    t.same(
      app.lines.filter((line) => line.includes(denied)),
      [],
      'nothing that it tries is refused by the database',
    );
  });

  t.test('CF-04: neither makes, changes, empties nor drops anything, and runs no program', async (t) => {
    const refused = [
      'create table mine (id text)',
      'create table kysely_mine (id text)',
      'create function mine() returns integer language sql as $$ select 1 $$',
      'create schema mine',
      'create extension pg_trgm',
      'create role mine',
      'create trigger mine before insert on events execute function refuse_event_change()',
      'alter table users add column mine text',
      'alter table events disable trigger events_append_only',
      'alter table events owner to current_user',
      'drop trigger events_append_only on events',
      'drop function refuse_event_change() cascade',
      'drop table users',
      'drop schema public cascade',
      'truncate users cascade',
      'truncate throttles',
      `copy users to program 'cat'`,
      `copy users from program 'cat'`,
      `copy users to '/tmp/users'`,
      `select pg_read_file('/etc/passwd')`,
      `set session_replication_role = replica`,
      `set role ${pg.escapeIdentifier(roles.owner)}`,
      `update kysely_migration set name = name`,
      `insert into kysely_migration (name, timestamp) values ('0000_mine', '')`,
    ];
    for (const statement of refused) t.equal(await codeOf(service, statement), denied, statement);
  });

  t.test('LG-04: writes the audit trail, and neither changes nor empties it', async (t) => {
    for (const table of ['events', 'event_seals']) {
      const column = table === 'events' ? 'type' : 'event_count';
      for (const statement of [
        `update ${table} set ${column} = ${column}`,
        `update ${table} set ${column} = ${column} where false`,
        `delete from ${table}`,
        `delete from ${table} where false`,
        `truncate ${table}`,
      ])
        t.equal(await codeOf(service, statement), denied, statement);
      // not by the trigger alone, which the owner could drop
      const { rows } = await service.query(
        `select has_table_privilege($1, 'select, insert') as may, has_table_privilege($1, 'update') as updates,
          has_table_privilege($1, 'delete') as deletes, has_table_privilege($1, 'truncate') as truncates`,
        [table],
      );
      t.same(rows, [{ may: true, updates: false, deletes: false, truncates: false }]);
    }
  });

  t.test('CF-04: owns nothing; every table was made by the other role', async (t) => {
    const { rows } = await service.query(
      `select distinct pg_get_userbyid(relowner) as owner from pg_class where relnamespace = 'public'::regnamespace`,
    );
    t.same(rows, [{ owner: roles.owner }]);
  });

  t.test(
    'CF-04: what was granted too much is taken back at the next start, on any number of replicas',
    async (t) => {
      const owner = await open(t, roles.ownerUrl);
      const to = pg.escapeIdentifier(roles.service);
      await owner.query(`grant all on events, users to ${to}; grant create on schema public to ${to}`);
      t.equal(await codeOf(service, 'create table mine (id text)'), undefined, 'it was too much');
      const pools = Array.from({ length: 4 }, () => connect(roles.serviceUrl, { max: 1 }));
      const config = { migrationDatabaseUrl: roles.ownerUrl };
      await Promise.all(pools.map((db) => prepareDatabase(db, config)));
      await Promise.all(pools.map((db) => db.destroy()));
      for (const statement of ['create table mine (id text)', 'delete from events', 'truncate users cascade'])
        t.equal(await codeOf(service, statement), denied, statement);
    },
  );

  t.test('CF-04: needs the owner’s login only when there is something to migrate', async (t) => {
    const db = connect(roles.serviceUrl, { max: 1 });
    t.teardown(() => db.destroy());
    t.same(await prepareDatabase(db, { migrationDatabaseUrl: undefined }), []);
    await sql`delete from kysely_migration where name = (select max(name) from kysely_migration)`.execute(
      ownerOf(t, roles.ownerUrl),
    );
    await t.rejects(prepareDatabase(db, { migrationDatabaseUrl: undefined }), { name: 'MigrationRefused' });
  });
});

function ownerOf(t: Test, url: string) {
  const db = connect(url, { max: 1 });
  t.teardown(() => db.destroy());
  return db;
}

t.test('CF-04: a role that may do everything is no role of the service’s', async (t) => {
  const roles = await createTwoRoles(t);
  const config = { migrationDatabaseUrl: roles.ownerUrl };
  const [admin, service] = [ownerOf(t, roles.adminUrl), ownerOf(t, roles.serviceUrl)];
  await t.rejects(prepareDatabase(ownerOf(t, roles.ownerUrl), config), /of one role/);
  await t.rejects(prepareDatabase(admin, config), /may do what it likes/, 'a superuser');
  const [owner, member] = [roles.owner, roles.service].map((role) => sql.raw(pg.escapeIdentifier(role)));
  await sql`grant ${owner} to ${member}`.execute(admin);
  await t.rejects(prepareDatabase(service, config), /may do what it likes/, 'a member of the owner');
  await sql`revoke ${owner} from ${member}`.execute(admin);
  t.same(await prepareDatabase(service, config), [], 'the schema is there since the first try');
});

t.test('CF-04: `doorward migrate` migrates by the owner', async (t) => {
  const roles = await createTwoRoles(t);
  const key = (): string => Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString('base64url');
  const env = { DATABASE_URL: roles.serviceUrl, SECRET_KEYS: key(), COOKIE_KEYS: key() };
  const alone = await run('src/cli/doorward.ts', ['migrate'], env);
  t.equal(alone.code, 1, 'the service’s own role cannot');
  const { code, errors } = await run('src/cli/doorward.ts', ['migrate'], {
    ...env,
    MIGRATION_DATABASE_URL: roles.ownerUrl,
  });
  t.equal(code, 0, errors);
  t.equal((await run('src/cli/doorward.ts', ['audit', 'verify'], env)).code, 0, 'and has what commands need');
});
