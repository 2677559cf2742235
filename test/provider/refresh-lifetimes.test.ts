/** How long a refresh token works: with the session, or by its use and age, and never longer than access is allowed. */
import { decodeJwt } from 'jose';
import type { TokenEndpointResponse } from 'openid-client';
import t, { type Test } from 'tap';
import { day, hour } from '../../src/kernel/time.ts';
import { Agent } from '../support/agent.ts';
import { startApp } from '../support/app.ts';
import { type RelyingParty, signIn } from '../support/relying-party.ts';
import {
  assistApi,
  demoBasic,
  demoParty,
  introspect,
  post,
  refreshForm,
  seatOf,
  signOut,
  userinfo,
} from './requests.ts';

/** Tokens with offline_access: the person is asked, whoever the client is. */
async function signInOffline(browser: Agent, party: RelyingParty): Promise<TokenEndpointResponse> {
  await signIn(browser, demoParty(party.issuer, 'assist'), 'alan@acme.test');
  const started = await party.start({ prompt: 'consent' });
  const step = (await browser.follow(started.url.href)).json();
  const done = await browser.post(step.actions.consent.href, { json: { granted: true } });
  const back = await browser.follow((done.json() as { location: string }).location);
  return party.finish(back.location, started);
}

const offline = (issuer: string): RelyingParty =>
  demoParty(issuer, 'confidential', 'openid email offline_access');

/** The status of a refresh by the confidential client, which is not rotated. */
async function refreshed(issuer: string, tokens: TokenEndpointResponse): Promise<number> {
  const form = refreshForm(tokens.refresh_token, 'demo-confidential');
  return (await post(issuer, '/token', form, demoBasic('confidential'))).status;
}

t.test('a refresh token of a session', async (t) => {
  const { issuer } = await startApp(t);
  const assist = demoParty(issuer, 'assist', 'openid email assist:read');

  t.test('dies when the person signs out, with everything beside it', async (t) => {
    const browser = new Agent(issuer);
    const { tokens } = await signIn(browser, assist, 'alan@acme.test', { resource: assistApi });
    const next = await assist.refresh(tokens.refresh_token ?? '');
    t.match(await introspect(issuer, next.access_token), { active: true });
    t.equal((await signOut(t, browser, tokens.id_token ?? '')).status, 303);
    const answer = await post(issuer, '/token', refreshForm(next.refresh_token));
    t.match(answer.json(), { error: 'invalid_grant' });
    t.same(await introspect(issuer, next.access_token), { active: false });
  });

  t.test('dies in the other clients of the session as well', async (t) => {
    const browser = new Agent(issuer);
    const { tokens } = await signIn(browser, assist, 'alan@acme.test');
    const meet = await signInSilently(browser, demoParty(issuer, 'meet'));
    await signOut(t, browser, tokens.id_token ?? '');
    t.equal((await post(issuer, '/token', refreshForm(meet.refresh_token, 'demo-meet'))).status, 400);
    t.equal((await userinfo(issuer, meet.access_token)).status, 401);
  });

  t.test('is not disturbed by the sign-out of another browser', async (t) => {
    const here = new Agent(issuer);
    const there = new Agent(issuer);
    const { tokens: kept } = await signIn(here, assist, 'alan@acme.test');
    const { tokens: ended } = await signIn(there, assist, 'alan@acme.test');
    await signOut(t, there, ended.id_token ?? '');
    t.equal((await post(issuer, '/token', refreshForm(kept.refresh_token))).status, 200);
  });
});

async function signInSilently(browser: Agent, party: RelyingParty): Promise<TokenEndpointResponse> {
  const started = await party.start({ prompt: 'none' });
  return party.finish((await browser.get(started.url.href)).location, started);
}

/** An app of its own: the engine dates its tokens by the real time, which an earlier test may have left. */
async function startAssist(t: Test) {
  const app = await startApp(t);
  return { app, issuer: app.issuer, assist: demoParty(app.issuer, 'assist') };
}

t.test('a refresh token of a session that goes on', async (t) => {
  t.test('dies with a session that nobody uses for twelve hours', async (t) => {
    const { app, issuer, assist } = await startAssist(t);
    const { tokens } = await signIn(new Agent(issuer), assist, 'alan@acme.test');
    app.advance(12 * hour - 60);
    const next = await post(issuer, '/token', refreshForm(tokens.refresh_token));
    t.equal(next.status, 200);
    app.advance(120);
    t.equal((await post(issuer, '/token', refreshForm(next.json().refresh_token))).status, 400);
  });

  t.test('dies after seven days, however busy the session', async (t) => {
    const { app, issuer, assist } = await startAssist(t);
    const browser = new Agent(issuer);
    const { tokens } = await signIn(browser, assist, 'alan@acme.test');
    let token = tokens.refresh_token;
    for (let passed = 0; passed < 7 * day - 11 * hour; passed += 11 * hour) {
      app.advance(11 * hour);
      await signInSilently(browser, assist);
      const answer = await post(issuer, '/token', refreshForm(token));
      t.equal(answer.status, 200, `after ${passed / hour + 11} hours`);
      token = answer.json().refresh_token as string;
    }
    app.advance(11 * hour);
    t.equal((await post(issuer, '/token', refreshForm(token))).status, 400);
    const { url } = await assist.start();
    t.match((await browser.follow(url.href)).json(), { step: 'identify' }, 'and so does the session');
  });
});

