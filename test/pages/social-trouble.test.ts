/** R4 and R5 to their ends by keyboard alone, with scripts and without: codes, second thoughts, two tabs, invitations. */
import t, { type Test } from 'tap';
import { inTransaction } from '../../src/context.ts';
import { findAccountBySlug } from '../../src/core/accounts/accounts.ts';
import { providerNames, socialProviders } from '../../src/core/identities/identities.ts';
import { createInvitation } from '../../src/core/invitations/invitations.ts';
import { findProductBySlug } from '../../src/core/products/products.ts';
import { demoPassword } from '../../src/demo/world.ts';
import { parseEmail } from '../../src/kernel/email-address.ts';
import { texts } from '../../src/pages/text/texts.ts';
import { startApp, type TestApp } from '../support/app.ts';
import { startBrowser } from '../support/browser.ts';
import {
  answerAtIdp,
  assertSignedIn,
  atIdp,
  goThrough,
  inAssist,
  newTab,
  newWalker,
  signOut,
  switchFault,
  toSignIn,
  type Walker,
} from '../support/company-walk.ts';
import { makeColleague } from '../support/demo-company.ts';
import { enter, focusIsOn, focusOf, goBack, press, typeInto } from '../support/keyboard.ts';
import { startSocialIdp } from '../support/social-idp.ts';
import {
  answerAtProvider,
  atStep,
  comeBy,
  goOnFrom,
  mailedCode,
  mailedLink,
  providersOf,
  signInAndLink,
  typeCode,
} from '../support/social-walk.ts';

t.setTimeout(400_000);

const english = texts('en');
const atInvitation = /\/invitations\/accept/;

