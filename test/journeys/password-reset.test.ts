/** R8: somebody has forgotten their password, and gets in again. */
import t from 'tap';
import { resetMailFor } from '../../src/core/password-resets/password-resets.ts';
import { demoPassword } from '../../src/demo/world.ts';
import { Agent } from '../support/agent.ts';
import { startApp, type TestApp } from '../support/app.ts';
import { makeUser } from '../support/make.ts';
import { demoClient, RelyingParty, submitPassword, toStep } from '../support/relying-party.ts';
import {
  askForReset,
  complete,
  mailedReset,
  mailedResets,
  mailsTo,
  newPassword,
  obtainReset,
  openLink,
} from '../support/reset.ts';

t.test('a forgotten password', async (t) => {
  const app = await startApp(t, { env: { TRUSTED_PROXIES: '127.0.0.1' } });
  const { issuer, ctx } = app;
  const assist = new RelyingParty(issuer, demoClient(issuer, 'assist'));

  t.test('from the sign-in to a mail, a new password, and back to the same sign-in', async (t) => {
    const browser = new Agent(issuer);
    const started = await assist.start({ login_hint: 'alan@acme.test' });
    const step = await toStep(browser, started.url);
    const { interaction, actions } = step.json();
    const action = actions.forgot_password;
    t.match(action, {
      method: 'POST',
      href: '/password-resets',
      fields: [{ name: 'email' }, { value: interaction }],
    });
    t.equal((await askForReset(browser, 'Alan@Acme.test', interaction)).status, 202);
    t.match((await browser.get('/password-resets/sent')).json(), {
      step: 'reset_mail_sent',
      email: 'alan@acme.test',
      client: { client_id: 'demo-assist', product: { slug: 'assist' } },
      actions: { code: { href: '/password-resets/code' }, resend: { href: '/password-resets' } },
    });

    const { token } = await mailedReset(app, 'alan@acme.test');
    const opened = await browser.get(`/password-resets/open?token=${token}`);
    t.equal(opened.status, 303);
    t.equal(opened.location, `${issuer}/password-resets/new`, 'the token is gone from the address');
    const form = await browser.get(opened.location ?? '');
    t.match(form.json(), { step: 'new_password', email: 'alan@acme.test', problem: null });
    const done = await complete(browser);
    t.equal(done.status, 200);
    t.match(done.json(), { step: 'password_changed', location: `${issuer}/sign-in/${interaction}` });
    t.match(
      (await browser.get('/password-resets/done')).json(),
      done.json(),
      'and again when it is reloaded',
    );

    const again = await browser.get(done.json().location);
    t.equal(again.json().step, 'identify', 'nobody is signed in by it');
    t.equal((await submitPassword(browser, again, 'alan@acme.test')).status, 401, 'the old one is gone');
    const signedIn = await submitPassword(browser, again, 'alan@acme.test', newPassword);
    const back = await browser.follow(signedIn.json().location);
    t.ok((await assist.finish(back.location, started)).claims()?.sub);
    t.equal((await mailsTo(ctx, 'alan@acme.test', 'password_changed')).length, 1);
  });

  t.test('the link opened in another browser ends at the client', async (t) => {
    const { email } = await makeUser(ctx);
    const asking = new Agent(issuer);
    const { interaction } = (await toStep(asking, (await assist.start()).url)).json();
    await askForReset(asking, email, interaction);
    const { token } = await mailedReset(app, email);
    const other = new Agent(issuer);
    t.equal((await openLink(other, token)).json().step, 'new_password');
    t.match((await complete(other)).json(), { location: `${issuer}/demo/assist/sign-in` });
  });

  t.test(
    'without a sign-in and without cookies the token alone will do, and there is nowhere to go',
    async (t) => {
      const { email } = await makeUser(ctx);
      const { token } = await obtainReset(app, new Agent(issuer), email);
      const done = await complete(new Agent(issuer), { token });
      t.match(done.json(), { step: 'password_changed', client: null, location: null });
    },
  );

  t.test('the code, typed in the browser that asked, is as good as the link', async (t) => {
    const { email } = await makeUser(ctx);
    const browser = new Agent(issuer);
    const { code, token } = await obtainReset(app, browser, email);
    const typed = await browser.post('/password-resets/code', {
      json: { code: `${code.slice(0, 3)} ${code.slice(3)}` },
    });
    t.match(typed.json(), { step: 'new_password', email });
    t.equal((await complete(browser)).status, 200);
    t.match(
      (await complete(new Agent(issuer), { token })).json(),
      { code: 'link_expired' },
      'and the link is dead',
    );
  });

  t.test('a password that will not do is refused with its reason, and costs nothing', async (t) => {
    const { email } = await makeUser(ctx);
    const browser = new Agent(issuer);
    await openLink(browser, (await obtainReset(app, browser, email)).token);
    const refused = await complete(browser, { password: 'too short' });
    t.equal(refused.status, 422);
    t.match(refused.json(), { code: 'password_refused', fields: { password: 'too_short' } });
    t.equal((await complete(browser)).status, 200, 'the link still works');
  });

  t.test('by forms, every answer sends the browser on to a page that says what happened', async (t) => {
    const { email } = await makeUser(ctx);
    const browser = new Agent(issuer, 'text/html');
    const post = async (path: string, form: Readonly<Record<string, string>>) => {
      const answer = await browser.post(path, { form });
      t.equal(answer.status, 303, path);
      return answer.location?.slice(issuer.length);
    };
    t.equal((await browser.get('/password-resets/sent')).location, `${issuer}/password-resets/request`);
    t.equal((await browser.get('/password-resets/request')).status, 200);
    t.equal(
      await post('/password-resets', { email: 'nobody' }),
      '/password-resets/request?problem=invalid_email',
    );
    t.match((await browser.get('/password-resets/request?problem=invalid_email')).text, 'role="alert"');
    t.equal(await post('/password-resets', { email }), '/password-resets/sent');
    t.equal(await post('/password-resets', { email }), '/password-resets/sent?problem=too_soon');
    t.match((await browser.get('/password-resets/sent?problem=too_soon')).text, 'role="status"');
    t.equal(
      await post('/password-resets/code', { code: 'nonsense' }),
      '/password-resets/sent?problem=wrong_code',
    );
    t.match((await browser.get('/password-resets/sent?problem=wrong_code')).text, 'role="alert"');
    const { code } = await mailedReset(app, email);
    t.equal(await post('/password-resets/code', { code }), '/password-resets/new');
    const password = 'short';
    t.equal(await post('/password-resets/complete', { password }), '/password-resets/new?problem=too_short');
    t.match((await browser.get('/password-resets/new?problem=too_short')).text, 'role="alert"');
    t.equal(await post('/password-resets/complete', { password: newPassword }), '/password-resets/done');
    t.equal((await browser.get('/password-resets/done')).status, 200);
    t.equal(
      (await browser.get('/password-resets/new')).status,
      410,
      'the back button finds a page that helps',
    );
    t.equal(await post('/password-resets/complete', { password: newPassword }), '/password-resets/new');
  });

  t.test('after a minute the mail is sent again, and either code works', async (t) => {
    const { email } = await makeUser(ctx);
    const browser = new Agent(issuer);
    await askForReset(browser, email);
    await askForReset(browser, email);
    t.equal((await mailedResets(app, email)).length, 1);
    app.advance(61);
    await askForReset(browser, email);
    const [first, second] = await mailedResets(app, email);
    for (const mailed of [second, first]) {
      const { status } = await browser.post('/password-resets/code', { json: { code: mailed?.code } });
      t.equal(status, 200);
    }
  });

  t.test('whoever cannot have a new password gets no link', async (t) => {
    const off = await makeUser(ctx, { state: 'deactivated' });
    const people = [off.email, 'invited@acme.test', 'nobody@acme.test'];
    for (const email of people) t.equal((await askForReset(new Agent(issuer), email)).status, 202);
    for (const email of people) t.same(await mailedResets(app, email), []);
    const mails = await ctx.db
      .selectFrom('mailOutbox')
      .select('id')
      .where('recipient', '=', 'nobody@acme.test')
      .execute();
    t.same(mails, [], 'and a stranger nothing at all');
  });

  t.test('somebody without a password sets their first one', async (t) => {
    const { email } = await makeUser(ctx, { password: null });
    const { token } = await obtainReset(app, new Agent(issuer), email);
    t.equal((await complete(new Agent(issuer), { token })).status, 200);
    t.equal(await signsIn(app, assist, { email, password: newPassword }), 200);
  });

  t.test(
    'a request that nobody looked at in time is dropped: its mail would come as a surprise',
    async (t) => {
      const { email } = await makeUser(ctx);
      await askForReset(new Agent(issuer), email);
      app.advance(30 * 60);
      t.same(await mailedResets(app, email), []);
      t.equal(await signsIn(app, assist, { email, password: demoPassword }), 200, 'nothing has changed');
    },
  );
});

