/** RFC 6749 §4.1.1, RFC 9700 §2.1 and RFC 9207: what may be asked, and where the answer may go. */
import t from 'tap';
import { Agent, type Answer } from '../support/agent.ts';
import { startApp } from '../support/app.ts';
import { callbackParams, type RelyingParty, signIn } from '../support/relying-party.ts';
import { demoParty, post } from './requests.ts';

t.test('the authorization request', async (t) => {
  const { issuer } = await startApp(t);
  const assist = demoParty(issuer, 'assist');
  const native = demoParty(issuer, 'native');
  const registered = assist.client.redirectUri;
  const browser = new Agent(issuer);
  await signIn(browser, assist, 'alan@acme.test');

  const ask = async (party: RelyingParty, redirectUri: string): Promise<Answer> => {
    const { url } = await party.start({ redirect_uri: redirectUri });
    return browser.get(url.href);
  };

  const { host } = new URL(issuer);
  const port = new URL(issuer).port;
  const neverRegistered: string[] = [
    `${registered}/`,
    `${registered}?`,
    `${registered}?extra=1`,
    `${registered}#`,
    `${registered}#fragment`,
    `${registered}%20`,
    `${registered} `,
    ` ${registered}`,
    `${registered}\n`,
    `${registered}/../callback`,
    `${registered}/%2e%2e/callback`,
    `${registered}/..;/callback`,
    `${registered};a=b`,
    registered.replace('/callback', '//callback'),
    registered.replace('/callback', '\\callback'),
    registered.replace('/callback', '/./callback'),
    registered.replace('/callback', '/Callback'),
    registered.replace('/callback', '/%63allback'),
    registered.replace('/callback', ''),
    registered.replace('/assist/', '/meet/'),
    registered.replace('http:', 'https:'),
    registered.replace('http:', 'HTTP:'),
    registered.replace('http://', 'http:/'),
    registered.replace('http://', '//'),
    registered.replace('http://', 'http://user@'),
    registered.replace('http://', 'http://evil.test@'),
    registered.replace('http://', 'http://evil.test\\@'),
    registered.replace(host, `${host}@evil.test`),
    registered.replace(host, 'evil.test'),
    registered.replace(host, `${host}.evil.test`),
    registered.replace(host, `127.0.0.1`),
    registered.replace(host, `127.0.0.1:1`),
    registered.replace(host, `127.0.0.1:0${port}`),
    registered.replace(host, `localhost:${port}`),
    registered.replace(host, `[::1]:${port}`),
    registered.replace(host, `[::ffff:127.0.0.1]:${port}`),
    registered.replace(host, `2130706433:${port}`),
    registered.replace(host, `127.1:${port}`),
    registered.replace(host, `127.0.0.1.:${port}`),
    registered.replace(host, `１２７.0.0.1:${port}`),
    registered.replace(host, '*'),
    `${issuer}/*`,
    '/demo/assist/callback',
    'demo-assist:/callback',
    'javascript:alert(1)',
    `javascript://${host}/demo/assist/callback`,
    'data:text/html,<script>alert(1)</script>',
    'urn:ietf:wg:oauth:2.0:oob',
    '*',
    ' ',
    'null',
  ];

  t.test('an address that is not registered letter by letter is answered here and not there', async (t) => {
    for (const address of neverRegistered) {
      const answer = await ask(assist, address);
      t.equal(answer.status, 400, JSON.stringify(address));
      t.equal(answer.location, undefined, JSON.stringify(address));
      t.equal(answer.json().error, 'invalid_redirect_uri', JSON.stringify(address));
    }
    t.equal((await ask(assist, registered)).status, 303, 'the registered one works');
  });

  t.test('nor is a page of that error a way out, nor an error a redirect', async (t) => {
    const person = new Agent(issuer, 'text/html');
    for (const extra of [
      {},
      { response_type: 'token' },
      { scope: '"' },
      { prompt: 'none' },
      { max_age: '-1' },
    ]) {
      const { url } = await assist.start({ redirect_uri: 'https://evil.test/cb', ...extra });
      const answer = await person.get(url.href);
      t.equal(answer.status, 400);
      t.equal(answer.location, undefined);
      t.match(answer.headers.get('content-type'), /^text\/html/);
      t.notOk(answer.text.includes('evil.test'));
      t.match(answer.headers.get('content-security-policy'), /frame-ancestors 'none'/);
    }
  });

  t.test('a missing or repeated address is no address', async (t) => {
    const { url } = await assist.start();
    url.searchParams.delete('redirect_uri');
    const none = await browser.get(url.href);
    t.same([none.status, none.location], [400, undefined]);
    for (const second of [registered, 'https://evil.test/']) {
      const twice = (await assist.start()).url;
      twice.searchParams.append('redirect_uri', second);
      const answer = await browser.get(twice.href);
      t.same([answer.status, answer.location], [400, undefined]);
    }
  });

  t.test('an unknown client is told so on a page of ours', async (t) => {
    for (const clientId of ['nobody', 'DEMO-ASSIST', 'demo-assist ', "' or 1=1", 'a'.repeat(5000)]) {
      const { url } = await assist.start();
      url.searchParams.set('client_id', clientId);
      const answer = await browser.get(url.href);
      t.same([answer.status, answer.location], [400, undefined], clientId.slice(0, 20));
      t.equal(answer.json().error, 'invalid_client');
    }
  });

  t.test('the native client, and no other, may choose the port of its loopback address', async (t) => {
    for (const good of ['http://127.0.0.1/callback', 'http://127.0.0.1:1024/callback']) {
      const answer = await ask(native, good);
      t.equal(answer.status, 303, good);
      t.ok(answer.location?.startsWith(`${good}?`), good);
    }
    for (const bad of [
      'http://127.0.0.1:1024/callback/',
      'http://127.0.0.1:1024/',
      'http://127.0.0.1:1024/callback?a=b',
      'http://127.0.0.1:1024/callback#a',
      'https://127.0.0.1:1024/callback',
      'http://127.0.0.2:1024/callback',
      'http://localhost:1024/callback',
      'http://[::1]:1024/callback',
      'http://127.0.0.1:1024@evil.test/callback',
      'http://evil.test@127.0.0.1:1024/callback',
      'http://127.0.0.1:99999/callback',
      'http://127.0.0.1:1024x/callback',
      'http://127.0.0.1.evil.test:1024/callback',
    ]) {
      const answer = await ask(native, bad);
      t.same([answer.status, answer.location], [400, undefined], bad);
    }
  });

  t.test('nothing but a code can be asked for', async (t) => {
    for (const responseType of [
      'token',
      'id_token',
      'code token',
      'code id_token',
      'id_token token',
      'code id_token token',
      'none',
      'code none',
      'CODE',
      'password',
      '',
    ]) {
      const { url } = await assist.start({ response_type: responseType });
      const { location, status } = await browser.get(url.href);
      t.equal(status, 303, responseType);
      const address = new URL(location ?? '');
      t.equal(`${address.origin}${address.pathname}`, registered, responseType);
      const said = new URLSearchParams(address.hash.slice(1) || address.search);
      t.match(said.get('error'), /^(unsupported_response_type|invalid_request)$/, responseType);
      t.equal(said.get('iss'), issuer);
      for (const name of ['code', 'access_token', 'id_token']) t.notOk(said.has(name), name);
    }
    const { url } = await assist.start();
    url.searchParams.delete('response_type');
    const back = callbackParams(await browser.get(url.href));
    t.same([back.get('error'), back.get('code')], ['invalid_request', null], 'none at all');
  });

  t.test('a password is nothing to trade for a token', async (t) => {
    for (const grantType of ['password', 'implicit', 'urn:ietf:params:oauth:grant-type:device_code', '']) {
      const form = { grant_type: grantType, client_id: 'demo-assist', username: 'a', password: 'b' };
      const answer = await post(issuer, '/token', form);
      t.equal(answer.status, 400, grantType);
      t.match(answer.json().error, /^(unsupported_grant_type|invalid_request)$/);
    }
  });

  t.test('the answer names the issuer, a refusal too', async (t) => {
    const ok = callbackParams(await browser.get((await assist.start()).url.href));
    t.ok(ok.get('code'));
    t.equal(ok.get('iss'), issuer);
    const refused: [extra: Readonly<Record<string, string>>, error: string][] = [
      [{ scope: 'openid nonsense:scope"' }, 'invalid_scope'],
      [{ scope: 'openid "' }, 'invalid_scope'],
      [{ prompt: 'none', max_age: '0' }, 'login_required'],
      [{ prompt: 'everything' }, 'invalid_request'],
      [{ prompt: 'none login' }, 'invalid_request'],
      [{ max_age: '-1' }, 'invalid_request'],
      [{ claims: '{' }, 'invalid_request'],
      [{ request: 'ey.ey.' }, 'request_not_supported'],
      [{ request_uri: 'https://evil.test/request' }, 'request_uri_not_supported'],
      [{ registration: '{}' }, 'registration_not_supported'],
      [{ response_mode: 'jwt' }, 'unsupported_response_mode'],
      [{ response_mode: 'web_message' }, 'unsupported_response_mode'],
      [{ id_token_hint: 'ey.ey.' }, 'invalid_request'],
      [{ resource: 'https://api.meet.test' }, 'invalid_target'],
      [{ account: 'no account!' }, 'invalid_request'],
    ];
    for (const [extra, error] of refused) {
      const { url, state } = await assist.start(extra);
      const answer = await browser.get(url.href);
      const back = callbackParams(answer);
      t.ok(answer.location?.startsWith(`${registered}?`), JSON.stringify(extra));
      t.equal(back.get('error'), error, JSON.stringify(extra));
      t.equal(back.get('state'), state);
      t.equal(back.get('iss'), issuer);
    }
  });
});
