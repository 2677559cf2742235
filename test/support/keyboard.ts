/** A person without a mouse, at a real browser: nothing is done that a keyboard cannot do. */
import type { Page } from 'playwright-core';

/** Presses Tab until the focus is there; a person would give up sooner than this does. */
export async function tabTo(page: Page, selector: string): Promise<void> {
  for (let presses = 0; presses < 40; presses += 1) {
    if ((await page.locator(`${selector}:focus`).count()) > 0) return;
    await page.keyboard.press('Tab');
  }
  throw new Error(`Tab does not reach ${selector} on ${page.url()}`);
}

/** Presses Enter where the focus is, and waits for the page that it leads to; `at` names the last one of several. */
export async function enter(page: Page, at?: RegExp): Promise<void> {
  await loaded(page, () => page.keyboard.press('Enter'), at);
}

/** The browser's own way back, which has a key of its own on every system. */
export async function goBack(page: Page, at?: RegExp): Promise<void> {
  await loaded(page, () => page.goBack({ waitUntil: 'commit' }), at);
}

async function loaded(page: Page, act: () => Promise<unknown>, at = /./): Promise<void> {
  const arrived = page.waitForEvent('load', { predicate: () => at.test(page.url()) });
  await Promise.all([arrived, act()]);
}

/** Moves on to a button or a link and presses it. */
export async function press(page: Page, selector: string, at?: RegExp): Promise<void> {
  await tabTo(page, selector);
  await enter(page, at);
}

/** Types over what stands in a field. */
export async function typeInto(page: Page, selector: string, text: string): Promise<void> {
  await tabTo(page, selector);
  await page.keyboard.press('Control+A');
  await page.keyboard.type(text);
}

/** Waits for the page to put the focus there: it does so a moment after it is there. */
export async function focusIsOn(page: Page, id: string): Promise<boolean> {
  const focused = page.locator(`#${id}:focus`).waitFor({ state: 'attached', timeout: 5000 });
  return focused.then(
    () => true,
    () => false,
  );
}

/** The id of what the next key goes to; empty where that is nothing on the page. */
export async function focusOf(page: Page): Promise<string> {
  return page.evaluate<string>('document.activeElement.id');
}

/** What the browser itself complains about from now on: what a policy has blocked, what a script has thrown. */
export function complaintsOf(page: Page): string[] {
  const complaints: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(error.message));
  return complaints;
}
