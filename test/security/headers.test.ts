/** Headers and cookies of every answer; links that no header can bend; connections that no proxy can misread. */
import { createHash } from 'node:crypto';
import { sql } from 'kysely';
import t, { type Test } from 'tap';
import { demoPassword, seedDemoWorld } from '../../src/demo/world.ts';
import { Agent, type Answer, type Send } from '../support/agent.ts';
import { startApp, type TestApp } from '../support/app.ts';
import { exchange, type RawAnswer, type RawRequest, sendRaw } from '../support/raw-http.ts';
import { recordRoutes } from '../support/route-table.ts';
import { demoBasic } from '../provider/requests.ts';
import { type Endpoint, endpointsOf, type Fields, surface } from './surface.ts';

const secureIssuer = 'https://login.example.test';
const form = 'application/x-www-form-urlencoded';
const verifier = 'v'.repeat(43);
const challenge = createHash('sha256').update(verifier).digest('base64url');

for (const secure of [false, true]) {
  t.test(`every answer ${secure ? 'on https, behind a proxy that ends TLS' : 'on http'}`, async (t) => {
    const routes = recordRoutes(t);
    const app = await start(t, secure);
    const endpoints = endpointsOf(t, routes, { issuer: app.issuer, without: (url) => secure && isDemo(url) });
    const { port } = app.ctx.config;
    const cookieNames = new Set<string>();
    const checking =
      (t: Test): Check =>
      (answer, label, path) => {
        for (const line of answer.cookies) cookieNames.add(line.split('=', 1)[0] ?? '');
        t.same(complaintsAbout(answer, { secure, path }), [], `${label} (${answer.status})`);
      };

    t.test('of each endpoint, to a stranger, to a browser and to a program', async (t) => {
      const check = checking(t);
      for (const endpoint of endpoints) {
        for (const accept of ['text/html', 'application/json']) {
          for (const site of ['same-origin', 'cross-site']) {
            const request = wellFormed(endpoint, { accept, 'sec-fetch-site': site });
            check(ofRaw(await sendRaw(port, request)), `${endpoint.name} ${accept} ${site}`, request.path);
          }
        }
      }
    });

    t.test('of what is not there, not allowed, or cannot be read', async (t) => {
      const check = checking(t);
      for (const accept of ['text/html', 'application/json']) {
        for (const request of [
          { path: '/nothing' },
          { path: '/%zz' },
          { path: '/sign-in/short' },
          { path: '/token' },
          { method: 'DELETE', path: '/livez' },
          { method: 'OPTIONS', path: '/livez' },
          { method: 'HEAD', path: '/livez' },
          { method: 'POST', path: '/authorize', body: 'a', headers: { 'content-type': 'text/plain' } },
          { method: 'POST', path: '/authorize', body: '{', headers: { 'content-type': 'application/json' } },
          { path: '/jwks', headers: { 'if-none-match': '*' } },
        ] as RawRequest[]) {
          const headers = { accept, ...request.headers };
          const answer = await sendRaw(port, { ...request, headers });
          check(ofRaw(answer), `${request.method ?? 'GET'} ${request.path} ${accept}`, request.path);
        }
      }
    });

    t.test('of a whole sign-in and sign-out', async (t) => {
      const check = checking(t);
      const seen = await wholeJourney(app, check);
      t.same(seen, {
        step: 200,
        wrong: 303,
        done: 303,
        back: 303,
        token: 200,
        userinfo: 200,
        signedOut: 303,
      });
      const names = ['session', 'interaction', 'resume'].map((name) => {
        const prefix = name === 'session' ? '__Host-' : '__Secure-';
        return `${secure ? prefix : ''}doorward_${name}`;
      });
      for (const name of names) {
        t.ok(cookieNames.has(name), name);
        t.ok(cookieNames.has(`${name}.sig`), `${name} is signed`);
      }
    });

    t.test('of a fault of ours, which says nothing but its number (LG-05)', async (t) => {
      const check = checking(t);
      await sql`alter table interactions rename to interactions_gone`.execute(app.ctx.db);
      const query = authorizationQuery('demo-assist', `${app.issuer}/demo/assist/callback`);
      for (const path of [`/sign-in/${'a'.repeat(43)}`, `/authorize?${query}`]) {
        for (const accept of ['text/html', 'application/json']) {
          const answer = await sendRaw(port, { path, headers: { accept } });
          check(ofRaw(answer), `${path.slice(0, 12)} ${accept}`, path);
          t.equal(answer.status, 500);
          t.notMatch(answer.text, /interactions|relation|postgres|kysely|node_modules|\.ts/i);
          const { 'x-request-id': requestId = '' } = answer.headers;
          const line = app.lines.find((text) => text.includes(`"reqId":"${String(requestId)}"`));
          t.match(line, /"level":50/, 'the log has it under the number of the answer');
          if (accept === 'text/html') t.match(answer.headers['content-type'], /^text\/html/);
          else
            t.match(
              JSON.parse(answer.text),
              path.startsWith('/sign') ? { code: 'internal_error' } : { error: 'server_error' },
            );
        }
      }
    });
  });
}

