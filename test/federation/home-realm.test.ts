/** Home-realm discovery over HTTP, and what an account's rule closes. Ids: federation.md, section 6. */
import t from 'tap';
import { Agent } from '../support/agent.ts';
import { startApp } from '../support/app.ts';
import { comeHome, leaveForCompany, signInByCompany } from '../support/company.ts';
import { makeCompany, postResponse, requestIdOf, respond } from '../support/company-account.ts';
import { makeMember, makeUser } from '../support/make.ts';
import {
  callbackParams,
  demoClient,
  RelyingParty,
  signIn,
  submitPassword,
  toStep,
} from '../support/relying-party.ts';

t.test('home-realm discovery', async (t) => {
  const app = await startApp(t);
  const { issuer, ctx } = app;
  const assist = new RelyingParty(issuer, demoClient(issuer, 'assist'));
  const begin = async (extra: Record<string, string> = {}, browser = new Agent(issuer)) => {
    const started = await assist.start(extra);
    return { browser, started, step: await toStep(browser, started.url) };
  };
  const ask = async (email: string) => {
    const { browser, step } = await begin();
    return leaveForCompany(browser, step, email);
  };
  /** The answer without what differs by the interaction alone. */
  const bare = (text: string) =>
    text
      .replace(/[\w-]{43}/g, '·')
      .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, '·')
      .replace(/urn:doorward:request:[\w-]+/g, '·');

  t.test('H01 the answer depends on the domain alone', async (t) => {
    for (const [known, unknown] of [
      ['gina@globex.test', 'nobody-at-all@globex.test'],
      ['ada@acme.test', 'nobody-at-all@acme.test'],
    ] as const) {
      const answers = [await ask(known), await ask(unknown)];
      t.equal(answers[0]?.status, answers[1]?.status);
      const [one, two] = answers.map(({ json }) => {
        const { location, ...rest } = json();
        return bare(JSON.stringify({ ...rest, location: location && new URL(location).pathname })).replaceAll(
          unknown,
          known,
        );
      });
      t.equal(one, two);
    }
  });

  t.test('H02 H03 look-alikes of a domain are not that domain', async (t) => {
    for (const email of [
      'gina@globex.test.',
      'gina@%67lobex.test',
      'gina@globex.test/x',
      'gina@ｇｌｏｂｅｘ.test',
      'gina@glob\u200bex.test',
      'gina@127.0.0.1',
      'gina@gl\u043ebex.test',
    ]) {
      const answer = await ask(email);
      t.not(answer.json().step.step ?? answer.json().step, 'redirect', email);
      t.ok(['invalid_input', 'company_not_found'].includes(answer.json().code), email);
    }
    t.match((await ask('  GINA@Globex.TEST ')).json(), { step: 'redirect' });
  });

  t.test(
    'without an address it is the page that asks for one, and the way back keeps what was typed',
    async (t) => {
      const { browser, step } = await begin({ login_hint: 'gina@globex.test' });
      const page = await leaveForCompany(browser, step, '');
      t.match(page.json(), { step: 'company', login_hint: 'gina@globex.test', problem: null });
      const back = await browser.post(page.json().actions.restart.href);
      t.match(back.json(), { step: 'identify', login_hint: 'gina@globex.test' });
    },
  );

  t.test('a domain without a company keeps its address for the password', async (t) => {
    const answer = await ask('ada@acme.test');
    t.equal(answer.status, 404);
    t.match(answer.json(), {
      code: 'company_not_found',
      step: { step: 'identify', login_hint: 'ada@acme.test', problem: { code: 'company_not_found' } },
    });
  });

  t.test('of several connections the person chooses', async (t) => {
    const one = await makeCompany(app, { domain: 'many.test', label: 'Many East' });
    const two = await makeCompany(app, { domain: 'elsewhere.test', label: 'Many West' });
    await ctx.db.deleteFrom('connectionDomains').where('connectionId', '=', two.connectionId).execute();
    await ctx.db
      .updateTable('connections')
      .set({ accountId: one.accountId })
      .where('id', '=', two.connectionId)
      .execute();
    const { accountId, domainId } = one;
    await ctx.db
      .insertInto('connectionDomains')
      .values({ accountId, connectionId: two.connectionId, domainId })
      .execute();
    const { browser, step } = await begin();
    const choice = await leaveForCompany(browser, step, 'm@many.test');
    t.match(choice.json(), {
      step: 'choose_connection',
      connections: [{ label: 'Many East' }, { label: 'Many West' }],
    });
    const { href } = choice.json().actions.company;
    t.equal(
      (await browser.post(href, { json: { connection: 'con_00000000000000000000000000' } })).status,
      400,
    );
    const left = await browser.post(href, { json: { connection: two.connectionId } });
    t.match(left.json(), { step: 'redirect', location: /^https:\/\/idp\.example\/sso/ });
  });

  t.test('a pilot routes who is listed and nobody else', async (t) => {
    await makeCompany(app, { domain: 'pilot.test', state: 'pilot', pilotEmails: ['listed@pilot.test'] });
    t.match((await ask('listed@pilot.test')).json(), { step: 'redirect' });
    t.match((await ask('other@pilot.test')).json(), { code: 'company_not_found' });
  });

  t.test('what a client asks for: straight there, or not at all', async (t) => {
    const step = async (extra: Record<string, string>) => (await begin(extra)).step.json();
    t.match(await step({ login_hint: 'gina@globex.test', domain_hint: 'globex.test' }), { step: 'redirect' });
    t.match(await step({ domain_hint: 'globex.test' }), { step: 'redirect' });
    t.match(await step({ login_hint: 'gina@globex.test' }), {
      step: 'identify',
      login_hint: 'gina@globex.test',
    });
    t.match(await step({ domain_hint: 'acme.test' }), { step: 'identify' });
    t.match(await step({ account: 'globex' }), { step: 'redirect' });
    t.match(await step({ account: 'initech' }), { step: 'identify' }, 'there it is optional');
    const { id } = await ctx.db
      .selectFrom('connections')
      .select('id')
      .where('kind', '=', 'oidc')
      .executeTakeFirstOrThrow();
    t.match(await step({ connection: id }), { step: 'redirect' });
    const charts = new RelyingParty(issuer, demoClient(issuer, 'third-party'));
    const started = await charts.start({ connection: id });
    t.match(
      (await new Agent(issuer).follow(started.url.href)).json(),
      { step: 'identify' },
      'not for others',
    );
  });

  t.test('H10 an account that the client has nothing to do with sends nobody anywhere', async (t) => {
    const meet = new RelyingParty(issuer, demoClient(issuer, 'meet'));
    const started = await meet.start({ account: 'globex' });
    t.match((await new Agent(issuer).follow(started.url.href)).json(), { step: 'identify' });
  });

  t.test(
    'H10 the company sign-in of one account is none for another: the person proves themself anew',
    async (t) => {
      const one = await makeCompany(app, { domain: 'both.test' });
      const two = await makeCompany(app, { domain: 'second.test' });
      const user = await makeUser(ctx, { email: 'b@both.test' });
      for (const { accountId, assist: productId } of [one, two]) {
        await makeMember(ctx, user.id, accountId);
        const seat = { accountId, productId, userId: user.id, id: `sea_${accountId.slice(4)}` };
        await ctx.db
          .insertInto('seats')
          .values({ ...seat, startsAt: ctx.now(), createdAt: ctx.now() })
          .execute();
      }
      const { browser, started, step } = await begin();
      const left = await leaveForCompany(browser, step, 'b@both.test');
      const response = await respond(one, requestIdOf(left.json().location), { email: 'b@both.test' });
      const done = await comeHome(browser, await postResponse(browser, one, response));
      const callback = await browser.follow(done.json().location);
      t.match((await assist.finish(callback.location, started)).claims(), { account: one.accountId });

      const again = await begin({ account: two.accountId }, browser);
      t.match(again.step.json(), { step: 'identify' });
      const silent = await assist.start({ account: two.accountId, prompt: 'none' });
      t.equal(callbackParams(await browser.follow(silent.url.href)).get('error'), 'login_required');
      const byPassword = await submitPassword(browser, again.step, 'b@both.test');
      const back = await browser.follow(byPassword.json().location);
      t.match((await assist.finish(back.location, again.started)).claims(), { account: two.accountId });
      // and the first one is still open to this session
      const first = await assist.start({ account: one.accountId, prompt: 'none' });
      t.match((await browser.follow(first.url.href)).location, /[?&]code=/);
    },
  );

  t.test('H09 a company is remembered after a success, and a forged mark is not', async (t) => {
    const { browser, started, step } = await begin();
    const done = await signInByCompany(browser, step, 'gina@globex.test');
    await assist.finish((await browser.follow(done.json().location)).location, started);
    const marked = browser.cookies.filter(({ name }) => name === 'doorward_company');
    t.equal(marked.length, 1);
    const later = new Agent(issuer);
    later.cookies = marked;
    const { step: offered } = await begin({}, later);
    t.match(offered.json(), { step: 'identify', remembered: { label: 'Globex Corp' } });
    const { id } = offered.json().remembered;
    const left = await later.post(offered.json().actions.company.href, { json: { connection: id } });
    t.match(left.json(), { step: 'redirect' });

    for (const value of ['x', `${marked[0]?.value}x`, marked[0]?.value.replace(/^con_./, 'con_z') ?? '']) {
      const stranger = new Agent(issuer);
      stranger.cookies = [{ name: 'doorward_company', value, path: '/' }];
      t.match((await begin({}, stranger)).step.json(), { step: 'identify', remembered: null }, value);
    }
    const failing = new Agent(issuer);
    await leaveForCompany(failing, (await begin({}, failing)).step, 'gina@globex.test');
    t.notOk(
      failing.cookies.some(({ name }) => name === 'doorward_company'),
      'not for having left',
    );
  });
});

