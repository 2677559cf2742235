/** Sessions by the ids of their requirements: they end when they should, everywhere, and cannot be handed to anybody. */
import t from 'tap';
import { inTransaction } from '../../src/context.ts';
import { endSession, endSessionsOfUser, listSessions } from '../../src/core/sessions/sessions.ts';
import { demoParty, introspect, post, refreshForm, userinfo } from '../provider/requests.ts';
import { Agent } from '../support/agent.ts';
import { startApp } from '../support/app.ts';
import { demoUserId } from '../support/make.ts';
import { callbackParams, signIn, submitPassword, toStep } from '../support/relying-party.ts';

const hour = 3600;
const day = 24 * hour;

t.test('sessions', async (t) => {
  const app = await startApp(t);
  const { issuer, ctx } = app;
  const assist = demoParty(issuer, 'assist');
  const enter = async (email = 'alan@acme.test') => {
    const browser = new Agent(issuer);
    return { browser, ...(await signIn(browser, assist, email)) };
  };
  const isSignedIn = async (browser: Agent): Promise<boolean> => {
    const { url } = await assist.start({ prompt: 'none' });
    const said = callbackParams(await browser.get(url.href));
    t.equal(said.has('code'), said.get('error') !== 'login_required');
    return said.has('code');
  };
  const sessionCookie = (browser: Agent) =>
    browser.cookies.find(({ name }) => name === 'doorward_session')?.value;
  const withCookies = (cookies: Agent['cookies']) => {
    const browser = new Agent(issuer);
    browser.cookies = cookies;
    return browser;
  };

  t.test('SE-01: every authentication makes a new id, and the old one is dead', async (t) => {
    const { browser } = await enter();
    const before = browser.cookies;
    const step = await toStep(browser, (await assist.start({ prompt: 'login' })).url);
    const done = await submitPassword(browser, step, 'alan@acme.test');
    await browser.follow((done.json() as { location: string }).location);
    t.not(sessionCookie(browser), before.find(({ name }) => name === 'doorward_session')?.value);
    t.equal(await isSignedIn(browser), true);
    t.equal(await isSignedIn(withCookies(before)), false);
  });

  t.test('SE-01: a cookie from before the sign-in never becomes a signed-in one', async (t) => {
    const attacker = new Agent(issuer);
    const { url } = await assist.start();
    const step = await toStep(attacker, url);
    const planted = attacker.cookies;
    const victim = withCookies(planted);
    const done = await submitPassword(victim, step, 'alan@acme.test');
    await victim.follow((done.json() as { location: string }).location);
    t.equal(await isSignedIn(victim), true);
    t.equal(await isSignedIn(withCookies(planted)), false);
  });

  t.test('SE-05: a person sees their own sessions, and whoever else asks does not', async (t) => {
    const userId = await demoUserId(ctx, 'ian@initech.test');
    t.same(await listSessions(ctx.db, userId, ctx.now()), []);
    await enter('ian@initech.test');
    await enter('ian@initech.test');
    const sessions = await listSessions(ctx.db, userId, ctx.now());
    t.equal(sessions.length, 2);
    t.match(sessions[0], { clientIds: ['demo-assist'], evidence: [{ method: 'pwd' }] });
    t.equal((await listSessions(ctx.db, await demoUserId(ctx, 'greg@globex.test'), ctx.now())).length, 0);
  });

  t.test('SE-05: one session is ended, with its tokens; the other goes on', async (t) => {
    const userId = await demoUserId(ctx, 'ada@acme.test');
    const kept = await enter('ada@acme.test');
    const [{ id: keptId } = { id: '' }] = await listSessions(ctx.db, userId, ctx.now());
    const ended = await enter('ada@acme.test');
    const id = (await listSessions(ctx.db, userId, ctx.now())).find((one) => one.id !== keptId)?.id ?? '';
    const foreign = await demoUserId(ctx, 'alan@acme.test');
    await t.rejects(
      inTransaction(ctx, (tx) => endSession(tx, { userId: foreign, id })),
      {
        code: 'not_found',
      },
    );
    await inTransaction(ctx, (tx) => endSession(tx, { userId, id }));
    await t.rejects(
      inTransaction(ctx, (tx) => endSession(tx, { userId, id })),
      { code: 'not_found' },
    );
    t.equal(await isSignedIn(ended.browser), false);
    t.equal((await post(issuer, '/token', refreshForm(ended.tokens.refresh_token))).status, 400);
    t.equal((await userinfo(issuer, ended.tokens.access_token)).status, 401);
    t.equal(await isSignedIn(kept.browser), true);
    t.equal((await userinfo(issuer, kept.tokens.access_token)).status, 200);
    const notices = await ctx.db
      .selectFrom('logoutNotices')
      .select('clientId')
      .where('userId', '=', userId)
      .execute();
    t.same(notices, [{ clientId: 'demo-assist' }], 'and its client is told');
  });

  t.test('SE-05: all sessions of a user end at once, offline tokens included', async (t) => {
    const userId = await demoUserId(ctx, 'multi@acme.test');
    const account = { account: 'acme' };
    const browsers = [new Agent(issuer), new Agent(issuer)];
    for (const browser of browsers) await signIn(browser, assist, 'multi@acme.test', account);
    const jwt = demoParty(issuer, 'assist', 'openid assist:read');
    const api = { ...account, resource: 'https://api.assist.test' };
    const { tokens } = await signIn(new Agent(issuer), jwt, 'multi@acme.test', api);
    t.match(await introspect(issuer, tokens.access_token), { active: true });
    await inTransaction(ctx, (tx) => endSessionsOfUser(tx, userId, 'test'));
    for (const browser of browsers) t.equal(await isSignedIn(browser), false);
    t.match(await introspect(issuer, tokens.access_token), { active: false });
    t.equal((await post(issuer, '/token', refreshForm(tokens.refresh_token))).status, 400);
    t.same(await listSessions(ctx.db, userId, ctx.now()), []);
    const events = await ctx.db
      .selectFrom('events')
      .select('details')
      .where('userId', '=', userId)
      .where('type', '=', 'session.ended')
      .execute();
    t.same(events, [{ details: { reason: 'test', sessions: 3 } }]);
  });

  t.test('SE-07: of two cookies of one name none that was planted wins', async (t) => {
    const { browser } = await enter();
    const attacker = await enter('ada@acme.test');
    const pairs = (cookies: Agent['cookies']) => cookies.map(({ name, value }) => `${name}=${value}`);
    const mine = pairs(browser.cookies);
    const foreign = pairs(attacker.browser.cookies);
    const garbage = ['doorward_session=planted', 'doorward_session.sig=planted'];
    const { url } = await assist.start({ prompt: 'none' });
    for (const cookies of [
      [...garbage, ...mine],
      [...foreign, ...mine],
      [...mine, ...foreign],
      [...mine, ...garbage],
    ]) {
      const answer = await new Agent(issuer).get(url.href, { headers: { cookie: cookies.join('; ') } });
      t.equal(callbackParams(answer).get('error'), 'login_required', 'neither counts');
    }
    t.equal(await isSignedIn(browser), true);
    const unsigned = await new Agent(issuer).get(url.href, {
      headers: { cookie: `doorward_session=${sessionCookie(browser)}` },
    });
    t.equal(
      callbackParams(unsigned).get('error'),
      'login_required',
      'a cookie without its signature is none',
    );
  });

  t.test('SE-10: cookies stay small, however many sign-ins stand open', async (t) => {
    const { browser } = await enter();
    for (let tab = 0; tab < 20; tab += 1)
      await toStep(browser, (await assist.start({ prompt: 'login' })).url);
    for (const { name, value } of browser.cookies) t.ok(name.length + value.length < 4096, name);
    t.equal(await isSignedIn(browser), true);
  });

  t.test('SE-03: a session ends twelve hours after it was used last', async (t) => {
    const { browser } = await enter();
    app.advance(11 * hour);
    t.equal(await isSignedIn(browser), true, 'which counts as use');
    app.advance(11 * hour);
    t.equal(await isSignedIn(browser), true);
    app.advance(12 * hour + 1);
    t.equal(await isSignedIn(browser), false);
  });

  t.test('SE-03: and seven days after the sign-in, however much it is used', async (t) => {
    const { browser } = await enter();
    for (let used = 0; used < 7 * day - 11 * hour; used += 11 * hour) {
      t.equal(await isSignedIn(browser), true, `${used / hour} hours`);
      app.advance(11 * hour);
    }
    app.advance(11 * hour);
    t.equal(await isSignedIn(browser), false);
  });
});