type Check = (answer: Seen, label: string, path: string) => void;

/** What the answers of a real sign-in are, from the request of the client to the signed-out page. */
async function wholeJourney(app: TestApp, check: Check) {
  const loopback = `http://127.0.0.1:${app.ctx.config.port}`;
  const browser = new Agent(loopback, 'text/html');
  // the proxy in front: what is addressed to the issuer arrives here
  const send = async (address: string, given: Send = {}): Promise<Answer> => {
    const path = address.replace(app.issuer, '');
    const answer = await browser.send(`${loopback}${path}`, given);
    check(ofAgent(answer), `${given.method ?? 'GET'} ${path}`, path);
    return answer;
  };
  const post = (path: string, form: Readonly<Record<string, string>>, headers = {}): Promise<Answer> =>
    send(path, { method: 'POST', form, headers: { 'sec-fetch-site': 'same-origin', ...headers } });
  const next = (answer: Answer): string => answer.headers.get('location') ?? '';

  const redirectUri = `${app.issuer}/demo/confidential/callback`;
  const query = authorizationQuery('demo-confidential', redirectUri);
  const stepPath = next(await send(`/authorize?${query}`));
  const step = await send(stepPath);
  await send(stepPath, { headers: { accept: 'application/json' } });
  const wrong = await post(`${stepPath}/password`, { email: 'alan@acme.test', password: 'not this one' });
  await send(stepPath);
  const done = await post(`${stepPath}/password`, { email: 'alan@acme.test', password: demoPassword });
  const back = await send(next(done));
  await send(stepPath);
  await send(`/authorize?${query}&response_mode=form_post`);
  const code = new URL(next(back)).searchParams.get('code') ?? '';
  const grant = {
    grant_type: 'authorization_code',
    code,
    redirect_uri: redirectUri,
    code_verifier: verifier,
  };
  const token = await post('/token', grant, demoBasic('confidential'));
  const tokens = token.json() as { access_token: string; id_token: string };
  await post('/introspect', { token: tokens.access_token }, demoBasic('confidential'));
  const authorization = `Bearer ${tokens.access_token}`;
  const userinfo = await send('/userinfo', { headers: { authorization } });
  await send('/logout');
  const question = await send(`/logout?id_token_hint=${tokens.id_token}`);
  const xsrf = /name="xsrf" value="([^"]+)"/.exec(question.text)?.[1] ?? '';
  const signedOut = await post('/logout/confirm', { xsrf, logout: 'yes' });
  await send('/logout/success');
  await send('/logout');
  const answers = { step, wrong, done, back, token, userinfo, signedOut };
  return Object.fromEntries(Object.entries(answers).map(([name, { status }]) => [name, status]));
}

