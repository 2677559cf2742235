/** My Company ID at a real browser, by keyboard: from a product to the company's identity provider, and back in. */
import type { Page } from 'playwright-core';
import type { Test } from 'tap';
import { demoPassword } from '../../src/demo/world.ts';
import type { TestApp } from './app.ts';
import type { startBrowser } from './browser.ts';
import { complaintsOf, enter, press, tabTo, typeInto } from './keyboard.ts';

export interface Walker {
  readonly page: Page;
  readonly issuer: string;
  readonly scripts: boolean;
  /** What the browser has complained about so far. */
  readonly complaints: string[];
}

export const inAssist = /\/demo\/assist$/;
export const atStep = /\/sign-in\/[\w-]+$/;
export const atIdp = /\/demo\/idp\//;

type Open = Awaited<ReturnType<typeof startBrowser>>;

/** Somebody with a browser of their own; without scripts they press what goes on by itself for others. */
export async function newWalker({ issuer }: TestApp, open: Open, scripts: boolean): Promise<Walker> {
  return walkerOf(await open({ javaScriptEnabled: scripts }), { issuer, scripts });
}

/** The same person with another tab. */
export async function newTab({ page, ...walker }: Walker): Promise<Walker> {
  return walkerOf(await page.context().newPage(), walker);
}

function walkerOf(page: Page, { issuer, scripts }: Pick<Walker, 'issuer' | 'scripts'>): Walker {
  return { page, issuer, scripts, complaints: complaintsOf(page) };
}

/** From the product's page to the step that asks who one is. */
export async function toSignIn({ page, issuer }: Walker, app = 'assist'): Promise<void> {
  await page.goto(`${issuer}/demo/${app}`);
  await press(page, '#sign-in', atStep);
}

export async function typePassword({ page }: Walker, email: string, password = demoPassword): Promise<void> {
  await typeInto(page, '#email', email);
  await page.keyboard.press('Tab');
  await page.keyboard.type(password);
  await enter(page);
}

/** On the page that takes nothing but an address. */
export async function typeCompany({ page }: Walker, email: string, at?: RegExp): Promise<void> {
  await typeInto(page, '#email', email);
  await enter(page, at);
}

export async function leaveForCompany(walker: Walker, email: string): Promise<void> {
  await press(walker.page, '#company', atStep);
  await typeCompany(walker, email, atIdp);
}

/** What goes wrong at the rehearsal identity providers from now on, for this browser; `none` for nothing. */
export async function switchFault({ page, issuer }: Walker, fault: string): Promise<void> {
  await page.goto(`${issuer}/demo/idp`);
  await press(page, `button[value="${fault}"]`);
}

/** Says who one is at the rehearsal identity provider, and goes on from there. */
export async function answerAtIdp(walker: Walker, email: string, at = inAssist): Promise<void> {
  await goThrough(walker, `button[value="${email}"]`, at);
}

/** Presses what leads by way of the identity provider: where scripts are off, its form is sent on by hand. */
export async function goThrough({ page, scripts }: Walker, selector: string, at = inAssist): Promise<void> {
  await tabTo(page, selector);
  await enter(page, scripts ? at : new RegExp(`${at.source}|${atIdp.source}`));
  if (!at.test(page.url())) await press(page, '#continue', at);
}

/** At the company's own portal: it sends to the product, which asks, and the company answers once more. */
export async function startAtCompany(walker: Walker, email: string): Promise<void> {
  const { page, issuer, scripts } = walker;
  await page.goto(`${issuer}/demo/idp`);
  await press(page, '#idp-initiated');
  await goThrough(walker, `button[value="${email}"]`, scripts ? inAssist : /\/demo\/idp\/saml\/sso/);
  if (!scripts) await press(page, '#continue', inAssist);
}

export async function signOut({ page, scripts }: Walker): Promise<void> {
  await press(page, '#sign-out', scripts ? inAssist : undefined);
  if (!scripts) await press(page, '#sign-out', inAssist);
}

/** Whom the product has been told of. */
export async function assertSignedIn(t: Test, { page }: Walker, email: string): Promise<void> {
  t.match(page.url(), inAssist);
  t.ok((await page.textContent('#id-token'))?.includes(email), `the product was told of ${email}`);
}
