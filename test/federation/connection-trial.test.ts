/** A test of a connection, as an admin makes it: a link, a real sign-in, a pass; and nobody is in for it. */
import t from 'tap';
import { inTransaction } from '../../src/context.ts';
import {
  beginTest,
  enableConnection,
  isTested,
  reviseConnection,
} from '../../src/core/connections/connections.ts';
import { Agent } from '../support/agent.ts';
import { startApp } from '../support/app.ts';
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

const app = await startApp(t);
const { ctx, issuer } = app;

async function rowsOf(company: Company) {
  const count = async (table: 'users' | 'sessions' | 'identities' | 'memberships') => {
    const row = await ctx.db
      .selectFrom(table)
      .select((each) => each.fn.countAll<number>().as('count'))
      .executeTakeFirstOrThrow();
    return row.count;
  };
  const made = [
    await count('users'),
    await count('sessions'),
    await count('identities'),
    await count('memberships'),
  ];
  const attempt = await ctx.db
    .selectFrom('connectionAttempts')
    .select(['purpose', 'stage', 'outcome', 'code'])
    .where('connectionId', '=', company.connectionId)
    .orderBy('startedAt', 'desc')
    .executeTakeFirst();
  return { made, attempt };
}

/** From the link to the identity provider: the browser, and what it was asked. */
async function leaveByLink({ connectionId }: Company) {
  const browser = new Agent(issuer, 'text/html');
  const left = await browser.get(await beginTest(ctx, { connectionId }));
  return { browser, requestId: requestIdOf(left.location ?? '') };
}

t.test('a draft is tried out, passes, and may be enabled; nobody is made and nobody is in', async (t) => {
  const company = await makeCompany(app, { domain: 'trial.test', state: 'draft' });
  const before = await rowsOf(company);
  const { browser, requestId } = await leaveByLink(company);
  const response = await respond(company, requestId, { email: 'admin@trial.test' });
  const posted = await postResponse(browser, company, response);
  t.equal((await browser.get(posted.location ?? '')).status, 200);
  const { made, attempt } = await rowsOf(company);
  t.same(made, before.made);
  t.strictSame(attempt, { purpose: 'test', stage: 'done', outcome: 'passed', code: null });
  const connection = await getSaml(app, company);
  t.equal(connection.state, 'tested');
  t.ok(isTested(connection));
  await inTransaction(ctx, (tx) => enableConnection(tx, company));
  t.equal((await getSaml(app, company)).state, 'enabled');
});

t.test('a test that fails passes nothing', async (t) => {
  const company = await makeCompany(app, { domain: 'failing.test', state: 'draft' });
  const cases = [
    ['saml_signature', { email: 'admin@failing.test', sign: 'none' }],
    ['domain_not_allowed', { email: 'admin@elsewhere.test' }],
  ] as const;
  for (const [code, making] of cases) {
    const { browser, requestId } = await leaveByLink(company);
    const posted = await postResponse(browser, company, await respond(company, requestId, making));
    await browser.get(posted.location ?? '');
    t.match((await rowsOf(company)).attempt, { purpose: 'test', outcome: 'refused', code });
    t.match(await getSaml(app, company), { state: 'draft', testedHash: null });
  }
});

t.test('a link works once', async (t) => {
  const company = await makeCompany(app, { domain: 'once.test', state: 'draft' });
  const link = await beginTest(ctx, company);
  const [first, second] = [new Agent(issuer), new Agent(issuer)];
  t.equal((await first.get(link)).status, 303);
  t.equal((await second.get(link)).status, 410);
  const other = await makeCompany(app, { domain: 'other.test', state: 'draft' });
  const foreign = (await beginTest(ctx, company)).replace(company.connectionId, other.connectionId);
  t.equal((await first.get(foreign)).status, 410, 'of another connection');
});

t.test('settings that change under way have not been tested', async (t) => {
  const company = await makeCompany(app, { domain: 'changing.test', state: 'draft' });
  const { connectionId } = company;
  const { browser, requestId } = await leaveByLink(company);
  const posted = await postResponse(
    browser,
    company,
    await respond(company, requestId, { email: 'a@changing.test' }),
  );
  const { settings } = await getSaml(app, company);
  await inTransaction(ctx, (tx) =>
    reviseConnection(tx, { connectionId, settings: { ...settings, signaturePolicy: 'both' } }),
  );
  await browser.get(posted.location ?? '');
  t.notOk(isTested(await getSaml(app, company)));
});

t.test('FD-06: whoever left under other settings has to begin anew', async (t) => {
  const company = await makeCompany(app, { domain: 'edited.test' });
  const assist = new RelyingParty(issuer, demoClient(issuer, 'assist'));
  const browser = new Agent(issuer);
  const step = await toStep(browser, (await assist.start()).url);
  const left = await leaveForCompany(browser, step, 'ada@edited.test');
  const requestId = requestIdOf(left.json().location as string);
  const { settings } = await getSaml(app, company);
  const { connectionId } = company;
  await inTransaction(ctx, (tx) =>
    reviseConnection(tx, { connectionId, settings: { ...settings, idpInitiated: 'off' } }),
  );
  const before = await rowsOf(company);
  const response = await respond(company, requestId, { email: 'ada@edited.test' });
  const home = await comeHome(browser, await postResponse(browser, company, response));
  t.match(home.json(), { step: 'company', problem: { code: 'company_sign_in_failed' } });
  const { made, attempt } = await rowsOf(company);
  t.same(made, before.made);
  t.match(attempt, { stage: 'response', outcome: 'refused', code: 'connection_not_available' });
});