t.test('WB-03: no header bends a link', async (t) => {
  for (const secure of [false, true]) {
    const routes = recordRoutes(t);
    const app = await start(t, secure);
    const { port } = app.ctx.config;
    const forged = {
      host: 'evil.test',
      'x-forwarded-host': 'evil.test',
      'x-forwarded-proto': 'gopher',
      'x-forwarded-port': '66601',
      'x-forwarded-prefix': '/evil.test',
      'x-forwarded-server': 'evil.test',
      'x-forwarded-for': '203.0.113.66',
      'x-real-ip': '203.0.113.66',
      forwarded: 'for=203.0.113.66;host=evil.test;proto=gopher',
      'x-original-url': '/evil.test',
      'x-original-host': 'evil.test',
      'x-rewrite-url': '/evil.test',
      'x-host': 'evil.test',
      origin: app.issuer,
      referer: 'http://evil.test/',
    };
    for (const endpoint of endpointsOf(t, routes, {
      issuer: app.issuer,
      without: (url) => secure && isDemo(url),
    })) {
      for (const accept of ['text/html', 'application/json']) {
        const plain = await sendRaw(port, wellFormed(endpoint, { accept, origin: app.issuer }));
        const bent = await sendRaw(port, wellFormed(endpoint, { accept, ...forged }));
        const label = `${endpoint.name} ${accept}`;
        t.equal(bent.status, plain.status, label);
        t.notMatch(JSON.stringify([bent.headers, bent.text]), /evil\.test|gopher|:66601|203\.0\.113/, label);
        if (secure) t.notMatch(bent.text, /http:\/\/(?!www\.w3\.org)/, label);
      }
    }
    t.notOk(
      app.lines.some((line) => /evil\.test|203\.0\.113/.test(line)),
      'nor is one believed in the log',
    );
  }
});

t.test('WB-03: a whole URL as the target of a request is the address of nothing', async (t) => {
  const { ctx } = await startApp(t);
  for (const request of [
    { path: 'http://evil.test/logout' },
    { path: 'http://evil.test/authorize?client_id=demo-assist' },
    { path: 'http://evil.test/.well-known/openid-configuration' },
    { path: '//evil.test/logout' },
    { path: '@evil.test/logout' },
    { method: 'POST', path: 'http://evil.test/authorize', headers: { 'content-type': form }, body: 'a=b' },
    { method: 'POST', path: 'http://evil.test/logout', headers: { 'content-type': form }, body: 'a=b' },
    { method: 'POST', path: '//evil.test/authorize', headers: { 'content-type': form }, body: 'a=b' },
  ]) {
    for (const accept of ['text/html', 'application/json']) {
      const { status, headers, text } = await sendRaw(ctx.config.port, {
        ...request,
        headers: { accept, ...request.headers },
      });
      t.match(status, request.path.startsWith('@') ? 400 : 404, request.path);
      t.notMatch(JSON.stringify([headers, text]), /evil\.test/, request.path);
    }
  }
});

t.test('WB-03: the caller’s address comes from a proxy only when the proxy is trusted', async (t) => {
  const addressSeen = async (env: Readonly<Record<string, string>>, headers: RawRequest['headers'] = {}) => {
    const { ctx, lines } = await startApp(t, { env });
    await sendRaw(ctx.config.port, { path: '/livez', headers });
    return (
      JSON.parse(lines.findLast((line) => line.includes('"route":"/livez"')) ?? '{}') as { ip?: string }
    ).ip;
  };
  const chain = { 'x-forwarded-for': '198.51.100.1, 203.0.113.66' };
  t.equal(await addressSeen({}, chain), '127.0.0.1');
  t.equal(await addressSeen({ TRUSTED_PROXIES: '10.0.0.0/8' }, chain), '127.0.0.1', 'not this proxy');
  const trusted = { TRUSTED_PROXIES: '127.0.0.1,10.0.0.0/8' };
  t.equal(
    await addressSeen(trusted, chain),
    '203.0.113.66',
    'the last one that no trusted proxy vouches for',
  );
  t.equal(
    await addressSeen(trusted, { 'x-forwarded-for': '198.51.100.1, 203.0.113.66, 10.1.2.3' }),
    '203.0.113.66',
  );
  t.equal(await addressSeen(trusted, { 'x-real-ip': '203.0.113.66' }), '127.0.0.1', 'by no other header');
});

