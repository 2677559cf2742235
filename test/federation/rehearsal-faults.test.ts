/** The faults of the rehearsal on their way through the whole service: what an admin reads in the attempt. */
import { sql } from 'kysely';
import t from 'tap';
import { Agent, type Answer } from '../support/agent.ts';
import { startApp, type TestApp } from '../support/app.ts';
import { bringBack, comeHome, leaveForCompany, signInAtIdp } from '../support/company.ts';
import { openBrowser, switchFault } from '../support/rehearsal.ts';
import { demoClient, RelyingParty, toStep } from '../support/relying-party.ts';

t.test('a fault at the identity provider', async (t) => {
  const app = await startApp(t);
  const refused: [email: string, fault: string, code: string][] = [
    ['new@globex.test', 'wrong_audience', 'saml_audience'],
    ['new@globex.test', 'wrong_recipient', 'saml_recipient'],
    ['new@globex.test', 'wrong_issuer', 'saml_issuer'],
    ['new@globex.test', 'skewed_clock', 'saml_time'],
    ['new@globex.test', 'missing_email', 'email_missing'],
    ['new@initech.test', 'wrong_audience', 'oidc_id_token'],
    ['new@initech.test', 'wrong_issuer', 'oidc_issuer'],
    ['new@initech.test', 'skewed_clock', 'oidc_id_token'],
    ['new@initech.test', 'missing_email', 'email_missing'],
    ['new@initech.test', 'unsolicited', 'oidc_state'],
    ['new@initech.test', 'server_error', 'oidc_token'],
  ];
  for (const [email, fault, code] of refused) {
    t.test(`${fault} at ${email} ends with ${code}: no session, no user`, async (t) => {
      const browser = await faultyBrowser(app, fault);
      const end = await signInWith(app, browser, email);
      t.notMatch(end.text, /"step":"done"/);
      t.match(await lastAttempt(app), { outcome: 'refused', code });
      t.notOk(browser.cookies.some(({ name }) => name === 'doorward_session'));
      const users = app.ctx.db.selectFrom('users').select('id').where('email', '=', email);
      t.same(await users.execute(), []);
    });
  }

  for (const [email, code] of [
    ['gina@globex.test', 'response_replayed'],
    ['ian@initech.test', 'oidc_token'],
  ] as const) {
    t.test(`what comes a second time for ${email} ends with ${code}`, async (t) => {
      const browser = await faultyBrowser(app, 'replayed');
      t.match((await signInWith(app, browser, email)).json(), { step: 'done' });
      forgetTheService(browser);
      t.notMatch((await signInWith(app, browser, email)).text, /"step":"done"/);
      t.match(await lastAttempt(app), { outcome: 'refused', code });
    });
  }
});

t.test('a rollover of the certificate, rehearsed', async (t) => {
  const app = await startApp(t);

  t.test(
    'once the metadata was read again, the new key signs people in, and the old one still does',
    async (t) => {
      const browser = await faultyBrowser(app, 'rotated_certificate');
      await readMetadataAgain(app);
      t.match((await signInWith(app, browser, 'gina@globex.test')).json(), { step: 'done' });
      const undisturbed = await faultyBrowser(app, 'none');
      t.match((await signInWith(app, undisturbed, 'gina@globex.test')).json(), { step: 'done' });
    },
  );

  t.test('an expired certificate is taken, unless the connection refuses it', async (t) => {
    const browser = await faultyBrowser(app, 'expired_certificate');
    await readMetadataAgain(app);
    t.match((await signInWith(app, browser, 'gina@globex.test')).json(), { step: 'done' });
    forgetTheService(browser);
    await sql`update connections set settings = jsonb_set(settings, '{refuseExpiredCertificates}', 'true')
      where kind = 'saml'`.execute(app.ctx.db);
    t.notMatch((await signInWith(app, browser, 'gina@globex.test')).text, /"step":"done"/);
    t.match(await lastAttempt(app), { outcome: 'refused', code: 'saml_certificate_expired' });
  });
});

/** A program's browser, for which something goes wrong at the identity providers. */
async function faultyBrowser({ issuer }: TestApp, fault: string): Promise<Agent> {
  const switching = openBrowser(issuer);
  await switchFault(switching, fault);
  const browser = new Agent(issuer);
  browser.cookies = switching.cookies;
  return browser;
}

/** The session there stays, the one here goes. */
function forgetTheService(browser: Agent): void {
  browser.cookies = browser.cookies.filter(({ path }) => path === '/demo/idp');
}

async function signInWith({ issuer }: TestApp, browser: Agent, email: string): Promise<Answer> {
  const assist = new RelyingParty(issuer, demoClient(issuer, 'assist'));
  const step = await toStep(browser, (await assist.start()).url);
  const left = await leaveForCompany(browser, step, email);
  const fromIdp = await signInAtIdp(browser, left.json().location as string, email);
  return comeHome(browser, await bringBack(browser, fromIdp));
}

async function lastAttempt({ ctx }: TestApp) {
  return ctx.db
    .selectFrom('connectionAttempts')
    .select(['outcome', 'code'])
    .orderBy('startedAt', 'desc')
    .orderBy('id', 'desc')
    .executeTakeFirst();
}

async function readMetadataAgain({ ctx, runJob }: TestApp): Promise<void> {
  await ctx.db.updateTable('connections').set({ refreshAt: ctx.now() }).where('kind', '=', 'saml').execute();
  await runJob('connection metadata');
}
