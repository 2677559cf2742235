/** My Company ID where things go wrong, by keyboard alone, with scripts and without: nobody is stuck, nobody is mixed up. */
import type { Page } from 'playwright-core';
import t, { type Test } from 'tap';
import { texts } from '../../src/pages/text/texts.ts';
import { freePort, startApp, type TestApp } from '../support/app.ts';
import { startBrowser } from '../support/browser.ts';
import { makeCompany } from '../support/company-account.ts';
import {
  answerAtIdp,
  assertSignedIn,
  atIdp,
  atStep,
  goThrough,
  inAssist,
  leaveForCompany,
  newTab,
  newWalker,
  switchFault,
  toSignIn,
  typeCompany,
  typePassword,
  type Walker,
} from '../support/company-walk.ts';
import { demoConnection, lastAttempt } from '../support/demo-company.ts';
import { playForeignIdp, unsolicitedAt } from '../support/foreign-idp.ts';
import { complaintsOf, enter, focusIsOn, goBack, press, tabTo, typeInto } from '../support/keyboard.ts';

t.setTimeout(300_000);

const english = texts('en');
const atForeignIdp = /^https:\/\/idp\.example\//;

t.test('what a browser complains about is heard, with scripts and without', async (t) => {
  const open = await startBrowser(t);
  for (const javaScriptEnabled of [true, false]) {
    const page = await open({ javaScriptEnabled });
    const complaints = complaintsOf(page);
    await page.route('**/*', (route) =>
      route.fulfill({
        contentType: 'text/html',
        headers: { 'content-security-policy': "default-src 'none'" },
        body: '<style>p { color: red }</style>',
      }),
    );
    await page.goto('https://pages.test/');
    t.equal(complaints.length, 1);
  }
});

