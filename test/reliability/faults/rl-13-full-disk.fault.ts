/**
 * RL-13: the disk under the database is full, and nobody reads the log. Both are 503 at the worst, and over when there is
 * room again; the log keeps nobody waiting, no process from ending, and the audit trail is not in it.
 */
import { execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import t from 'tap';
import { connect } from '../../../src/db/connect.ts';
import { demoParty } from '../../provider/requests.ts';
import { Agent } from '../../support/agent.ts';
import { freePort } from '../../support/app.ts';
import { type Cluster, createMigrated, startCluster } from '../../support/cluster.ts';
import { createDatabase } from '../../support/database.ts';
import { startFleet } from '../../support/fleet.ts';
import { brokenInvariants } from '../../support/invariants.ts';
import { signIn, submitPassword, toStep } from '../../support/relying-party.ts';
import { until } from '../../support/reliability.ts';

const run = promisify(execFile);
const email = 'alan@acme.test';

t.test('RL-13 the disk of the database is full', async (t) => {
  const mount = await mkdtemp(path.join(os.tmpdir(), 'doorward-disk-'));
  await run('mount', ['-t', 'tmpfs', '-o', 'size=128m', 'tmpfs', mount]);
  t.teardown(async () => {
    await run('umount', ['-l', mount]);
    await rm(mount, { recursive: true, force: true });
  });
  const settings = ['max_wal_size=32MB', 'min_wal_size=32MB'];
  const cluster = await startCluster(t, { dataDir: path.join(mount, 'data'), settings });
  const fleet = await startFleet(t, { count: 1, databaseUrl: await createMigrated(cluster) });
  const { issuer, ctx } = fleet;
  const trySigningIn = (): Promise<boolean> =>
    signIn(new Agent(issuer), demoParty(issuer, 'assist'), email).then(
      () => true,
      () => false,
    );
  t.ok(await trySigningIn());
  const before = await ctx.db.selectFrom('sessions').select('uid').execute();

  const filler = path.join(mount, 'filler');
  const { stdout } = await run('df', ['--output=avail', '-B1', mount]);
  await run('fallocate', ['-l', String(Number(stdout.split('\n')[1]) - 4096), filler]);
  // the tables have some room left, and the log of the database has; then they have none
  await until(async () => !(await trySigningIn()), { what: 'nothing can be written', withinMs: 90_000 });
  const refused = await submitOnce(issuer);
  t.ok([503, 0].includes(refused), `a clean 503: ${refused}`);
  t.same(
    fleet.faults.filter((fault) => !fault.startsWith('503')),
    [],
    'nothing but 503, and the process lives',
  );

  await rm(filler);
  await restart(cluster);
  await until(trySigningIn, { what: 'there is room, and all is well', withinMs: 60_000 });
  const after = await ctx.db.selectFrom('sessions').select('uid').execute();
  t.ok(after.length > before.length, 'what was there is there');
  t.same(await brokenInvariants(ctx.db), {});
});

/** The status of a sign-in that begins; 0 where not even that was possible. */
async function submitOnce(issuer: string): Promise<number> {
  const browser = new Agent(issuer);
  const step = await toStep(browser, (await demoParty(issuer, 'assist').start()).url);
  if (step.status !== 200) return step.status;
  return (await submitPassword(browser, step, email)).status;
}

/** A database that could not write its own log has ended; whatever runs it starts it again. */
async function restart(cluster: Cluster): Promise<void> {
  await cluster.stop('immediate');
  await cluster.start();
}

t.test('RL-13 nobody reads the log', async (t) => {
  const databaseUrl = await createDatabase(t);
  const port = await freePort();
  const issuer = `http://127.0.0.1:${port}`;
  const secret = (): string => randomBytes(32).toString('base64url');
  const env = {
    SECRET_KEYS: secret(),
    COOKIE_KEYS: secret(),
    ISSUER: issuer,
    DATABASE_URL: databaseUrl,
    PORT: String(port),
    HOST: '127.0.0.1',
  };
  const seeded = spawn(process.execPath, ['src/cli/doorward.ts', 'seed'], { env, stdio: 'ignore' });
  t.equal(await new Promise((resolve) => seeded.once('close', resolve)), 0);
  const reader = spawn('cat', { stdio: ['pipe', 'pipe', 'inherit'] });
  let log = '';
  reader.stdout.setEncoding('utf8').on('data', (text: string) => (log += text));
  t.teardown(() => reader.kill('SIGKILL'));
  const child = spawn(process.execPath, ['src/main.ts'], { env, stdio: ['ignore', reader.stdin, 'inherit'] });
  t.teardown(() => child.kill('SIGKILL'));
  const isReady = () =>
    fetch(`${issuer}/readyz`).then(
      ({ ok }) => ok,
      () => false,
    );
  await until(isReady, { what: 'it is ready', withinMs: 90_000 });

  reader.kill('SIGSTOP');
  // far more than what a pipe takes
  for (let round = 0; round < 80; round += 1)
    await Promise.all(
      Array.from({ length: 50 }, () => fetch(`${issuer}/nothing`).then((answer) => answer.text())),
    );
  const begun = performance.now();
  await signIn(new Agent(issuer), demoParty(issuer, 'assist'), email);
  t.ok(performance.now() - begun < 20_000, 'the service goes on');
  const db = connect(databaseUrl, { max: 1 });
  t.teardown(() => db.destroy());
  const events = await db.selectFrom('events').select('id').where('type', '=', 'user.signed_in').execute();
  t.equal(events.length, 1, 'the audit trail has it');

  reader.kill('SIGCONT');
  await until(() => (log.match(/"route":"none"/g) ?? []).length === 4000, {
    what: 'every line has come after all',
  });
  reader.kill('SIGSTOP');
  for (let round = 0; round < 80; round += 1)
    await Promise.all(
      Array.from({ length: 50 }, () => fetch(`${issuer}/nothing`).then((answer) => answer.text())),
    );
  const ended = new Promise((resolve) => child.once('exit', resolve));
  const told = performance.now();
  child.kill('SIGTERM');
  t.equal(await ended, 0, 'and it ends when it is told to');
  t.ok(performance.now() - told < 20_000);
});
