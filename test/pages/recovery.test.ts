/** R8 by a real browser: a forgotten password, by keyboard alone and without scripts. */
import t, { type Test } from 'tap';
import type { Page } from 'playwright-core';
import { startApp } from '../support/app.ts';
import { startBrowser } from '../support/browser.ts';
import { makeUser } from '../support/make.ts';
import { mailedReset, newPassword } from '../support/reset.ts';

/** Moves the focus on by Tab until it is at the element, as somebody without a mouse does. */
async function tabTo(t: Test, page: Page, selector: string): Promise<void> {
  for (let presses = 0; presses < 30; presses += 1) {
    if ((await page.locator(`${selector}:focus`).count()) > 0) return;
    await page.keyboard.press('Tab');
  }
  t.fail(`${selector} cannot be reached by Tab`);
}

async function press(page: Page, key: string): Promise<void> {
  const loaded = page.waitForEvent('load');
  await page.keyboard.press(key);
  await loaded;
}

t.test('a forgotten password in the browser', async (t) => {
  const app = await startApp(t);
  const { issuer, ctx } = app;
  const open = await startBrowser(t);

  for (const javaScriptEnabled of [true, false]) {
    t.test(`by the link, by keyboard, ${javaScriptEnabled ? 'with' : 'without'} scripts`, async (t) => {
      const email = javaScriptEnabled ? 'alan@acme.test' : 'ada@acme.test';
      const page = await open({ javaScriptEnabled });
      await page.goto(`${issuer}/demo/assist/sign-in?login_hint=${email}`);
      const signIn = page.url();
      await tabTo(t, page, '#forgot summary');
      await page.keyboard.press('Enter');
      await tabTo(t, page, '#forgot-email');
      t.equal(await page.inputValue('#forgot-email'), email, 'what is known is filled in');
      await press(page, 'Enter');
      t.equal(page.url(), `${issuer}/password-resets/sent`);
      t.match(await page.textContent('main'), email);

      const { token } = await mailedReset(app, email);
      await page.goto(`${issuer}/password-resets/open?token=${token}`);
      t.equal(page.url(), `${issuer}/password-resets/new`, 'the token is not in the address');
      await tabTo(t, page, '#password');
      await page.keyboard.type('short');
      await press(page, 'Enter');
      t.ok(await page.isVisible('[role=alert]'), 'told why');
      await tabTo(t, page, '#password');
      await page.keyboard.type(newPassword);
      await press(page, 'Enter');
      t.equal(page.url(), `${issuer}/password-resets/done`);
      await tabTo(t, page, '#sign-in');
      await press(page, 'Enter');
      t.equal(page.url(), signIn, 'back at the sign-in it began with');
      await tabTo(t, page, '#password');
      await page.keyboard.type(newPassword);
      await press(page, 'Enter');
      t.equal(page.url(), `${issuer}/demo/assist`);
    });
  }

  t.test('by the code, after a wrong one, and the back button helps', async (t) => {
    const { email } = await makeUser(ctx);
    const page = await open({ javaScriptEnabled: false });
    await page.goto(`${issuer}/password-resets/request`);
    await tabTo(t, page, '#email');
    await page.keyboard.type(email);
    await press(page, 'Enter');
    await tabTo(t, page, '#code');
    await page.keyboard.type('wrong');
    await press(page, 'Enter');
    t.equal(await page.getAttribute('#code', 'aria-invalid'), 'true');
    const { code } = await mailedReset(app, email);
    await tabTo(t, page, '#code');
    await page.keyboard.type(code);
    await press(page, 'Enter');
    t.equal(page.url(), `${issuer}/password-resets/new`);
    await tabTo(t, page, '#password');
    await page.keyboard.type(newPassword);
    await press(page, 'Enter');
    t.equal(page.url(), `${issuer}/password-resets/done`);
    const back = await page.goto(`${issuer}/password-resets/new`);
    t.equal(back?.status(), 410);
    await tabTo(t, page, '#ask-again');
    await press(page, 'Enter');
    t.equal(await page.inputValue('#email'), email);
    await tabTo(t, page, '#send');
  });

  t.test('a link out of a webmail of another site opens, cookie and all', async (t) => {
    const { email } = await makeUser(ctx);
    const page = await open({ javaScriptEnabled: false });
    await page.goto(`${issuer}/password-resets/request`);
    await tabTo(t, page, '#email');
    await page.keyboard.type(email);
    await press(page, 'Enter');
    const { token } = await mailedReset(app, email);
    const link = `<a id="link" href="${issuer}/password-resets/open?token=${token}">reset</a>`;
    await page.goto(`data:text/html,${encodeURIComponent(link)}`);
    const loaded = page.waitForEvent('load');
    await page.click('#link');
    await loaded;
    t.equal(page.url(), `${issuer}/password-resets/new`);
    t.ok(await page.isVisible('#set-password'));
  });
});
