/** Whatever is sent to whichever endpoint: a clear refusal, never a fault, never silence, and nothing in the log. */
import t from 'tap';
import { failures } from '../../src/kernel/failures.ts';
import { Agent } from '../support/agent.ts';
import { startApp, type TestApp } from '../support/app.ts';
import { exchange, type RawAnswer, sendRaw } from '../support/raw-http.ts';
import { demoClient, RelyingParty, signIn } from '../support/relying-party.ts';
import { recordRoutes } from '../support/route-table.ts';
import { type Attack, attacksOn } from './hostile.ts';
import { type Endpoint, endpointsOf, standAt } from './surface.ts';

t.test('bad input', async (t) => {
  const routes = recordRoutes(t);
  const app = await startApp(t);
  const { ctx, issuer, lines } = app;
  const { port } = ctx.config;
  const endpoints = endpointsOf(t, routes, { issuer });
  const cookies: string[] = [];

  t.test('WB-02, WB-08, OA-03: is refused by every endpoint, and breaks none', async (t) => {
    for (const endpoint of endpoints) {
      const place = await standAt(app, endpoint);
      cookies.push(...place.browser.cookies.map(({ value }) => value).filter((value) => value.length > 20));
      const complaints: string[] = [];
      const seen = new Map<number, number>();
      for (const attack of attacksOn(endpoint, place)) {
        const complaint = await complaintAbout(app, endpoint, { attack, seen });
        if (complaint !== undefined) complaints.push(`${attack.label}: ${complaint}`);
      }
      t.same(complaints, [], `${endpoint.name}: ${JSON.stringify(Object.fromEntries(seen))}`);
    }
  });

  t.test(
    'WB-05: a method that a path does not have is not there, and TRACE tells nothing back',
    async (t) => {
      for (const { url } of new Map(endpoints.map((endpoint) => [endpoint.url, endpoint])).values()) {
        const has = endpoints.filter((endpoint) => endpoint.url === url).map(({ method }) => method);
        const path = url.replace(/:\w+/, 'assist'.repeat(5));
        const methods = ['PUT', 'DELETE', 'PATCH', 'TRACE', 'GET', 'POST', 'OPTIONS', 'PROPFIND', 'LOCK'];
        for (const method of methods.filter((name) => !has.includes(name))) {
          const headers = { accept: 'application/json', cookie: 'canary=1', 'sec-fetch-site': 'same-origin' };
          const answer = await sendRaw(port, { method, path, headers });
          t.equal(answer.status, 404, `${method} ${url}`);
          t.match(JSON.parse(answer.text), { code: 'not_found', status: 404 });
          t.notMatch(answer.text, /canary/);
        }
      }
      for (const method of ['CANARY', 'get', 'GE T', 'CONNECT']) {
        const { text, closed } = await exchange(port, `${method} /livez HTTP/1.1\r\nhost: a\r\n\r\n`);
        t.ok(closed, method);
        t.match(text, method === 'CONNECT' ? /^$/ : /^HTTP\/1\.1 400 .*"code":"invalid_input"/s, method);
      }
    },
  );

  t.test('WB-04: another spelling of a path is no path', async (t) => {
    for (const { method, url } of endpoints.filter((endpoint) => endpoint.url !== '/')) {
      const path = url.replace(/:\w+/, 'assist'.repeat(5));
      const [, first = ''] = path;
      const encoded = `/%${first.charCodeAt(0).toString(16)}${path.slice(2)}`;
      const spellings = [
        `/${path}`,
        `${path}/`,
        `/.${path}`,
        `/x/..${path}`,
        `/%2e${path}`,
        `/%2f${path.slice(1)}`,
        `${path};x=1`,
        `${path}%20`,
        `${path}%00`,
        `${path}%3f`,
        `${path}\\`,
        path.toUpperCase(),
        `http://evil.test${path}`,
      ];
      const headers = { accept: 'application/json', 'sec-fetch-site': 'same-origin' };
      for (const spelling of spellings) {
        const { status, text } = await sendRaw(port, { method, path: spelling, headers });
        t.match(
          [status, JSON.parse(text)],
          [/^(400|404)$/, { code: /^(not_found|invalid_input)$/ }],
          spelling,
        );
      }
      // decoded, this is the path itself: it may do what the path does, with the same guards, and no more
      const plain = await sendRaw(port, { method, path, headers });
      const { status } = await sendRaw(port, { method, path: encoded, headers });
      t.ok([plain.status, 404].includes(status), `${method} ${encoded}: ${status}`);
    }
  });

  t.test('SE-10: a header that is too long is refused, and the next request is served', async (t) => {
    const long = 'canary'.repeat(4000);
    const requests: [path: string, headers: Record<string, string>][] = [
      [`/${long}`, {}],
      [`/authorize?state=${long}`, {}],
      ['/authorize', { cookie: `doorward_session=${long}` }],
      ['/livez', { 'x-forwarded-for': long }],
      ['/livez', Object.fromEntries(Array.from({ length: 1900 }, (_, index) => [`canary-${index}`, 'a']))],
    ];
    for (const [path, headers] of requests) {
      const answer = await sendRaw(port, { path, headers });
      t.equal(answer.status, 431, path.slice(0, 20));
      t.match(JSON.parse(answer.text), { code: 'headers_too_large', status: 431 });
      t.match(answer.headers, { connection: 'close', 'content-type': 'application/problem+json' });
    }
    t.equal((await sendRaw(port, { path: '/livez' })).status, 200);
  });

  t.test('has changed nothing and nobody: a person signs in as before', async (t) => {
    t.equal(({} as { polluted?: number }).polluted, undefined);
    t.equal((Object as { polluted?: number }).polluted, undefined);
    app.advance(86_400); // whatever holds back who has tried too often is over
    const person = new Agent(issuer);
    const assist = new RelyingParty(issuer, demoClient(issuer, 'assist'));
    const { tokens } = await signIn(person, assist, 'ian@initech.test');
    t.ok(tokens.id_token);
    const signedIn = await ctx.db
      .selectFrom('events')
      .innerJoin('users', 'users.id', 'events.userId')
      .select('users.email')
      .distinct()
      .where('type', '=', 'user.signed_in')
      .execute();
    t.same(signedIn.map(({ email }) => email).sort(), ['alan@acme.test', 'ian@initech.test']);
  });

  t.test('LG-02, LG-03: leaves lines of JSON, no fault among them, and nothing it was made of', (t) => {
    t.ok(lines.length > 5000, 'every request has its line');
    const parsed = lines.map((line) => JSON.parse(line) as { level: number; msg: string });
    t.same(parsed.filter(({ level }) => level > 30).slice(0, 5), []);
    const secrets = ['canary', 'alan@acme.test', 'correct horse', ...cookies];
    const leaks = lines.filter((line) => secrets.some((secret) => line.includes(secret)));
    t.same(leaks.slice(0, 5), []);
    t.end();
  });
});

