/** What a page of another site cannot make a browser do, and what a stolen address is worth. */
import { sql } from 'kysely';
import t, { type Test } from 'tap';
import { Agent, type Answer } from '../support/agent.ts';
import { startApp, type TestApp } from '../support/app.ts';
import { sendRaw } from '../support/raw-http.ts';
import {
  callbackParams,
  demoClient,
  RelyingParty,
  signIn,
  submitPassword,
  toStep,
} from '../support/relying-party.ts';
import { recordRoutes } from '../support/route-table.ts';
import { type Endpoint, endpointsOf, standAt } from './surface.ts';

type Headers = Readonly<Record<string, string>>;

t.test('a request of another site', async (t) => {
  const { app, guarded } = await start(t);
  const { issuer, ctx } = app;
  const { port } = ctx.config;
  const elsewhere: readonly Headers[] = [
    {},
    { origin: 'https://evil.test' },
    { origin: 'null' },
    { origin: `${issuer}.evil.test` },
    { origin: `${issuer}/` },
    { origin: `${issuer}, ${issuer}` },
    { origin: issuer.replace('http:', 'https:') },
    { origin: issuer.replace('http:', 'HTTP:') },
    { origin: issuer.replace('127.0.0.1', 'localhost') },
    { origin: issuer.replace(/\d$/, (digit) => String((Number(digit) + 1) % 10)) },
    { origin: '', referer: `${issuer}/` },
    { referer: `${issuer}/sign-in/` },
    { host: 'evil.test', origin: 'http://evil.test' },
    { 'x-forwarded-host': 'evil.test', origin: 'http://evil.test' },
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'cross-site', origin: issuer },
    { 'sec-fetch-site': 'same-site', origin: 'http://sub.127.0.0.1' },
    { 'sec-fetch-site': 'same-site', origin: issuer },
    { 'sec-fetch-site': 'none' },
    { 'sec-fetch-site': 'none', origin: 'null' },
    { 'sec-fetch-site': 'Same-Origin' },
    { 'sec-fetch-site': 'cross-site, same-origin' },
    { 'sec-fetch-site': '' },
  ];
  const bodies: readonly Headers[] = [
    { 'content-type': 'application/x-www-form-urlencoded' },
    { 'content-type': 'application/json' },
    { 'content-type': 'text/plain' },
    { 'content-type': 'multipart/form-data; boundary=a' },
  ];

  t.test('takes no action of a person, whatever it is dressed as', async (t) => {
    for (const endpoint of guarded) {
      const { path, cookie } = await standAt(app, endpoint);
      const before = await snapshot(app);
      for (const headers of elsewhere) {
        const label = `${endpoint.url} ${JSON.stringify(headers)}`;
        for (const type of bodies) {
          const body = bodyFor(endpoint, type['content-type'] ?? '');
          const answer = await sendRaw(port, {
            method: 'POST',
            path,
            headers: { accept: 'application/json', cookie, ...type, ...headers },
            body,
          });
          t.match([answer.status, JSON.parse(answer.text)], [403, { code: 'cross_site_request' }], label);
          t.notOk(answer.headers['set-cookie'], label);
          t.notOk(answer.headers['access-control-allow-origin'], label);
        }
      }
      t.same(await snapshot(app), before, `${endpoint.url}: nothing has moved`);
    }
  });

  t.test('is refused before anything of it is read, and on a page when a browser asks', async (t) => {
    for (const endpoint of guarded) {
      const { path, cookie } = await standAt(app, endpoint);
      const headers = { accept: 'text/html', cookie, 'content-type': 'application/json' };
      const answer = await sendRaw(port, { method: 'POST', path, headers, body: '{' });
      t.equal(answer.status, 403, endpoint.url);
      t.match(answer.headers['content-type'], /^text\/html/);
    }
  });

  t.test('finds no other door to an action: no spelling, no other method', async (t) => {
    for (const endpoint of guarded) {
      const { path, cookie } = await standAt(app, endpoint);
      const before = await snapshot(app);
      const body = bodyFor(endpoint, 'application/x-www-form-urlencoded');
      const headers = {
        accept: 'application/json',
        cookie,
        'content-type': 'application/x-www-form-urlencoded',
        'sec-fetch-site': 'cross-site',
        'x-http-method-override': 'POST',
      };
      const last = path.slice(1).lastIndexOf('/') + 2;
      const spellings = [
        `/%${path.charCodeAt(1).toString(16)}${path.slice(2)}`,
        `${path.slice(0, last)}%${path.charCodeAt(last).toString(16)}${path.slice(last + 1)}`,
        `${path}/`,
        `/${path}`,
        `/.${path}`,
        `${path};a=b`,
        `${path}%00`,
        `${path}%2f`,
        `/x/..${path}`,
        path.toUpperCase(),
        `http://${new URL(issuer).host}${path}`,
        `${path}?_method=POST&sec-fetch-site=same-origin`,
      ];
      for (const spelling of spellings) {
        const answer = await sendRaw(port, { method: 'POST', path: spelling, headers, body });
        t.match(String(answer.status), /^(400|403|404)$/, spelling);
      }
      for (const method of ['GET', 'PUT', 'PATCH', 'DELETE']) {
        const { status } = await sendRaw(port, { method, path: `${path}?${body}&_method=POST`, headers });
        t.match(String(status), /^4\d\d$/, `${method} ${path}`);
      }
      t.same(await snapshot(app), before, `${endpoint.url}: nothing has moved`);
    }
  });

  t.test('is told from one of our own pages, old browsers and new', async (t) => {
    // our pages send no referrer, and so browsers send `Origin: null` from them
    const own: readonly Headers[] = [
      { 'sec-fetch-site': 'same-origin', origin: 'null' },
      { 'sec-fetch-site': 'same-origin', origin: issuer },
      { 'sec-fetch-site': 'same-origin' },
      { origin: issuer },
    ];
    for (const endpoint of guarded) {
      for (const headers of own) {
        const { status } = await post(app, endpoint, headers);
        t.ok(status !== 403 && status < 500, `${endpoint.url} ${JSON.stringify(headers)}: ${status}`);
      }
    }
  });

  t.test('may go where no cookie counts, or where something else is the proof', async (t) => {
    const { endpoints } = await start(t);
    for (const endpoint of endpoints.filter(({ crossSite }) => crossSite !== undefined)) {
      const answer = await post(app, endpoint, {
        origin: 'https://evil.test',
        'sec-fetch-site': 'cross-site',
      });
      t.not(answer.status, 403, `${endpoint.url}: ${endpoint.crossSite}`);
      t.notOk(answer.headers['access-control-allow-credentials'], endpoint.url);
    }
  });
});

