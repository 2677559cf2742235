/** A walk past every page there is, in the demo world: what is photographed, and what is checked for everybody's use. */
import { sql } from 'kysely';
import type { Page } from 'playwright-core';
import type { Context } from '../../src/context.ts';
import { beginTest } from '../../src/core/connections/connections.ts';
import { demoPassword } from '../../src/demo/world.ts';
import { addSecondConnection, demoConnection } from './demo-company.ts';

export type Variant = 'light' | 'dark' | 'phone-light' | 'phone-dark';
const few: readonly Variant[] = ['light', 'phone-dark'];
const newPassword = 'seven quiet herons at dusk';

export interface Stop {
  readonly name: string;
  readonly about: string;
  /** Which pictures of it are worth keeping; all, where it is not said. */
  readonly shown?: readonly Variant[];
}

export interface Tour {
  readonly issuer: string;
  readonly ctx: Context;
  runJob(name: string): Promise<unknown>;
  /** A browser of its own, with nothing remembered from before, and scripts off. */
  open(locale?: string): Promise<Page>;
  /** The page stands at a stop. */
  show(page: Page, stop: Stop): Promise<void>;
}

/** In this order: what is changed on the way is changed for those that follow. */
const parts = [
  ...[signingIn, denials, seatRequests, companies, companyProblems, companyAdmins],
  ...[linking, provingAddress, socialProblems, consent],
  ...[recovery, invitation, leaving, problems, languages],
];

/** Once through everything. The demo world is not the same afterwards. */
export async function takeTour(tour: Tour): Promise<void> {
  for (const part of parts) {
    await part(tour);
  }
}

async function signingIn({ open, issuer, show }: Tour): Promise<void> {
  const page = await open();
  await page.goto(`${issuer}/`);
  await show(page, { name: 'demo', about: 'The start page of the demo', shown: few });
  await toSignIn(page, issuer, 'assist');
  await show(page, { name: 'identify', about: 'Sign in' });
  await page.click('#forgot summary');
  await show(page, { name: 'identify-forgot', about: 'Sign in, with the forgotten password unfolded' });
  await typePassword(page, 'alan@acme.test', 'not this one');
  await show(page, { name: 'identify-wrong', about: 'A wrong password' });
  await typePassword(page, 'alan@acme.test');
  await show(page, { name: 'demo-app', about: 'The product of the demo, signed in', shown: few });

  const chooser = await open();
  await toSignIn(chooser, issuer, 'assist');
  await typePassword(chooser, 'multi@acme.test');
  await show(chooser, { name: 'choose-account', about: 'Several accounts would do' });

  await toSignIn(page, issuer, 'admin');
  await press(page, '#restart');
  await typePassword(page, 'ian@initech.test');
  await show(page, {
    name: 'going-on',
    about: 'Somebody else signs in on the same browser: one step more where scripts are off',
  });
}

async function denials({ open, issuer, show }: Tour): Promise<void> {
  const page = await open();
  await toSignIn(page, issuer, 'assist');
  await typePassword(page, 'noseat@acme.test');
  await show(page, { name: 'denied-no-seat', about: 'No seat' });
  await press(page, '#request-seat');
  await show(page, { name: 'denied-seat-requested', about: 'No seat, and one was asked for' });

  const lapsed = await open();
  await toSignIn(lapsed, issuer, 'assist');
  await typePassword(lapsed, 'lea@lapsed.test');
  await show(lapsed, { name: 'denied-lapsed', about: 'The account has lapsed' });
}

/** An admin reads the mail about what was asked for before. */
async function seatRequests(tour: Tour): Promise<void> {
  const { open, show, ctx, issuer } = tour;
  const page = await open();
  const link = await mailedLink(tour, 'ada@acme.test');
  await page.goto(link);
  await show(page, { name: 'seat-request', about: 'An administrator is asked for a seat' });
  const bought = await ctx.db
    .selectFrom('subscriptions')
    .select(['accountId', 'productId', 'seats'])
    .execute();
  await ctx.db.updateTable('subscriptions').set({ seats: 0 }).execute();
  await press(page, '#grant');
  await show(page, { name: 'seat-request-full', about: 'An administrator is asked, and no seat is free' });
  for (const { accountId, productId, seats } of bought)
    await ctx.db
      .updateTable('subscriptions')
      .set({ seats })
      .where('accountId', '=', accountId)
      .where('productId', '=', productId)
      .execute();
  await press(page, '#grant');
  await show(page, { name: 'seat-request-granted', about: 'A seat was granted' });
  const late = await open();
  await late.goto(link);
  await show(late, { name: 'seat-request-decided', about: 'A request that was decided already' });
  await late.goto(`${issuer}/seat-requests/open?token=none`);
  await show(late, { name: 'seat-request-expired', about: 'A link to decide that does not work any more' });
}

