/** R7 by a real browser: from the mail to the decision, by keyboard alone and without scripts. */
import t from 'tap';
import { checkUse } from '../support/accessible.ts';
import { startApp } from '../support/app.ts';
import { startBrowser } from '../support/browser.ts';
import { complaintsOf, press, tabTo } from '../support/keyboard.ts';
import { openMailbox } from '../support/mailbox.ts';
import { makeAsked } from '../support/seat-request.ts';

t.test('a request for a seat in the browser', async (t) => {
  const app = await startApp(t, { env: { SUPPORT_EMAIL: 'help@example.test' } });
  const { issuer, ctx } = app;
  const open = await startBrowser(t);
  const mailbox = await openMailbox(t, app);
  await mailbox.drain();
  const linkTo = (token: string): string => `${issuer}/seat-requests/open?token=${token}`;
  const stateOf = async (accountId: string) =>
    (
      await ctx.db
        .selectFrom('seatRequests')
        .select('state')
        .where('accountId', '=', accountId as never)
        .executeTakeFirstOrThrow()
    ).state;

  for (const javaScriptEnabled of [false, true]) {
    const scripts = javaScriptEnabled ? 'with' : 'without';
    for (const [button, state] of [
      ['grant', 'granted'],
      ['refuse', 'refused'],
    ] as const) {
      t.test(`is ${state} by one key, ${scripts} scripts`, async (t) => {
        const { accountId, person, tokens } = await makeAsked(app, mailbox);
        const page = await open({ javaScriptEnabled });
        const complaints = complaintsOf(page);
        await page.goto(linkTo(tokens[0]));
        t.equal(page.url(), `${issuer}/seat-requests/decide`, 'the token is not in the address');
        t.match(await page.textContent('main'), person.email);
        await press(page, `#${button}`);
        t.equal(page.url(), `${issuer}/seat-requests/done`);
        t.equal(await page.locator('h1').count(), 1);
        t.equal(await page.locator('button').count(), 0, 'nothing is left to press');
        t.equal(await stateOf(accountId), state);
        t.same(complaints, []);
      });
    }
  }

  t.test('is clicked in a webmail of another site', async (t) => {
    const { accountId, tokens } = await makeAsked(app, mailbox);
    const mail = `<a id="link" href="${linkTo(tokens[1])}">decide</a>`;
    const page = await open({ javaScriptEnabled: false });
    await page.goto(`data:text/html,${encodeURIComponent(mail)}`);
    await press(page, '#link');
    t.equal(page.url(), `${issuer}/seat-requests/decide`);
    await press(page, '#grant');
    t.equal(await stateOf(accountId), 'granted');
  });

  t.test('says that no seat is free, and works when one is', async (t) => {
    const { accountId, tokens } = await makeAsked(app, mailbox, 0);
    const page = await open({ javaScriptEnabled: false });
    await page.goto(linkTo(tokens[0]));
    t.ok(await page.isVisible('[role=alert]'));
    await press(page, '#grant');
    t.ok(await page.isVisible('[role=alert]'), 'told again');
    t.equal(await stateOf(accountId), 'open');
    await ctx.db.updateTable('subscriptions').set({ seats: 1 }).where('accountId', '=', accountId).execute();
    await press(page, '#grant');
    t.equal(page.url(), `${issuer}/seat-requests/done`);
  });

  t.test('can be decided by everybody: each of its pages', async (t) => {
    const { tokens } = await makeAsked(app, mailbox);
    const full = await makeAsked(app, mailbox, 0);
    const page = await open({ reducedMotion: 'reduce' });
    const check = (label: string) => t.test(label, async (t) => checkUse(t, page));
    await page.goto(linkTo(full.tokens[0]));
    await check('no seat is free');
    await page.goto(linkTo(tokens[0]));
    await check('the question');
    await tabTo(page, '#grant');
    await press(page, '#grant');
    await check('it is granted');
    const late = await page.goto(linkTo(tokens[1]));
    t.equal(late?.status(), 410);
    await check('somebody else has decided');
    const dead = await page.goto(linkTo('a'.repeat(43)));
    t.equal(dead?.status(), 410);
    await check('a link of nothing');
  });
});
