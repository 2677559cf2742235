/** doorward doctor, as a process: what it finds where all is well, and where it is not. */
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:tls';
import { sql } from 'kysely';
import t, { type Test } from 'tap';
import { selfSignedCertificate } from '../src/kernel/certificate.ts';
import type { AccountId } from '../src/kernel/ids.ts';
import { addSeconds, day, hour } from '../src/kernel/time.ts';
import { freePort, startApp, type TestApp } from './support/app.ts';
import { type Ended, run } from './support/command.ts';
import { openSmtpMailbox } from './support/mailbox.ts';
import { makeSaml, namedCertificate, publishedWith } from './support/make-connection.ts';
import { insertOver, makeParts } from './support/prunable.ts';

type Env = Readonly<Record<string, string>>;

const doctor = (env: Env, ...args: string[]): Promise<Ended> =>
  run('src/cli/doorward.ts', ['doctor', ...args], env);

function envOf({ ctx: { config }, databaseUrl }: TestApp): Env {
  const textOf = (keys: typeof config.secretKeys) =>
    keys.map(({ bytes }) => bytes.toString('base64url')).join(',');
  return {
    DATABASE_URL: databaseUrl,
    ISSUER: config.issuer,
    SECRET_KEYS: textOf(config.secretKeys),
    COOKIE_KEYS: textOf(config.cookieKeys),
  };
}

/** The worst of each name. */
async function findingsOf(env: Env) {
  const { code, output } = await doctor(env, '--json');
  const { ok, checks } = JSON.parse(output) as { ok: boolean; checks: { name: string; status: string }[] };
  const order = ['skipped', 'passed', 'warning', 'failed'];
  const worst: Record<string, string> = {};
  for (const { name, status } of checks)
    if (order.indexOf(status) > order.indexOf(worst[name] ?? 'skipped') || !worst[name]) worst[name] = status;
  return { code, ok, worst };
}

t.test('where all is well it says so', async (t) => {
  const app = await startApp(t, { demo: false });
  const { mails, smtpUrl } = await openSmtpMailbox(t);
  const { code, ok, worst } = await findingsOf({ ...envOf(app), SMTP_URL: smtpUrl });
  t.match(worst, {
    configuration: 'warning',
    TLS: 'skipped',
    cookies: 'warning',
    database: 'passed',
    role: 'warning',
    migrations: 'passed',
    clock: 'passed',
    'signing keys': 'passed',
    issuer: 'passed',
    SMTP: 'passed',
    outbox: 'passed',
    'sign-out notices': 'passed',
    certificates: 'passed',
    pruning: 'passed',
  });
  t.not(worst['argon2'], 'skipped');
  t.equal(ok, worst['argon2'] !== 'failed');
  t.equal(code, ok ? 0 : 1);
  t.same(mails, [], 'and no mail was sent');
});

t.test('what is wrong it names, all of it at once', async (t) => {
  const app = await startApp(t, { demo: false });
  const other = await startApp(t, { demo: false });
  const { db } = app.ctx;
  const now = app.ctx.now();
  await sql`insert into kysely_migration (name, timestamp) values ('9999_newer', '')`.execute(db);
  const parts = await makeParts(db, now);
  await insertOver(db, parts, addSeconds(now, -day));
  await sql`insert into mail_outbox (id, template, recipient, locale, data, created_at, next_attempt_at)
    values ('mail_late', 'password_changed', 'x@x.test', 'en', '{}', ${addSeconds(now, -2 * hour)}, ${now})`.execute(
    db,
  );
  const ending = namedCertificate('ended', { notAfter: addSeconds(now, -hour).toISOString() });
  const accountId = parts.accountId as AccountId;
  const { id } = await makeSaml(app.ctx, accountId, { published: publishedWith(ending) });
  await db.updateTable('connections').set({ state: 'enabled' }).where('id', '=', id).execute();
  const env = { ...envOf(app), ISSUER: other.issuer, SMTP_URL: `smtp://127.0.0.1:${await freePort()}` };
  const { code, ok, worst } = await findingsOf(env);
  t.same([code, ok], [1, false]);
  t.match(worst, {
    migrations: 'warning',
    issuer: 'failed',
    SMTP: 'failed',
    outbox: 'failed',
    certificates: 'failed',
    pruning: 'warning',
  });

  await sql`delete from kysely_migration where name = (select max(name) from kysely_migration where name < '9')`.execute(
    db,
  );
  t.match((await findingsOf(env)).worst, { migrations: 'failed' }, 'one is missing');

  const another = Buffer.from('another key of thirty-two bytes!').toString('base64url');
  t.match((await findingsOf({ ...envOf(app), SECRET_KEYS: another })).worst, {
    'signing keys': 'failed',
    'sealing keys': 'failed',
    'cookie keys': 'passed',
  });
  t.match((await findingsOf({ ...envOf(app), COOKIE_KEYS: another })).worst, {
    'sealing keys': 'passed',
    'cookie keys': 'warning',
  });
});

