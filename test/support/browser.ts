/** A real browser: Debian's Chromium, headless, with nothing remembered from before. */
import {
  type Browser,
  type BrowserContext,
  type BrowserContextOptions,
  chromium,
  type Page,
} from 'playwright-core';
import type { Test } from 'tap';
import { findChromium } from './find-chromium.ts';

/** Starts one browser for a test file; each `open` is a person of their own. */
export async function startBrowser(t: Test): Promise<(options?: BrowserContextOptions) => Promise<Page>> {
  const executablePath = await findChromium();
  if (executablePath === undefined) throw new Error('install Chromium, or name it in CHROMIUM');
  const browser: Browser = await chromium.launch({
    executablePath,
    args: [
      ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
  t.teardown(() => browser.close());
  return async (options) => {
    const context: BrowserContext = await browser.newContext({
      viewport: { width: 1000, height: 800 },
      ...options,
    });
    context.setDefaultTimeout(15_000);
    return context.newPage();
  };
}