t.test("from a vendor's own page the request is sent by its script, and nothing else is", async (t) => {
  const origin = 'http://127.0.0.1:9';
  const { issuer } = await startApp(t, { env: { SIGN_IN_URL: `${origin}/sign-in` } });
  const page = new Agent(issuer);
  const headers = { origin, 'sec-fetch-site': 'same-site' };
  const allowed = (answer: { headers: Headers }) => answer.headers.get('access-control-allow-origin');
  const preflight = await page.send('/password-resets', { method: 'OPTIONS', headers });
  t.equal(preflight.status, 204);
  t.equal(allowed(preflight), origin);
  const asked = await page.post('/password-resets', { json: { email: 'ada@acme.test' }, headers });
  t.equal(asked.status, 202);
  t.equal(allowed(asked), origin);
  t.equal(allowed(await page.get('/password-resets/sent', { headers })), null);
});

t.test('which mail somebody gets', async (t) => {
  const facts = { state: 'active', onlyCompanySignIn: undefined } as const;
  t.same(resetMailFor(facts), { mail: 'password_reset' });
  const company = { onlyCompanySignIn: 'Globex Corp' };
  t.same(resetMailFor({ ...facts, ...company }), {
    mail: 'password_reset_by_company',
    account: 'Globex Corp',
  });
  t.same(resetMailFor({ ...facts, ...company, state: 'invited' }), { mail: 'invitation' });
  t.same(resetMailFor({ ...facts, ...company, state: 'deactivated' }), undefined);
});

/** The status of an answer to a password; 200 for a right one, whatever comes next. */
async function signsIn(
  app: TestApp,
  party: RelyingParty,
  { email, password }: { email: string; password: string },
): Promise<number> {
  const browser = new Agent(app.issuer);
  const step = await toStep(browser, (await party.start()).url);
  return (await submitPassword(browser, step, email, password)).status;
}
