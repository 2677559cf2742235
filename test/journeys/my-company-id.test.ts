/** R2 and R3: people who sign in by their company, by SAML and by OpenID Connect, and what everybody else is told. */
import t from 'tap';
import { startApp } from '../support/app.ts';
import { Agent } from '../support/agent.ts';
import { bringBack, comeHome, leaveForCompany, signInAtIdp } from '../support/company.ts';
import { demoClient, RelyingParty, toStep } from '../support/relying-party.ts';

t.test('My Company ID', async (t) => {
  const app = await startApp(t);
  const { issuer, ctx } = app;
  const assist = new RelyingParty(issuer, demoClient(issuer, 'assist'));
  const begin = async (extra: Record<string, string> = {}) => {
    const browser = new Agent(issuer);
    const started = await assist.start(extra);
    return { browser, started, step: await toStep(browser, started.url) };
  };
  const attempts = () =>
    ctx.db
      .selectFrom('connectionAttempts')
      .select(['purpose', 'stage', 'outcome', 'code', 'caseId', 'userId', 'claims'])
      .orderBy('startedAt', 'desc')
      .execute();

  for (const [email, protocol] of [
    ['gina@globex.test', 'SAML'],
    ['ian@initech.test', 'OpenID Connect'],
  ] as const) {
    t.test(`${email} comes in by ${protocol}, and the client gets their token`, async (t) => {
      const { browser, started, step } = await begin();
      const left = await leaveForCompany(browser, step, email);
      t.match(left.json(), { step: 'redirect', location: /\/demo\/idp\// });
      const back = await bringBack(browser, await signInAtIdp(browser, left.json().location, email));
      const done = await comeHome(browser, back);
      t.match(done.json(), { step: 'done' });
      const callback = await browser.follow(done.json().location);
      const tokens = await assist.finish(callback.location, started);
      t.match(tokens.claims(), { role: String, amr: ['fed'] });
      t.match(await attempts(), [{ purpose: 'sign_in', stage: 'done', outcome: 'passed', code: null }]);
    });
  }
});
