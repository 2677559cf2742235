/** OpenID Connect upstream over HTTP: what only the browser, the database and the order of things can decide. */
import t from 'tap';
import { inTransaction } from '../../src/context.ts';
import { beginTest, createConnection, reviseConnection } from '../../src/core/connections/connections.ts';
import { Agent } from '../support/agent.ts';
import { startApp } from '../support/app.ts';
import { bringBack, comeHome, leaveForCompany, signInAtIdp, signInByCompany } from '../support/company.ts';
import { demoClient, RelyingParty, toStep } from '../support/relying-party.ts';

t.test('OpenID Connect upstream over HTTP', async (t) => {
  const app = await startApp(t);
  const { issuer, ctx } = app;
  const assist = new RelyingParty(issuer, demoClient(issuer, 'assist'));
  const initech = await ctx.db
    .selectFrom('connections')
    .select(['id', 'accountId', 'settings'])
    .where('kind', '=', 'oidc')
    .executeTakeFirstOrThrow();
  const other = await inTransaction(ctx, (tx) =>
    createConnection(tx, {
      accountId: initech.accountId,
      label: 'Another',
      settings: initech.settings as never,
      secret: 'rehearsal-secret',
    }),
  );
  await ctx.db.updateTable('connections').set({ state: 'enabled' }).where('id', '=', other).execute();

  /** A browser whose identity provider has just sent it back: nothing of it was called yet. */
  const comeBack = async (email = 'ian@initech.test') => {
    const browser = new Agent(issuer);
    const started = await assist.start();
    const left = await leaveForCompany(browser, await toStep(browser, started.url), email);
    const { location } = await signInAtIdp(browser, left.json().location as string, email);
    if (location === undefined) throw new Error('the identity provider did not send it back');
    return { browser, started, callback: new URL(location) };
  };
  const sessions = async () => (await ctx.db.selectFrom('sessions').select('uid').execute()).length;
  const refusals = async () => {
    const query = ctx.db
      .selectFrom('events')
      .select(['details', 'caseId'])
      .where('type', '=', 'sign_in.refused');
    return (await query.orderBy('id').execute()).map(({ details, caseId }) => ({
      ...(details as object),
      caseId,
    }));
  };
  const isRefused = async (test: typeof t, code: string, attack: () => Promise<unknown>) => {
    const [before, events] = [await sessions(), (await refusals()).length];
    await attack();
    test.equal(await sessions(), before, 'no session');
    const after = await refusals();
    test.equal(after.length - events, 1, 'one event');
    test.match(after.at(-1), { code, caseId: String });
    const attempt = await ctx.db
      .selectFrom('connectionAttempts')
      .select(['outcome', 'code'])
      .where('caseId', '=', after.at(-1)?.caseId ?? '')
      .executeTakeFirst();
    test.match(attempt, { outcome: 'refused', code });
  };

  t.test('O08 the callback of one connection with the state of another', async (t) => {
    const { browser, callback } = await comeBack();
    const elsewhere = new URL(callback);
    elsewhere.pathname = `/federation/${other}/callback`;
    await isRefused(t, 'response_unexpected', async () =>
      t.match((await browser.get(elsewhere.href)).json(), {
        code: 'company_sign_in_failed',
        case_id: String,
      }),
    );
    t.match((await comeHome(browser, await browser.get(callback.href))).json(), { step: 'done' });
  });

  t.test('O09 a callback in a browser that has not left', async (t) => {
    const { browser, callback } = await comeBack();
    await isRefused(t, 'other_browser', async () =>
      t.equal((await new Agent(issuer).get(callback.href)).status, 403),
    );
    t.match((await comeHome(browser, await browser.get(callback.href))).json(), { step: 'done' });
  });

  t.test('O07 a state that is unknown, missing or there twice', async (t) => {
    const { browser, callback } = await comeBack();
    const state = callback.searchParams.get('state') ?? '';
    for (const change of [
      (query: URLSearchParams) => query.set('state', 'A'.repeat(43)),
      (query: URLSearchParams) => query.delete('state'),
      (query: URLSearchParams) => query.append('state', state),
    ]) {
      const changed = new URL(callback);
      change(changed.searchParams);
      await isRefused(t, 'oidc_state', async () => t.equal((await browser.get(changed.href)).status, 403));
    }
  });

  t.test('O10 a callback twice, one after the other and at once', async (t) => {
    const first = await comeBack();
    t.match((await comeHome(first.browser, await first.browser.get(first.callback.href))).json(), {
      step: 'done',
    });
    const before = [await sessions(), (await refusals()).length];
    // by the back button: nothing of it counts, and its own browser learns where the sign-in stands
    const again = await first.browser.get(first.callback.href);
    t.equal(again.status, 303);
    t.match((await comeHome(first.browser, again)).json(), { step: 'done' });
    t.strictSame([await sessions(), (await refusals()).length - 1], before);
    t.match((await refusals()).at(-1), { code: 'response_replayed' });
    const second = await comeBack();
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => second.browser.get(second.callback.href)),
    );
    t.strictSame(new Set(answers.map(({ status }) => status)), new Set([303]), 'all are sent to the sign-in');
    const verified = (await refusals()).slice(-7).map((refusal) => refusal as { code?: string });
    t.strictSame(
      new Set(verified.map(({ code }) => code)),
      new Set(['response_replayed']),
      'which one has reached',
    );
  });

  t.test('FD-06 what was verified before the connection changed lets nobody in', async (t) => {
    const { browser, callback } = await comeBack();
    const waiting = await browser.get(callback.href);
    t.match(waiting.location, /\/sign-in\//);
    await inTransaction(ctx, (tx) =>
      reviseConnection(tx, { connectionId: initech.id, label: 'Initech, renamed', by: 'a test' }),
    );
    await isRefused(t, 'connection_not_available', async () =>
      t.match((await comeHome(browser, waiting)).json(), { step: 'company' }),
    );
  });

  t.test('callbacks without end in other browsers, or once more, do not fill the trail', async (t) => {
    const own = await comeBack();
    const callElsewhere = async () => new Agent(issuer).get(own.callback.href);
    const callTwice = async () => own.browser.get(own.callback.href);
    for (const call of [callTwice, callElsewhere]) {
      const events = (await refusals()).length;
      const statuses = [];
      for (let times = 0; times < 32; times += 1) statuses.push((await call()).status);
      t.equal(statuses.at(-1), 429);
      const refused = statuses.filter((status) => status === 403 || status === 303).length;
      t.equal(
        (await refusals()).length - events,
        refused - (call === callTwice ? 1 : 0),
        'one event for each',
      );
      app.advance(61);
    }
    app.advance(-122);
  });

  t.test('an answer by POST is asked for again by GET, where the browser shows its cookie', async (t) => {
    const { browser, callback } = await comeBack();
    const { cookies } = browser;
    browser.cookies = [];
    const posted = await browser.post(callback.pathname, {
      form: callback.searchParams,
      headers: { origin: 'https://idp.example', 'sec-fetch-site': 'cross-site' },
    });
    t.equal(posted.status, 303);
    browser.cookies = cookies;
    t.match((await comeHome(browser, posted)).json(), { step: 'done' });
  });

  t.test(
    'an error of the identity provider brings the person back to their sign-in, with a case',
    async (t) => {
      const { browser, callback } = await comeBack();
      const refused = new URL(callback);
      refused.searchParams.delete('code');
      refused.searchParams.set('error', 'access_denied');
      refused.searchParams.set('error_description', '<script>alert(1)</script>');
      const home = await comeHome(browser, await browser.get(refused.href));
      t.match(home.json(), { step: 'company', problem: { code: 'company_sign_in_failed', case_id: String } });
      t.notOk(home.text.includes('script'));
    },
  );

  t.test(
    'the identity provider says that somebody signed out: the session and its tokens end, once',
    async (t) => {
      const browser = new Agent(issuer);
      const started = await assist.start();
      const done = await signInByCompany(browser, await toStep(browser, started.url), 'ian@initech.test');
      const tokens = await assist.finish((await browser.follow(done.json().location)).location, started);
      const answer = await new Agent(issuer).post(`/federation/${initech.id}/backchannel-logout`, {
        form: { logout_token: 'eyJhbGciOiJub25lIn0.e30.' },
      });
      t.equal(answer.status, 400);
      t.ok(await assist.refresh(tokens.refresh_token ?? ''), 'a token of nobody ends nothing');
    },
  );
});

