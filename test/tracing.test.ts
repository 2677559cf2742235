/** Traces: what was done below what, handed to a collector; about nobody, at nobody's bidding, and without harm. */
import t, { type Test } from 'tap';
import { Agent } from './support/agent.ts';
import { startApp, type TestApp } from './support/app.ts';
import { digestsOf, formsOf, listenForSecrets } from './support/canaries.ts';
import { type CollectedSpan, type Collector, startCollector } from './support/collector.ts';
import { demoClient, RelyingParty, signIn } from './support/relying-party.ts';
import {
  acceptInvitations,
  comeByCompany,
  forgetPasswords,
  livePeople,
  serveClients,
} from './security/whole-run.ts';

const [server, client] = [2, 3];

async function startTraced(
  t: Test,
  env: Readonly<Record<string, string>> = {},
): Promise<{ app: TestApp; collector: Collector }> {
  const collector = await startCollector(t);
  const app = await startApp(t, { env: { OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint, ...env } });
  return { app, collector };
}

const party = ({ issuer }: TestApp) => new RelyingParty(issuer, demoClient(issuer, 'assist'));
const isOf = (route: string, method: string) => (span: CollectedSpan) =>
  span.attributes['http.route'] === route && span.attributes['http.request.method'] === method;

/** From a span up to the one that began the trace. */
function pathOf(span: CollectedSpan, spans: readonly CollectedSpan[]): string[] {
  const parent = spans.find(({ spanId }) => spanId === span.parentSpanId);
  return [span.name, ...(parent ? pathOf(parent, spans) : [])];
}

t.test('a sign-in: each request is a trace, with its statements and its hash below it', async (t) => {
  const { app, collector } = await startTraced(t, {
    OTEL_SERVICE_NAME: 'login',
    OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Bearer%20collector-key',
  });
  await signIn(new Agent(app.issuer), party(app), 'ada@acme.test');
  const spans = await collector.until((all) => all.some(isOf('/token', 'POST')));
  const password = spans.find(isOf('/sign-in/:uid/password', 'POST'));
  t.match(password, {
    name: 'POST /sign-in/:uid/password',
    kind: server,
    attributes: { 'http.response.status_code': 200, 'doorward.request_id': /^req_|\w/ },
    status: 0,
    service: 'login',
    links: [],
  });
  t.notOk(password?.parentSpanId, 'it begins the trace');
  const below = spans.filter(({ traceId }) => traceId === password?.traceId);
  t.ok(below.every((span) => pathOf(span, spans).at(-1) === password?.name));
  const hash = below.find(({ name }) => name === 'hash');
  t.same(hash && pathOf(hash, spans), ['hash', password?.name]);
  const statements = below.filter(({ attributes }) => attributes['db.system.name'] === 'postgresql');
  t.ok(statements.some(({ attributes }) => attributes['db.operation.name'] === 'with'));
  const table = statements.find(({ attributes }) => attributes['db.collection.name'] === 'users');
  t.match(table, { name: /^\w+ users$/, kind: client, attributes: { 'db.operation.name': /^\w+$/ } });

  const token = spans.find(isOf('/token', 'POST'));
  t.not(token?.traceId, password?.traceId, 'another request is another trace');
  t.ok(
    spans.some(
      (span) => span.traceId === token?.traceId && span.attributes['db.collection.name'] !== undefined,
    ),
    'what the engine asks the database is below its request too',
  );
  t.equal(collector.headers[0]?.['authorization'], 'Bearer collector-key');
  const line = app.lines.map((text) => JSON.parse(text)).find((one) => one.route === '/token');
  t.equal(line.trace_id, token?.traceId, 'the line in the log names the trace');
  t.equal(line.reqId, token?.attributes['doorward.request_id']);
});

