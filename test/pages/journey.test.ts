/** The demo by a real browser: what a newcomer does in the first five minutes. Scripts are off unless said. */
import t from 'tap';
import type { Page } from 'playwright-core';
import { demoPassword } from '../../src/demo/world.ts';
import { startApp } from '../support/app.ts';
import { startBrowser } from '../support/browser.ts';

const screenshots = process.env['SCREENSHOTS'];

async function shoot(page: Page, name: string): Promise<void> {
  if (screenshots !== undefined)
    await page.screenshot({ path: `${screenshots}/${name}.png`, fullPage: true });
}

async function typePassword(page: Page, email: string, password = demoPassword): Promise<void> {
  await page.fill('#email', email);
  await page.fill('#password', password);
  await leave(page, () => page.keyboard.press('Enter'));
}

/** Does what makes the browser navigate, and waits for the page it ends on. */
async function leave(page: Page, act: () => Promise<void>): Promise<void> {
  const loaded = page.waitForEvent('load');
  await act();
  await loaded;
}

const click = (page: Page, selector: string): Promise<void> => leave(page, () => page.click(selector));

t.test('a newcomer tries the demo', async (t) => {
  const app = await startApp(t);
  const { issuer } = app;
  const open = await startBrowser(t);
  const withoutScripts = { javaScriptEnabled: false };

  t.test('start page → sign in → claims → second product without a password', async (t) => {
    const page = await open(withoutScripts);
    await page.goto(`${issuer}/`);
    await shoot(page, 'start');
    await click(page, '#app-assist');
    await click(page, '#sign-in');
    await shoot(page, 'identify');
    await typePassword(page, 'alan@acme.test', 'wrong password');
    t.match(await page.textContent('[role=alert]'), /wrong/);
    t.equal(await page.inputValue('#email'), 'alan@acme.test', 'what was typed is kept');
    await shoot(page, 'identify-wrong');
    await typePassword(page, 'alan@acme.test');
    t.equal(page.url(), `${issuer}/demo/assist`);
    t.match(await page.textContent('#id-token'), /alan@acme\.test/);
    t.match(await page.textContent('#access-token'), /https:\/\/api\.assist\.test/);
    await shoot(page, 'signed-in');

    await click(page, '#refresh');
    t.equal(page.url(), `${issuer}/demo/assist`, 'refreshed');

    await page.goto(`${issuer}/demo/meet/sign-in`);
    t.equal(page.url(), `${issuer}/demo/meet`, 'let through');
    t.match(await page.textContent('#id-token'), /alan@acme\.test/);

    await click(page, '#sign-out');
    await shoot(page, 'signing-out');
    await click(page, '#sign-out'); // without scripts the confirmation is one button
    t.equal(page.url(), `${issuer}/demo/meet`);
    await app.runJob('logout notices');
    await page.goto(`${issuer}/demo/assist`);
    t.ok(await page.isVisible('#sign-in'), 'the back-channel logout has reached the other product');
  });

  const refusals: [email: string, app: string, code: string][] = [
    ['noseat@acme.test', 'assist', 'no_seat'],
    ['lea@lapsed.test', 'assist', 'account_lapsed'],
    ['off@acme.test', 'assist', 'user_deactivated'],
    ['lonely@nowhere.test', 'assist', 'no_account'],
    ['alan@acme.test', 'admin', 'role_required'],
  ];
  for (const [email, app, code] of refusals) {
    t.test(`${email} gets the page of ${code}`, async (t) => {
      const page = await open(withoutScripts);
      await page.goto(`${issuer}/demo/${app}/sign-in?login_hint=${email}`);
      t.equal(await page.inputValue('#email'), email, 'the hint is filled in');
      await typePassword(page, email);
      t.equal(await page.getAttribute('#case', 'data-code'), code);
      await shoot(page, code);
      await click(page, '#abort');
      t.match(
        await page.textContent('#error'),
        new RegExp(`access_denied.*${code}`, 's'),
        'the product hears it too',
      );
    });
  }

  t.test('ada, signed in to one product, asks for a seat on the other', async (t) => {
    const page = await open(withoutScripts);
    await page.goto(`${issuer}/demo/assist/sign-in`);
    await typePassword(page, 'ada@acme.test');
    await page.goto(`${issuer}/demo/meet/sign-in`);
    t.equal(await page.getAttribute('#case', 'data-code'), 'no_seat');
    await click(page, '#request-seat');
    t.ok(await page.isVisible('[role=status]'));
    await shoot(page, 'seat-requested');
    t.notOk(await page.isVisible('#request-seat'));
  });

  t.test('multi chooses an account', async (t) => {
    const page = await open(withoutScripts);
    await page.goto(`${issuer}/demo/assist/sign-in`);
    await typePassword(page, 'multi@acme.test');
    await shoot(page, 'choose-account');
    await click(page, 'text=Initech');
    t.equal(page.url(), `${issuer}/demo/assist`);
  });

  t.test('a third-party client asks for consent, and is remembered while the session lasts', async (t) => {
    const page = await open(withoutScripts);
    await page.goto(`${issuer}/demo/third-party/sign-in`);
    await typePassword(page, 'ada@acme.test');
    await shoot(page, 'consent');
    await click(page, '#allow');
    t.equal(page.url(), `${issuer}/demo/third-party`);
    await page.goto(`${issuer}/demo/third-party/sign-in`);
    t.equal(page.url(), `${issuer}/demo/third-party`, 'not asked again');

    const other = await open(withoutScripts);
    await other.goto(`${issuer}/demo/third-party/sign-in`);
    await typePassword(other, 'alan@acme.test');
    await click(other, '#deny');
    t.match(await other.textContent('#error'), /access_denied/);
  });

  t.test('somebody else signs in on the same browser', async (t) => {
    const page = await open(withoutScripts);
    await page.goto(`${issuer}/demo/assist/sign-in`);
    await typePassword(page, 'ada@acme.test');
    await page.goto(`${issuer}/demo/meet/sign-in`);
    await click(page, '#restart');
    await typePassword(page, 'alan@acme.test');
    // the session of the one ends before that of the other begins: without scripts one button more
    await click(page, 'button[type=submit]');
    t.equal(page.url(), `${issuer}/demo/meet`);
    t.match(await page.textContent('#id-token'), /alan@acme\.test/);
  });

  t.test('back button, bookmark and double submit end on a page that helps', async (t) => {
    const page = await open(withoutScripts);
    await page.goto(`${issuer}/demo/assist/sign-in`);
    const step = page.url();
    await typePassword(page, 'ada@acme.test');
    const bookmarked = await page.goto(step);
    t.equal(bookmarked?.status(), 410);
    await shoot(page, 'expired');
    const resumed = await page.goto(step.replace('/sign-in/', '/authorize/'));
    t.equal(resumed?.status(), 410, 'the address it was resumed at helps as well');
    await click(page, '#start');
    t.equal(page.url(), `${issuer}/demo/assist`, 'and the way back leads straight in');
  });

  t.test('with scripts, signing out goes on by itself', async (t) => {
    const page = await open();
    const refused: string[] = [];
    page.on('console', (message) => {
      if (message.type() === 'error') refused.push(message.text());
    });
    await page.goto(`${issuer}/demo/assist/sign-in`);
    await typePassword(page, 'ada@acme.test');
    await page.click('#sign-out');
    await page.waitForSelector('#sign-in');
    t.equal(page.url(), `${issuer}/demo/assist`);
    t.same(refused, [], 'nothing was blocked by the content security policy');
  });
});
