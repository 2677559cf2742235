/** R2 and R3 by keyboard alone, with scripts and without: people whose company has a sign-in of its own. */
import t, { type Test } from 'tap';
import { texts } from '../../src/pages/text/texts.ts';
import { startApp } from '../support/app.ts';
import { startBrowser } from '../support/browser.ts';
import {
  answerAtIdp,
  assertSignedIn,
  atIdp,
  atStep,
  goThrough,
  inAssist,
  leaveForCompany,
  newWalker,
  signOut,
  startAtCompany,
  toSignIn,
  typeCompany,
  typePassword,
  type Walker,
} from '../support/company-walk.ts';
import { addSecondConnection, lastAttempt, makeColleague, routeBy } from '../support/demo-company.ts';
import { enter, focusIsOn, focusOf, press, tabTo } from '../support/keyboard.ts';

t.setTimeout(300_000);

const english = texts('en');

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

    for (const [email, protocol] of [
      ['gina@globex.test', 'saml'],
      ['ian@initech.test', 'oidc'],
    ] as const) {
      journey(`R3 ${email} comes in by ${protocol}, and the next time by one key`, async (t, walker) => {
        const { page } = walker;
        await toSignIn(walker);
        t.ok(await focusIsOn(page, 'email'));
        await press(page, '#company', atStep);
        t.ok(await focusIsOn(page, 'email'), 'the only field there is');
        t.match(await page.title(), english.company);
        t.equal(await page.locator('input[type=password]').count(), 0);
        await typeCompany(walker, email, atIdp);
        t.match(page.url(), `/demo/idp/${protocol}/`);
        t.equal(await page.inputValue('#email'), email, 'the address goes along');
        await answerAtIdp(walker, email);
        await assertSignedIn(t, walker, email);
        t.match(await lastAttempt(ctx), { outcome: 'passed', stage: 'done', caseId: null });

        await signOut(walker);
        await toSignIn(walker);
        t.equal(await focusOf(page), '', 'the first key is for the company');
        await page.keyboard.press('Tab');
        t.equal(await focusOf(page), 'remembered');
        await goThrough(walker, '#remembered');
        await assertSignedIn(t, walker, email);
      });
    }

    journey('R2 whoever types a wrong password is told of the company, one key away', async (t, walker) => {
      const { page } = walker;
      await toSignIn(walker);
      await typePassword(walker, 'ian@initech.test', 'not this one');
      t.ok(await page.isVisible('[role=alert] #company'), 'what is read out leads there');
      t.match(await page.title(), english.problem);
      t.ok(await focusIsOn(page, 'password'), 'and another try is as near');
      t.equal(await page.inputValue('#email'), 'ian@initech.test');
      await tabTo(page, '#company');
      await enter(page, atIdp);
      t.equal(await page.inputValue('#email'), 'ian@initech.test', 'nothing is typed twice');
      await press(page, '#sign-in', inAssist);
      await assertSignedIn(t, walker, 'ian@initech.test');
    });

    journey(
      'R2 where the company requires it no password does, and one key leads there',
      async (t, walker) => {
        const { page } = walker;
        const email = await makeColleague(ctx, 'saml', 'with-password@globex.test');
        await toSignIn(walker);
        await typePassword(walker, email);
        t.equal(await page.getAttribute('[role=alert] a', 'href'), '#company');
        t.equal(await focusOf(page), '', 'no field waits for another password');
        await page.keyboard.press('Tab');
        await page.keyboard.press('Tab');
        t.equal(await focusOf(page), 'company', 'right after what is said');
        await enter(page, atIdp);
        await goThrough(walker, '#sign-in');
        await assertSignedIn(t, walker, email);
      },
    );

    journey('I have my own email address', async (t, walker) => {
      const { page } = walker;
      await toSignIn(walker);
      await press(page, '#company');
      await press(page, '#restart');
      await typePassword(walker, 'alan@acme.test');
      await assertSignedIn(t, walker, 'alan@acme.test');
    });

    journey('an address without a company is for the password that is asked for next', async (t, walker) => {
      const { page } = walker;
      await toSignIn(walker);
      await press(page, '#company');
      await typeCompany(walker, 'alan@acme.test', atStep);
      t.match(await page.title(), english.problem);
      t.ok(await page.isVisible('[role=alert]'));
      t.equal(await page.inputValue('#email'), 'alan@acme.test');
      t.ok(await focusIsOn(page, 'password'));
      await typePassword(walker, 'alan@acme.test');
      await assertSignedIn(t, walker, 'alan@acme.test');
    });

    for (const kind of ['saml', 'oidc'] as const) {
      const domain = kind === 'saml' ? 'globex.test' : 'initech.test';
      journey(
        `a pilot by ${kind} takes who is listed, and leaves others their password`,
        async (t, walker) => {
          const { page } = walker;
          const [listed, other] = [`listed@${domain}`, `other@${domain}`];
          await makeColleague(ctx, kind, other);
          const before = await routeBy(ctx, kind, { state: 'pilot', pilotEmails: [listed] });
          await toSignIn(walker);
          await press(page, '#company');
          await typeCompany(walker, other, atStep);
          t.ok(await focusIsOn(page, 'password'));
          await typePassword(walker, other);
          await assertSignedIn(t, walker, other);

          await signOut(walker);
          await toSignIn(walker);
          await leaveForCompany(walker, listed);
          await goThrough(walker, '#sign-in');
          await assertSignedIn(t, walker, listed);
          await routeBy(ctx, kind, before);
        },
      );
    }

    journey('of several connections one is chosen by keyboard', async (t, walker) => {
      const { page } = walker;
      const second = await addSecondConnection(ctx);
      await toSignIn(walker);
      await press(page, '#company');
      await typeCompany(walker, 'gina@globex.test', atStep);
      t.match(await page.title(), english.companyChoose);
      await press(page, `button[value="${second}"]`, atIdp);
      await answerAtIdp(walker, 'gina@globex.test');
      await assertSignedIn(t, walker, 'gina@globex.test');
      t.match(await lastAttempt(ctx), { outcome: 'passed', connectionId: second });
      await ctx.db.deleteFrom('connectionDomains').where('connectionId', '=', second).execute();
    });

    journey('a start at the company ends in the product', async (t, walker) => {
      await startAtCompany(walker, 'gina@globex.test');
      await assertSignedIn(t, walker, 'gina@globex.test');
    });

    journey('a session of before, once the company requires its own sign-in', async (t, walker) => {
      const { page, issuer } = walker;
      await toSignIn(walker);
      await typePassword(walker, 'ian@initech.test');
      await assertSignedIn(t, walker, 'ian@initech.test');
      const before = await routeBy(ctx, 'oidc', { state: 'required' });
      await page.goto(`${issuer}/demo/assist/sign-in`);
      t.equal(await page.getAttribute('#case', 'data-code'), 'sso_required');
      await press(page, '#company', atIdp);
      t.equal(await page.inputValue('#email'), 'ian@initech.test', 'who it is was known');
      await answerAtIdp(walker, 'ian@initech.test');
      await assertSignedIn(t, walker, 'ian@initech.test');
      await routeBy(ctx, 'oidc', before);
    });
  });
}
