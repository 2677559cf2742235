/** The numbers: right, bounded, cheap to ask for, and about nobody. */
import { EventEmitter, once } from 'node:events';
import { createServer } from 'node:http';
import { setImmediate as soon } from 'node:timers/promises';
import { sql } from 'kysely';
import t from 'tap';
import { startBackground } from '../src/background.ts';
import { inTransaction } from '../src/context.ts';
import { recordEvent } from '../src/core/audit/audit.ts';
import { enqueueMail } from '../src/core/outbox/outbox.ts';
import { metricNames } from '../src/metrics/metrics.ts';
import { parseEmail } from '../src/kernel/email-address.ts';
import { Agent } from './support/agent.ts';
import { freePort, startApp, type TestApp } from './support/app.ts';
import { createDatabase } from './support/database.ts';
import { demoClient, RelyingParty, signIn, submitPassword, toStep } from './support/relying-party.ts';
import { recordRoutes } from './support/route-table.ts';
import { overhearStatements } from './support/statements.ts';

const production = { NODE_ENV: 'production', ISSUER: 'https://login.example.com' };

/** A scrape, read: what stands before the number, labels included, with the number. */
async function scrape(origin: string): Promise<ReadonlyMap<string, number>> {
  const answer = await fetch(`${origin}/metrics`);
  const lines = (await answer.text()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    lines.map((line) => {
      const space = line.lastIndexOf(' ');
      return [line.slice(0, space), Number(line.slice(space + 1))];
    }),
  );
}

const party = (app: TestApp, name: string) => new RelyingParty(app.issuer, demoClient(app.issuer, name));

t.test('what happens is counted: by route, grant, outcome and reason', async (t) => {
  const app = await startApp(t);
  const before = await scrape(app.origin);
  const assist = party(app, 'assist');
  const ada = new Agent(app.issuer);
  const { tokens } = await signIn(ada, assist, 'ada@acme.test');
  await assist.refresh(tokens.refresh_token ?? '');
  await t.rejects(assist.refresh('nothing-of-ours'));
  const wrong = new Agent(app.issuer);
  await submitPassword(
    wrong,
    await toStep(wrong, (await assist.start()).url),
    'ada@acme.test',
    'wrong-canary',
  );
  const denied = new Agent(app.issuer);
  const step = await submitPassword(
    denied,
    await toStep(denied, (await assist.start()).url),
    'noseat@acme.test',
  );
  const { code } = step.json() as { code: string };

  const after = await scrape(app.origin);
  const added = (name: string): number => (after.get(name) ?? 0) - (before.get(name) ?? 0);
  const tokenRequests = (grant: string, outcome: string) =>
    added(`doorward_token_requests_total{grant_type="${grant}",outcome="${outcome}"}`);
  t.equal(tokenRequests('authorization_code', 'ok'), 1);
  t.equal(tokenRequests('refresh_token', 'ok'), 1);
  t.equal(tokenRequests('refresh_token', 'invalid_grant'), 1);
  const events = (type: string, reason = 'none') =>
    added(`doorward_events_total{type="${type}",code="${reason}"}`);
  t.equal(events('user.signed_in'), 1);
  t.equal(events('sign_in.failed'), 1);
  t.equal(events('sign_in.denied', code), 1);
  const requests = (route: string, method: string, status: number) =>
    added(
      `doorward_http_request_duration_seconds_count{route="${route}",method="${method}",status="${status}"}`,
    );
  t.equal(requests('/token', 'POST', 200), 2);
  t.equal(requests('/token', 'POST', 400), 1);
  t.equal(requests('/metrics', 'GET', 200), 1, 'the scrape before');
});

