/** R1, R7: every row of the demo world, by a real relying party and by the JSON face alone. */
import { decodeJwt } from 'jose';
import t from 'tap';
import { Agent } from '../support/agent.ts';
import { startApp } from '../support/app.ts';
import {
  callbackParams,
  demoClient,
  RelyingParty,
  signIn,
  submitPassword,
  toStep,
} from '../support/relying-party.ts';

t.test('the demo world', async (t) => {
  const { issuer, ctx } = await startApp(t);
  const assist = new RelyingParty(issuer, demoClient(issuer, 'assist'));
  const meet = new RelyingParty(issuer, demoClient(issuer, 'meet'));

  const attempt = async (email: string, party = assist, browser = new Agent(issuer)) => {
    const { url } = await party.start();
    return submitPassword(browser, await toStep(browser, url), email);
  };

  t.test(
    'somebody with a seat signs in, and is let through to the second product without a password',
    async (t) => {
      const browser = new Agent(issuer);
      const { tokens } = await signIn(browser, assist, 'alan@acme.test', {
        resource: 'https://api.assist.test',
      });
      const claims = tokens.claims();
      t.match(claims, {
        role: 'agent',
        products: ['assist', 'meet'],
        amr: ['pwd'],
        acr: 'urn:doorward:acr:single-factor',
      });
      t.match(claims?.['account'], /^acc_/);
      t.type(claims?.auth_time, 'number');
      t.type(claims?.['sid'], 'string');
      t.match(decodeJwt(tokens.access_token), {
        aud: 'https://api.assist.test',
        client_id: 'demo-assist',
        account: claims?.['account'],
      });

      const second = await meet.start();
      const back = await browser.follow(second.url.href);
      const meetTokens = await meet.finish(back.location, second);
      t.equal(meetTokens.claims()?.sub, claims?.sub, 'the same person, nothing asked');
    },
  );

  t.test('without a resource the access token is opaque and for userinfo only', async (t) => {
    const { tokens } = await signIn(new Agent(issuer), assist, 'ada@acme.test');
    t.equal(tokens.access_token.split('.').length, 1);
    t.equal(tokens.claims()?.['email'], undefined, 'the profile comes from userinfo');
    const userinfo = await fetch(`${issuer}/userinfo`, {
      headers: { authorization: `Bearer ${tokens.access_token}` },
    });
    t.match(await userinfo.json(), {
      sub: tokens.claims()?.sub,
      email: 'ada@acme.test',
      email_verified: true,
      name: 'Ada Lovelace',
    });
  });

  const denials: [email: string, code: string, party: RelyingParty][] = [
    ['ada@acme.test', 'no_seat', meet],
    ['noseat@acme.test', 'no_seat', assist],
    ['off@acme.test', 'user_deactivated', assist],
    ['lea@lapsed.test', 'account_lapsed', assist],
    ['lonely@nowhere.test', 'no_account', assist],
    ['ian@initech.test', 'product_not_subscribed', meet],
    ['alan@acme.test', 'role_required', new RelyingParty(issuer, demoClient(issuer, 'admin'))],
  ];
  for (const [email, code, party] of denials) {
    t.test(`${email} is told ${code} after the right password, and gets no session`, async (t) => {
      const browser = new Agent(issuer);
      const { url } = await party.start();
      const denied = await submitPassword(browser, await toStep(browser, url), email);
      t.equal(denied.status, 200);
      const step = denied.json();
      t.match(step, { step: 'denied', code });
      t.ok(step.remedies.length > 0, 'with what can be done');
      t.notOk(browser.cookies.some(({ name }) => name === 'doorward_session'));
      const event = await ctx.db
        .selectFrom('events')
        .select(['type', 'details'])
        .where('caseId', '=', step.case_id)
        .execute();
      t.match(event, [{ type: 'sign_in.denied', details: { code } }], 'the case is on the audit trail');

      const left = await browser.post(step.actions.abort.href);
      const back = callbackParams(await browser.follow(left.json().location));
      t.equal(back.get('error'), 'access_denied');
      t.match(back.get('error_description'), new RegExp(`^${code}: .* \\(case ${step.case_id}\\)$`));
      t.equal(back.get('iss'), issuer);
    });
  }

  t.test('whoever has no password here learns nothing but that it is wrong', async (t) => {
    for (const email of ['invited@acme.test', 'nobody@initech.test', 'nobody@nowhere.test']) {
      const answer = await attempt(email);
      t.equal(answer.status, 401, email);
      t.match(answer.json(), { code: 'invalid_credentials', step: { step: 'identify' } });
    }
  });

  t.test('somebody with two accounts chooses, and the choice is in the token', async (t) => {
    const browser = new Agent(issuer);
    const started = await assist.start();
    const choice = await submitPassword(browser, await toStep(browser, started.url), 'multi@acme.test');
    const { step, accounts, actions } = choice.json();
    t.equal(step, 'choose_account');
    t.same(
      accounts.map(({ name }: { name: string }) => name),
      ['Acme Inc.', 'Initech'],
    );
    const wrong = await browser.post(actions.account.href, { json: { account: 'acc_of_somebody_else' } });
    t.equal(wrong.status, 400);
    const done = await browser.post(actions.account.href, { json: { account: accounts[1].id } });
    const back = await browser.follow(done.json().location);
    const tokens = await assist.finish(back.location, started);
    t.equal(tokens.claims()?.['account'], accounts[1].id);

    const again = await assist.start();
    const silent = await assist.finish((await browser.follow(again.url.href)).location, again);
    t.equal(silent.claims()?.['account'], accounts[1].id, 'the session remembers it');

    const other = await assist.start({ account: 'acme' });
    const switched = await assist.finish((await browser.follow(other.url.href)).location, other);
    t.equal(switched.claims()?.['account'], accounts[0].id, 'and the client may ask for the other');
  });

  t.test(
    'asking for a seat stores one request and mails each admin once, however often the button is pressed',
    async (t) => {
      const browser = new Agent(issuer);
      const { url } = await assist.start();
      const denied = (await submitPassword(browser, await toStep(browser, url), 'noseat@acme.test')).json();
      const asked = await browser.post(denied.actions.request_seat.href);
      t.match(asked.json(), { step: 'denied', seat_requested: true });
      t.notOk(asked.json().actions.request_seat, 'the button is gone');
      t.equal((await browser.post(denied.actions.request_seat.href)).status, 409);

      const later = new Agent(issuer);
      const next = (
        await submitPassword(later, await toStep(later, (await assist.start()).url), 'noseat@acme.test')
      ).json();
      t.equal(
        (await later.post(next.actions.request_seat.href)).status,
        200,
        'asking again another day is no error',
      );

      const requests = await ctx.db.selectFrom('seatRequests').select(['state', 'caseId']).execute();
      t.same(requests, [{ state: 'open', caseId: denied.case_id }]);
      const mails = await ctx.db
        .selectFrom('mailOutbox')
        .select(['recipient', 'template', 'state'])
        .where('template', '=', 'seat_requested')
        .execute();
      t.same(mails, [{ recipient: 'ada@acme.test', template: 'seat_requested', state: 'pending' }]);
    },
  );

  t.test(
    'a signed-in person without a seat on the second product is told there, and silently by prompt=none',
    async (t) => {
      const browser = new Agent(issuer);
      await signIn(browser, assist, 'ada@acme.test');
      const denied = await browser.follow((await meet.start()).url.href);
      t.match(denied.json(), { step: 'denied', code: 'no_seat', client: { client_id: 'demo-meet' } });
      const silent = callbackParams(await browser.follow((await meet.start({ prompt: 'none' })).url.href));
      t.equal(silent.get('error'), 'access_denied');
      t.match(silent.get('error_description'), /^no_seat: /);
    },
  );
});
