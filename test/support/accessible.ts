/** Whether the page that stands can be used by everybody: by axe (WCAG 2.2 AA), at 320 pixels, by keyboard, on paper. */
import { AxeBuilder } from '@axe-core/playwright';
import type { Page } from 'playwright-core';
import type { Test } from 'tap';

const rules = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
const desk = { width: 1280, height: 800 };
/** 320 CSS pixels: the narrowest phone, and a desk at 400 % (WCAG 2.2, 1.4.10). */
const narrow = { width: 320, height: 640 };

/** In light and dark, on a desk and on the narrowest phone, without a pointer, and printed. */
export async function checkUse(t: Test, page: Page): Promise<void> {
  await checkEveryView(t, page);
  await checkKeyboard(t, page);
  await checkPaper(t, page);
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

/** What axe has to say against it; of those rules only, where they are said. */
export async function findings(page: Page, only?: string[]): Promise<string[]> {
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