for (const scripts of [true, false]) {
  t.test(`with scripts ${scripts ? 'on' : 'off'}`, async (t) => {
    const app = await startApp(t, { social: true });
    const open = await startBrowser(t);
    const journey = (name: string, walk: (t: Test, walker: Walker) => Promise<void>) =>
      t.test(name, async (t) => {
        const walker = await newWalker(app, open, scripts);
        await walk(t, walker);
        t.same(walker.complaints, [], 'the browser had nothing to complain about');
        await walker.page.context().close();
      });

    journey('P06 Facebook without an address: the code, the own sign-in, the link', async (t, walker) => {
      const { page } = walker;
      await comeBy(walker, { provider: 'facebook', handle: 'fay@elsewhere.test' });
      t.notMatch(page.url(), /#./, 'what Facebook hangs on the address is gone');
      t.match(await page.title(), english.codeAddress);
      t.ok(await focusIsOn(page, 'email'));
      await typeInto(page, '#email', 'alan@acme.test');
      await enter(page, atStep);
      t.match(await page.title(), english.resetSent);
      t.ok(await focusIsOn(page, 'code'));
      t.notMatch(await page.textContent('main'), 'alan@acme.test', 'the address is not read out');
      await typeCode(walker, '000 000');
      t.match(await page.title(), english.problem);
      t.equal(await page.getAttribute('[role=alert] a', 'href'), '#code');
      t.ok(await focusIsOn(page, 'code'));
      await typeCode(walker, await mailedCode(app, 'alan@acme.test'));
      t.match(await page.title(), english.linkSignIn('Facebook'));
      t.ok(await focusIsOn(page, 'password'));
      await page.keyboard.type(demoPassword);
      await enter(page, atStep);
      t.match(await page.title(), english.linkConfirm('Facebook'));
      t.equal(await focusOf(page), '', 'nobody says yes by pressing on');
      t.match(await page.textContent('.pair'), /Fay Face.*alan@acme\.test/s);
      await press(page, '#link', inAssist);
      await assertSignedIn(t, walker, 'alan@acme.test');
      t.same(await providersOf(app, 'alan@acme.test'), ['facebook']);

      await signOut(walker);
      await toSignIn(walker);
      await press(page, '#social-facebook', inAssist);
      await assertSignedIn(t, walker, 'alan@acme.test');
    });

    journey('a code is mailed again where it did not come, but not at once', async (t, walker) => {
      const { page } = walker;
      await switchFault(walker, 'missing_email');
      await comeBy(walker, { provider: 'facebook', handle: 'nora@elsewhere.test' });
      await typeInto(page, '#email', 'noseat@acme.test');
      await enter(page, atStep);
      const first = await mailedCode(app, 'noseat@acme.test');
      await press(page, '#resend', atStep);
      t.match(await page.title(), english.problem);
      t.ok(await focusIsOn(page, 'code'), 'where the first one can still be typed');
      await typeCode(walker, first);
      t.equal(await page.inputValue('#email'), 'noseat@acme.test');
      t.ok(await focusIsOn(page, 'password'));
    });

    journey('L05 somebody invited proves the mailbox, and accepts the same way', async (t, walker) => {
      const { page } = walker;
      const link = await mailedLink(app, 'invited@acme.test');
      await comeBy(walker, { provider: 'google', handle: 'invited@acme.test' });
      t.match(await page.title(), english.resetSent);
      await typeCode(walker, await mailedCode(app, 'invited@acme.test'));
      t.equal(await page.getAttribute('#case', 'data-code'), 'no_account');
      t.same(await providersOf(app, 'invited@acme.test'), ['google']);
      await page.goto(link);
      await press(page, '#social-google', atStep);
      t.equal(await page.inputValue('#email'), 'invited@acme.test', 'accepted, and on to the sign-in');
      await press(page, '#social-google', inAssist);
      await assertSignedIn(t, walker, 'invited@acme.test');
    });

    journey('a company that is required is where Google leads, and its people come in', async (t, walker) => {
      const { page } = walker;
      await comeBy(walker, { provider: 'google', handle: 'gina@globex.test' });
      t.match(await page.title(), english.problem);
      t.ok(await page.isVisible('[role=alert]'));
      t.equal(await page.inputValue('#email'), 'gina@globex.test', 'nothing is typed twice');
      await press(page, '#go', atIdp);
      await answerAtIdp(walker, 'gina@globex.test');
      await assertSignedIn(t, walker, 'gina@globex.test');
      t.notOk((await providersOf(app, 'gina@globex.test')).includes('google'), 'nothing is kept of it');
    });

    journey('the company vouches for who is to be linked', async (t, walker) => {
      const { page } = walker;
      await comeBy(walker, { provider: 'microsoft', handle: 'ian@initech.test' });
      t.match(await page.title(), english.linkSignIn('Microsoft'));
      await press(page, '#company', atIdp);
      t.equal(await page.inputValue('#email'), 'ian@initech.test');
      await answerAtIdp(walker, 'ian@initech.test', atStep);
      t.match(await page.title(), english.linkConfirm('Microsoft'));
      await press(page, '#link', inAssist);
      await assertSignedIn(t, walker, 'ian@initech.test');
      t.ok((await providersOf(app, 'ian@initech.test')).includes('microsoft'));
    });

    journey('P09 whoever cancels, at each of the six, can go another way', async (t, walker) => {
      const { page } = walker;
      await toSignIn(walker);
      for (const provider of socialProviders) {
        await press(page, `#social-${provider}`, atIdp);
        await goOnFrom(walker, { provider, selector: '#cancel' });
        t.match(await page.title(), english.problem, provider);
        t.equal(await page.getAttribute('#case', 'data-code'), 'social_sign_in_failed');
        t.equal(await focusOf(page), '', 'the next key is for what is said');
      }
      await typeInto(page, '#email', 'ada@acme.test');
      await page.keyboard.press('Tab');
      await page.keyboard.type(demoPassword);
      await enter(page, inAssist);
      await assertSignedIn(t, walker, 'ada@acme.test');
    });

    for (const [provider, fault] of [
      ['linkedin', 'server_error'],
      ['github', 'refused_code'],
      ['apple', 'wrong_nonce'],
      // five seconds until it is given up: once is enough
      ...(scripts ? [] : [['microsoft', 'slow'] as const]),
    ] as const) {
      journey(`${provider}, ${fault}: one sentence, one case, and once more`, async (t, walker) => {
        const { page } = walker;
        await switchFault(walker, fault);
        await comeBy(walker, { provider, handle: 'ada@acme.test' });
        const step = page.url();
        t.match(await page.title(), english.problem);
        const caseId = await page.textContent('#case strong');
        t.ok(caseId !== null && app.lines.some((line) => line.includes(caseId)), 'in the log as well');
        const events = app.ctx.db.selectFrom('events').select(['type']).where('caseId', '=', caseId);
        t.match(await events.execute(), [{ type: 'sign_in.refused' }]);
        await switchFault(walker, 'none');
        await page.goto(step);
        await goOnFrom(walker, { provider, selector: `#social-${provider}` });
        t.match(await page.title(), english.linkSignIn(providerNames[provider]));
        t.ok(await focusIsOn(page, 'password'));
      });
    }

    journey('L02 two tabs with two identities do not mix', async (t, walker) => {
      const { page } = walker;
      const other = await newTab(walker);
      await toSignIn(walker);
      await press(page, '#social-google', atIdp);
      await toSignIn(other, 'meet');
      await press(other.page, '#social-github', atIdp);
      await answerAtProvider(walker, { provider: 'google', handle: 'ada@acme.test' });
      await answerAtProvider(other, { provider: 'github', handle: 'alan@acme.test' });
      t.equal(await other.page.inputValue('#email'), 'alan@acme.test');
      t.equal(await page.inputValue('#email'), 'ada@acme.test');
      await signInAndLink(walker);
      await assertSignedIn(t, walker, 'ada@acme.test');
      const inMeet = /\/demo\/meet$/;
      await signInAndLink(other, scripts ? inMeet : /./);
      // the session of the one ends before that of the other begins: without scripts one button more
      if ((await other.page.locator('#continue').count()) > 0) await press(other.page, '#continue', inMeet);
      t.match(await other.page.textContent('#id-token'), 'alan@acme.test');
      t.same(await providersOf(app, 'ada@acme.test'), ['google']);
      t.ok((await providersOf(app, 'alan@acme.test')).includes('github'));
      t.same(other.complaints, []);
    });

    journey('back from a provider and to another, and back after all of it', async (t, walker) => {
      const { page } = walker;
      await toSignIn(walker);
      await press(page, '#social-microsoft', atIdp);
      await goBack(page, atStep);
      await press(page, '#social-linkedin', atIdp);
      await answerAtProvider(walker, { provider: 'linkedin', handle: 'ada@acme.test' });
      t.match(await page.title(), english.linkSignIn('LinkedIn'));
      await goBack(page);
      await page.goForward();
      t.match(await page.title(), english.linkSignIn('LinkedIn'), 'where it stood');
      await signInAndLink(walker);
      await assertSignedIn(t, walker, 'ada@acme.test');
      for (let backs = 0; backs < 7 && (await page.locator('#start').count()) === 0; backs += 1)
        await page.goBack();
      await press(page, '#start', inAssist);
      await assertSignedIn(t, walker, 'ada@acme.test');
      const unexpected = walker.complaints.splice(0).filter((one) => !/status of 4(03|10)/.test(one));
      t.same(unexpected, [], 'what is over says so');
    });

    journey(
      'R5 an invitation is accepted by a provider, after a cancel and a wrong one',
      async (t, walker) => {
        const { page } = walker;
        const email = 'newcomer@elsewhere.test';
        await page.goto(await invite(app, 'initech', email));
        await press(page, '#social-google', atIdp);
        t.equal(await page.inputValue('#email'), email, 'the address goes along');
        await press(page, '#cancel', atInvitation);
        t.match(await page.title(), english.problem);
        t.equal(await focusOf(page), '', 'no field waits for a password');
        await press(page, '#social-linkedin', atIdp);
        await answerAtProvider(walker, { provider: 'linkedin', handle: 'lin@elsewhere.test' }, atInvitation);
        t.match(await page.title(), english.problem);
        t.match(await page.textContent('[role=alert]'), english.identityOtherEmail);
        t.same(await providersOf(app, email), []);
        await press(page, '#social-apple', atIdp);
        await answerAtProvider(walker, { provider: 'apple', handle: email });
        t.equal(await page.inputValue('#email'), email, 'at the sign-in, known by the address');
        await goOnFrom(walker, { provider: 'apple', selector: '#social-apple' }, inAssist);
        await assertSignedIn(t, walker, email);
        t.same(await providersOf(app, email), ['apple']);
      },
    );

    journey('L12 where the company is required an invitation is accepted by it alone', async (t, walker) => {
      const { page } = walker;
      const email = 'starter@globex.test';
      await page.goto(await invite(app, 'globex', email));
      t.equal(await page.locator('input[type=password], [id^=social-]').count(), 0);
      t.equal(await page.locator('[role=alert]').count(), 0, 'nothing has gone wrong');
      await press(page, '#company', atIdp);
      t.equal(await page.inputValue('#email'), email);
      await goThrough(walker, '#sign-in');
      await assertSignedIn(t, walker, email);
    });

    journey('an invitation where the company may be taken leads there as well', async (t, walker) => {
      const { page } = walker;
      const email = 'starter@initech.test';
      await page.goto(await invite(app, 'initech', email));
      t.equal(await page.locator('#password').count(), 1);
      await press(page, '#company', atIdp);
      await goThrough(walker, '#sign-in');
      await assertSignedIn(t, walker, email);
    });
  });

  t.test(`providers at another site, with scripts ${scripts ? 'on' : 'off'}`, async (t) => {
    // a site of its own: what Apple posts brings none of our cookies along
    const idp = await startSocialIdp(t, 'localhost');
    const app = await startApp(t, { env: idp.env });
    const open = await startBrowser(t);
    await makeColleague(app.ctx, 'oidc', 'pat@acme.test');
    for (const provider of socialProviders) {
      await t.test(provider, async (t) => {
        const walker = await newWalker(app, open, scripts);
        const { page } = walker;
        const leave = async (at: RegExp) => {
          await press(page, `#social-${provider}`, provider === 'apple' ? /:\d+\/apple\// : at);
          if (provider === 'apple') await press(page, '#continue', at);
        };
        await toSignIn(walker);
        await leave(atStep);
        if ((await page.locator('#code').count()) > 0)
          await typeCode(walker, await mailedCode(app, 'pat@acme.test'));
        t.match(await page.title(), english.linkSignIn(providerNames[provider]));
        await signInAndLink(walker);
        await assertSignedIn(t, walker, 'pat@acme.test');
        await signOut(walker);
        await toSignIn(walker);
        await leave(inAssist);
        await assertSignedIn(t, walker, 'pat@acme.test');
        t.same(walker.complaints, []);
        app.advance(70);
        await page.context().close();
      });
    }
  });
}

/** As the mail has it. */
async function invite(app: TestApp, account: string, typed: string): Promise<string> {
  await inTransaction(app.ctx, async (tx) => {
    const found = await findAccountBySlug(tx.db, account);
    const product = await findProductBySlug(tx.db, 'assist');
    const email = parseEmail(typed);
    if (!found || !product || !email) throw new Error('the world is incomplete');
    const invitation = { accountId: found.id, email, role: 'agent', products: [product.id] } as const;
    return createInvitation(tx, invitation);
  });
  return mailedLink(app, typed);
}