t.test("a vendor's own sign-in page", async (t) => {
  const page = 'http://127.0.0.1:9';
  const { app, guarded, endpoints } = await start(t, { SIGN_IN_URL: `${page}/sign-in` });
  const { port } = app.ctx.config;
  const others = [
    'null',
    'https://evil.test',
    `${page}/`,
    `${page}/sign-in`,
    `${page}0`,
    `${page}.evil.test`,
    page.replace('http:', 'https:'),
    page.replace('http://', 'http://evil@'),
    'http://127.0.0.1',
    'http://sub.127.0.0.1:9',
    `${page}, https://evil.test`,
  ];
  const callable = endpoints.filter(({ url }) => /^\/(sign-in\/|password-resets$)/.test(url));

  t.test('may post by its exact origin; nobody else gains by there being one', async (t) => {
    for (const endpoint of guarded) {
      const { status } = await post(app, endpoint, { origin: page, 'sec-fetch-site': 'same-site' });
      t.ok(status !== 403 && status < 500, `${endpoint.url}: ${status}`);
      for (const origin of others) {
        for (const site of ['cross-site', 'same-site', 'none']) {
          const answer = await post(app, endpoint, { origin, 'sec-fetch-site': site });
          t.equal(answer.status, 403, `${endpoint.url} ${origin} ${site}`);
        }
      }
    }
  });

  t.test('may read what its actions answer, by its exact origin', async (t) => {
    for (const endpoint of callable) {
      const headers = { origin: page, 'sec-fetch-site': 'same-site' };
      const answer =
        endpoint.method === 'POST' ? await post(app, endpoint, headers) : await look(app, endpoint, headers);
      t.match(answer.headers, {
        'access-control-allow-origin': page,
        'access-control-allow-credentials': 'true',
        vary: /Origin/,
      });
      for (const origin of others) {
        const refused = await look(app, endpoint, { origin });
        t.notOk(refused.headers['access-control-allow-origin'], `${endpoint.name} ${origin}`);
        t.match(refused.headers.vary, /Origin/, 'a cache must not mix them');
      }
    }
  });

  t.test('may ask whether it may, and is told what', async (t) => {
    const preflight = (path: string, origin: string, method = 'POST') =>
      sendRaw(port, {
        method: 'OPTIONS',
        path,
        headers: {
          origin,
          'access-control-request-method': method,
          'access-control-request-headers': 'content-type',
        },
      });
    for (const { url } of callable) {
      const path = url.replace(':uid', 'a'.repeat(43));
      const allowed = await preflight(path, page);
      t.equal(allowed.status, 204, path);
      t.match(allowed.headers, {
        'access-control-allow-origin': page,
        'access-control-allow-credentials': 'true',
        'access-control-allow-methods': 'GET, POST',
        'access-control-allow-headers': 'content-type, accept',
      });
      for (const origin of others) {
        const { status, headers } = await preflight(path, origin);
        t.equal(status, 404, `${path} ${origin}`);
        t.same(
          Object.keys(headers).filter((name) => name.startsWith('access-control-')),
          [],
        );
      }
    }
  });

  t.test('reads nothing else with the cookies of a person (OA-15)', async (t) => {
    for (const endpoint of endpoints.filter((candidate) => !callable.includes(candidate))) {
      for (const origin of [page, 'https://evil.test', 'null']) {
        const { headers } = await look(app, endpoint, { origin });
        t.notOk(headers['access-control-allow-credentials'], `${endpoint.name} ${origin}`);
        const allowed = headers['access-control-allow-origin'];
        if (allowed === undefined) continue;
        const isOpen = endpoint.cached ?? endpoint.says === 'error';
        t.ok(isOpen && !/authorize|logout/.test(endpoint.url), `${endpoint.name} ${origin}: ${allowed}`);
      }
    }
  });
});

