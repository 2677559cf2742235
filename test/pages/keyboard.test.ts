/** R1 and R7 by keyboard alone, with scripts and without: signing in, and being told why not and what helps. */
import t from 'tap';
import type { Page } from 'playwright-core';
import { demoPassword } from '../../src/demo/world.ts';
import { startApp } from '../support/app.ts';
import { startBrowser } from '../support/browser.ts';
import { enter, tabTo } from '../support/keyboard.ts';

async function signIn(page: Page, email: string): Promise<void> {
  await tabTo(page, '#email');
  await page.keyboard.type(email);
  await page.keyboard.press('Tab');
  await page.keyboard.type(demoPassword);
  await enter(page);
}

for (const javaScriptEnabled of [true, false]) {
  t.test(`with scripts ${javaScriptEnabled ? 'on' : 'off'}`, async (t) => {
    const app = await startApp(t);
    const open = await startBrowser(t);

    t.test('R1: one sign-in reaches both products', async (t) => {
      const page = await open({ javaScriptEnabled });
      await page.goto(`${app.issuer}/demo/assist`);
      await tabTo(page, '#sign-in');
      await enter(page);
      await signIn(page, 'alan@acme.test');
      t.equal(page.url(), `${app.issuer}/demo/assist`);
      await page.goto(`${app.issuer}/demo/meet`);
      await tabTo(page, '#sign-in');
      await enter(page);
      t.equal(page.url(), `${app.issuer}/demo/meet`, 'without a second password');
    });

    t.test('R7: the reason is told, the remedy can be pressed, and there is a way back', async (t) => {
      const page = await open({ javaScriptEnabled });
      await page.goto(`${app.issuer}/demo/assist/sign-in`);
      await signIn(page, 'noseat@acme.test');
      t.equal(await page.getAttribute('#case', 'data-code'), 'no_seat');
      await tabTo(page, '#request-seat');
      await enter(page);
      t.ok(await page.isVisible('[role=status]'));
      const requests = await app.ctx.db.selectFrom('seatRequests').select('state').execute();
      t.same(requests, [{ state: 'open' }]);
      await tabTo(page, '#restart');
      await enter(page);
      await signIn(page, 'lea@lapsed.test');
      t.equal(await page.getAttribute('#case', 'data-code'), 'account_lapsed');
      await tabTo(page, '#abort');
      await enter(page);
      t.match(page.url(), /\/demo\/assist\/callback\?error=access_denied/);
    });
  });
}