t.test('what there is, is read when somebody asks', async (t) => {
  const app = await startApp(t);
  const { ctx } = app;
  const value = async (name: string) => (await scrape(app.origin)).get(name);
  await app.runJob('mail'); // the demo has some
  const sent = (await value('doorward_mail_attempts_total{outcome="sent"}')) ?? 0;
  t.equal(await value('doorward_mail_oldest_pending_seconds'), 0);
  const recipient = parseEmail('canary@acme.test');
  if (!recipient) throw new Error('not an email address');
  await inTransaction(ctx, (tx) =>
    enqueueMail(tx, { template: 'password_changed', recipient, locale: 'en', data: {} }),
  );
  app.advance(90);
  const numbers = await scrape(app.origin);
  t.equal(numbers.get('doorward_mail_pending{state="untried"}'), 1);
  t.equal(numbers.get('doorward_mail_pending{state="tried"}'), 0);
  const age = numbers.get('doorward_mail_oldest_pending_seconds') ?? 0;
  t.ok(age >= 90 && age < 150, String(age));
  await app.runJob('mail');
  t.equal(await value('doorward_mail_pending{state="untried"}'), 0);
  t.equal(await value('doorward_mail_attempts_total{outcome="sent"}'), sent + 1);

  t.equal(numbers.get('doorward_logout_notices_pending'), 0);
  t.equal(numbers.get('doorward_signing_keys{alg="ES256",state="current"}'), 1);
  const toRotation = numbers.get('doorward_signing_key_change_seconds{alg="RS256"}') ?? 0;
  const days = 24 * 60 * 60;
  t.ok(toRotation > 89 * days && toRotation <= 90 * days, String(toRotation));
  app.advance(91 * days);
  t.ok(((await value('doorward_signing_key_change_seconds{alg="RS256"}')) ?? 0) < 0, 'late');
  await app.runJob('old signing keys');
  t.equal(await value('doorward_signing_keys{alg="ES256",state="next"}'), 1);
  const toNext = (await value('doorward_signing_key_change_seconds{alg="ES256"}')) ?? 0;
  t.ok(toNext > 0 && toNext <= days, String(toNext));

  t.equal(numbers.get('doorward_database_up'), 1);
  t.equal(numbers.get('doorward_database_pool_max'), 10);
  t.ok((numbers.get('doorward_database_pool_connections') ?? 0) > 0);
  t.ok([...numbers.keys()].some((name) => name.startsWith('doorward_build_info{version="0.1.0"')));
  t.ok(numbers.has('nodejs_eventloop_lag_p99_seconds'));
});

t.test('a key of the settings is used, is to be used, or is needed still', async (t) => {
  const app = await startApp(t, { demo: false });
  const { db } = app.ctx;
  const counts = (numbers: ReadonlyMap<string, number>, ring: string) =>
    ['used', 'next', 'needed'].map((state) =>
      numbers.get(`doorward_key_ring_keys{ring="${ring}",state="${state}"}`),
    );
  app.advance(90);
  const before = await scrape(app.origin);
  t.same(
    [counts(before, 'secret'), counts(before, 'cookie')],
    [
      [1, 0, 0],
      [1, 0, 0],
    ],
  );
  for (const ring of ['secret', 'cookie']) {
    const age = before.get(`doorward_key_ring_age_seconds{ring="${ring}"}`) ?? 0;
    t.ok(age >= 90 && age < 600, `${ring}: ${age}`);
  }
  // another replica has another sealing key first, and there was one before
  const cookie = app.ctx.config.cookieKeys[0].id;
  await sql`insert into key_holders (id, secret_key_id, cookie_key_id, seen_at)
    values ('another', 'aaaaaaaa', ${cookie}, clock_timestamp() + interval '1 hour')`.execute(db);
  await sql`insert into key_uses (ring, key_id, began_at, used_until)
    values ('secret', 'bbbbbbbb', '2020-01-01', '2021-01-01'), ('cookie', 'bbbbbbbb', '2020-01-01', '2021-01-01')`.execute(
    db,
  );
  const after = await scrape(app.origin);
  t.same(counts(after, 'secret'), [1, 1, 1]);
  t.same(counts(after, 'cookie'), [1, 0, 0], 'whether a cookie of an older one is left nobody can tell');
  await sql`update key_uses set emptied_at = '2021-01-01 01:00:01' where key_id = 'bbbbbbbb' and ring = 'secret'`.execute(
    db,
  );
  t.same(counts(await scrape(app.origin), 'secret'), [1, 1, 0], 'nothing is left of it');
});