t.test('a stolen sign-in', async (t) => {
  const { app, endpoints } = await start(t);
  const { issuer } = app;
  const assist = new RelyingParty(issuer, demoClient(issuer, 'assist'));
  const actions = endpoints.filter(({ url }) => url.startsWith('/sign-in/:uid'));

  t.test('is worth nothing without the cookie, nor with one that was made up', async (t) => {
    const person = new Agent(issuer);
    const started = await assist.start({ login_hint: 'secret-person@acme.test' });
    const step = await toStep(person, started.url);
    const uid = step.json().interaction as string;
    const thief = new Agent(issuer);
    await toStep(thief, (await assist.start()).url);
    const own = cookieOf(thief);
    const signature = /doorward_interaction\.sig=([\w-]+)/.exec(own)?.[1] ?? '';
    const cookies = [
      '',
      own,
      `doorward_interaction=${uid}`,
      `doorward_interaction=${uid}; doorward_interaction.sig=`,
      `doorward_interaction=${uid}; doorward_interaction.sig=${signature}`,
      `doorward_interaction=${uid}; doorward_interaction.sig=${'A'.repeat(43)}`,
      `${own}; doorward_interaction=${uid}`,
      `doorward_interaction=${uid}; ${own}`,
    ];
    const before = await snapshot(app);
    for (const cookie of cookies) {
      for (const { method, url, requests } of actions) {
        for (const accept of ['application/json', 'text/html']) {
          const answer = await sendRaw(app.ctx.config.port, {
            method,
            path: url.replace(':uid', uid),
            headers: {
              accept,
              cookie,
              'sec-fetch-site': 'same-origin',
              ...(method === 'POST' && { 'content-type': 'application/json' }),
            },
            ...(method === 'POST' && { body: JSON.stringify(requests[0]) }),
          });
          t.equal(answer.status, 410, `${method} ${url} ${cookie.slice(0, 30)}`);
          t.notMatch(answer.text, /secret-person/, 'nothing of the person is told');
          if (accept === 'text/html') continue;
          t.match(JSON.parse(answer.text), { code: 'interaction_expired', step: { step: 'expired' } });
        }
      }
    }
    t.same(await snapshot(app), before);
    const done = await submitPassword(person, step, 'alan@acme.test');
    const back = await person.follow(done.json().location as string);
    t.ok((await assist.finish(back.location, started)).access_token, 'the person goes on undisturbed');
  });

  t.test('signs nobody in as the attacker: what they have begun ends in their own browser', async (t) => {
    const attacker = new Agent(issuer);
    const begun = await assist.start();
    const done = await submitPassword(attacker, await toStep(attacker, begun.url), 'ian@initech.test');
    const trap = done.json().location as string;

    const stranger = new Agent(issuer, 'text/html');
    const trapped = await stranger.follow(trap);
    t.equal(trapped.status, 410);
    t.equal(await whoIs(assist, stranger), undefined, 'who was nobody is nobody');

    const person = new Agent(issuer);
    const { tokens } = await signIn(person, assist, 'alan@acme.test');
    t.equal((await person.follow(trap)).status, 410);
    t.equal(await whoIs(assist, person), tokens.claims()?.sub, 'who was Alan is Alan');

    const back = await attacker.follow(trap);
    t.ok(callbackParams(back).get('code'), 'in the browser it was begun in, it goes on');
  });

  t.test('cannot be finished for a person by a form of another site', async (t) => {
    const person = new Agent(issuer);
    const step = await toStep(person, (await assist.start()).url);
    const { href } = step.json().actions.password as { href: string };
    const form = { email: 'ian@initech.test', password: 'correct horse battery staple' };
    const headers = { origin: 'https://evil.test', 'sec-fetch-site': 'cross-site' };
    t.equal((await person.send(href, { method: 'POST', form, headers })).status, 403);
    t.match((await person.get(`/sign-in/${step.json().interaction}`)).json(), { step: 'identify' });
    t.equal(await whoIs(assist, person), undefined);
  });
});