for (const scripts of [true, false]) {
  t.test(`with scripts ${scripts ? 'on' : 'off'}`, async (t) => {
    const app = await startApp(t);
    const { ctx } = app;
    const open = await startBrowser(t);
    const journey = (name: string, walk: (t: Test, walker: Walker) => Promise<void>) =>
      t.test(name, async (t) => {
        const walker = await newWalker(app, open, scripts);
        await walk(t, walker);
        t.same(walker.complaints, [], 'the browser had nothing to complain about');
        await walker.page.context().close();
      });

    journey('SAML, the identity provider is out of order: back, and once more', async (t, walker) => {
      const { page } = walker;
      await switchFault(walker, 'server_error');
      await toSignIn(walker);
      await leaveForCompany(walker, 'gina@globex.test');
      t.match(walker.complaints.splice(0), [/500/], 'its own page says so');
      t.match(await lastAttempt(ctx), { outcome: 'pending', stage: 'departure' });
      await goBack(page, atStep);
      const step = page.url();
      t.equal(await page.inputValue('#email'), 'gina@globex.test');
      await switchFault(walker, 'none');
      await page.goto(step);
      t.ok(await focusIsOn(page, 'email'));
      await enter(page, atIdp);
      await answerAtIdp(walker, 'gina@globex.test');
      await assertSignedIn(t, walker, 'gina@globex.test');
    });

    journey('SAML, the identity provider is slow: nobody has to wait for it', async (t, walker) => {
      const { page } = walker;
      await switchFault(walker, 'slow');
      await toSignIn(walker);
      await press(page, '#company');
      await typeInto(page, '#email', 'gina@globex.test');
      const asked = page.waitForRequest(/\/demo\/idp\/saml\/sso/);
      await page.keyboard.press('Enter');
      await asked;
      // while the browser still waits, its page is there to be used: past the button to the way out
      await page.keyboard.press('Tab');
      await page.keyboard.press('Tab');
      await enter(page, atStep);
      await typePassword(walker, 'alan@acme.test');
      await assertSignedIn(t, walker, 'alan@acme.test');
    });

    for (const [email, fault, code] of [
      ['gina@globex.test', 'wrong_audience', 'saml_audience'],
      ['someone@globex.test', 'missing_email', 'email_missing'],
      ['ian@initech.test', 'server_error', 'oidc_token'],
      // five seconds until it is given up: once is enough
      ...(scripts ? [] : [['ian@initech.test', 'slow', 'idp_not_reachable'] as const]),
    ] as const) {
      journey(`${fault} for ${email}: a case, and once more`, async (t, walker) => {
        const { page } = walker;
        await switchFault(walker, fault);
        await toSignIn(walker);
        await leaveForCompany(walker, email);
        await goThrough(walker, '#sign-in', atStep);
        await assertFailed(t, app, walker, { code, email });
        const step = page.url();
        await switchFault(walker, 'none');
        await page.goto(step);
        await goThrough(walker, '#go');
        await assertSignedIn(t, walker, email);
      });
    }

    journey('OpenID Connect, nothing answers where it should be: nobody leaves', async (t, walker) => {
      const { id, settings, published } = await demoConnection(ctx, 'oidc');
      const change = (issuer: string, known: unknown) =>
        ctx.db
          .updateTable('connections')
          .set({ settings: JSON.stringify({ ...settings, issuer }), published: JSON.stringify(known) })
          .where('id', '=', id)
          .execute();
      const nothing = { metadata: null, metadataAt: null, jwks: null, jwksAt: null };
      await change(`http://127.0.0.1:${await freePort()}`, nothing);
      await toSignIn(walker);
      await press(walker.page, '#company');
      await typeCompany(walker, 'ian@initech.test', atStep);
      await assertFailed(t, app, walker, { code: 'idp_not_reachable', email: 'ian@initech.test' });
      await change(settings.issuer, published);
      await tabTo(walker.page, '#go');
      await enter(walker.page, atIdp);
      await answerAtIdp(walker, 'ian@initech.test');
      await assertSignedIn(t, walker, 'ian@initech.test');
    });

    // without scripts a posted form stands in the way back, and the browser itself asks about it
    for (const email of ['ian@initech.test', ...(scripts ? ['gina@globex.test'] : [])]) {
      journey(
        `${email} goes back from the company and there again, and back after all of it`,
        async (t, walker) => {
          const { page } = walker;
          await toSignIn(walker);
          await leaveForCompany(walker, email);
          await goBack(page, atStep);
          t.equal(await page.inputValue('#email'), email);
          await press(page, '#go', atIdp);
          await answerAtIdp(walker, email);
          await assertSignedIn(t, walker, email);
          await goBackUntil(page, '#start');
          await press(page, '#start', inAssist);
          await assertSignedIn(t, walker, email);
          const unexpected = walker.complaints.splice(0).filter((one) => !/status of 4(03|10)/.test(one));
          t.same(unexpected, [], 'what is over says so');
        },
      );
    }

    journey('two tabs at two companies do not mix', async (t, walker) => {
      const other = await newTab(walker);
      await toSignIn(walker);
      await leaveForCompany(walker, 'gina@globex.test');
      await toSignIn(other, 'admin');
      await leaveForCompany(other, 'ian@initech.test');
      await answerAtIdp(other, 'ian@initech.test', /\/demo\/admin$/);
      t.match(await other.page.textContent('#id-token'), 'ian@initech.test');
      await answerAtIdp(walker, 'gina@globex.test', scripts ? inAssist : /\/authorize\//);
      // the session of the one ends before that of the other begins: without scripts one button more
      if (!scripts) await press(walker.page, '#continue', inAssist);
      await assertSignedIn(t, walker, 'gina@globex.test');
      t.same(other.complaints, []);
    });

    for (const binding of ['redirect', 'post'] as const) {
      journey(`an identity provider of another site, asked by ${binding}`, async (t, walker) => {
        const { page } = walker;
        const domain = `${binding}.test`;
        const company = await makeCompany(app, { domain, binding });
        await playForeignIdp(page, company, { email: `e@${domain}` });
        await toSignIn(walker);
        await press(page, '#company');
        await typeCompany(walker, `e@${domain}`, binding === 'post' ? /\/start\?/ : atForeignIdp);
        if (binding === 'post') {
          t.ok(await focusIsOn(page, 'continue'));
          t.match(await page.title(), english.companyDepart(`Company ${domain}`));
          await enter(page, atForeignIdp);
        }
        await press(page, '#continue', inAssist);
        await assertSignedIn(t, walker, `e@${domain}`);
      });
    }

    for (const idpInitiated of ['restart', 'allow'] as const) {
      journey(`a start at another site, where that is to ${idpInitiated}`, async (t, walker) => {
        const { page } = walker;
        const domain = `${idpInitiated}.test`;
        const settings = { idpInitiated, idpInitiatedClients: ['demo-meet', 'demo-assist'] };
        const company = await makeCompany(app, { domain, settings });
        await playForeignIdp(page, company, { email: `e@${domain}`, relayState: 'demo-assist' });
        await page.goto(unsolicitedAt);
        await press(page, '#continue', idpInitiated === 'allow' ? inAssist : atForeignIdp);
        if (idpInitiated === 'restart') await press(page, '#continue', inAssist);
        await assertSignedIn(t, walker, `e@${domain}`);
      });
    }

    journey(
      'what another browser has asked for signs nobody in, and is known by its case',
      async (t, walker) => {
        const { page } = walker;
        const company = await makeCompany(app, { domain: 'lured.test' });
        const attacker = await newWalker(app, open, scripts);
        await playForeignIdp(attacker.page, company, { email: 'attacker@lured.test' });
        await toSignIn(attacker);
        await press(attacker.page, '#company');
        await typeCompany(attacker, 'attacker@lured.test', atForeignIdp);
        const form = await attacker.page.content();
        await page
          .context()
          .route('https://evil.example/', (route) => route.fulfill({ contentType: 'text/html', body: form }));
        await page.goto('https://evil.example/');
        await press(page, '#continue', /\/federation\/resume/);
        const { code, caseId } = await lastAttempt(ctx);
        t.equal(code, 'other_browser');
        t.match(await page.textContent('main'), caseId ?? 'none');
        t.match(walker.complaints.splice(0), [/status of 4\d\d/], 'the page is none of success');
      },
    );
  });
}

/** Back, past what cannot be shown again, to a page that says how to go on. */
async function goBackUntil(page: Page, selector: string): Promise<void> {
  for (let backs = 0; backs < 5 && (await page.locator(selector).count()) === 0; backs += 1)
    await page.goBack();
}

interface Refused {
  readonly code: string;
  readonly email: string;
}

/** The page that says so, with one case for the person, the admins, the audit and the log; nobody is signed in. */
async function assertFailed(t: Test, { ctx, lines }: TestApp, { page }: Walker, { code, email }: Refused) {
  t.match(await page.title(), english.problem);
  t.ok(await focusIsOn(page, 'email'), 'where it can be tried again');
  t.equal(await page.getAttribute('[role=alert] a', 'href'), '#email');
  t.equal(await page.inputValue('#email'), email, 'what was typed is still there');
  const caseId = await page.textContent('#case strong');
  const attempt = await lastAttempt(ctx);
  t.match(attempt, { outcome: 'refused', code, caseId });
  const events = ctx.db.selectFrom('events').select(['type', 'details']).where('caseId', '=', caseId);
  t.match(await events.execute(), [{ type: 'sign_in.refused', details: { code } }]);
  t.ok(caseId !== null && lines.some((line) => line.includes(caseId)), 'in the log as well');
  const cookies = await page.context().cookies();
  t.notOk(
    cookies.some(({ name }) => name === 'doorward_session'),
    'no session',
  );
}