t.test('the gate of the hashes shows who is in, who waits and who was turned away', async (t) => {
  const app = await startApp(t);
  const { hashGate } = app.ctx;
  let open = (): void => undefined;
  const blocked = new Promise<void>((resolve) => (open = resolve));
  const { slots } = hashGate.load();
  const all = Array.from({ length: 21 * slots + 5 }, () => hashGate.run(() => blocked));
  const settled = Promise.allSettled(all);
  await soon();
  const numbers = await scrape(app.origin);
  open();
  await settled;
  t.equal(numbers.get('doorward_hash_gate_slots'), slots);
  t.equal(numbers.get('doorward_hash_gate_busy'), slots);
  t.equal(numbers.get('doorward_hash_gate_waiting'), 20 * slots);
  t.equal(numbers.get('doorward_hash_gate_refusals_total'), 5);
  t.equal((await scrape(app.origin)).get('doorward_hash_gate_busy'), 0);
});

t.test('background tasks show their last success and their failures', async (t) => {
  const app = await startApp(t);
  const runs = new EventEmitter();
  let count = 0;
  const job = async (fails: boolean): Promise<number> => {
    count += 1;
    if (count === 2) setImmediate(() => runs.emit('both'));
    if (fails) throw new Error('canary');
    return 0;
  };
  app.advance(1000);
  const both = once(runs, 'both');
  const running = startBackground(app.ctx, [
    { name: 'good', everyMs: 60_000, run: () => job(false) },
    { name: 'bad', everyMs: 5000, run: () => job(true) },
  ]);
  await both;
  await running.stop();
  const numbers = await scrape(app.origin);
  t.equal(numbers.get('doorward_task_interval_seconds{task="good"}'), 60);
  t.equal(numbers.get('doorward_task_failures_total{task="good"}'), 0);
  t.equal(numbers.get('doorward_task_failures_total{task="bad"}'), 1);
  t.equal(numbers.get('doorward_task_duration_seconds_count{task="bad"}'), 1);
  const success = numbers.get('doorward_task_last_success_timestamp_seconds{task="good"}') ?? 0;
  t.ok(Math.abs(success - app.ctx.now().getTime() / 1000) < 60);
});

t.test('an event counts when its transaction has committed, and not before', async (t) => {
  const app = await startApp(t);
  const write = (fails: boolean) =>
    inTransaction(app.ctx, async (tx) => {
      await recordEvent(tx, { type: 'sign_in.refused', details: { code: 'saml_signature' } });
      await recordEvent(tx, { type: 'sign_in.refused', details: { code: 'Canary@acme.test' } });
      await recordEvent(tx, { type: 'product.changed', details: { code: 'canary' } });
      if (fails) throw new Error('rolled back');
    });
  await t.rejects(write(true));
  const count = async (type: string, code: string) =>
    (await scrape(app.origin)).get(`doorward_events_total{type="${type}",code="${code}"}`);
  t.equal(await count('sign_in.refused', 'saml_signature'), undefined);
  await write(false);
  t.equal(await count('sign_in.refused', 'saml_signature'), 1);
  t.equal(await count('sign_in.refused', 'other'), 1, 'what has not the shape of a reason is none');
  t.equal(await count('product.changed', 'none'), 1, 'only sign-ins and tokens have reasons');
});

