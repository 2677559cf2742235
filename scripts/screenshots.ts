/**
 * npm run screenshots: every page there is, in light and dark, on a desk and on a phone, into docs/screenshots/. Needs
 * Chromium, or the one that CHROMIUM names. Scripts are off: what is shown is what everybody gets.
 */
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { pino } from 'pino';
import { chromium, type Browser, type Page } from 'playwright-core';
import { loadConfig } from '../config/load.ts';
import { buildApp } from '../src/app.ts';
import { startEmbeddedPostgres } from '../src/db/embedded.ts';
import { freePort } from '../test/support/app.ts';
import { findChromium } from '../test/support/find-chromium.ts';
import { type Stop, takeTour, type Tour, type Variant } from '../test/support/tour.ts';

const folder = new URL('../docs/screenshots/', import.meta.url);

const variants = {
  light: { colorScheme: 'light', width: 720, height: 560 },
  dark: { colorScheme: 'dark', width: 720, height: 560 },
  'phone-light': { colorScheme: 'light', width: 360, height: 640 },
  'phone-dark': { colorScheme: 'dark', width: 360, height: 640 },
} as const satisfies Record<Variant, object>;
const everyVariant = Object.keys(variants) as Variant[];

const shots: Required<Stop>[] = [];
await rm(folder, { recursive: true, force: true });
await mkdir(folder, { recursive: true });
await onStage({}, takeTour);
await onStage({ BRAND_NAME: 'Northwind', BRAND_COLOR: '#ffb900' }, async ({ show, open, issuer }) => {
  const page = await open();
  await page.goto(`${issuer}/password-resets/request`);
  await show(page, { name: 'brand', about: 'A deployment with a name and a colour of its own' });
});
await writeFile(new URL('README.md', folder), contactSheet());
console.log(`${shots.length} pages are in docs/screenshots/`);

/** Builds the service with the demo world, on a database that is thrown away, and a browser to look at it. */
async function onStage(env: Readonly<Record<string, string>>, play: (tour: Tour) => Promise<void>) {
  const executablePath = await findChromium();
  if (executablePath === undefined) throw new Error('install Chromium, or name it in CHROMIUM');
  const database = await startEmbeddedPostgres();
  const port = await freePort();
  const support = { SUPPORT_URL: 'https://help.example.test/', SUPPORT_EMAIL: 'help@example.test' };
  const config = loadConfig({ PORT: String(port), ...support, ...env });
  const databaseUrl = database.url('postgres');
  const { server, ctx, jobs } = await buildApp({
    config: { ...config, databaseUrl },
    log: pino({ level: 'silent' }),
  });
  await server.listen({ port, host: config.host });
  const args = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
  const browser = await chromium.launch({ executablePath, args });
  try {
    await play({
      issuer: config.issuer,
      ctx,
      runJob: async (name) => {
        const job = jobs.find((candidate) => candidate.name === name);
        while (job && (await job.run(ctx)));
      },
      open: (locale = 'en') => openPage(browser, locale),
      show,
    });
  } finally {
    await browser.close();
    await server.close();
    await database.stop();
  }
}

async function openPage(browser: Browser, locale: string): Promise<Page> {
  const context = await browser.newContext({ locale, javaScriptEnabled: false, reducedMotion: 'reduce' });
  context.setDefaultTimeout(20_000);
  return context.newPage();
}

async function show(page: Page, { name, about, shown = everyVariant }: Stop): Promise<void> {
  shots.push({ name, about, shown });
  for (const variant of shown) {
    const { colorScheme, ...viewport } = variants[variant];
    await page.emulateMedia({ colorScheme });
    await page.setViewportSize(viewport);
    const file = new URL(`${name}.${variant}.jpg`, folder);
    await page.screenshot({ path: file.pathname, type: 'jpeg', quality: 60, fullPage: true });
  }
}

function contactSheet(): string {
  const row = ({ name, about, shown }: (typeof shots)[number]): string => {
    const cells = everyVariant.map((variant) =>
      shown.includes(variant) ? `![](${name}.${variant}.jpg)` : '',
    );
    return `| ${[about, ...cells].join(' | ')} |`;
  };
  return [
    '# Screenshots',
    '',
    '<!-- Made by `npm run screenshots`; do not edit. -->',
    '',
    'Every built-in page, with scripts off.',
    '',
    '| | Light | Dark | Phone, light | Phone, dark |',
    '| --- | --- | --- | --- | --- |',
    ...shots.map(row),
    '',
  ].join('\n');
}