t.test('a connection is tried out by a link, and nobody is made', async (t) => {
  const app = await startApp(t);
  const { issuer, ctx } = app;
  for (const [kind, email] of [
    ['saml', 'tester@globex.test'],
    ['oidc', 'tester@initech.test'],
  ] as const) {
    const { id } = await ctx.db
      .selectFrom('connections')
      .select('id')
      .where('kind', '=', kind)
      .executeTakeFirstOrThrow();
    await ctx.db
      .updateTable('connections')
      .set({ testedHash: null, testedAt: null })
      .where('id', '=', id)
      .execute();
    const url = await beginTest(ctx, { connectionId: id });
    const browser = new Agent(issuer, 'text/html');
    const begun = await browser.get(url);
    t.equal(begun.status, 303, begun.text.slice(0, 300));
    const shown = await comeHome(
      browser,
      await bringBack(browser, await signInAtIdp(browser, begun.location ?? '', email)),
    );
    t.equal(shown.status, 200);
    t.match(shown.text, email);
    const after = await ctx.db
      .selectFrom('connections')
      .select(['testedHash', 'settingsHash'])
      .where('id', '=', id)
      .executeTakeFirstOrThrow();
    t.strictSame(after.testedHash, after.settingsHash);
    t.match(await ctx.db.selectFrom('users').select('id').where('email', '=', email).execute(), []);
    t.strictSame(await ctx.db.selectFrom('sessions').select('uid').execute(), []);
    t.equal((await browser.get(url)).status, 410, 'the link works once');
  }
});
