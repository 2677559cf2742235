/** R8 by a real browser: a forgotten password, by keyboard alone and without scripts. */
import t from 'tap';
import { startApp } from '../support/app.ts';
import { startBrowser } from '../support/browser.ts';
import { enter, tabTo } from '../support/keyboard.ts';
import { makeUser } from '../support/make.ts';
import { mailedReset, newPassword } from '../support/reset.ts';

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
      await tabTo(page, '#forgot summary');
      await page.keyboard.press('Enter');
      await tabTo(page, '#forgot-email');
      t.equal(await page.inputValue('#forgot-email'), email, 'what is known is filled in');
      await enter(page);
      t.equal(page.url(), `${issuer}/password-resets/sent`);
      t.match(await page.textContent('main'), email);

      const { token } = await mailedReset(app, email);
      await page.goto(`${issuer}/password-resets/open?token=${token}`);
      t.equal(page.url(), `${issuer}/password-resets/new`, 'the token is not in the address');
      await tabTo(page, '#password');
      await page.keyboard.type('short');
      await enter(page);
      t.ok(await page.isVisible('[role=alert]'), 'told why');
      await tabTo(page, '#password');
      await page.keyboard.type(newPassword);
      await enter(page);
      t.equal(page.url(), `${issuer}/password-resets/done`);
      await tabTo(page, '#sign-in');
      await enter(page);
      t.equal(page.url(), signIn, 'back at the sign-in it began with');
      await tabTo(page, '#password');
      await page.keyboard.type(newPassword);
      await enter(page);
      t.equal(page.url(), `${issuer}/demo/assist`);
    });
  }

  t.test('by the code, after a wrong one, and the back button helps', async (t) => {
    const { email } = await makeUser(ctx);
    const page = await open({ javaScriptEnabled: false });
    await page.goto(`${issuer}/password-resets/request`);
    await tabTo(page, '#email');
    await page.keyboard.type(email);
    await enter(page);
    await tabTo(page, '#code');
    await page.keyboard.type('wrong');
    await enter(page);
    t.equal(await page.getAttribute('#code', 'aria-invalid'), 'true');
    const { code } = await mailedReset(app, email);
    await tabTo(page, '#code');
    await page.keyboard.type(code);
    await enter(page);
    t.equal(page.url(), `${issuer}/password-resets/new`);
    await tabTo(page, '#password');
    await page.keyboard.type(newPassword);
    await enter(page);
    t.equal(page.url(), `${issuer}/password-resets/done`);
    const back = await page.goto(`${issuer}/password-resets/new`);
    t.equal(back?.status(), 410);
    await tabTo(page, '#ask-again');
    await enter(page);
    t.equal(await page.inputValue('#email'), email);
    await tabTo(page, '#send');
  });

  t.test('a link out of a webmail of another site opens, cookie and all', async (t) => {
    const { email } = await makeUser(ctx);
    const page = await open({ javaScriptEnabled: false });
    await page.goto(`${issuer}/password-resets/request`);
    await tabTo(page, '#email');
    await page.keyboard.type(email);
    await enter(page);
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
