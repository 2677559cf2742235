/** SAML over HTTP: what only the browser, the database and the order of things can decide. Ids: federation.md, section 6. */
import { sql } from 'kysely';
import t, { type Test } from 'tap';
import { inTransaction } from '../../src/context.ts';
import { disableConnection, reviseConnection } from '../../src/core/connections/connections.ts';
import { Agent } from '../support/agent.ts';
import { startApp, type TestApp } from '../support/app.ts';
import { comeHome, leaveForCompany } from '../support/company.ts';
import {
  type Company,
  getSaml,
  makeCompany,
  postResponse,
  requestIdOf,
  respond,
} from '../support/company-account.ts';
import { demoClient, RelyingParty, toStep } from '../support/relying-party.ts';

async function counts({ ctx }: TestApp) {
  const count = async (table: 'sessions' | 'users' | 'identities') => {
    const row = await ctx.db
      .selectFrom(table)
      .select((each) => each.fn.countAll<number>().as('count'))
      .executeTakeFirstOrThrow();
    return row.count;
  };
  return {
    sessions: await count('sessions'),
    users: await count('users'),
    identities: await count('identities'),
  };
}

async function latestAttempt({ ctx }: TestApp, { connectionId }: Company) {
  return ctx.db
    .selectFrom('connectionAttempts')
    .select(['stage', 'outcome', 'code', 'caseId', 'userId'])
    .where('connectionId', '=', connectionId)
    .orderBy('updatedAt', 'desc')
    .executeTakeFirst();
}

async function refusals({ ctx }: TestApp, { connectionId }: Company): Promise<number> {
  const rows = await ctx.db
    .selectFrom('events')
    .select('details')
    .where('type', '=', 'sign_in.refused')
    .execute();
  return rows.filter(({ details }) => (details as { connection_id?: string }).connection_id === connectionId)
    .length;
}

/** Runs the attack: nobody is in, nobody is made, one event and the attempt say why. */
async function isRefused(
  t: Test,
  app: TestApp,
  {
    company,
    code,
    stage,
    attack,
  }: { company: Company; code: string; stage: string; attack: () => Promise<unknown> },
): Promise<void> {
  const [before, events] = [await counts(app), await refusals(app, company)];
  await attack();
  t.strictSame(await counts(app), before, 'no session, no user, no identity');
  t.equal((await refusals(app, company)) - events, 1, 'one event');
  t.match(await latestAttempt(app, company), { stage, outcome: 'refused', code, caseId: /^.{9}$/ });
}