t.test('what goes out is below the request it is for, and only its host is told', async (t) => {
  const { app, collector } = await startTraced(t);
  await comeByCompany(app);
  const spans = await collector.until((all) => all.some(isOf('/authorize/:uid', 'GET')));
  const calls = spans.filter(({ attributes }) => 'server.address' in attributes);
  for (const call of calls) {
    t.match(call, { kind: client, name: /^(GET|POST)$/, attributes: { 'server.address': '127.0.0.1' } });
    t.same(Object.keys(call.attributes).sort(), [
      'http.request.method',
      'http.response.status_code',
      'server.address',
    ]);
    t.match(pathOf(call, spans).at(-1), /^(GET|POST) \//);
  }
  const byRequest = calls.map((call) => `${pathOf(call, spans).at(-1) ?? ''}: ${call.name}`);
  t.ok(byRequest.includes('GET /federation/:id/callback: POST'), 'the token of the identity provider');
  t.ok(byRequest.includes('POST /sign-in/:uid/company: GET'), 'its discovery');
});

t.test(
  'a request that waits for the keys shows it, and no trace is made of those who read them by themselves',
  async (t) => {
    const { app, collector } = await startTraced(t);
    const isOfKeys = ({ attributes }: CollectedSpan): boolean =>
      ['key_holders', 'key_uses', 'signing_keys'].includes(String(attributes['db.collection.name']));
    // what is read every two seconds may come in between: then nobody has to wait
    for (let round = 0; round < 5; round += 1) {
      app.advance(60);
      await new Agent(app.issuer).get('/authorize');
    }
    const spans = await collector.until((all) => all.some(isOfKeys));
    for (const span of spans.filter(isOfKeys))
      t.equal(pathOf(span, spans).at(-1), 'GET /authorize', span.name);
  },
);

t.test('a job that did something is a trace, one that found nothing is none', async (t) => {
  const { app, collector } = await startTraced(t);
  await app.runJob('mail'); // the demo has some
  await app.runJob('password resets');
  const spans = await collector.until((all) => all.some(({ name }) => name === 'job mail'));
  const mail = spans.find(({ name }) => name === 'SMTP');
  t.same(mail && pathOf(mail, spans), ['SMTP', 'job mail']);
  const line = app.lines.map((text) => JSON.parse(text)).find(({ msg }) => msg === 'mail sent');
  t.equal(line.trace_id, mail?.traceId);
  await new Agent(app.issuer).get('/authorize');
  const after = await collector.until((all) => all.some(isOf('/authorize', 'GET')));
  t.equal(after.filter(({ name }) => name === 'job mail').length, 1, 'the last run found nothing');
  t.notOk(after.some(({ name }) => name === 'job password resets'));
  const known = new Set(after.map(({ spanId }) => spanId));
  t.ok(
    after.every(({ parentSpanId }) => !parentSpanId || known.has(parentSpanId)),
    'nothing is left of it',
  );
});

t.test('whoever sends a traceparent gets a link, and no say', async (t) => {
  const { app, collector } = await startTraced(t);
  const [trace, span] = ['4bf92f3577b34da6a3ce929d0e0e4736', '00f067aa0ba902b7'];
  const cases = {
    [`00-${trace}-${span}-01`]: [{ traceId: trace, spanId: span }],
    [`cc-${trace}-${span}-00-later`]: [{ traceId: trace, spanId: span }],
    [`00-${'0'.repeat(32)}-${span}-01`]: [],
    [`00-${trace}-${'0'.repeat(16)}-01`]: [],
    [`ff-${trace}-${span}-01`]: [],
    [`00-${trace}-${span}-01canary`]: [],
    [`00-${trace.toUpperCase()}-${span}-01`]: [],
    'canary@acme.test': [],
  };
  const paths = ['/jwks', '/authorize', '/sign-in/abcdefghijklmnopqrstuvwxyz'];
  for (const [traceparent, links] of Object.entries(cases)) {
    const before = collector.spans().length;
    const agent = new Agent(app.issuer);
    for (const path of paths)
      await agent.get(path, { headers: { traceparent, tracestate: 'vendor=canary', baggage: 'a=canary' } });
    const roots = (all: readonly CollectedSpan[]) => all.slice(before).filter(({ kind }) => kind === server);
    const met = roots(await collector.until((all) => roots(all).length === paths.length));
    for (const root of met) {
      t.match(root, { links }, traceparent);
      t.equal(root.links.length, links.length);
      t.not(root.traceId, trace);
      t.notOk(root.parentSpanId);
    }
  }
  t.notOk(collector.bodies.some((body) => body.includes('canary')));
});

t.test('nobody is in the traces, and nothing that was sent', async (t) => {
  const canaries = listenForSecrets(t);
  const { app, collector } = await startTraced(t);
  await livePeople(app);
  await forgetPasswords(app);
  await acceptInvitations(app);
  await comeByCompany(app);
  await serveClients(app);
  await app.runJob('mail');
  const agent = new Agent(app.issuer);
  for (const path of [
    '/x/canary@acme.test?code=canary',
    '/authorize?login_hint=canary',
    '/api/v1/users/usr_canary',
  ])
    await agent.get(path, {
      headers: { 'user-agent': 'canary', referer: 'canary', 'x-forwarded-for': '203.0.113.9' },
    });
  await agent.get('/readyz');
  await agent.get('/jwks');
  await collector.until(
    (all) => all.some(isOf('/jwks', 'GET')) && all.some(isOf('/api/v1/users/:user_id', 'GET')),
  );

  const text = collector.bodies.join('\n');
  t.ok(collector.spans().length > 500, String(collector.spans().length));
  t.ok(canaries.kinds.length > 8, canaries.kinds.join());
  const found = canaries.all.filter(({ secret }) =>
    [...formsOf(secret), ...digestsOf(secret)].some((form) => text.includes(form)),
  );
  t.same([...new Set(found.map(({ kind }) => kind))], []);
  const id = /canary|@|203[.]0[.]113|\b(?:usr|acc|con|evt|mail|prd|inv)_[0-9a-z]{20}/.exec(text)?.[0];
  t.equal(id, undefined);
  const people = await app.ctx.db.selectFrom('users').select(['id', 'email', 'name']).execute();
  for (const { id, email, name } of people)
    for (const value of [id, email, name ?? email]) t.notOk(text.includes(value), value);
  t.notOk(collector.spans().some(isOf('/readyz', 'GET')), 'nor is what machines ask every few seconds');
  const keys = new Set(collector.spans().flatMap(({ attributes }) => Object.keys(attributes)));
  t.same([...keys].sort(), [
    'db.collection.name',
    'db.operation.name',
    'db.system.name',
    'doorward.done',
    'doorward.request_id',
    'http.request.method',
    'http.response.status_code',
    'http.route',
    'server.address',
  ]);
});

t.test('only the share that was asked for is kept', async (t) => {
  const { app, collector } = await startTraced(t, { OTEL_TRACES_SAMPLER_ARG: '0' });
  const sampled = { traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01' };
  await new Agent(app.issuer).get('/jwks', { headers: sampled });
  t.notOk(
    app.lines.some((line) => line.includes('trace_id')),
    'nor does the log name what nobody can look up',
  );
  const other = await startTraced(t);
  await new Agent(other.app.issuer).get('/jwks');
  await other.collector.until((all) => all.length > 0);
  t.same(collector.bodies, []);
});

t.test('a collector that is gone or says no harms nobody, and is told of once a minute', async (t) => {
  const refusing = await startCollector(t, 400);
  for (const endpoint of [refusing.endpoint, 'http://127.0.0.1:9/otel']) {
    const app = await startApp(t, { env: { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint } });
    const complaints = () => app.lines.filter((line) => line.includes('traces were not handed over'));
    while (complaints().length === 0) t.equal((await new Agent(app.issuer).get('/jwks')).status, 200);
    for (let round = 0; round < 20; round += 1) await new Agent(app.issuer).get('/jwks');
    t.equal(complaints().length, 1);
    t.match(JSON.parse(complaints()[0] ?? ''), { level: 40, code: /^\w+$/ });
  }
});
