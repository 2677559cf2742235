/** Every page, in light and dark, on a desk and on the narrowest phone, by axe (WCAG 2.2 AA), by keyboard, and on paper. */
import t from 'tap';
import type { Page } from 'playwright-core';
import { checkUse, findings } from '../support/accessible.ts';
import { startApp } from '../support/app.ts';
import { startBrowser } from '../support/browser.ts';
import { takeTour } from '../support/tour.ts';

t.setTimeout(600_000);

t.test('every page can be used by everybody', async (t) => {
  const support = { SUPPORT_URL: 'https://help.example.test/', SUPPORT_EMAIL: 'help@example.test' };
  const app = await startApp(t, { env: support, social: true });
  const open = await startBrowser(t);
  const checker = await open({ reducedMotion: 'reduce' });
  const seen = new Set<string>();
  await takeTour({
    ...app,
    open: (locale = 'en') => open({ javaScriptEnabled: false, locale }),
    show: async (page, { name }) => {
      seen.add(name);
      await t.test(name, async (t) => {
        await standStill(checker, page);
        await checkUse(t, checker);
      });
    },
  });
  t.equal(seen.size, 68, 'the tour has not become shorter');
});

for (const color of ['#ffffff', '#000000', '#ffd400', '#808080']) {
  t.test(`with a brand of ${color} the pages stay readable`, async (t) => {
    const env = { BRAND_COLOR: color, SUPPORT_EMAIL: 'help@example.test' };
    const { issuer } = await startApp(t, { env, social: true });
    const open = await startBrowser(t);
    const page = await open({ reducedMotion: 'reduce' });
    for (const path of ['/password-resets/request', '/nothing', '/demo/assist/sign-in']) {
      await page.goto(`${issuer}${path}`);
      for (const colorScheme of ['light', 'dark'] as const) {
        await page.emulateMedia({ colorScheme });
        t.same(await findings(page), [], `${path} ${colorScheme}`);
      }
    }
  });
}

/** axe needs scripts, and some pages go on by theirs: the same markup at the same address, without its own. */
async function standStill(checker: Page, page: Page): Promise<void> {
  const body = (await page.content()).replaceAll(/<script>.*?<\/script>/gs, '');
  const url = page.url();
  await checker.route(url, (route) => route.fulfill({ contentType: 'text/html; charset=utf-8', body }), {
    times: 1,
  });
  await checker.goto(url);
}