t.test('WB-06: what two servers could read in two ways is refused, and the connection ends', async (t) => {
  const { ctx, lines } = await startApp(t);
  const hidden = 'GET /livez?canary HTTP/1.1\r\nHost: a\r\n\r\n';
  const post = (headers: string, body: string): string =>
    `POST /token HTTP/1.1\r\nHost: a\r\nContent-Type: ${form}\r\n${headers}\r\n\r\n${body}`;
  const get = (headers: string): string => `GET /livez?canary HTTP/1.1\r\n${headers}\r\n\r\n`;
  const ambiguous: Readonly<Record<string, string>> = {
    'CL.TE': post('Content-Length: 6\r\nTransfer-Encoding: chunked', `0\r\n\r\n${hidden}`),
    'TE.CL': post('Transfer-Encoding: chunked\r\nContent-Length: 4', `5c\r\n${hidden}\r\n0\r\n\r\n`),
    'TE.TE': post('Transfer-Encoding: chunked\r\nTransfer-Encoding: identity', `0\r\n\r\n${hidden}`),
    'two lengths': post('Content-Length: 3\r\nContent-Length: 0', `a=b${hidden}`),
    'two equal lengths': post('Content-Length: 3\r\nContent-Length: 3', `a=b${hidden}`),
    'a list of lengths': post('Content-Length: 3, 3', `a=b${hidden}`),
    'a signed length': post('Content-Length: +3', `a=b${hidden}`),
    'a hexadecimal length': post('Content-Length: 0x3', `a=b${hidden}`),
    'a negative length': post('Content-Length: -1', hidden),
    'a length with a space before its colon': post('Content-Length : 3', `a=b${hidden}`),
    'an encoding with a space before its colon': post('Transfer-Encoding : chunked', `0\r\n\r\n${hidden}`),
    'an encoding that ends otherwise': post('Transfer-Encoding: chunked, identity', `0\r\n\r\n${hidden}`),
    'an encoding that looks like it': post('Transfer-Encoding: xchunked', `0\r\n\r\n${hidden}`),
    'an encoding on a line of its own': post('Transfer-Encoding:\r\n chunked', `0\r\n\r\n${hidden}`),
    'an encoding after a bare LF': post('X: y\nTransfer-Encoding: chunked', `0\r\n\r\n${hidden}`),
    'a chunk that ends in a bare LF': post('Transfer-Encoding: chunked', `3\na=b\n0\n\n${hidden}`),
    'a chunk size that is no number': post('Transfer-Encoding: chunked', `0x3\r\na=b\r\n0\r\n\r\n${hidden}`),
    'a chunk that is longer than it says': post(
      'Transfer-Encoding: chunked',
      `1\r\na=b\r\n0\r\n\r\n${hidden}`,
    ),
    'a chunk size beyond all numbers': post('Transfer-Encoding: chunked', `${'f'.repeat(17)}\r\n${hidden}`),
    'bare LF': 'GET /livez?canary HTTP/1.1\nHost: a\n\n',
    'a bare LF between headers': get('Host: a\nX: canary'),
    'a bare CR in a header': get('Host: a\rX: canary'),
    'a folded header': get('Host: a\r\nX: canary\r\n canary'),
    'a folded first header': get(' Host: a'),
    'a NUL in a header': get('Host: a\r\nX: canary\0'),
    'a header without a name': get('Host: a\r\n: canary'),
    'a header without a colon': get('Host: a\r\ncanary'),
    'no host': get('X: canary'),
    'another protocol': 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
    'a version that is none': 'GET /livez?canary HTTP/9.9\r\nHost: a\r\n\r\n',
    'no protocol at all': '\x16\x03\x01\x02\x00\x01\x00canary\r\n\r\n',
  };
  for (const [name, bytes] of Object.entries(ambiguous)) {
    const { text, closed } = await exchange(ctx.config.port, bytes);
    t.same(
      [...text.matchAll(/^HTTP\/1\.1 (\d+)/gm)].map(([, status]) => status),
      ['400'],
      name,
    );
    t.ok(closed, name);
    t.match(text, /^connection: close\r$/im, name);
    t.notMatch(text, /canary|alive/, name);
  }
  t.ok(lines.filter((line) => line.includes('"reason":"HPE_')).length > 20, 'the log knows of each');
  t.notOk(lines.some((line) => line.includes('canary')));
  t.equal((await sendRaw(ctx.config.port, { path: '/livez' })).status, 200, 'and the service goes on');
});