/** The service, and its endpoints that act for a person. */
async function start(t: Test, env: Readonly<Record<string, string>> = {}) {
  const routes = recordRoutes(t);
  const app = await startApp(t, { env });
  const endpoints = endpointsOf(t, routes, app);
  const guarded = endpoints.filter(({ method, crossSite }) => method === 'POST' && crossSite === undefined);
  t.ok(guarded.some(({ url }) => url === '/sign-in/:uid/password'));
  return { app, endpoints, guarded };
}

/** A well-formed request, from where a browser of its own stands. */
async function post(app: TestApp, endpoint: Endpoint, headers: Headers) {
  const { path, cookie } = await standAt(app, endpoint);
  const type = 'application/x-www-form-urlencoded';
  return sendRaw(app.ctx.config.port, {
    method: 'POST',
    path,
    headers: { accept: 'application/json', cookie, 'content-type': type, ...endpoint.headers, ...headers },
    body: bodyFor(endpoint, type),
  });
}

/** Only to see the headers of the answer. */
function look(app: TestApp, { method, url }: Endpoint, headers: Headers) {
  const path = url.replace(':uid', 'a'.repeat(43)).replace(':app', 'assist');
  return sendRaw(app.ctx.config.port, { method, path, headers: { accept: 'application/json', ...headers } });
}

function bodyFor({ requests }: Endpoint, type: string): string {
  return type.includes('urlencoded')
    ? new URLSearchParams(requests[0]).toString()
    : JSON.stringify(requests[0] ?? {});
}

/** What an action would have changed: where sign-ins stand, and how many rows each table has. */
async function snapshot({ ctx: { db } }: TestApp) {
  const interactions = await db
    .selectFrom('interactions')
    .select(['idHash', 'version', 'state', 'finishedAt'])
    .orderBy('idHash')
    .execute();
  const counts = new Map<string, number>();
  for (const { name } of await db.introspection.getTables()) {
    const { rows } = await sql<{ n: number }>`select count(*)::int as n from ${sql.table(name)}`.execute(db);
    counts.set(name, rows[0]?.n ?? 0);
  }
  return { interactions, counts };
}

/** As whom a browser is signed in. */
async function whoIs(party: RelyingParty, browser: Agent): Promise<string | undefined> {
  const started = await party.start({ prompt: 'none' });
  const back: Answer = await browser.get(started.url.href);
  if (callbackParams(back).get('error') === 'login_required') return undefined;
  return (await party.finish(back.location, started)).claims()?.sub;
}

function cookieOf(browser: Agent): string {
  return browser.cookies.map(({ name, value }) => `${name}=${value}`).join('; ');
}
