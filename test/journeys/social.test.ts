/** R4 and R5: social sign-in over HTTP, by all six dialects, and invitations that are accepted by it or by the company. */
import t from 'tap';
import { inTransaction } from '../../src/context.ts';
import { findAccountBySlug } from '../../src/core/accounts/accounts.ts';
import { socialProviders } from '../../src/core/identities/identities.ts';
import { createInvitation } from '../../src/core/invitations/invitations.ts';
import { findProductBySlug } from '../../src/core/products/products.ts';
import { parseEmail } from '../../src/kernel/email-address.ts';
import { open } from '../../src/kernel/seal.ts';
import { Agent, type Answer } from '../support/agent.ts';
import { startApp } from '../support/app.ts';
import { bringBack, comeHome, signInAtIdp, signInByCompany } from '../support/company.ts';
import { demoClient, RelyingParty, submitPassword, toStep } from '../support/relying-party.ts';

t.test('social sign-in', async (t) => {
  const app = await startApp(t, { social: true });
  const { issuer, ctx } = app;
  const assist = new RelyingParty(issuer, demoClient(issuer, 'assist'));
  const begin = async (browser = new Agent(issuer)) => {
    const started = await assist.start();
    return { browser, started, step: await toStep(browser, started.url) };
  };
  const leave = (browser: Agent, step: Answer, provider: string) =>
    browser.post(step.json().actions.social.href, { json: { provider } });
  const come = async (provider: string, email: string, browser = new Agent(issuer)) => {
    const begun = await begin(browser);
    const left = await leave(browser, begun.step, provider);
    t.match(left.json(), { step: 'redirect' }, provider);
    const back = await bringBack(browser, await signInAtIdp(browser, left.json().location, email));
    return { ...begun, step: await comeHome(browser, back) };
  };

  t.test('all that are switched on are offered', async (t) => {
    const { step } = await begin();
    const [field] = step.json().actions.social.fields;
    t.strictSame(
      field.options.map(({ value }: { value: string }) => value),
      socialProviders,
    );
    const { browser, step: again } = await begin();
    t.equal((await leave(browser, again, 'myspace')).status, 400);
  });

  for (const provider of ['google', 'linkedin', 'facebook', 'apple', 'github'] as const) {
    t.test(
      `R4 ${provider}: an existing user signs in their way once, and afterwards straight through`,
      async (t) => {
        const browser = new Agent(issuer);
        const first = await come(provider, 'ada@acme.test', browser);
        let step = first.step;
        if (step.json().step === 'code') {
          const mail = await ctx.db
            .selectFrom('mailOutbox')
            .select(['id', 'secretsSealed'])
            .where('template', '=', 'link_code')
            .orderBy('id', 'desc')
            .executeTakeFirstOrThrow();
          const { code } = JSON.parse(
            open(ctx.config.secretKeys, mail.secretsSealed ?? '', `mail_outbox/${mail.id}`),
          ) as { code: string };
          step = await browser.post(step.json().actions.code.href, { json: { code } });
        }
        t.match(step.json(), { step: 'sign_in_to_link', external: { provider } });
        const confirm = await submitPassword(browser, step, 'ada@acme.test');
        t.match(confirm.json(), { step: 'confirm_link' });
        const done = await browser.post(confirm.json().actions.link.href, { json: { confirm: true } });
        t.match(done.json(), { step: 'done' });
        const callback = await browser.follow(done.json().location);
        const tokens = await assist.finish(callback.location, first.started);

        const later = new Agent(issuer);
        const second = await come(provider, 'ada@acme.test', later);
        t.match(second.step.json(), { step: 'done' });
        const again = await later.follow(second.step.json().location);
        const { sub } = (await assist.finish(again.location, second.started)).claims() ?? {};
        t.equal(sub, tokens.claims()?.sub);
      },
    );
  }

  t.test('P09 whoever cancels there is back at the beginning, and nothing is left', async (t) => {
    const { browser, step } = await begin();
    const left = await leave(browser, step, 'google');
    const { location } = left.json() as { location: string };
    const callback = new URL(`${issuer}/federation/google/callback`);
    callback.searchParams.set('error', 'access_denied');
    callback.searchParams.set('state', new URL(location).searchParams.get('state') ?? '');
    const home = await comeHome(browser, await browser.get(callback.href));
    t.match(home.json(), { step: 'identify', problem: { code: 'social_sign_in_failed', case_id: String } });
    t.strictSame(await ctx.db.selectFrom('socialDepartures').select('provider').execute(), []);
  });

  t.test(
    'P07 an answer that belongs to no sign-in of this browser is refused, whoever posts it',
    async (t) => {
      for (const provider of ['apple', 'google'] as const) {
        const posted = await new Agent(issuer).post(`/federation/${provider}/callback`, {
          form: { code: 'stolen', state: 'A'.repeat(43) },
          headers: { origin: 'https://evil.test', 'sec-fetch-site': 'cross-site' },
        });
        t.equal(posted.status, 403, provider);
      }
      const { browser, step } = await begin();
      const left = await leave(browser, step, 'google');
      const answered = await signInAtIdp(browser, left.json().location, 'ada@acme.test');
      t.equal((await new Agent(issuer).get(answered.location ?? '')).status, 403, 'in another browser');
      const elsewhere = (answered.location ?? '').replace('/google/', '/github/');
      t.equal((await browser.get(elsewhere)).status, 403, 'at another provider');
      t.match((await comeHome(browser, await browser.get(answered.location ?? ''))).json(), { step: 'done' });
    },
  );

  const invite = async (account: string, email: string) => {
    const invitation = await inTransaction(ctx, async (tx) => {
      const found = await findAccountBySlug(tx.db, account);
      const product = await findProductBySlug(tx.db, 'assist');
      const address = parseEmail(email);
      if (!found || !product || !address) throw new Error('the world is incomplete');
      return createInvitation(tx, {
        accountId: found.id,
        email: address,
        role: 'agent',
        products: [product.id],
      });
    });
    const mail = await ctx.db
      .selectFrom('mailOutbox')
      .select(['id', 'secretsSealed'])
      .where('recipient', '=', email)
      .where('template', '=', 'invitation')
      .orderBy('id', 'desc')
      .executeTakeFirstOrThrow();
    const { token } = JSON.parse(
      open(ctx.config.secretKeys, mail.secretsSealed ?? '', `mail_outbox/${mail.id}`),
    ) as { token: string };
    const browser = new Agent(issuer);
    await browser.get(`/invitations/open?token=${token}`);
    return { browser, invitation };
  };

  t.test('R5 an invitation is accepted by a social identity for the same address, once', async (t) => {
    const { browser } = await invite('initech', 'newcomer@elsewhere.test');
    t.match((await browser.get('/invitations/accept')).json(), { ways: ['password', 'google'] });
    const left = await browser.post('/invitations/accept', { json: { social: 'google' } });
    t.match(left.json(), { status: 'redirect' });
    const answered = await signInAtIdp(browser, left.json().location, 'newcomer@elsewhere.test');
    const back = await browser.get(answered.location ?? '');
    t.equal(back.status, 303);
    t.match(back.location, /\/demo\/assist\/sign-in\?login_hint=newcomer/);
    const { step, started, browser: same } = await come('google', 'newcomer@elsewhere.test', browser);
    t.match(step.json(), { step: 'done' });
    const callback = await same.follow(step.json().location);
    t.match((await assist.finish(callback.location, started)).claims(), { products: ['assist'] });
    t.equal((await browser.get('/invitations/accept')).status, 410, 'L12 twice');
  });

  t.test('L12 an identity for another address does not accept', async (t) => {
    const { browser, invitation } = await invite('initech', 'meant@elsewhere.test');
    const left = await browser.post('/invitations/accept', { json: { social: 'google' } });
    const answered = await signInAtIdp(browser, left.json().location, 'somebody-else@elsewhere.test');
    const back = await browser.get(answered.location ?? '');
    t.match(back.location, /problem=identity_other_email#?$/);
    const query = ctx.db.selectFrom('invitations').select('state').where('id', '=', invitation);
    t.strictSame(await query.execute(), [{ state: 'pending' }]);
  });

  t.test('L12 where the company is required no password accepts, and its sign-in does', async (t) => {
    const { browser, invitation } = await invite('globex', 'starter@globex.test');
    t.match((await browser.get('/invitations/accept')).json(), { ways: ['company'] });
    const byPassword = await browser.post('/invitations/accept', {
      json: { name: 'Starter', password: 'quite a long new password' },
    });
    t.match(byPassword.json(), { code: 'sso_required' });
    const left = await browser.post('/invitations/accept', { json: { company: true } });
    t.match(left.json().location, /login_hint=starter%40globex.test&domain_hint=globex.test/);
    const { step, browser: same } = await begin(browser);
    t.match((await signInByCompany(same, step, 'starter@globex.test')).json(), { step: 'done' });
    const query = ctx.db.selectFrom('invitations').select('state').where('id', '=', invitation);
    t.strictSame(await query.execute(), [{ state: 'accepted' }]);
  });
});