t.test('nobody is in the numbers, and nobody outside makes them grow', async (t) => {
  const registered = recordRoutes(t);
  const app = await startApp(t);
  const visit = async (canary: string): Promise<void> => {
    const agent = new Agent(app.issuer);
    await agent.get(`/${canary}/x?code=${canary}`);
    await agent.get(`/sign-in/${canary}`);
    await agent.get(`/authorize?client_id=${canary}&login_hint=${canary}@acme.test`);
    await agent.get(`/api/v1/users/${canary}`);
    await agent.get(`/metrics?name=${canary}`);
    await agent.send(`/${canary}`, { method: 'PROPFIND' });
    await agent.post('/token', { form: { grant_type: canary, client_id: canary, code: canary } });
    await agent.post('/token', {
      form: { grant_type: 'refresh_token', client_id: 'demo-assist', refresh_token: canary },
    });
  };
  await visit('canary');
  const first = await scrape(app.origin);
  for (let round = 0; round < 25; round += 1)
    await visit(`canary${'abcdefghijklmnopqrstuvwxyz'.charAt(round)}`);
  const assist = party(app, 'assist');
  const agent = new Agent(app.issuer);
  const { tokens, callback } = await signIn(agent, assist, 'ada@acme.test');
  const after = await scrape(app.origin);
  const ofRequests = (numbers: ReadonlyMap<string, number>): string[] =>
    [...numbers.keys()].filter((name) => /^doorward_http_\w+_count/.test(name)).sort();
  const grown = ofRequests(after).filter((name) => !ofRequests(first).includes(name));
  t.notOk(grown.some((name) => name.includes('route="none"')));
  t.equal([...after.keys()].filter((name) => name.includes('grant_type="other"')).length, 1);

  const text = [...after.keys()].join('\n');
  const { sub = '' } = tokens.claims() ?? {};
  const secrets = [tokens.access_token, sub, new URL(callback ?? '').searchParams.get('code') ?? ''];
  for (const secret of [...secrets, 'ada', 'acme', 'demo-assist', '127.0.0.1'])
    t.notOk(text.includes(secret), `not ${secret}`);
  t.notMatch(text, /canary|@|\b(?:usr|acc|con|evt|mail|prd)_/);
  const routes = new Set(Array.from(text.matchAll(/route="([^"]*)"/g), ([, route]) => route));
  for (const route of routes)
    t.ok(route === 'none' || registered.some(({ url }) => url === route), String(route));
  t.ok(routes.has('/sign-in/:uid'));
});

t.test('a scrape asks the database for mail, notices and keys, however many ask at once', async (t) => {
  const overheard = await overhearStatements(t, await createDatabase(t));
  const app = await startApp(t, { databaseUrl: overheard.databaseUrl });
  await scrape(app.origin);
  overheard.take();
  await scrape(app.origin);
  // what is asked of keys is left out by the one who listens
  t.equal(overheard.take().length, 2);
  await Promise.all(Array.from({ length: 20 }, () => scrape(app.origin)));
  t.ok(overheard.take().length <= 2 * 10, 'those who come while another is under way share its answer');
  const metrics = await Promise.all(Array.from({ length: 20 }, () => scrape(app.origin)));
  t.ok(metrics.every((numbers) => numbers.get('doorward_database_up') === 1));
});

t.test('where the numbers are: at a port of their own, or in development at the public one', async (t) => {
  const metricsPort = await freePort();
  const apart = await startApp(t, { env: { ...production, METRICS_PORT: String(metricsPort) }, demo: false });
  const origin = `http://127.0.0.1:${metricsPort}`;
  t.equal((await fetch(`${apart.origin}/metrics`)).status, 404);
  const answer = await fetch(`${origin}/metrics`);
  t.equal(answer.status, 200);
  t.match(answer.headers.get('content-type'), /^text\/plain; version=0\.0\.4/);
  t.equal((await scrape(origin)).get('doorward_database_up'), 1);
  t.equal((await fetch(`${origin}/`)).status, 404);
  t.equal((await fetch(`${origin}/livez`)).status, 404, 'nothing else of the service is there');
  t.equal((await fetch(`${origin}/metrics`, { method: 'POST' })).status, 405);

  const without = await startApp(t, { env: production, demo: false });
  t.equal((await fetch(`${without.origin}/metrics`)).status, 404, 'in production they are nowhere else');
});

t.test('a port that is taken keeps the service from starting', async (t) => {
  const taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  t.teardown(() => taken.close());
  const address = taken.address();
  const port = address && typeof address === 'object' ? address.port : 0;
  await t.rejects(startApp(t, { env: { METRICS_PORT: String(port) } }), { code: 'EADDRINUSE' });
});

t.test('without the database the numbers of the process are there all the same', async (t) => {
  const app = await startApp(t);
  await app.ctx.db.destroy();
  const numbers = await scrape(app.origin);
  t.equal(numbers.get('doorward_database_up'), 0);
  t.notOk(numbers.has('doorward_mail_pending{state="untried"}'), 'what is not known is absent');
  t.notOk(numbers.has('doorward_mail_oldest_pending_seconds'));
  t.notOk(numbers.has('doorward_key_ring_age_seconds{ring="secret"}'));
  t.ok(numbers.has('process_resident_memory_bytes'));
});

t.test('every metric has a name of ours or of the process', (t) => {
  for (const name of metricNames().keys()) t.match(name, /^(doorward|nodejs|process)_[a-z0-9_]+$/);
  t.end();
});
