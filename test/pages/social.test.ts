/** R4 by keyboard alone, with scripts and without: people who bring a sign-in of their own. */
import t, { type Test } from 'tap';
import { demoPassword } from '../../src/demo/world.ts';
import { startApp, type TestApp } from '../support/app.ts';
import { startBrowser } from '../support/browser.ts';
import {
  assertSignedIn,
  atIdp,
  inAssist,
  newWalker,
  signOut,
  switchFault,
  toSignIn,
  type Walker,
} from '../support/company-walk.ts';
import { enter, focusIsOn, focusOf, goBack, press, tabTo, typeInto } from '../support/keyboard.ts';

t.setTimeout(300_000);

/** Facebook hangs a fragment of its own to the way back, which a browser takes along. */
const atStep = /\/sign-in\/[\w-]+(#.*)?$/;

for (const scripts of [true, false]) {
  t.test(`with scripts ${scripts ? 'on' : 'off'}`, async (t) => {
    const app = await startApp(t, { social: true });
    const open = await startBrowser(t);
    const journey = (name: string, walk: (t: Test, walker: Walker) => Promise<void>) =>
      t.test(name, async (t) => {
        const walker = await newWalker(app, open, scripts);
        await walk(t, walker);
        t.same(walker.complaints, [], 'the browser had nothing to complain about');
        await walker.page.context().close();
      });

    journey(
      'a user signs in as always, confirms, and comes straight through the next time',
      async (t, walker) => {
        const { page } = walker;
        await comeBack(walker, { provider: 'google', handle: 'alan@acme.test' });
        t.same(await identitiesOf(app, 'alan@acme.test'), [], 'L01: nothing comes of the address alone');
        t.ok(await focusIsOn(page, 'password'), 'the address stands there already');
        t.equal(await page.inputValue('#email'), 'alan@acme.test');
        await page.keyboard.type('not this one');
        await enter(page, atStep);
        t.ok(await page.isVisible('[role=alert]'));
        t.ok(await focusIsOn(page, 'password'));
        await page.keyboard.type(demoPassword);
        await enter(page, atStep);
        t.same(await identitiesOf(app, 'alan@acme.test'), [], 'nor of the password alone');
        t.match(await page.textContent('.pair'), 'alan@acme.test');
        await press(page, '#link', inAssist);
        await assertSignedIn(t, walker, 'alan@acme.test');
        t.same(await identitiesOf(app, 'alan@acme.test'), ['google']);

        await signOut(walker);
        await toSignIn(walker);
        await press(page, '#social-google', inAssist);
        await assertSignedIn(t, walker, 'alan@acme.test');
      },
    );

    journey(
      'whoever says no to the link is asked who they are again, and has linked nothing',
      async (t, walker) => {
        const { page } = walker;
        await comeBack(walker, { provider: 'linkedin', handle: 'ada@acme.test' });
        await page.keyboard.type(demoPassword);
        await enter(page, atStep);
        await press(page, '#restart', atStep);
        t.equal(await page.locator('#social-linkedin').count(), 1);
        t.same(await identitiesOf(app, 'ada@acme.test'), []);
      },
    );

    journey(
      'P09 whoever cancels at the provider stands where they were, and can try again',
      async (t, walker) => {
        const { page } = walker;
        await toSignIn(walker);
        const step = page.url();
        await press(page, '#social-facebook', atIdp);
        await press(page, '#cancel', atStep);
        t.match(page.url(), step);
        t.equal(await page.getAttribute('#case', 'data-code'), 'social_sign_in_failed');
        await tabTo(page, '#problem a');
        await page.keyboard.press('Enter');
        await page.keyboard.press('Tab');
        t.equal(await focusOf(page), 'social-google', 'the summary leads to the buttons');
        await press(page, '#social-facebook', atIdp);
        await goBack(page, atStep);
        t.match(page.url(), step, 'and back by the key of the browser');
      },
    );

    journey('a provider that is down is one sentence and a case', async (t, walker) => {
      const { page } = walker;
      await switchFault(walker, 'server_error');
      await comeBack(walker, { provider: 'github', handle: 'ada@acme.test' });
      t.equal(await page.getAttribute('#case', 'data-code'), 'social_sign_in_failed');
      await switchFault(walker, 'none');
      await toSignIn(walker);
      await press(page, '#social-github', atStep);
      t.ok(await focusIsOn(page, 'password'), 'and is no more when it is up again');
    });

    journey('Apple posts its answer from its own site, and the browser is still known', async (t, walker) => {
      const { page } = walker;
      await comeBack(walker, { provider: 'apple', handle: 'ada@acme.test' });
      t.equal(await page.inputValue('#email'), 'ada@acme.test');
      t.equal(await page.locator('#sign-in').count(), 1);
    });

    journey(
      'P06 an address that the provider does not tell is typed, and proven by the code',
      async (t, walker) => {
        const { page } = walker;
        await comeBack(walker, { provider: 'facebook', handle: 'fay@elsewhere.test' });
        t.ok(await focusIsOn(page, 'email'));
        const address = `invited-${scripts}@acme.test`;
        await page.keyboard.type(address);
        await enter(page, atStep);
        t.ok(await focusIsOn(page, 'code'));
        await page.keyboard.type('wrong');
        await enter(page, atStep);
        t.equal(await page.getAttribute('#code', 'aria-invalid'), 'true');
        await typeInto(page, '#code', await mailedCode(app, address));
        await enter(page, atStep);
        t.equal(
          await page.getAttribute('#case', 'data-code'),
          'identity_unknown',
          'and nobody has that address',
        );
      },
    );

    journey('where the company requires its own sign-in a provider leads there', async (t, walker) => {
      const { page } = walker;
      await comeBack(walker, { provider: 'google', handle: 'gina@globex.test' });
      t.ok(await page.isVisible('[role=alert]'));
      t.equal(await page.inputValue('#email'), 'gina@globex.test');
      await press(page, '#go', atIdp);
      t.match(page.url(), '/demo/idp/saml/');
    });
  });
}

interface Account {
  readonly provider: string;
  readonly handle: string;
}

/** From the product to a provider, says who one is there, and back at the step that stands. */
async function comeBack(walker: Walker, { provider, handle }: Account): Promise<void> {
  const { page, scripts } = walker;
  await toSignIn(walker);
  await press(page, `#social-${provider}`, atIdp);
  await typeInto(page, '#email', handle);
  const posts = provider === 'apple' && !scripts;
  await press(page, '#sign-in', posts ? atIdp : atStep);
  if (posts) await press(page, '#continue', atStep);
}

async function identitiesOf({ ctx }: TestApp, email: string): Promise<(string | null)[]> {
  const rows = await ctx.db
    .selectFrom('identities')
    .innerJoin('users', 'users.id', 'identities.userId')
    .select('identities.provider')
    .where('users.email', '=', email)
    .execute();
  return rows.map(({ provider }) => provider);
}

/** As the demo shows its mail. */
async function mailedCode({ issuer, runJob }: TestApp, to: string): Promise<string> {
  await runJob('mail');
  const answer = await fetch(`${issuer}/demo/mail`, { headers: { accept: 'application/json' } });
  const mails = (await answer.json()) as { to: string; text: string }[];
  const text = mails.find((mail) => mail.to.includes(to))?.text ?? '';
  const code = /^\d{6}$/m.exec(text)?.[0];
  if (code === undefined) throw new Error(`no code was mailed to ${to}`);
  return code;
}