interface Sent {
  readonly attack: Attack;
  /** Counts the statuses. */
  readonly seen: Map<number, number>;
}

/** What is wrong with the answer to an attack; undefined when it is as it should be. */
async function complaintAbout(
  { ctx, issuer }: TestApp,
  endpoint: Endpoint,
  { attack: { request, refused }, seen }: Sent,
): Promise<string | undefined> {
  const headers = { accept: 'application/json', ...request.headers };
  const answer = await sendRaw(ctx.config.port, { ...request, headers }).catch(
    (error: unknown) => error as Error,
  );
  if (answer instanceof Error) return `no answer: ${answer.message}`;
  const { status, text } = answer;
  seen.set(status, (seen.get(status) ?? 0) + 1);
  if (status >= 500) return `${status} ${text}`;
  if (/node_modules|\.ts:\d|select .* from/.test(text)) return `says how it is made: ${text}`;
  if (answer.headers['set-cookie']?.some((line) => line.startsWith('canary'))) return 'a header was split';
  if (status >= 400 && refused?.includes(status) === false)
    return `${status} instead of ${refused.join(' or ')}`;
  if (status >= 400) return isPage(answer) ? undefined : complaintAboutRefusal(endpoint, answer);
  const target = new URL(answer.headers.location ?? '', issuer);
  if (status >= 300 && target.origin !== issuer) return `sends the browser to ${target.href}`;
  // a page that cannot be gone on with says so at its own address
  if (endpoint.url === '/authorize/:uid' && target.search === '?ended') return undefined;
  return refused ? `${status} ${text.slice(0, 100)}` : undefined;
}

/** The few attacks that ask for HTML get it. */
function isPage({ headers, text }: RawAnswer): boolean {
  return headers['content-type'] === 'text/html; charset=utf-8' && text.includes('<main');
}

/** RFC 9457 with a code of our table, or RFC 6749 §5.2. What never reached the protocol's own route, we refuse. */
function complaintAboutRefusal({ says }: Endpoint, { headers, text, status }: RawAnswer): string | undefined {
  const type = headers['content-type'] ?? 'nothing';
  if (!/^application\/(problem\+)?json/.test(type)) return `${status} as ${type}: ${text}`;
  const body = JSON.parse(text) as { code?: string; error?: string; status?: number };
  if (body.code !== undefined && body.code in failures)
    return body.status === status ? undefined : `${status} says ${body.status}`;
  if (says === 'error' && /^[a-z_]+$/.test(body.error ?? '')) return undefined;
  return `${status} without a name for it: ${text}`;
}