async function companies({ open, issuer, show, ctx }: Tour): Promise<void> {
  const page = await open();
  await toSignIn(page, issuer, 'assist');
  await typePassword(page, 'ian@initech.test', 'not this one');
  await show(page, { name: 'company-suggested', about: 'A wrong password; the company has a sign-in' });
  await typePassword(page, 'gina@globex.test');
  await show(page, { name: 'company-required', about: 'The company requires its own sign-in' });

  await toSignIn(page, issuer, 'assist');
  await press(page, '#company');
  await show(page, { name: 'company', about: 'My Company ID' });
  await typeCompany(page, 'alan@acme.test');
  await show(page, { name: 'company-not-found', about: 'A company without a sign-in of its own' });
  await press(page, '#company');
  await typeCompany(page, 'gina@globex.test');
  await show(page, { name: 'rehearsal', about: 'The rehearsal identity provider of the demo', shown: few });
  await signInAtCompany(page);
  await press(page, '#sign-out');
  await press(page, '#sign-out');
  await toSignIn(page, issuer, 'assist');
  await show(page, { name: 'company-remembered', about: 'The company this browser came by' });

  await sql`update connections set published = jsonb_set(published, '{binding}', '"post"')
    where kind = 'saml'`.execute(ctx.db);
  await press(page, '#remembered');
  await show(page, {
    name: 'company-departure',
    about: 'On the way to an identity provider that is posted to',
  });
  await sql`update connections set published = jsonb_set(published, '{binding}', '"redirect"')
    where kind = 'saml'`.execute(ctx.db);
}

async function companyProblems({ open, issuer, show, ctx }: Tour): Promise<void> {
  const page = await open();
  await goWrong(page, issuer, 'server_error');
  await show(page, {
    name: 'rehearsal-faults',
    about: 'What can go wrong at the identity providers of the demo',
    shown: few,
  });
  await page.goto(`${issuer}/demo/idp/saml/start`);
  await show(page, { name: 'rehearsal-out-of-order', about: 'Something went wrong there', shown: few });
  await goWrong(page, issuer, 'wrong_audience');
  await toSignIn(page, issuer, 'assist');
  await press(page, '#company');
  await typeCompany(page, 'gina@globex.test');
  await signInAtCompany(page);
  await show(page, { name: 'company-failed', about: 'The company sign-in did not succeed' });

  await addSecondConnection(ctx);
  await typeCompany(page, 'gina@globex.test');
  await show(page, { name: 'choose-connection', about: 'A company with several sign-ins' });

  const { id } = await demoConnection(ctx, 'oidc');
  await page.goto(`${issuer}/federation/${id}/callback?code=none&state=none`);
  await show(page, { name: 'company-unexpected', about: 'What came from a company belongs to no sign-in' });

  const insider = await open();
  await toSignIn(insider, issuer, 'assist');
  await typePassword(insider, 'ian@initech.test');
  await sql`update connections set state = 'required' where kind = 'oidc'`.execute(ctx.db);
  await toSignIn(insider, issuer, 'admin');
  await show(insider, { name: 'denied-sso', about: 'The company has come to require its own sign-in' });
  await sql`update connections set state = 'enabled' where kind = 'oidc'`.execute(ctx.db);
}

async function companyAdmins({ open, issuer, show, ctx }: Tour): Promise<void> {
  const page = await open();
  const { id: connectionId } = await demoConnection(ctx, 'saml');
  await page.goto(await beginTest(ctx, { connectionId }));
  await signInAtCompany(page);
  await show(page, { name: 'connection-works', about: 'A test of a connection, passed' });
  await goWrong(page, issuer, 'wrong_audience');
  await page.goto(await beginTest(ctx, { connectionId }));
  await press(page, '#continue');
  await show(page, { name: 'connection-refused', about: 'A test of a connection, refused' });
}

