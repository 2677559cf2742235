/** What the service needs is not there when it starts: it waits, or says what is missing and ends; it never serves by half. */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { sql } from 'kysely';
import t, { type Test } from 'tap';
import { connect } from '../../../src/db/connect.ts';
import { freePort } from '../../support/app.ts';
import { startCluster, startStandby } from '../../support/cluster.ts';
import { run } from '../../support/command.ts';
import { createDatabase } from '../../support/database.ts';
import { assertInvariants } from '../../support/invariants.ts';
import { createEmptyDatabase } from '../../support/replicas.ts';
import { tell, until } from '../../support/reliability.ts';
import { createTwoRoles } from '../../support/roles.ts';

const key = (): string => randomBytes(32).toString('base64url');
const keys = { SECRET_KEYS: key(), COOKIE_KEYS: key() };

async function environment(databaseUrl: string): Promise<Record<string, string>> {
  const port = String(await freePort());
  return {
    ...keys,
    HOST: '127.0.0.1',
    PORT: port,
    ISSUER: `http://127.0.0.1:${port}`,
    DATABASE_URL: databaseUrl,
  };
}

/** A process that is expected to stay. */
function launch(t: Test, env: Readonly<Record<string, string>>) {
  const child = spawn(process.execPath, ['src/main.ts'], { env: { PATH: process.env['PATH'], ...env } });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => (output += text));
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  t.teardown(async () => {
    child.kill('SIGKILL');
    await ended;
  });
  const statusOf = (path: string): Promise<number> =>
    fetch(`${env['ISSUER'] ?? ''}${path}`).then(
      ({ status }) => status,
      () => 0, // nobody listens
    );
  return { child, ended, statusOf, output: () => output };
}

t.test('RL-26 the database comes later than the service', async (t) => {
  const cluster = await startCluster(t, { fsync: false });
  await cluster.stop('fast');
  const service = launch(t, await environment(cluster.url()));
  await until(() => service.output().includes('waits for the database'), { what: 'it says that it waits' });
  t.equal(await service.statusOf('/livez'), 0, 'it does not listen yet');
  t.equal(await service.statusOf('/readyz'), 0);
  await cluster.start();
  const ms = await until(async () => (await service.statusOf('/readyz')) === 200, { what: 'it is ready' });
  tell(t, `ready ${ms.toFixed()} ms after the database, migrated and with keys`);
  t.equal(await service.statusOf('/jwks'), 200);
  service.child.kill('SIGTERM');
  t.equal(await service.ended, 0);
});

t.test('whoever still waits for the database ends at once when it is told to', async (t) => {
  const nowhere = `postgres://postgres@127.0.0.1:${await freePort()}/postgres`;
  const service = launch(t, await environment(nowhere));
  await until(() => service.output().includes('waits for the database'), { what: 'it says that it waits' });
  service.child.kill('SIGTERM');
  t.equal(await service.ended, 0);
});

t.test('a standby is waited for until it is promoted', async (t) => {
  const primary = await startCluster(t, { fsync: false });
  const standby = await startStandby(t, primary);
  const service = launch(t, await environment(standby.url()));
  await until(() => service.output().includes('"reason":"25006"'), { what: 'it says that it waits' });
  t.equal(await service.statusOf('/livez'), 0);
  await standby.promote();
  await until(async () => (await service.statusOf('/readyz')) === 200, { what: 'it is ready' });
});

const refused: Readonly<Record<string, (t: Test) => Promise<{ env: Record<string, string>; says: RegExp }>>> =
  {
    'the database never comes': async () => ({
      env: {
        ...(await environment(`postgres://postgres@127.0.0.1:${await freePort()}/postgres`)),
        DATABASE_START_SECONDS: '1',
      },
      says: /^Doorward did not start: the database is not available: ECONNREFUSED\n$/,
    }),
    'there is no such database': async (t) => {
      const address = new URL(await createEmptyDatabase(t));
      address.pathname = '/there_is_none';
      return { env: await environment(address.href), says: /^Doorward did not start: .*: 3D000\n$/ };
    },
    'migrations are pending, and may not be run': async (t) => {
      const roles = await createTwoRoles(t);
      return {
        env: await environment(roles.serviceUrl),
        says: /^Doorward did not start: the database lacks 0001_accounts,[^\n]*MIGRATION_DATABASE_URL[^\n]*\n$/,
      };
    },
    'a sealing key is missing': async (t) => {
      const { SECRET_KEYS, ...rest } = await environment(await createDatabase(t));
      return { env: rest, says: /^The configuration has 1 problem\(s\):\n {2}- SECRET_KEYS is missing/ };
    },
    'much is wrong at once': async () => ({
      env: { ...(await environment('mysql://nowhere')), PORT: 'http', COOKIE_KEYS: 'short' },
      says: /has 3 problem\(s\)/,
    }),
    'the sealing keys are not those of the signing keys': async (t) => {
      const databaseUrl = await createDatabase(t);
      const service = launch(t, await environment(databaseUrl));
      await until(async () => (await service.statusOf('/readyz')) === 200, { what: 'it has made its keys' });
      service.child.kill('SIGTERM');
      await service.ended;
      return {
        env: { ...(await environment(databaseUrl)), SECRET_KEYS: key() },
        says: /^The configuration has 1 problem\(s\):\n {2}- SECRET_KEYS lacks the key [0-9a-f]{8}, which is used;/,
      };
    },
  };

for (const [what, arrange] of Object.entries(refused))
  t.test(`it ends with 1 and says why: ${what}`, async (t) => {
    const { env, says } = await arrange(t);
    const { code, errors } = await run('src/main.ts', [], env);
    t.equal(code, 1);
    t.match(errors, says);
  });

t.test('without a mail server it serves, says so, and mail waits', async (t) => {
  const databaseUrl = await createDatabase(t);
  const service = launch(t, await environment(databaseUrl));
  await until(async () => (await service.statusOf('/readyz')) === 200, { what: 'it is ready' });
  t.match(service.output(), 'SMTP_URL is not set');
  const db = connect(databaseUrl, { max: 1 });
  t.teardown(() => db.destroy());
  const { rows } = await sql`select from mail_outbox where state <> 'pending'`.execute(db);
  t.same(rows, []);
  await assertInvariants(t, db);
});

t.test('a mail server that is not there is no reason not to serve', async (t) => {
  const env = await environment(await createDatabase(t));
  const service = launch(t, { ...env, SMTP_URL: `smtp://127.0.0.1:${await freePort()}` });
  await until(async () => (await service.statusOf('/readyz')) === 200, { what: 'it is ready' });
});

t.test('asked twice to end, it ends at once', async (t) => {
  const env = await environment(await createDatabase(t));
  const service = launch(t, { ...env, DRAIN_SECONDS: '300' });
  await until(async () => (await service.statusOf('/readyz')) === 200, { what: 'it is ready' });
  service.child.kill('SIGTERM');
  await until(async () => (await service.statusOf('/readyz')) === 503, { what: 'it is ready no more' });
  t.equal(await service.statusOf('/livez'), 200, 'it serves on');
  const answer = await fetch(`${env['ISSUER'] ?? ''}/jwks`);
  t.equal(answer.headers.get('connection'), 'close', 'and keeps no connection');
  service.child.kill('SIGTERM');
  t.equal(await service.ended, 1);
});
