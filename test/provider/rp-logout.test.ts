/** OpenID Connect RP-Initiated Logout and Back-Channel Logout: who signs out is out, everywhere, and nobody else is. */
import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import { createRemoteJWKSet, decodeProtectedHeader, jwtVerify } from 'jose';
import t, { type Test } from 'tap';
import { Agent, type Answer } from '../support/agent.ts';
import { startApp } from '../support/app.ts';
import { makeClient } from '../support/make.ts';
import { callbackParams, RelyingParty, signIn } from '../support/relying-party.ts';
import { demoParty, post, refreshForm, signOut } from './requests.ts';

t.test('signing out', async (t) => {
  const { issuer, ctx } = await startApp(t);
  const assist = demoParty(issuer, 'assist');
  const home = `${issuer}/demo/assist`;

  const signedIn = async (email = 'alan@acme.test') => {
    const browser = new Agent(issuer);
    const { tokens } = await signIn(browser, assist, email);
    return { browser, tokens, hint: tokens.id_token ?? '', sub: tokens.claims()?.sub };
  };
  const ask = (browser: Agent, parameters: Readonly<Record<string, string>>): Promise<Answer> =>
    browser.get(`/logout?${new URLSearchParams(parameters).toString()}`);
  const answerWith = (browser: Agent, page: Answer, form: Readonly<Record<string, string>>) =>
    browser.post('/logout/confirm', {
      form: { xsrf: /name="xsrf" value="([^"]+)"/.exec(page.text)?.[1] ?? '', ...form },
    });
  const isSignedIn = async (browser: Agent): Promise<boolean> => {
    const { url } = await assist.start({ prompt: 'none' });
    return callbackParams(await browser.get(url.href)).has('code');
  };
  const sessionsOf = async (sub: string | undefined): Promise<number> => {
    const rows = await ctx.db
      .selectFrom('sessions')
      .select('uid')
      .where('userId', '=', sub as never)
      .execute();
    return rows.length;
  };

  t.test('with a hint of this very session is a page that goes on by itself', async (t) => {
    const { browser, hint } = await signedIn();
    const page = await ask(browser, { id_token_hint: hint });
    t.equal(page.status, 200);
    t.match(page.headers.get('content-type'), /^text\/html/);
    t.match(page.headers.get('cache-control'), /no-store/);
    const script = /<script>([\s\S]*?)<\/script>/.exec(page.text)?.[1] ?? '';
    t.not(script, '');
    const hash = createHash('sha256').update(script).digest('base64');
    const policy = page.headers.get('content-security-policy') ?? '';
    t.ok(policy.includes(`'sha256-${hash}'`), 'its script is allowed by its hash');
    t.notMatch(policy, /unsafe/);
    t.match(policy, /frame-ancestors 'none'/);
    t.ok(await isSignedIn(browser), 'the page alone has ended nothing');
    const done = await answerWith(browser, page, { logout: 'yes' });
    t.equal(done.status, 303);
    t.equal(done.location, `${issuer}/logout/success`);
    t.notOk(await isSignedIn(browser));
  });

  t.test('without a hint, or with that of somebody else, is a question', async (t) => {
    const { browser } = await signedIn();
    const other = await signedIn('ada@acme.test');
    const questions = [
      {},
      { client_id: 'demo-assist' },
      { id_token_hint: other.hint },
      { post_logout_redirect_uri: home, client_id: 'demo-assist' },
    ] as Readonly<Record<string, string>>[];
    for (const parameters of questions) {
      const page = await ask(browser, parameters);
      t.equal(page.status, 200);
      t.notMatch(page.text, /<script/);
      t.notMatch(page.headers.get('content-security-policy'), /script-src[^;]*sha256/);
    }
    const page = await ask(browser, {});
    t.equal((await answerWith(browser, page, {})).status, 303, 'which may be answered with no');
    t.ok(await isSignedIn(browser));
    await answerWith(browser, await ask(browser, {}), { logout: 'yes' });
    t.notOk(await isSignedIn(browser), 'or with yes');
    t.ok(await isSignedIn(other.browser), 'and the other one is not concerned');
  });

  t.test('cannot be done by another page: only by the form of this one', async (t) => {
    const { browser } = await signedIn();
    const page = await ask(browser, {});
    for (const xsrf of ['', 'wrong', 'a'.repeat(1000)]) {
      const answer = await answerWith(browser, page, { xsrf, logout: 'yes' });
      t.same([answer.status, answer.location], [400, undefined], xsrf.slice(0, 5));
    }
    t.equal((await browser.post('/logout/confirm', { form: { logout: 'yes' } })).status, 400);
    t.equal((await browser.get('/logout/confirm?logout=yes')).status, 404);
    const stranger = await signedIn('ada@acme.test');
    const theirs = await ask(stranger.browser, {});
    const foreign = /name="xsrf" value="([^"]+)"/.exec(theirs.text)?.[1] ?? '';
    t.equal((await answerWith(browser, page, { xsrf: foreign, logout: 'yes' })).status, 400);
    t.ok(await isSignedIn(browser));
  });

  t.test('ends the session: its cookie is worth nothing, wherever it is kept', async (t) => {
    const { browser, hint, sub, tokens } = await signedIn('ian@initech.test');
    const kept = browser.cookies;
    t.equal(await sessionsOf(sub), 1);
    await signOut(t, browser, hint);
    t.equal(await sessionsOf(sub), 0, 'the row is gone');
    t.notOk(
      browser.cookies.some(({ name }) => name === 'doorward_session'),
      'and the cookie',
    );
    const thief = new Agent(issuer);
    thief.cookies = kept;
    const { url } = await assist.start({ prompt: 'none' });
    t.equal(callbackParams(await thief.get(url.href)).get('error'), 'login_required');
    t.match((await thief.follow((await assist.start()).url.href)).json(), { step: 'identify' });
    t.equal(await sessionsOf(sub), 0, 'nothing has brought it back');
    t.equal((await post(issuer, '/token', refreshForm(tokens.refresh_token))).status, 400);
  });

  t.test('goes back to a registered address, with the state', async (t) => {
    const { browser, hint } = await signedIn();
    const state = 'a state & more';
    const page = await ask(browser, { id_token_hint: hint, post_logout_redirect_uri: home, state });
    const done = await answerWith(browser, page, { logout: 'yes' });
    const target = new URL(done.location ?? '');
    t.equal(`${target.origin}${target.pathname}`, home);
    t.same([...target.searchParams], [['state', state]]);
  });

  t.test('goes to no other address', async (t) => {
    const { browser, hint } = await signedIn();
    for (const address of [
      `${home}/`,
      `${home}?a`,
      `${home}#a`,
      home.replace('assist', 'meet'),
      home.replace('http:', 'https:'),
      home.replace('127.0.0.1', 'localhost'),
      assist.client.redirectUri,
      'https://evil.test',
      '//evil.test',
      '/\\evil.test',
      'javascript:alert(1)',
      '',
    ]) {
      for (const named of [{ id_token_hint: hint }, { client_id: 'demo-assist' }]) {
        const answer = await ask(browser, { ...named, post_logout_redirect_uri: address });
        if (address === '' && answer.status === 200) continue;
        t.same([answer.status, answer.location], [400, undefined], address);
      }
    }
    const nameless = await ask(browser, { post_logout_redirect_uri: 'https://evil.test' });
    t.equal(nameless.status, 200);
    const done = await answerWith(browser, nameless, { logout: 'yes' });
    t.equal(done.location, `${issuer}/logout/success`, 'without a client no address counts');
  });

  t.test('takes no hint that is not an ID token of ours', async (t) => {
    const { browser, hint, tokens } = await signedIn();
    const [head = '', body = '', signature = ''] = hint.split('.');
    const none = Buffer.from('{"alg":"none"}').toString('base64url');
    const forged = [
      'garbage',
      `${none}.${body}.`,
      `${head}.${body}.`,
      `${head}.${body}.${signature.slice(0, -4)}AAAA`,
      tokens.access_token,
    ];
    for (const wrong of forged) {
      const answer = await ask(browser, { id_token_hint: wrong });
      t.same([answer.status, answer.location], [400, undefined], wrong.slice(0, 10));
    }
    const mismatch = await ask(browser, { id_token_hint: hint, client_id: 'demo-meet' });
    t.equal(mismatch.status, 400);
    t.equal((await ask(browser, { client_id: 'nobody' })).status, 400);
    t.ok(await isSignedIn(browser));
  });

  t.test('by POST is the same, and without a session nobody is asked anything', async (t) => {
    const { hint } = await signedIn();
    const posted = await new Agent(issuer).send('/logout', { method: 'POST', form: { id_token_hint: hint } });
    t.equal(posted.status, 303);
    const stranger = new Agent(issuer, 'text/html');
    const page = await stranger.get(posted.location ?? '');
    t.equal(page.status, 200);
    const done = await answerWith(stranger, page, { logout: 'yes' });
    t.equal(done.location, `${issuer}/logout/success`);
    t.match((await stranger.get('/logout/success')).headers.get('content-type'), /^text\/html/);
  });
});