t.test('where the company sign-in is required', async (t) => {
  const app = await startApp(t);
  const { issuer, ctx } = app;
  const assist = new RelyingParty(issuer, demoClient(issuer, 'assist'));
  const start = async () => {
    const browser = new Agent(issuer);
    const started = await assist.start();
    return { browser, started, step: await toStep(browser, started.url) };
  };

  t.test('H07 R2 no password of that domain does, right or wrong, and all are told the same', async (t) => {
    const user = await makeUser(ctx, { email: 'with-password@globex.test' });
    const { accountId } = await ctx.db
      .selectFrom('connections')
      .select('accountId')
      .where('kind', '=', 'saml')
      .executeTakeFirstOrThrow();
    await makeMember(ctx, user.id, accountId);
    const texts = new Set<string>();
    for (const [email, password] of [
      ['with-password@globex.test', undefined],
      ['with-password@globex.test', 'a wrong one, really'],
      ['gina@globex.test', 'a wrong one, really'],
      ['nobody-here@globex.test', 'a wrong one, really'],
      ['greg@globex.test', 'a wrong one, really'],
    ] as const) {
      const { browser, step } = await start();
      const answer = await submitPassword(browser, step, email, password);
      t.equal(answer.status, 403, email);
      t.match(answer.json(), {
        code: 'sso_required',
        company_sign_in: true,
        step: { actions: { company: {} } },
      });
      texts.add(
        answer.text
          .replaceAll(email, 'somebody')
          .replace(/[\w-]{43}/g, '·')
          .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, '·')
          .replace(/[0-9A-Z]{4}-[0-9A-Z]{4}/g, '·')
          .replace(/urn:doorward:request:[\w-]+/g, '·'),
      );
    }
    t.equal(texts.size, 1);
    const { browser, step } = await start();
    t.match((await submitPassword(browser, step, 'ian@initech.test', 'a wrong one, really')).json(), {
      code: 'invalid_credentials',
      company_sign_in: true,
    });
  });

  t.test('H07 a forgotten password is answered by a mail that says how they sign in', async (t) => {
    for (const [email, subject] of [
      ['gina@globex.test', 'password_reset_by_company'],
      ['with-password@globex.test', 'password_reset_by_company'],
      ['greg@globex.test', 'password_reset'],
      ['ian@initech.test', 'password_reset'],
    ] as const) {
      const asked = await new Agent(issuer).post('/password-resets', { json: { email } });
      t.equal(asked.status, 202);
      await app.runJob('password resets');
      const row = await ctx.db
        .selectFrom('mailOutbox')
        .select('template')
        .where('recipient', '=', email)
        .orderBy('createdAt', 'desc')
        .executeTakeFirst();
      t.equal(row?.template, subject, email);
    }
  });

  t.test('H07 sessions and refresh tokens of before do not survive the switch', async (t) => {
    const { browser, tokens } = await (async () => {
      const agent = new Agent(issuer);
      const { tokens: got } = await signIn(agent, assist, 'ian@initech.test');
      return { browser: agent, tokens: got };
    })();
    t.ok(tokens.refresh_token);
    await ctx.db.updateTable('connections').set({ state: 'required' }).where('kind', '=', 'oidc').execute();
    const refreshed: unknown = await assist
      .refresh(tokens.refresh_token ?? '')
      .catch((error: unknown) => error);
    t.match(refreshed, { error: 'invalid_grant', error_description: /^sso_required/ });
    const again = await assist.start();
    const step = await toStep(browser, again.url);
    t.match(step.json(), { step: 'denied', code: 'sso_required', remedies: [{ action: 'company_sign_in' }] });
    const silent = await assist.start({ prompt: 'none' });
    const refused = callbackParams(await browser.follow(silent.url.href));
    t.equal(refused.get('error'), 'access_denied');
    t.match(refused.get('error_description'), /^sso_required: /);
    await ctx.db.updateTable('connections').set({ state: 'enabled' }).where('kind', '=', 'oidc').execute();
  });

  t.test('H08 who breaks the glass comes in, and every admin hears of it', async (t) => {
    const { browser, started, step } = await start();
    const answer = await submitPassword(browser, step, 'greg@globex.test');
    t.match(
      answer.json(),
      { step: 'denied', code: 'no_seat' },
      'as far as a seat on this product would let him',
    );
    t.ok(started);
    const events = await ctx.db
      .selectFrom('events')
      .select(['type', 'userId'])
      .where('type', '=', 'break_glass.used')
      .execute();
    t.equal(events.length, 1);
    const mails = await ctx.db
      .selectFrom('mailOutbox')
      .select('recipient')
      .where('template', '=', 'break_glass_used')
      .execute();
    t.strictSame(
      mails.map(({ recipient }) => recipient),
      ['greg@globex.test'],
    );
    const admin = new RelyingParty(issuer, demoClient(issuer, 'admin'));
    const agent = new Agent(issuer);
    const { tokens } = await signIn(agent, admin, 'greg@globex.test');
    t.match(tokens.claims(), { role: 'admin', amr: ['pwd'] });
  });
});