t.test('SAML sign-ins over HTTP', async (t) => {
  const app = await startApp(t);
  const { issuer, ctx } = app;
  const assist = new RelyingParty(issuer, demoClient(issuer, 'assist'));
  const company = await makeCompany(app, { domain: 'wayne.test' });
  const other = await makeCompany(app, { domain: 'stark.test' });
  const begin = async (extra: Record<string, string> = {}) => {
    const browser = new Agent(issuer);
    const started = await assist.start(extra);
    return { browser, started, step: await toStep(browser, started.url) };
  };
  const leave = async (email: string, extra: Record<string, string> = {}) => {
    const begun = await begin(extra);
    const left = await leaveForCompany(begun.browser, begun.step, email);
    const location = left.json().location as string;
    return { ...begun, location, requestId: requestIdOf(location) };
  };
  const finish = async (browser: Agent, answer: Awaited<ReturnType<Agent['get']>>) =>
    comeHome(browser, answer);

  t.test('somebody new is made a user with a seat; the second time they are found again', async (t) => {
    for (const users of [1, 0]) {
      const before = await counts(app);
      const { browser, started, requestId } = await leave('bruce@wayne.test');
      const posted = await postResponse(
        browser,
        company,
        await respond(company, requestId, { email: 'bruce@wayne.test' }),
      );
      t.equal(posted.status, 303);
      t.match(posted.location, /\/federation\/resume\?h=/);
      t.equal(posted.headers.get('referrer-policy'), 'no-referrer');
      const done = await finish(browser, posted);
      t.match(done.json(), { step: 'done' });
      const back = await browser.follow(done.json().location);
      const tokens = await assist.finish(back.location, started);
      t.match(tokens.claims(), { role: 'agent', products: ['assist'], amr: ['fed'] });
      t.equal((await counts(app)).users - before.users, users);
      t.match(await latestAttempt(app, company), { stage: 'done', outcome: 'passed', code: null });
    }
  });

  t.test('S31 the same response twice', async (t) => {
    const { browser, requestId } = await leave('twice@wayne.test');
    const response = await respond(company, requestId, { email: 'twice@wayne.test' });
    t.match((await finish(browser, await postResponse(browser, company, response))).json(), { step: 'done' });
    const [before, events] = [await counts(app), await refusals(app, company)];
    // by the back button: nothing of it counts, and its own browser learns where the sign-in stands
    const again = await finish(browser, await postResponse(browser, company, response));
    t.match(again.json(), { step: 'done' });
    t.equal(
      (await finish(new Agent(issuer), await postResponse(new Agent(issuer), company, response))).status,
      403,
    );
    t.strictSame(await counts(app), before);
    t.equal((await refusals(app, company)) - events, 3, 'twice posted, and once in another browser');
    const replayed = { stage: 'response', outcome: 'refused', code: 'response_replayed', caseId: String };
    t.match(await latestAttempt(app, company), replayed, 'an attempt of its own');
  });

  t.test('S32 twenty times at once: one arrival', async (t) => {
    const { browser, requestId } = await leave('twenty@wayne.test');
    const response = await respond(company, requestId, { email: 'twenty@wayne.test' });
    const racers = Array.from({ length: 20 }, () => postResponse(new Agent(issuer), company, response));
    const posted = await Promise.all(racers);
    const before = await counts(app);
    const homes = [];
    for (const answer of posted.filter(({ status }) => status === 303)) {
      homes.push(await finish(browser, answer));
    }
    t.equal(homes.filter((home) => home.status === 200 && home.json().step === 'done').length > 0, true);
    const arrived = await ctx.db.selectFrom('usedAssertions').select('connectionId').execute();
    t.ok(arrived.length > 0);
    t.equal((await counts(app)).users - before.users, 1);
  });

  t.test('S33 the request of one connection answered at another', async (t) => {
    const { browser, requestId } = await leave('bruce@wayne.test');
    await isRefused(t, app, {
      company: other,
      code: 'response_unexpected',
      stage: 'response',
      attack: async () => {
        const answer = await postResponse(
          browser,
          other,
          await respond(other, requestId, { email: 'tony@stark.test' }),
        );
        t.match(answer.json(), { code: 'company_sign_in_failed', case_id: String });
      },
    });
  });

  t.test('S35 a good response in another browser (login CSRF)', async (t) => {
    const { browser, requestId } = await leave('bruce@wayne.test');
    const victim = new Agent(issuer);
    const posted = await postResponse(
      victim,
      company,
      await respond(company, requestId, { email: 'bruce@wayne.test' }),
    );
    await isRefused(t, app, {
      company,
      code: 'other_browser',
      stage: 'browser',
      attack: async () => t.equal((await victim.get(posted.location ?? '')).status, 403),
    });
    t.match(
      (await finish(browser, posted)).json(),
      { step: 'done' },
      'nothing was consumed: the right browser comes in',
    );
  });

  t.test(
    'a response that is refused leaves the sign-in where it was, and the right one still counts',
    async (t) => {
      const { browser, requestId } = await leave('late@wayne.test');
      await isRefused(t, app, {
        company,
        code: 'saml_signature',
        stage: 'response',
        attack: async () => {
          const forged = await respond(company, requestId, { email: 'late@wayne.test', sign: 'none' });
          const home = await finish(browser, await postResponse(browser, company, forged));
          t.match(home.json(), {
            step: 'company',
            problem: { code: 'company_sign_in_failed', case_id: String },
          });
        },
      });
      const good = await respond(company, requestId, { email: 'late@wayne.test' });
      t.match((await finish(browser, await postResponse(browser, company, good))).json(), { step: 'done' });
    },
  );

  t.test('one departure is answered five times, and no more of it is verified or written down', async (t) => {
    const siege = await makeCompany(app, { domain: 'siege.test' });
    const { requestId } = await leave('held@siege.test');
    const forged = await respond(siege, requestId, { email: 'held@siege.test', sign: 'none' });
    for (let times = 0; times < 5; times += 1)
      t.equal((await postResponse(new Agent(issuer), siege, forged)).status, 303);
    const events = await refusals(app, siege);
    const good = await respond(siege, requestId, { email: 'held@siege.test' });
    for (const response of [forged, good]) {
      const refused = await postResponse(new Agent(issuer), siege, response);
      t.equal(refused.status, 429);
      t.match(refused.json(), { code: 'throttled' });
      t.match(refused.headers.get('retry-after'), /^\d+$/);
    }
    t.equal(await refusals(app, siege), events, 'no event');
    const next = await leave('held@siege.test');
    const answer = await respond(siege, next.requestId, { email: 'held@siege.test' });
    const home = await finish(next.browser, await postResponse(next.browser, siege, answer));
    t.match(home.json(), { step: 'done' }, 'who begins again comes in, from the same network');
  });

  t.test('other browsers that come for an arrival without end do not fill the trail', async (t) => {
    const filled = await makeCompany(app, { domain: 'filled.test' });
    const { browser, requestId } = await leave('own@filled.test');
    const response = await respond(filled, requestId, { email: 'own@filled.test' });
    const posted = await postResponse(browser, filled, response);
    const events = await refusals(app, filled);
    const statuses = [];
    for (let times = 0; times < 35; times += 1)
      statuses.push((await new Agent(issuer).get(posted.location ?? '')).status);
    t.strictSame(statuses, [...Array<number>(30).fill(403), ...Array<number>(5).fill(429)]);
    t.equal((await refusals(app, filled)) - events, 30);
    t.match((await finish(browser, posted)).json(), { step: 'done' }, 'the right browser is not held up');
  });

  t.test('L11 an account cannot assert people of another, nor can it without an address', async (t) => {
    for (const [email, code] of [
      ['tony@stark.test', 'domain_not_allowed'],
      ['ada@acme.test', 'domain_not_allowed'],
      ['bruce@sub.wayne.test', 'domain_not_allowed'],
      ['not an address', 'email_not_valid'],
    ] as const) {
      const { browser, requestId } = await leave('bruce@wayne.test');
      await isRefused(t, app, {
        company,
        code,
        stage: 'match',
        attack: async () => {
          const response = await respond(company, requestId, {
            says: { nameId: 'evil', attributes: [['email', email]] },
          });
          const home = await finish(browser, await postResponse(browser, company, response));
          t.match(home.json(), { step: 'company', problem: { code: 'company_sign_in_failed' } });
        },
      });
    }
  });

  t.test(
    'H05 while the proof of a domain is missing nobody new comes in, and who was here does',
    async (t) => {
      const losing = await makeCompany(app, { domain: 'losing.test' });
      const come = async (email: string) => {
        const { browser, requestId } = await leave(email);
        const response = await respond(losing, requestId, { email });
        return finish(browser, await postResponse(browser, losing, response));
      };
      t.match((await come('early@losing.test')).json(), { step: 'done' });
      await ctx.db.updateTable('domains').set({ state: 'stale' }).where('id', '=', losing.domainId).execute();
      t.match((await come('early@losing.test')).json(), { step: 'done' });
      await isRefused(t, app, {
        company: losing,
        code: 'domain_stale',
        stage: 'match',
        attack: () => come('late@losing.test'),
      });
      await ctx.db
        .updateTable('domains')
        .set({ state: 'released' })
        .where('id', '=', losing.domainId)
        .execute();
      const { browser, step } = await begin();
      t.match((await leaveForCompany(browser, step, 'early@losing.test')).json(), {
        code: 'company_not_found',
      });
    },
  );

  t.test('FD-06 a connection that is switched off while somebody is away lets nobody in', async (t) => {
    const closing = await makeCompany(app, { domain: 'closing.test' });
    const { browser, requestId } = await leave('c@closing.test');
    await ctx.db
      .updateTable('connections')
      .set({ state: 'disabled' })
      .where('id', '=', closing.connectionId)
      .execute();
    await isRefused(t, app, {
      company: closing,
      code: 'connection_not_available',
      stage: 'response',
      attack: async () => {
        const response = await respond(closing, requestId, { email: 'c@closing.test' });
        await finish(browser, await postResponse(browser, closing, response));
      },
    });
  });

  t.test('FD-06 what was verified before the connection changed lets nobody in', async (t) => {
    const change = { by: 'a test' };
    const revise = (changed: Company) => async () => {
      const settings = { ...(await getSaml(app, changed)).settings, signaturePolicy: 'both' as const };
      const { connectionId } = changed;
      await inTransaction(ctx, (tx) => reviseConnection(tx, { connectionId, settings, ...change }));
    };
    const disable = (changed: Company) => async () => {
      const { connectionId } = changed;
      await inTransaction(ctx, (tx) => disableConnection(tx, { connectionId, ...change }));
      await ctx.db
        .updateTable('connections')
        .set({ state: 'enabled' })
        .where('id', '=', connectionId)
        .execute();
    };
    for (const [domain, changeOf, isParked] of [
      ['parked-revised.test', revise, true],
      ['parked-disabled.test', disable, true],
      ['waiting-revised.test', revise, false],
    ] as const) {
      const changing = await makeCompany(app, { domain });
      const { browser, requestId } = await leave(`p@${domain}`);
      const response = await respond(changing, requestId, { email: `p@${domain}` });
      const posted = await postResponse(browser, changing, response);
      // the identity waits in the sign-in, or still in its arrival
      const waiting = isParked ? await browser.get(posted.location ?? '') : posted;
      t.match(waiting.location, isParked ? /\/sign-in\// : /\/federation\/resume/);
      await changeOf(changing)();
      await isRefused(t, app, {
        company: changing,
        code: 'connection_not_available',
        stage: 'match',
        attack: async () => {
          const home = await finish(browser, waiting);
          t.match(home.json(), { step: 'company', problem: { code: 'company_sign_in_failed' } });
        },
      });
    }
  });

  t.test('FD-06 what a version before has stored, without a revision, is still let in', async (t) => {
    const { browser, requestId } = await leave('bruce@wayne.test');
    const response = await respond(company, requestId, { email: 'bruce@wayne.test' });
    const waiting = await browser.get((await postResponse(browser, company, response)).location ?? '');
    await sql`update interactions set state = state #- '{revision}' where state->>'at' = 'returned'`.execute(
      ctx.db,
    );
    t.match((await finish(browser, waiting)).json(), { step: 'done' });
  });

  t.test('no seat is left: the user is made, and told so', async (t) => {
    const full = await makeCompany(app, { domain: 'full.test', seats: 0 });
    const { browser, requestId } = await leave('first@full.test');
    const response = await respond(full, requestId, { email: 'first@full.test' });
    const home = await finish(browser, await postResponse(browser, full, response));
    t.match(home.json(), { step: 'denied', code: 'no_seat' });
    t.match(await latestAttempt(app, full), {
      stage: 'access',
      outcome: 'refused',
      code: 'access_denied',
      userId: String,
    });
  });

  t.test('the session ends when the identity provider says so', async (t) => {
    const { browser, started, requestId } = await leave('short@wayne.test');
    const response = await respond(company, requestId, {
      email: 'short@wayne.test',
      says: {
        nameId: 'short',
        attributes: [['email', 'short@wayne.test']],
        sessionEnd: new Date(Date.now() + 600_000),
      },
    });
    const done = await finish(browser, await postResponse(browser, company, response));
    const back = await browser.follow(done.json().location);
    await assist.finish(back.location, started);
    const again = await assist.start();
    t.match((await browser.follow(again.url.href)).location, /code=/, 'while it lasts');
    app.advance(700);
    const after = await assist.start();
    t.match((await browser.follow(after.url.href)).json(), { step: 'identify' });
    app.advance(-700);
  });

  t.test('a request that is posted goes by a page of ours, for the browser that leaves only', async (t) => {
    const posting = await makeCompany(app, { domain: 'posting.test', binding: 'post' });
    const { browser, step } = await begin();
    const left = await leaveForCompany(browser, step, 'p@posting.test');
    const { location } = left.json() as { location: string };
    t.ok(location.startsWith(`${issuer}/federation/${posting.connectionId}/start?departure=`));
    const page = await browser.get(location, { headers: { accept: 'text/html' } });
    t.match(page.text, /<form method="post" action="https:\/\/idp\.example\/sso[?"]/);
    const xml = Buffer.from(
      /name="SAMLRequest" value="([^"]+)"/.exec(page.text)?.[1] ?? '',
      'base64',
    ).toString();
    t.match(xml, /<ds:SignatureValue|SignatureValue>/, 'the request is signed');
    const requestId = / ID="([^"]+)"/.exec(xml)?.[1];
    t.equal((await new Agent(issuer).get(location)).status, 410);
    const response = await respond(posting, requestId, { email: 'p@posting.test' });
    t.match((await finish(browser, await postResponse(browser, posting, response))).json(), { step: 'done' });
  });

  t.test('whoever must prove themself anew must have done so there', async (t) => {
    for (const [provenAt, step] of [
      [new Date(Date.now() - 3600_000), 'company'],
      [new Date(Date.now() + 1000), 'done'],
    ] as const) {
      const { browser, requestId } = await leave('bruce@wayne.test', { prompt: 'login' });
      const says = { nameId: 'bruce', attributes: [['email', 'bruce@wayne.test']] as const, provenAt };
      const posted = await postResponse(browser, company, await respond(company, requestId, { says }));
      t.match((await finish(browser, posted)).json(), { step });
    }
  });
});