t.test('it works without a database, and without settings that are right', async (t) => {
  const app = await startApp(t, { demo: false });
  const databaseUrl = `postgres://somebody:canary-password@127.0.0.1:${await freePort()}/none`;
  const gone = { ...envOf(app), DATABASE_URL: databaseUrl };
  const { code, worst } = await findingsOf(gone);
  t.equal(code, 1);
  t.match(worst, { database: 'failed', migrations: 'skipped', issuer: 'skipped', SMTP: 'warning' });
  const { output, errors } = await doctor(gone);
  t.notMatch(`${output}${errors}`, /canary-password|\n {4}at /);

  const wrong = await doctor({ PORT: 'x', LOG_LEVEL: 'loud', NODE_ENV: 'production' });
  t.equal(wrong.code, 1);
  for (const name of ['PORT', 'LOG_LEVEL', 'DATABASE_URL', 'ISSUER', 'SECRET_KEYS'])
    t.ok(wrong.output.includes(`✗ configuration    ${name} `), name);
  t.equal((await doctor({}, 'sing-in')).code, 2, 'what it does not know');
});

/** A server with a certificate of its own, and an environment that has it for the issuer. */
async function startIssuer(
  t: Test,
  { name, endsInDays }: { readonly name: string; readonly endsInDays: number },
): Promise<Env> {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const [notBefore, notAfter] = [-30, endsInDays].map((days) => addSeconds(new Date(), days * day));
  if (!notBefore || !notAfter) throw new Error('two moments');
  const cert = selfSignedCertificate(privateKey, { name, notBefore, notAfter });
  const key = privateKey.export({ type: 'pkcs8', format: 'pem' });
  const server = createServer({ key, cert }).listen(0, 'localhost');
  await once(server, 'listening');
  t.teardown(() => server.close());
  return { ISSUER: `https://localhost:${portOf(server)}`, ...authority(t, cert) };
}

function portOf(server: Server): number {
  const address = server.address();
  return address && typeof address === 'object' ? address.port : 0;
}

const authority = (t: Test, cert: string): Env => ({
  NODE_EXTRA_CA_CERTS: `${t.testdir({ 'authority.pem': cert })}/authority.pem`,
});

t.test('the certificate of the issuer: trusted, for its name, and for how long', async (t) => {
  const app = await startApp(t, { demo: false });
  const tlsOf = async (env: Env) => (await findingsOf({ ...envOf(app), ...env })).worst['TLS'];
  const cases = [
    ['localhost', 100, 'passed'],
    ['localhost', 10, 'warning'],
    ['localhost', -1, 'failed'],
    ['login.example', 100, 'failed'],
  ] as const;
  for (const [name, endsInDays, expected] of cases)
    await t.test(`for ${name}, ${endsInDays} days`, async (t) => {
      t.equal(await tlsOf(await startIssuer(t, { name, endsInDays })), expected);
    });

  const { ISSUER = '' } = await startIssuer(t, { name: 'localhost', endsInDays: 100 });
  t.equal(await tlsOf({ ISSUER }), 'failed', 'nobody vouches for it');
  t.equal(
    await tlsOf({ ISSUER, NODE_TLS_REJECT_UNAUTHORIZED: '0' }),
    'failed',
    'whatever the environment says',
  );
  t.equal(await tlsOf({ ISSUER: `https://localhost:${await freePort()}` }), 'failed', 'nobody is there');
  const production = { NODE_ENV: 'production', ISSUER: 'https://localhost' };
  t.equal(await tlsOf(production), 'warning', 'what may not be connected to may be well all the same');
});
