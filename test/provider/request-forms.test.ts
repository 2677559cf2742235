/** OpenID Connect Core §3.1.2.1 and OAuth 2.0 Form Post Response Mode: the ways a request comes and its answer goes. */
import { createHash } from 'node:crypto';
import t from 'tap';
import { Agent } from '../support/agent.ts';
import { startApp } from '../support/app.ts';
import { callbackParams, signIn, toStep } from '../support/relying-party.ts';
import { demoBasic, demoParty, post } from './requests.ts';

t.test('forms of request and answer', async (t) => {
  const { issuer } = await startApp(t);
  const assist = demoParty(issuer, 'assist');
  const registered = assist.client.redirectUri;
  const browser = new Agent(issuer);
  await signIn(browser, assist, 'alan@acme.test');

  const hiddenFields = (html: string): Map<string, string> =>
    new Map(
      [...html.matchAll(/name="([^"]+)" value="([^"]*)"/g)].map(([, name = '', value = '']) => [name, value]),
    );

  t.test('response_mode=form_post is a page that posts to the client and does nothing else', async (t) => {
    const started = await assist.start({ response_mode: 'form_post' });
    const page = await browser.get(started.url.href);
    t.equal(page.status, 200);
    t.match(page.headers.get('content-type'), /^text\/html/);
    t.match(page.headers.get('cache-control'), /no-store/);
    t.equal(page.headers.get('referrer-policy'), 'no-referrer');
    const policy = page.headers.get('content-security-policy') ?? '';
    const script = /<script>([\s\S]*?)<\/script>/.exec(page.text)?.[1] ?? '';
    const hash = createHash('sha256').update(script).digest('base64');
    t.match(policy, `'sha256-${hash}'`, 'its script is allowed by its hash');
    t.notMatch(policy, /unsafe-inline|unsafe-eval/);
    t.match(policy, /frame-ancestors 'none'/);
    t.equal(/<form method="post" action="([^"]+)"/.exec(page.text)?.[1], registered);
    const fields = hiddenFields(page.text);
    t.same([...fields.keys()].sort(), ['code', 'iss', 'state']);
    t.equal(fields.get('iss'), issuer);
    t.equal(fields.get('state'), started.state);
    const answer = await post(issuer, '/token', {
      grant_type: 'authorization_code',
      client_id: 'demo-assist',
      code: fields.get('code') ?? '',
      code_verifier: started.codeVerifier,
      redirect_uri: registered,
    });
    t.equal(answer.status, 200);
  });

  t.test('what a client sends along cannot get out of the fields of that page', async (t) => {
    const state = '"><script>alert(1)</script>';
    for (const extra of [{}, { prompt: 'everything' }]) {
      const { url } = await assist.start({ response_mode: 'form_post', state, ...extra });
      const page = await browser.get(url.href);
      t.notMatch(page.text, state);
      t.equal(page.text.match(/<script/g)?.length, 1);
    }
  });

  t.test('a refusal goes by form_post as well', async (t) => {
    const { url } = await assist.start({ response_mode: 'form_post', prompt: 'none', max_age: '0' });
    const page = await new Agent(issuer).get(url.href);
    const fields = hiddenFields(page.text);
    t.equal(fields.get('error'), 'login_required');
    t.equal(fields.get('iss'), issuer);
    t.notOk(fields.has('code'));
  });

  t.test('query is the default, and fragment is there for whoever asks', async (t) => {
    const byQuery = await browser.get((await assist.start({ response_mode: 'query' })).url.href);
    t.ok(callbackParams(byQuery).get('code'));
    const { location = '' } = await browser.get((await assist.start({ response_mode: 'fragment' })).url.href);
    const said = new URLSearchParams(new URL(location).hash.slice(1));
    t.ok(said.get('code'));
    t.equal(said.get('iss'), issuer);
    t.equal(new URL(location).search, '');
  });

  t.test('a request by POST is answered with the same request by GET', async (t) => {
    const { url, state } = await assist.start();
    const answer = await browser.send('/authorize', { method: 'POST', form: url.searchParams });
    t.equal(answer.status, 303, 'never 307: nothing is posted on');
    const target = new URL(answer.location ?? '');
    t.equal(`${target.origin}${target.pathname}`, `${issuer}/authorize`);
    t.same([...target.searchParams].sort(), [...url.searchParams].sort());
    const back = callbackParams(await browser.get(target.href));
    t.ok(back.get('code'));
    t.equal(back.get('state'), state);
  });

  t.test('a POST from anywhere starts a sign-in, for whoever has no session', async (t) => {
    const person = new Agent(issuer);
    const { url } = await assist.start();
    const answer = await person.send('/authorize', {
      method: 'POST',
      form: url.searchParams,
      headers: { origin: 'https://app.assist.test', 'sec-fetch-site': 'cross-site' },
    });
    t.equal(answer.status, 303);
    const step = await toStep(person, new URL(answer.location ?? ''));
    t.match(step.json(), { step: 'identify' });
  });

  t.test('a POST that would not fit an address is refused', async (t) => {
    const { url } = await assist.start({ state: 'a'.repeat(9000) });
    t.equal((await browser.post('/authorize', { form: url.searchParams })).status, 413);
  });

  const repeated = [
    'response_type',
    'scope',
    'state',
    'nonce',
    'code_challenge',
    'code_challenge_method',
    'prompt',
    'max_age',
    'login_hint',
    'response_mode',
    'ui_locales',
    'acr_values',
    'id_token_hint',
    'claims',
    'account',
  ];

  t.test('a parameter that comes twice refuses the request, even when both say the same', async (t) => {
    for (const name of repeated) {
      const { url } = await assist.start();
      const value = url.searchParams.get(name) ?? 'login';
      url.searchParams.set(name, value);
      url.searchParams.append(name, value);
      const byGet = callbackParams(await browser.get(url.href));
      t.same([byGet.get('error'), byGet.get('code')], ['invalid_request', null], name);
      const posted = await browser.send('/authorize', { method: 'POST', form: url.searchParams });
      const byPost = callbackParams(await browser.get(posted.location ?? ''));
      t.same([byPost.get('error'), byPost.get('code')], ['invalid_request', null], `${name} by POST`);
    }
  });

  t.test('a parameter half in the address and half in the body is not put together', async (t) => {
    const { url } = await assist.start();
    const query = new URLSearchParams({ redirect_uri: registered, client_id: 'demo-assist' });
    const body = new URLSearchParams(url.searchParams);
    body.delete('redirect_uri');
    const posted = await browser.send(`/authorize?${query.toString()}`, { method: 'POST', form: body });
    t.equal(new URL(posted.location ?? '').searchParams.has('redirect_uri'), false);
    t.equal((await browser.get(posted.location ?? '')).status, 400);
  });

  t.test('a repeated client_id is nobody', async (t) => {
    const { url } = await assist.start();
    url.searchParams.append('client_id', 'demo-meet');
    const answer = await browser.get(url.href);
    t.same([answer.status, answer.location], [400, undefined]);
  });

  t.test('the other endpoints refuse repetition too', async (t) => {
    const twice = new URLSearchParams({ token: 'a' });
    twice.append('token', 'b');
    for (const path of ['/introspect', '/revoke']) {
      const answer = await post(issuer, path, twice, demoBasic('confidential'));
      t.equal(answer.status, 400, path);
      t.equal(answer.json().error, 'invalid_request');
    }
    const { url } = await assist.start();
    url.searchParams.append('state', 'again');
    t.equal((await post(issuer, '/par', url.searchParams)).json().error, 'invalid_request');
    const logout = await browser.get('/logout?state=a&state=b');
    t.same([logout.status, logout.location], [400, undefined]);
  });
});