t.test('responses that nobody asked for', async (t) => {
  const app = await startApp(t);
  const { issuer } = app;
  const assist = new RelyingParty(issuer, demoClient(issuer, 'assist'));
  const clients = ['demo-assist'];
  const unsolicited = (company: Company, email: string) =>
    respond(company, undefined, { email, says: { nameId: 'u', attributes: [['email', email]] } });
  /** The demo's own applications follow the address they are sent to; here the test plays one. */
  const startAtClient = async (browser: Agent) => {
    const started = await assist.start();
    return { started, answer: await browser.follow(started.url.href) };
  };

  t.test('off: refused', async (t) => {
    const company = await makeCompany(app, {
      domain: 'off.test',
      settings: { idpInitiated: 'off', idpInitiatedClients: clients },
    });
    const browser = new Agent(issuer);
    await isRefused(t, app, {
      company,
      code: 'response_unexpected',
      stage: 'response',
      attack: async () =>
        t.equal((await postResponse(browser, company, await unsolicited(company, 'a@off.test'))).status, 403),
    });
  });

  t.test('restart: what was posted is not even read, and a sign-in of our own begins', async (t) => {
    const company = await makeCompany(app, {
      domain: 'restart.test',
      settings: { idpInitiatedClients: clients },
    });
    const browser = new Agent(issuer);
    const posted = await postResponse(browser, company, await unsolicited(company, 'a@restart.test'), {
      RelayState: 'https://evil.test/',
    });
    t.equal(posted.status, 303);
    t.ok(posted.location?.startsWith(`${issuer}/demo/assist/sign-in?iss=`));
    const { started, answer } = await startAtClient(browser);
    t.match(answer.json(), { step: 'redirect' });
    const requestId = requestIdOf(answer.json().location);
    const back = await postResponse(
      browser,
      company,
      await respond(company, requestId, { email: 'a@restart.test' }),
    );
    const done = await comeHome(browser, back);
    const callback = await browser.follow(done.json().location);
    t.ok(await assist.finish(callback.location, started));
  });

  t.test('another tab that is away at a company comes home all the same', async (t) => {
    const domain = 'tabs.test';
    const company = await makeCompany(app, { domain, settings: { idpInitiatedClients: clients } });
    const browser = new Agent(issuer);
    const started = await assist.start();
    const left = await leaveForCompany(browser, await toStep(browser, started.url), `a@${domain}`);
    const requestId = requestIdOf(left.json().location);
    const secret = () => browser.cookies.filter(({ name }) => name === 'doorward_federation');
    const before = secret();
    const unasked = await postResponse(browser, company, await unsolicited(company, `a@${domain}`));
    t.equal(unasked.status, 303);
    t.strictSame(secret(), before);
    const response = await respond(company, requestId, { email: `a@${domain}` });
    const home = await comeHome(browser, await postResponse(browser, company, response));
    t.match(home.json(), { step: 'done' });
    const { answer } = await startAtClient(browser);
    t.match(answer.json(), { step: 'redirect' }, 'and what came unasked goes on, too');
    t.notOk(
      browser.cookies.some(({ name }) => name === 'doorward_arrival'),
      'once',
    );
  });

  t.test('allow: it is believed once, in the browser it was posted by', async (t) => {
    const company = await makeCompany(app, {
      domain: 'allow.test',
      settings: { idpInitiated: 'allow', idpInitiatedClients: clients },
    });
    const browser = new Agent(issuer);
    const response = await unsolicited(company, 'a@allow.test');
    t.equal((await postResponse(browser, company, response)).status, 303);
    const { started, answer } = await startAtClient(browser);
    t.match(answer.json(), { step: 'done' });
    const callback = await browser.follow(answer.json().location);
    t.ok(await assist.finish(callback.location, started));
    await isRefused(t, app, {
      company,
      code: 'response_replayed',
      stage: 'response',
      attack: async () => t.equal((await postResponse(new Agent(issuer), company, response)).status, 403),
    });
    const changing = new Agent(issuer);
    const before = await postResponse(changing, company, await unsolicited(company, 'a@allow.test'));
    t.equal(before.status, 303);
    const { connectionId } = company;
    await inTransaction(app.ctx, (tx) => disableConnection(tx, { connectionId, by: 'a test' }));
    await app.ctx.db
      .updateTable('connections')
      .set({ state: 'enabled' })
      .where('id', '=', connectionId)
      .execute();
    await isRefused(t, app, {
      company,
      code: 'connection_not_available',
      stage: 'match',
      attack: async () => t.match((await startAtClient(changing)).answer.json(), { step: 'company' }),
    });
    const answered = await respond(company, '_somebody-elses-request', { email: 'a@allow.test' });
    t.equal((await postResponse(browser, company, answered)).status, 403, 'S27');
  });
});
