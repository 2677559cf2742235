/** OpenID Connect Core §3.1.2.1: prompt, max_age, id_token_hint and login_hint. */
import { sql } from 'kysely';
import t from 'tap';
import { Agent, type Answer } from '../support/agent.ts';
import { startApp } from '../support/app.ts';
import { callbackParams, signIn, submitPassword, toStep } from '../support/relying-party.ts';
import { demoParty, post, signOut } from './requests.ts';

t.test('asking again', async (t) => {
  const app = await startApp(t);
  const { issuer, ctx } = app;
  const assist = demoParty(issuer, 'assist');

  const ask = async (browser: Agent, extra: Readonly<Record<string, string>>): Promise<Answer> =>
    browser.follow((await assist.start(extra)).url.href);
  const silently = async (browser: Agent, extra: Readonly<Record<string, string>> = {}) =>
    callbackParams(await browser.get((await assist.start({ prompt: 'none', ...extra })).url.href));
  const outcome = async (browser: Agent, extra: Readonly<Record<string, string>> = {}) => {
    const said = await silently(browser, extra);
    return said.get('error') ?? (said.has('code') ? 'code' : 'nothing');
  };
  const signedIn = async (email = 'alan@acme.test') => {
    const browser = new Agent(issuer);
    const { tokens } = await signIn(browser, assist, email);
    return { browser, tokens, hint: tokens.id_token ?? '', claims: tokens.claims() };
  };

  t.test('prompt=none never shows anything', async (t) => {
    const stranger = new Agent(issuer);
    t.equal(await outcome(stranger), 'login_required');
    t.notOk(
      stranger.cookies.some(({ name }) => name.includes('interaction')),
      'no sign-in has begun',
    );
    const { browser, claims } = await signedIn();
    const started = await assist.start({ prompt: 'none' });
    const tokens = await assist.finish((await browser.get(started.url.href)).location, started);
    t.match(tokens.claims(), { sub: claims?.sub, auth_time: claims?.auth_time, sid: claims?.['sid'] });
    t.equal(await outcome(browser, { prompt: 'none login' }), 'invalid_request', 'and stands alone');
  });

  t.test('prompt=none tells what a person would have to do', async (t) => {
    const { browser } = await signedIn();
    const thirdParty = demoParty(issuer, 'third-party');
    const { url } = await thirdParty.start({ prompt: 'none' });
    t.equal(callbackParams(await browser.get(url.href)).get('error'), 'consent_required');

    const several = new Agent(issuer);
    const started = await assist.start({ account: 'acme' });
    const done = await submitPassword(several, await toStep(several, started.url), 'multi@acme.test');
    await several.follow((done.json() as { location: string }).location);
    t.equal(await outcome(several), 'code', 'the session knows the account');
    t.equal(await outcome(several, { account: 'initech' }), 'code', 'another may be named');
    t.equal(await outcome(several, { account: 'globex' }), 'access_denied', 'but not any');
  });

  t.test('prompt=login asks for the password again, and the sign-in is younger then', async (t) => {
    const { browser, claims } = await signedIn();
    app.advance(5);
    const started = await assist.start({ prompt: 'login' });
    const step = await toStep(browser, started.url);
    t.match(step.json(), { step: 'identify' });
    t.equal((await submitPassword(browser, step, 'alan@acme.test', 'wrong')).status, 401);
    const done = await submitPassword(browser, step, 'alan@acme.test');
    const back = await browser.follow((done.json() as { location: string }).location);
    const again = (await assist.finish(back.location, started)).claims();
    t.equal(again?.sub, claims?.sub);
    t.ok((again?.auth_time ?? 0) >= (claims?.auth_time ?? 0) + 5);
    t.equal(await outcome(browser), 'code', 'and the session goes on');
  });

  t.test('prompt=login cannot be stepped over by going on', async (t) => {
    const { browser } = await signedIn();
    const { url } = await assist.start({ prompt: 'login' });
    const step = (await toStep(browser, url)).json();
    const skipped = await browser.get(`/authorize/${step.interaction}`);
    t.notOk(callbackParams(skipped).has('code'));
    t.match((await browser.follow(skipped.location ?? '')).json(), { step: 'identify' });
  });

  t.test('prompt=login may be answered by another person, who gets a session of their own', async (t) => {
    const { browser, tokens } = await signedIn();
    const started = await assist.start({ prompt: 'login' });
    const done = await submitPassword(browser, await toStep(browser, started.url), 'ada@acme.test');
    const question = await browser.follow((done.json() as { location: string }).location);
    const xsrf = /name="xsrf" value="([^"]+)"/.exec(question.text)?.[1] ?? '';
    const left = await browser.post('/logout/confirm', { form: { xsrf, logout: 'yes' } });
    const back = await browser.follow(left.location ?? '');
    const ada = await assist.finish(back.location, started);
    t.not(ada.claims()?.sub, tokens.claims()?.sub);
    t.not(ada.claims()?.['sid'], tokens.claims()?.['sid']);
    const form = {
      grant_type: 'refresh_token',
      client_id: 'demo-assist',
      refresh_token: tokens.refresh_token ?? '',
    };
    t.equal((await post(issuer, '/token', form)).status, 400, 'the session of the first has ended');
  });

  t.test('max_age asks again whoever signed in longer ago', async (t) => {
    const { browser, claims } = await signedIn('ian@initech.test');
    t.equal(await outcome(browser, { max_age: '300' }), 'code');
    t.equal(await outcome(browser, { max_age: '0' }), 'login_required', 'nobody is as fast as that');
    await ctx.db
      .updateTable('sessions')
      .set({ payload: sql`jsonb_set(payload, '{loginTs}', to_jsonb((payload->>'loginTs')::int - 600))` })
      .where('userId', '=', claims?.sub as never)
      .execute();
    t.equal(await outcome(browser, { max_age: '900' }), 'code');
    t.equal(await outcome(browser, { max_age: '300' }), 'login_required');
    t.match((await ask(browser, { max_age: '300' })).json(), { step: 'identify' });
    for (const nonsense of ['-1', '1.5', 'soon', '99999999999999999999']) {
      t.equal(await outcome(browser, { max_age: nonsense }), 'invalid_request', nonsense);
    }
  });

  t.test('id_token_hint names the person who is meant', async (t) => {
    const alan = await signedIn();
    const ada = await signedIn('ada@acme.test');
    t.equal(await outcome(alan.browser, { id_token_hint: alan.hint }), 'code');
    t.equal(await outcome(alan.browser, { id_token_hint: ada.hint }), 'login_required', 'is somebody else');
    t.match((await ask(alan.browser, { id_token_hint: ada.hint })).json(), { step: 'identify' });
    await signOut(t, alan.browser, alan.hint);
    t.equal(await outcome(alan.browser, { id_token_hint: alan.hint }), 'login_required', 'is nobody now');
  });

  t.test('id_token_hint must be an ID token of ours for this client', async (t) => {
    const { browser, hint, tokens } = await signedIn();
    const meet = await demoParty(issuer, 'meet').start({ prompt: 'none' });
    const ofMeet = await demoParty(issuer, 'meet').finish((await browser.get(meet.url.href)).location, meet);
    const [head = '', body = '', signature = ''] = hint.split('.');
    const { api } = { api: 'https://api.assist.test' };
    const withApi = demoParty(issuer, 'assist', 'openid assist:read');
    const { tokens: jwt } = await signIn(new Agent(issuer), withApi, 'alan@acme.test', { resource: api });
    for (const wrong of [
      'garbage',
      'a.b.c',
      `${Buffer.from('{"alg":"none"}').toString('base64url')}.${body}.`,
      `${head}.${body}.`,
      `${head}.${body}.${signature.slice(0, -4)}AAAA`,
      ofMeet.id_token ?? '',
      tokens.access_token,
      jwt.access_token,
    ]) {
      t.equal(await outcome(browser, { id_token_hint: wrong }), 'invalid_request', wrong.slice(0, 12));
    }
  });

  t.test('claims may name the person who is meant as well', async (t) => {
    const { browser, claims } = await signedIn();
    const meant = (sub: string) => ({ claims: JSON.stringify({ id_token: { sub: { value: sub } } }) });
    t.equal(await outcome(browser, meant(claims?.sub ?? '')), 'code');
    t.equal(await outcome(browser, meant('usr_somebody_else')), 'login_required');
  });

  t.test('an essential acr that no sign-in yields is refused at once, and nobody is asked', async (t) => {
    const { browser } = await signedIn();
    const known = 'urn:doorward:acr:single-factor';
    const essential = (acr: object) => ({
      claims: JSON.stringify({ id_token: { acr: { essential: true, ...acr } } }),
    });
    for (const acr of [
      { values: ['urn:mfa'] },
      { value: 'urn:mfa' },
      { values: ['urn:mfa', 1, null] },
      { values: [] },
    ]) {
      for (const tab of [browser, new Agent(issuer)]) {
        const started = await assist.start(essential(acr));
        const back = await tab.get(started.url.href);
        t.ok(back.location?.startsWith(assist.client.redirectUri), JSON.stringify(acr));
        t.match(Object.fromEntries(callbackParams(back)), {
          error: 'unmet_authentication_requirements',
          state: started.state,
          iss: issuer,
        });
        t.equal(await outcome(tab, essential(acr)), 'unmet_authentication_requirements', 'nor silently');
      }
    }
    for (const acr of [{ values: ['urn:mfa', known] }, { value: known }, {}]) {
      t.equal(await outcome(browser, essential(acr)), 'code', JSON.stringify(acr));
      t.match((await ask(new Agent(issuer), essential(acr))).json(), { step: 'identify' });
    }
    t.equal(await outcome(browser, essential({ values: 'urn:mfa' })), 'invalid_request');
    const voluntary = { claims: JSON.stringify({ id_token: { acr: { values: ['urn:mfa'] } } }) };
    t.equal(await outcome(browser, voluntary), 'code', 'a wish may go unfulfilled');
    t.equal(await outcome(browser, { acr_values: 'urn:mfa' }), 'code');
    t.equal(await outcome(browser, { claims: JSON.stringify({ id_token: { acr: null } }) }), 'code');
  });

  t.test('login_hint is filled in, and is a hint and no more', async (t) => {
    const hint = 'ada@acme.test';
    const step = (await ask(new Agent(issuer), { login_hint: hint })).json();
    t.match(step, { step: 'identify', login_hint: hint });
    const { browser } = await signedIn();
    t.equal(await outcome(browser, { login_hint: hint }), 'code', 'whoever is signed in stays so');
    t.match((await ask(browser, { login_hint: hint, prompt: 'login' })).json(), { login_hint: hint });
    const page = await new Agent(issuer, 'text/html').follow(
      (await assist.start({ login_hint: '"><script>alert(1)</script>' })).url.href,
    );
    t.equal(page.status, 200);
    t.notMatch(page.text, /<script>alert/);
  });

  t.test('prompt=consent asks, even of a client of ours, and no is an answer', async (t) => {
    const { browser } = await signedIn();
    const step = (await ask(browser, { prompt: 'consent' })).json();
    t.equal(step.step, 'consent');
    t.same(step.scopes.map(({ name }: { name: string }) => name).sort(), ['email', 'openid', 'profile']);
    const refused = await browser.post(step.actions.consent.href, { json: { granted: false } });
    const back = callbackParams(await browser.follow((refused.json() as { location: string }).location));
    t.equal(back.get('error'), 'access_denied');
    t.equal(back.get('iss'), issuer);
  });

  t.test('prompt=select_account and prompt=create are not spoken', async (t) => {
    const { browser } = await signedIn();
    for (const prompt of ['select_account', 'create', 'access', 'NONE'])
      t.equal(await outcome(browser, { prompt }), 'invalid_request', prompt);
  });
});