/** On https the issuer is another name than this connection's: as behind a proxy that ends TLS. */
async function start(t: Test, secure: boolean): Promise<TestApp> {
  if (!secure) return startApp(t);
  const app = await startApp(t, { demo: false, env: { ISSUER: secureIssuer } });
  await seedDemoWorld(app.ctx);
  return app;
}

function isDemo(url: string): boolean {
  return url === '/' || url.startsWith('/demo/');
}

/** What a client or a page would send, from a browser without cookies. */
function wellFormed({ method, url, requests, headers = {} }: Endpoint, given: Fields): RawRequest {
  const path = url.replace(':uid', 'a'.repeat(43)).replace(':app', 'assist');
  const fields = new URLSearchParams(requests[0]).toString();
  if (method !== 'POST')
    return { method, path: fields === '' ? path : `${path}?${fields}`, headers: { ...headers, ...given } };
  return { method, path, headers: { 'content-type': form, ...headers, ...given }, body: fields };
}

function authorizationQuery(clientId: string, redirectUri: string): string {
  return new URLSearchParams({
    client_id: clientId,
    redirect_uri: redirectUri,
    response_type: 'code',
    scope: 'openid email',
    code_challenge: challenge,
    code_challenge_method: 'S256',
  }).toString();
}

interface Seen {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly cookies: readonly string[];
  readonly text: string;
}

function ofRaw({ status, headers, text }: RawAnswer): Seen {
  return { status, headers, text, cookies: headers['set-cookie'] ?? [] };
}

function ofAgent({ status, headers, text }: Answer): Seen {
  return { status, headers: Object.fromEntries(headers), text, cookies: headers.getSetCookie() };
}

/** What is missing in the headers of an answer, or should not be there. */
function complaintsAbout(answer: Seen, { secure, path }: { secure: boolean; path: string }): string[] {
  const header = (name: string): string => String(answer.headers[name] ?? '');
  const pathname = path.split('?', 1)[0] ?? '';
  const isRedirect = answer.status >= 300 && answer.status < 400;
  const isCached = answer.status < 400 && surface[`GET ${pathname}`]?.cached === true;
  const expected: [name: string, value: RegExp][] = [
    ['x-content-type-options', /^nosniff$/],
    ['referrer-policy', /^no-referrer$/],
    ['x-frame-options', /^DENY$/],
    ['cross-origin-opener-policy', /^same-origin$/],
    ['cross-origin-resource-policy', /^same-origin$/],
    ['x-request-id', /^[\w-]{12}$/],
    ['cache-control', isCached ? /^public, max-age=\d+/ : /^no-store$|no-store/],
    ['strict-transport-security', secure ? /^max-age=31536000; includeSubDomains$/ : /^$/],
    ['server', /^$/],
    ['x-powered-by', /^$/],
    ['via', /^$/],
    [
      'content-type',
      answer.text === '' || isRedirect
        ? /^/
        : pathname === '/metrics' && answer.status === 200
          ? /^text\/plain; version=0\.0\.4; charset=utf-8$/
          : /^(text\/(html|css)|application\/((problem\+)?json|samlmetadata\+xml))(;|$)/,
    ],
  ];
  const wrong = expected.filter(([name, value]) => !value.test(header(name)));
  return [
    ...wrong.map(([name]) => `${name}: ${header(name)}`),
    ...complaintsAboutPolicy(header('content-security-policy'), pathname),
    ...(header('content-type').startsWith('text/html') ? complaintsAboutHtml(answer) : []),
    ...answer.cookies.flatMap((line) => complaintsAboutCookie(line, secure)),
  ];
}

