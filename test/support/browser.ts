/** A real browser: Debian's Chromium, headless, with nothing remembered from before. */
import { access } from 'node:fs/promises';
import {
  type Browser,
  type BrowserContext,
  type BrowserContextOptions,
  chromium,
  type Page,
} from 'playwright-core';
import type { Test } from 'tap';

const candidates = [
  process.env['CHROMIUM'],
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
];

/** Starts one browser for a test file; each `open` is a person of their own. */
export async function startBrowser(t: Test): Promise<(options?: BrowserContextOptions) => Promise<Page>> {
  const browser: Browser = await chromium.launch({
    executablePath: await findChromium(),
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

async function findChromium(): Promise<string> {
  for (const path of candidates) {
    if (
      path !== undefined &&
      (await access(path).then(
        () => true,
        () => false,
      ))
    )
      return path;
  }
  throw new Error('the browser tests need Chromium: install it, or name it in CHROMIUM');
}