async function linking({ open, issuer, show }: Tour): Promise<void> {
  const page = await open();
  await toSignIn(page, issuer, 'assist');
  await press(page, '#social-google');
  await show(page, {
    name: 'social-rehearsal',
    about: 'The rehearsal of a social provider in the demo',
    shown: few,
  });
  await press(page, 'button[value="ada@acme.test"]');
  await show(page, { name: 'link-sign-in', about: 'Back from a provider: the address has a user' });
  await typeOwnPassword(page, 'not this one');
  await show(page, { name: 'link-wrong', about: 'A wrong password on the way to a link' });
  await typeOwnPassword(page);
  await show(page, { name: 'link-confirm', about: 'Do the two belong together?' });
  await press(page, '#link');
}

async function provingAddress({ open, issuer, show }: Tour): Promise<void> {
  const page = await open();
  await comeBy(page, issuer, { provider: 'facebook', handle: 'fay@elsewhere.test' });
  await show(page, { name: 'code-address', about: 'The provider has told no address' });
  await page.fill('#email', 'fay@elsewhere.test');
  await press(page, '#go');
  await show(page, { name: 'code', about: 'A code is mailed to an address that has to be proven' });
  await page.fill('#code', '000000');
  await press(page, '#go');
  await show(page, { name: 'code-wrong', about: 'A wrong code' });
  await press(page, '#resend');
  await show(page, { name: 'code-too-soon', about: 'A code that is wanted again too soon' });
}

async function socialProblems({ open, issuer, show }: Tour): Promise<void> {
  const page = await open();
  await comeBy(page, issuer, { provider: 'google', handle: 'greta.rehearsal@gmail.com' });
  await show(page, { name: 'identity-unknown', about: 'Nobody here signs in with this identity' });
  await press(page, '#social-linkedin');
  await press(page, '#cancel');
  await show(page, { name: 'social-failed', about: 'Thought better of it at the provider' });

  const insider = await open();
  await comeBy(insider, issuer, { provider: 'google', handle: 'gina@globex.test' });
  await show(insider, { name: 'social-company', about: 'A provider is no way past the company' });
}

interface Account {
  readonly provider: string;
  /** Of somebody at the rehearsal of it. */
  readonly handle: string;
}

async function comeBy(page: Page, issuer: string, { provider, handle }: Account): Promise<void> {
  await toSignIn(page, issuer, 'assist');
  await press(page, `#social-${provider}`);
  await press(page, `button[value="${handle}"]`);
}

/** At the rehearsal identity providers, for this browser. */
async function goWrong(page: Page, issuer: string, fault: string): Promise<void> {
  await page.goto(`${issuer}/demo/idp`);
  await press(page, `button[value="${fault}"]`);
}

async function consent({ open, issuer, show }: Tour): Promise<void> {
  const page = await open();
  await toSignIn(page, issuer, 'third-party');
  await typePassword(page, 'ada@acme.test');
  await show(page, { name: 'consent', about: "Somebody else's client asks for consent" });
}

async function recovery(tour: Tour): Promise<void> {
  const { open, issuer, show } = tour;
  const page = await open();
  await page.goto(`${issuer}/password-resets/request`);
  await show(page, { name: 'reset-request', about: 'A forgotten password: the address' });
  await page.fill('#email', 'greg@globex.test');
  await press(page, '#send');
  await show(page, { name: 'reset-sent', about: 'A mail is on its way' });
  await page.fill('#code', '000000');
  await press(page, '#check-code');
  await show(page, { name: 'reset-wrong-code', about: 'A wrong code' });
  await page.goto(await mailedLink(tour, 'greg@globex.test'));
  await show(page, { name: 'reset-new', about: 'A new password' });
  await page.fill('#password', 'password123456789');
  await press(page, '#set-password');
  await show(page, { name: 'reset-refused', about: 'A password that is not taken' });
  await page.fill('#password', newPassword);
  await press(page, '#set-password');
  await show(page, { name: 'reset-done', about: 'The password is changed' });
  await page.goto(`${issuer}/password-resets/new`);
  await show(page, { name: 'reset-expired', about: 'A link that was used' });
  await page.goto(`${issuer}/demo/mail`);
  await show(page, { name: 'demo-mail', about: 'The mailbox of the demo', shown: few });
}