function complaintsAboutPolicy(policy: string, pathname: string): string[] {
  const directives = new Map(
    policy.split(';').map((directive) => {
      const [name = '', ...sources] = directive.trim().split(/ +/);
      return [name, sources.join(' ')];
    }),
  );
  const complaints = [];
  for (const name of ['default-src', 'object-src', 'base-uri', 'frame-ancestors'])
    if (directives.get(name) !== "'none'") complaints.push(`CSP ${name} is ${directives.get(name)}`);
  if (!/^'self'( 'sha256-[\w+/=]+')*$/.test(directives.get('script-src') ?? ''))
    complaints.push(`CSP script-src is ${directives.get('script-src')}`);
  if (directives.get('style-src') !== "'self'") complaints.push('CSP style-src');
  if (/unsafe|\*|http:|blob:/.test(policy)) complaints.push(`CSP is open: ${policy}`);
  const mayLeave =
    /^\/(sign-in|authorize|logout|password-resets|invitations|federation|demo\/idp)(\/|$)/.test(pathname);
  if (!mayLeave && directives.get('form-action') !== "'self'") complaints.push('CSP form-action');
  return complaints;
}

/** With this policy a browser would ignore what stands in the page itself; nothing of ours may count on it. */
function complaintsAboutHtml({ text, headers }: Seen): string[] {
  const policy = String(headers['content-security-policy']);
  const scripts = [...text.matchAll(/<script>([\s\S]*?)<\/script>/g)].map(([, script = '']) => script);
  const hashes = scripts.map((script) => createHash('sha256').update(script).digest('base64'));
  return [
    ...hashes.filter((hash) => !policy.includes(`'sha256-${hash}'`)).map(() => 'a script without its hash'),
    ...(/<script [^>]|<style|<[^>]+\s(on\w+|style)=|javascript:/i.test(text) ? ['something inline'] : []),
  ];
}

/** RFC 6265bis §4.1.3: `__Host-` means for this host alone, `__Secure-` leaves the path to us. */
function complaintsAboutCookie(line: string, secure: boolean): string[] {
  const [pair = '', ...rest] = line.split(/; */);
  const attributes = new Map(
    rest.map((item): [string, string] => {
      const [key = '', value = ''] = item.toLowerCase().split('=');
      return [key, value];
    }),
  );
  const [name = ''] = pair.split('=', 1);
  const path = attributes.get('path');
  const prefix = path === '/' ? '__Host-' : '__Secure-';
  const complaints: [boolean, string][] = [
    [attributes.has('httponly'), 'HttpOnly'],
    [attributes.get('samesite') === 'lax', 'SameSite'],
    [attributes.has('secure') === secure, 'Secure'],
    [!attributes.has('domain'), 'Domain'],
    [path?.startsWith('/') ?? false, 'Path'],
    [name.startsWith(`${secure ? prefix : ''}doorward_`), 'name'],
    [Buffer.byteLength(line) < 4096, 'size'],
  ];
  return complaints.filter(([isRight]) => !isRight).map(([, what]) => `${what} of the cookie ${line}`);
}
