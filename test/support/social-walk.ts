/** Social sign-in at a real browser, by keyboard: from a product to a provider, back, and what is asked on the way. */
import { demoPassword } from '../../src/demo/world.ts';
import type { TestApp } from './app.ts';
import { atIdp, inAssist, toSignIn, type Walker } from './company-walk.ts';
import { enter, press, tabTo, typeInto } from './keyboard.ts';

/** A step; back from a provider it has an empty fragment of its own, in place of what Facebook hangs on. */
export const atStep = /\/sign-in\/[\w-]+#?$/;

export interface Account {
  readonly provider: string;
  /** What somebody types at the rehearsal of it. */
  readonly handle: string;
}

/** From the product to a provider, says who one is there, and back at the step that stands. */
export async function comeBy(walker: Walker, account: Account): Promise<void> {
  await toSignIn(walker);
  await press(walker.page, `#social-${account.provider}`, atIdp);
  await answerAtProvider(walker, account);
}

/** At the rehearsal of a provider: whoever is listed there presses a button, anybody else types. */
export async function answerAtProvider(walker: Walker, account: Account, at = atStep): Promise<void> {
  const { page } = walker;
  const listed = `button[value="${account.handle}"]`;
  if ((await page.locator(listed).count()) > 0) return goOnFrom(walker, { ...account, selector: listed }, at);
  await typeInto(page, '#email', account.handle);
  await goOnFrom(walker, { ...account, selector: '#sign-in' }, at);
}

/** Presses what leads back; what Apple posts is sent on by hand where scripts are off. */
export async function goOnFrom(
  { page, scripts }: Walker,
  { provider, selector }: { readonly provider: string; readonly selector: string },
  at = atStep,
): Promise<void> {
  const posts = provider === 'apple' && !scripts;
  await press(page, selector, posts ? atIdp : at);
  if (posts) await press(page, '#continue', at);
}

/** Signs in as the user whose address it is, and says yes to the link. */
export async function signInAndLink({ page }: Walker, at = inAssist): Promise<void> {
  await typeInto(page, '#password', demoPassword);
  await enter(page, atStep);
  await press(page, '#link', at);
}

export async function typeCode({ page }: Walker, code: string, at = atStep): Promise<void> {
  await tabTo(page, '#code');
  await page.keyboard.type(code);
  await enter(page, at);
}

/** As the demo shows its mail: the last code that went there. */
export async function mailedCode(app: TestApp, to: string): Promise<string> {
  return findInMail(app, to, /^\d{6}$/m);
}

export async function mailedLink(app: TestApp, to: string): Promise<string> {
  return findInMail(app, to, /http:\S+\/open\?token=\S+/);
}

async function findInMail({ issuer, runJob }: TestApp, to: string, wanted: RegExp): Promise<string> {
  await runJob('mail');
  const answer = await fetch(`${issuer}/demo/mail`, { headers: { accept: 'application/json' } });
  const mails = (await answer.json()) as { to: string; text: string }[];
  for (const mail of mails) {
    const found = mail.to.includes(to) ? wanted.exec(mail.text)?.[0] : undefined;
    if (found !== undefined) return found;
  }
  throw new Error(`nothing of the kind was mailed to ${to}`);
}

/** By which providers somebody comes in by now. */
export async function providersOf({ ctx }: TestApp, email: string): Promise<(string | null)[]> {
  const rows = await ctx.db
    .selectFrom('identities')
    .innerJoin('users', 'users.id', 'identities.userId')
    .select('identities.provider')
    .where('users.email', '=', email)
    .orderBy('identities.provider')
    .execute();
  return rows.map(({ provider }) => provider);
}