async function invitation(tour: Tour): Promise<void> {
  const { open, show } = tour;
  const page = await open();
  const link = await mailedLink(tour, 'invited@acme.test');
  await page.goto(link);
  await show(page, { name: 'invitation', about: 'An invitation' });
  await page.fill('#password', newPassword);
  await press(page, '#accept');
  await show(page, {
    name: 'invitation-done',
    about: 'The invitation is accepted: on to the sign-in, where the address is filled in',
  });
  const late = await open();
  await late.goto(link);
  await show(late, { name: 'invitation-expired', about: 'An invitation that was accepted already' });
}

async function leaving({ open, issuer, show }: Tour): Promise<void> {
  const page = await open();
  await toSignIn(page, issuer, 'meet');
  await typePassword(page, 'alan@acme.test');
  await press(page, '#sign-out');
  await show(page, {
    name: 'signing-out',
    about: 'A client signs a person out: one step more where scripts are off',
  });
  await page.goto(`${issuer}/logout?client_id=demo-meet`);
  await show(page, { name: 'sign-out', about: 'Signing out without a hint of who asks' });
  await press(page, '#sign-out');
  await show(page, { name: 'signed-out', about: 'Signed out' });
}

async function problems({ ctx, open, issuer, show }: Tour): Promise<void> {
  const page = await open();
  await toSignIn(page, issuer, 'assist');
  const step = page.url();
  await typePassword(page, 'alan@acme.test');
  await page.goto(step);
  await show(page, { name: 'expired', about: 'A sign-in that has ended' });
  await page.goto(`${issuer}/nothing`);
  await show(page, { name: 'not-found', about: 'An address of nothing' });
  await page.goto(`${issuer}/authorize?client_id=nobody`);
  await show(page, {
    name: 'protocol-error',
    about: 'An authorization request that must not go back to its client',
  });
  await sql`alter table interactions rename to interactions_gone`.execute(ctx.db);
  await page.goto(step);
  await show(page, { name: 'fault', about: 'A fault of ours' });
  await sql`alter table interactions_gone rename to interactions`.execute(ctx.db);
}

async function languages({ open, issuer, show }: Tour): Promise<void> {
  const names = { de: 'German', es: 'Spanish', fr: 'French', ja: 'Japanese' };
  for (const [locale, name] of Object.entries(names)) {
    const page = await open(locale);
    await toSignIn(page, issuer, 'meet');
    await show(page, { name: `identify-${locale}`, about: `Sign in, in ${name}`, shown: few });
    await typePassword(page, 'ada@acme.test');
    await show(page, { name: `denied-${locale}`, about: `No seat, in ${name}`, shown: few });
  }
}

async function toSignIn(page: Page, issuer: string, app: string): Promise<void> {
  await page.goto(`${issuer}/demo/${app}/sign-in`);
}

async function typePassword(page: Page, email: string, password = demoPassword): Promise<void> {
  await page.fill('#email', email);
  await page.fill('#password', password);
  await press(page, '#sign-in');
}

/** Where the address stands already. */
async function typeOwnPassword(page: Page, password = demoPassword): Promise<void> {
  await page.fill('#password', password);
  await press(page, '#sign-in');
}

async function typeCompany(page: Page, email: string): Promise<void> {
  await page.fill('#email', email);
  await press(page, '#go');
}

/** The rehearsal identity provider asks who one is, and sends back by a form. */
async function signInAtCompany(page: Page): Promise<void> {
  await press(page, 'button[value="gina@globex.test"]');
  await press(page, '#continue');
}

async function press(page: Page, selector: string): Promise<void> {
  const loaded = page.waitForEvent('load');
  await page.click(selector);
  await loaded;
}

/** The link of the last mail to somebody, once the background has done its work. */
async function mailedLink({ runJob, issuer }: Tour, to: string): Promise<string> {
  await runJob('password resets');
  await runJob('mail');
  const answer = await fetch(`${issuer}/demo/mail`, { headers: { accept: 'application/json' } });
  const mails = (await answer.json()) as { to: string; text: string }[];
  const text = mails.find((mail) => mail.to.includes(to))?.text;
  const link = /http:\S+\/open\?token=\S+/.exec(text ?? '')?.[0];
  if (link === undefined) throw new Error(`no link was mailed to ${to}`);
  return link;
}
