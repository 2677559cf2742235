/** Every page, in light and dark, on a desk and on the narrowest phone, by axe (WCAG 2.2 AA), by keyboard, and on paper. */
import { AxeBuilder } from '@axe-core/playwright';
import t, { type Test } from 'tap';
import type { Page } from 'playwright-core';
import { startApp } from '../support/app.ts';
import { startBrowser } from '../support/browser.ts';
import { takeTour } from '../support/tour.ts';

t.setTimeout(400_000);

const rules = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
const desk = { width: 1280, height: 800 };
/** 320 CSS pixels: the narrowest phone, and a desk at 400 % (WCAG 2.2, 1.4.10). */
const narrow = { width: 320, height: 640 };

t.test('every page can be used by everybody', async (t) => {
  const support = { SUPPORT_URL: 'https://help.example.test/', SUPPORT_EMAIL: 'help@example.test' };
  const app = await startApp(t, { env: support });
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
        await checkEveryView(t, checker);
        await checkKeyboard(t, checker);
        await checkPaper(t, checker);
      });
    },
  });
  t.equal(seen.size, 37, 'the tour has not become shorter');
});

for (const color of ['#ffffff', '#000000', '#ffd400', '#808080']) {
  t.test(`with a brand of ${color} the pages stay readable`, async (t) => {
    const { issuer } = await startApp(t, { env: { BRAND_COLOR: color, SUPPORT_EMAIL: 'help@example.test' } });
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

async function checkEveryView(t: Test, page: Page): Promise<void> {
  for (const viewport of [desk, narrow]) {
    await page.setViewportSize(viewport);
    await page.emulateMedia({ colorScheme: 'light' });
    t.same(await findings(page), [], `${viewport.width} light`);
    // all that the dark changes is colours
    await page.emulateMedia({ colorScheme: 'dark' });
    t.same(await findings(page, ['color-contrast']), [], `${viewport.width} dark`);
    const width = await page.evaluate<number>('document.documentElement.scrollWidth');
    t.ok(width <= viewport.width, `${width} of ${viewport.width} pixels: nothing to scroll sideways`);
  }
}

async function findings(page: Page, only?: string[]): Promise<string[]> {
  const axe = new AxeBuilder({ page });
  const { violations } = await (only ? axe.withRules(only) : axe.withTags(rules)).analyze();
  return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`);
}

const operable = 'a[href], button, input:not([type=hidden], [hidden]), summary, [tabindex="0"]';

/** Tab reaches all that can be done, in the order of the page, and shows where it is. */
async function checkKeyboard(t: Test, page: Page): Promise<void> {
  const visible = `[...document.querySelectorAll('${operable}')].filter((element) => element.checkVisibility())`;
  const wanted = await page.evaluate<number>(`${visible}.length`);
  const reached: number[] = [];
  // once around: from where the page puts the focus, past the end (-1, the browser's own), to where it began
  for (let presses = 0; presses <= wanted; presses += 1) {
    await page.keyboard.press('Tab');
    reached.push(await page.evaluate<number>(`${visible}.indexOf(document.activeElement)`));
    const outline = await page.evaluate<string>('getComputedStyle(document.activeElement).outlineWidth');
    if (reached.at(-1) !== -1 && parseFloat(outline) < 2) t.fail('where the focus is cannot be seen');
  }
  const order = Array.from({ length: wanted }, (_, index) => index);
  const end = reached.indexOf(-1);
  const fromTop = [...reached.slice(end + 1), ...reached.slice(0, Math.max(end, 0))];
  t.same(fromTop, order, 'everything is reached, from top to bottom');
}

/** What is printed is dark on white, whatever the screen was. */
async function checkPaper(t: Test, page: Page): Promise<void> {
  await page.emulateMedia({ media: 'print', colorScheme: 'dark' });
  t.equal(await page.evaluate("getComputedStyle(document.querySelector('h1')).color"), 'rgb(27, 31, 36)');
  t.notOk(await page.isVisible('button'), 'nothing on paper can be pressed');
  await page.emulateMedia({ media: 'screen' });
}