t.test('back-channel notices', async (t) => {
  const app = await startApp(t);
  const { issuer, ctx } = app;
  const states = (clientId: string) =>
    ctx.db
      .selectFrom('logoutNotices')
      .select(['state', 'attempts', 'lastError'])
      .where('clientId', '=', clientId)
      .execute();
  const assist = demoParty(issuer, 'assist');

  /** A client whose receiver answers with `status`, and what it has received. */
  const startReceiver = async (t: Test, clientId: string, first: number) => {
    const received: string[] = [];
    const answers = { status: first };
    const server = createServer((request, answer) => {
      let body = '';
      request.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
      request.once('end', () => {
        received.push(`${request.method} ${request.headers['content-type']} ${body}`);
        answer.writeHead(answers.status).end();
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    t.teardown(() => {
      server.closeAllConnections();
      server.close();
    });
    const { port } = server.address() as { port: number };
    const redirectUri = `${issuer}/demo/${clientId}/callback`;
    await makeClient(ctx, {
      clientId,
      name: clientId,
      firstParty: true,
      applicationType: 'web',
      authMethod: 'none',
      grantTypes: ['authorization_code'],
      redirectUris: [redirectUri],
      backchannelLogoutUri: `http://127.0.0.1:${port}/back-channel`,
    });
    return { party: new RelyingParty(issuer, { clientId, redirectUri }), received, answers };
  };
  const enter = async (browser: Agent, party: RelyingParty) => {
    const started = await party.start();
    return party.finish((await browser.get(started.url.href)).location, started);
  };

  t.test('reach every client of the session, and say whose and which one has ended', async (t) => {
    const first = await startReceiver(t, 'listener-one', 200);
    const second = await startReceiver(t, 'listener-two', 204);
    const unconcerned = await startReceiver(t, 'listener-three', 200);
    const browser = new Agent(issuer);
    const { tokens } = await signIn(browser, assist, 'alan@acme.test');
    const elsewhere = new Agent(issuer);
    await signIn(elsewhere, assist, 'alan@acme.test');
    await enter(elsewhere, unconcerned.party);
    const sids = new Map<RelyingParty, unknown>();
    for (const { party } of [first, second]) sids.set(party, (await enter(browser, party)).claims()?.['sid']);
    await signOut(t, browser, tokens.id_token ?? '');
    t.same(first.received, [], 'the person does not wait for the clients');
    await app.runJob('logout notices');

    for (const { party, received } of [first, second]) {
      t.equal(received.length, 1, 'one notice');
      const [, form = ''] = /^POST application\/x-www-form-urlencoded\S* (.*)$/.exec(received[0] ?? '') ?? [];
      const notice = new URLSearchParams(form);
      t.same([...notice.keys()], ['logout_token']);
      const token = notice.get('logout_token') ?? '';
      t.match(decodeProtectedHeader(token), { typ: 'logout+jwt', alg: 'ES256' });
      const { payload } = await jwtVerify(token, createRemoteJWKSet(new URL(`${issuer}/jwks`)), {
        issuer,
        audience: party.client.clientId,
      });
      t.same(payload['events'], { 'http://schemas.openid.net/event/backchannel-logout': {} });
      t.equal(payload.sub, tokens.claims()?.sub);
      t.equal(payload['sid'], sids.get(party));
      t.type(payload.jti, 'string');
      t.ok((payload.exp ?? 0) - (payload.iat ?? 0) <= 120, 'for two minutes at most');
      t.equal(payload['nonce'], undefined);
    }
    t.not(sids.get(first.party), sids.get(second.party), 'no two clients can compare notes');
    t.same(unconcerned.received, [], 'the other session has not ended');
  });

  t.test('that a client does not take are tried again, and keep nobody signed in', async (t) => {
    const { party, received, answers } = await startReceiver(t, 'listener-broken', 500);
    const browser = new Agent(issuer);
    const { tokens } = await signIn(browser, assist, 'alan@acme.test');
    await enter(browser, party);
    t.equal((await signOut(t, browser, tokens.id_token ?? '')).status, 303);
    t.match((await browser.follow((await assist.start()).url.href)).json(), { step: 'identify' });
    await app.runJob('logout notices');
    t.equal(received.length, 1);
    t.match(await states('listener-broken'), [{ state: 'pending', attempts: 1, lastError: String }]);
    await app.runJob('logout notices');
    t.equal(received.length, 1, 'not at once');
    answers.status = 200;
    app.advance(10);
    await app.runJob('logout notices');
    t.equal(received.length, 2);
    t.match(await states('listener-broken'), [{ state: 'delivered', attempts: 2, lastError: null }]);
    app.advance(3600);
    await app.runJob('logout notices');
    t.equal(received.length, 2, 'and then no more');
  });

  t.test('are given up after a day, and when the client is gone', async (t) => {
    const { party, received } = await startReceiver(t, 'listener-dead', 500);
    const browser = new Agent(issuer);
    const { tokens } = await signIn(browser, assist, 'alan@acme.test');
    await enter(browser, party);
    await signOut(t, browser, tokens.id_token ?? '');
    for (let tries = 0; tries < 40; tries += 1) {
      await app.runJob('logout notices');
      app.advance(2 * 3600);
    }
    t.match(await states('listener-dead'), [{ state: 'dead', attempts: 30 }]);
    t.equal(received.length, 30);
  });

  t.test('are sent once, however many replicas look for them', async (t) => {
    const { party, received } = await startReceiver(t, 'listener-raced', 200);
    const browser = new Agent(issuer);
    const { tokens } = await signIn(browser, assist, 'alan@acme.test');
    await enter(browser, party);
    await signOut(t, browser, tokens.id_token ?? '');
    await Promise.all(Array.from({ length: 8 }, () => app.runJob('logout notices')));
    t.equal(received.length, 1);
  });
});