t.test('a refresh token for offline access', async (t) => {
  t.test('outlives the session it came from', async (t) => {
    const { issuer } = await startApp(t);
    const browser = new Agent(issuer);
    const tokens = await signInOffline(browser, offline(issuer));
    t.match(tokens.scope, /offline_access/);
    await signOut(t, browser, tokens.id_token ?? '');
    t.match((await browser.follow((await offline(issuer).start()).url.href)).json(), { step: 'identify' });
    const next = await offline(issuer).refresh(tokens.refresh_token ?? '');
    t.equal((await userinfo(issuer, next.access_token)).status, 200);
  });

  t.test('is not given without asking the person, nor to a client that may not have it', async (t) => {
    const { issuer } = await startApp(t);
    const browser = new Agent(issuer);
    await signIn(browser, demoParty(issuer, 'assist'), 'alan@acme.test');
    const silent = await signInSilently(browser, offline(issuer));
    t.notMatch(silent.scope, /offline_access/);
    await signOut(t, browser, silent.id_token ?? '');
    t.equal(await refreshed(issuer, silent), 400, 'it is of the session then');
    const { url } = await demoParty(issuer, 'assist', 'openid offline_access').start({ prompt: 'consent' });
    const back = new URL((await browser.get(url.href)).location ?? '').searchParams;
    t.equal(back.get('error'), 'invalid_scope');
  });

  t.test('dies after thirty days without use', async (t) => {
    const app = await startApp(t);
    const tokens = await signInOffline(new Agent(app.issuer), offline(app.issuer));
    for (let use = 0; use < 3; use += 1) {
      app.advance(29 * day);
      t.equal(await refreshed(app.issuer, tokens), 200, 'use keeps it alive');
    }
    app.advance(30 * day + 60);
    t.equal(await refreshed(app.issuer, tokens), 400);
  });

  t.test('dies after 180 days, however busy', async (t) => {
    const app = await startApp(t);
    const tokens = await signInOffline(new Agent(app.issuer), offline(app.issuer));
    for (let passed = 20; passed < 180; passed += 20) {
      app.advance(20 * day);
      t.equal(await refreshed(app.issuer, tokens), 200, `after ${passed} days`);
    }
    app.advance(20 * day - 60);
    t.equal(await refreshed(app.issuer, tokens), 200, 'a minute before');
    app.advance(120);
    t.equal(await refreshed(app.issuer, tokens), 400);
  });
});

t.test('the access decision is asked at every refresh', async (t) => {
  const { issuer, ctx } = await startApp(t);
  const assist = demoParty(issuer, 'assist');
  const { tokens } = await signIn(new Agent(issuer), assist, 'alan@acme.test');
  let token = tokens.refresh_token;
  const refresh = () => post(issuer, '/token', refreshForm(token));
  const setAccount = (status: 'active' | 'lapsed' | 'suspended' | 'closed') => () =>
    ctx.db.updateTable('accounts').set({ status }).where('slug', '=', 'acme').execute();
  const setUser = (state: 'active' | 'deactivated') => () =>
    ctx.db.updateTable('users').set({ state }).where('email', '=', 'alan@acme.test').execute();
  const past = new Date(Date.now() - 1000);
  const seat = await seatOf(ctx, 'alan@acme.test', 'assist');

  const losses: [code: string, lose: () => Promise<unknown>, giveBack: () => Promise<unknown>][] = [
    ['no_seat', () => seat.remove(), () => seat.giveBack()],
    ['seat_ended', () => seat.end(past), () => seat.giveBack()],
    ['account_lapsed', setAccount('lapsed'), setAccount('active')],
    ['account_suspended', setAccount('suspended'), setAccount('active')],
    ['account_closed', setAccount('closed'), setAccount('active')],
    ['user_deactivated', setUser('deactivated'), setUser('active')],
  ];
  for (const [code, lose, giveBack] of losses) {
    t.test(`${code} ends it until what was lost is given back`, async (t) => {
      await lose();
      const refused = await refresh();
      t.equal(refused.status, 400);
      t.match(refused.json(), { error: 'invalid_grant', error_description: new RegExp(`^${code}: `) });
      const caseId = /\(case ([\w-]+)\)$/.exec(refused.json().error_description as string)?.[1] ?? '';
      const events = await ctx.db
        .selectFrom('events')
        .select(['type', 'clientId'])
        .where('caseId', '=', caseId)
        .execute();
      t.same(events, [{ type: 'token.refused', clientId: 'demo-assist' }], 'the case is on the audit trail');
      t.match((await refresh()).json(), { error: 'invalid_grant' }, 'a refusal has not used it up');

      await giveBack();
      const again = await refresh();
      t.equal(again.status, 200);
      token = again.json().refresh_token as string;
    });
  }

  t.test('what the person holds now is what the new tokens say', async (t) => {
    const meet = await seatOf(ctx, 'alan@acme.test', 'meet');
    await meet.remove();
    const answer = (await refresh()).json();
    t.same(decodeJwt(answer.id_token as string)['products'], ['assist']);
  });
});
