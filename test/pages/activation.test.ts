/** R5 by a real browser: from the mailed link to the product, by keyboard alone and without scripts. */
import t, { type Test } from 'tap';
import type { Page } from 'playwright-core';
import { inTransaction } from '../../src/context.ts';
import { findAccountBySlug } from '../../src/core/accounts/accounts.ts';
import { createInvitation } from '../../src/core/invitations/invitations.ts';
import { findProductBySlug } from '../../src/core/products/products.ts';
import { demoPassword } from '../../src/demo/world.ts';
import { parseEmail } from '../../src/kernel/email-address.ts';
import { startApp } from '../support/app.ts';
import { startBrowser } from '../support/browser.ts';
import { openMailbox } from '../support/mailbox.ts';
import { makeUser } from '../support/make.ts';

const password = 'quite a long new password';

/** Moves the focus on by Tab until it is at the element, as somebody without a mouse does. */
async function tabTo(t: Test, page: Page, selector: string): Promise<void> {
  for (let presses = 0; presses < 30; presses += 1) {
    if ((await page.locator(`${selector}:focus`).count()) > 0) return;
    await page.keyboard.press('Tab');
  }
  t.fail(`${selector} cannot be reached by Tab`);
}

/** Presses Enter where the focus is, and waits for the page it leads to. */
async function enter(page: Page): Promise<void> {
  const loaded = page.waitForEvent('load');
  await page.keyboard.press('Enter');
  await loaded;
}

t.test('an invitation in the browser', async (t) => {
  const app = await startApp(t);
  const { issuer, ctx } = app;
  const open = await startBrowser(t);
  const mailbox = await openMailbox(t, app);
  await mailbox.drain();

  const invite = async (email: string, { toProduct = true } = {}): Promise<string> => {
    await inTransaction(ctx, async (tx) => {
      const account = await findAccountBySlug(tx.db, 'initech');
      const product = await findProductBySlug(tx.db, 'assist');
      const address = parseEmail(email);
      if (!account || !product || !address) throw new Error('the world is incomplete');
      const products = toProduct ? [product.id] : [];
      return createInvitation(tx, { accountId: account.id, email: address, role: 'agent', products });
    });
    const [mail] = await mailbox.drain();
    const link = /http:\S+[?]token=[\w-]+/.exec(mail?.text ?? '')?.[0];
    if (link === undefined) throw new Error('no link was mailed');
    return link;
  };

  for (const javaScriptEnabled of [false, true]) {
    t.test(
      `leads somebody new to the product, ${javaScriptEnabled ? 'with' : 'without'} scripts`,
      async (t) => {
        const email = javaScriptEnabled ? 'scripted@initech.test' : 'plain@initech.test';
        const page = await open({ javaScriptEnabled });
        await page.goto(await invite(email));
        t.equal(page.url(), `${issuer}/invitations/accept`, 'the token is not in the address');
        t.match(await page.textContent('main'), email);
        await tabTo(t, page, '#name');
        await page.keyboard.type('Nora Newcomer');
        await tabTo(t, page, '#password');
        await page.keyboard.type('short');
        await enter(page);
        t.ok(await page.isVisible('[role=alert]'), 'told why');
        t.equal(await page.getAttribute('#password', 'aria-invalid'), 'true');
        await tabTo(t, page, '#name');
        await page.keyboard.type('Nora Newcomer');
        await tabTo(t, page, '#password');
        await page.keyboard.type(password);
        await tabTo(t, page, '#accept');
        await enter(page);
        t.equal(new URL(page.url()).pathname.split('/')[1], 'sign-in', 'nobody is signed in by it');
        t.equal(await page.inputValue('#email'), email, 'the address is filled in');
        await tabTo(t, page, '#password');
        await page.keyboard.type(password);
        await enter(page);
        t.equal(page.url(), `${issuer}/demo/assist`);
        t.match(await page.textContent('#id-token'), 'Nora Newcomer');
        const gone = await page.goto(`${issuer}/invitations/accept`);
        t.equal(gone?.status(), 410, 'and it works no second time');
      },
    );
  }

  t.test('takes somebody who is here already into one more account, by their own password', async (t) => {
    const { email } = await makeUser(ctx);
    const page = await open({ javaScriptEnabled: false });
    await page.goto(await invite(email));
    t.equal(await page.getAttribute('#password', 'autocomplete'), 'current-password');
    t.equal(await page.locator('#name').count(), 0);
    await tabTo(t, page, '#password');
    await page.keyboard.type(password);
    await enter(page);
    t.ok(await page.isVisible('[role=alert]'), 'it is not theirs');
    await tabTo(t, page, '#password');
    await page.keyboard.type(demoPassword);
    await enter(page);
    t.equal(await page.inputValue('#email'), email);
    await tabTo(t, page, '#password');
    await page.keyboard.type(demoPassword);
    await enter(page);
    t.equal(page.url(), `${issuer}/demo/assist`);
  });

  t.test('that belongs to no product ends on a page that says so', async (t) => {
    const page = await open({ javaScriptEnabled: false });
    await page.goto(await invite('bare@initech.test', { toProduct: false }));
    await tabTo(t, page, '#password');
    await page.keyboard.type(password);
    await enter(page);
    t.equal(page.url(), `${issuer}/invitations/done`);
    t.equal(await page.locator('h1').count(), 1);
  });

  t.test('is clicked in a webmail of another site', async (t) => {
    const mail = `<a id="link" href="${await invite('webmail@initech.test', { toProduct: false })}">activate</a>`;
    const page = await open({ javaScriptEnabled: false });
    await page.goto(`data:text/html,${encodeURIComponent(mail)}`);
    await tabTo(t, page, '#link');
    await enter(page);
    t.equal(page.url(), `${issuer}/invitations/accept`);
    t.ok(await page.isVisible('#accept'));
  });
});
