/** R5: an invited person follows the mailed link, creates a password, and goes on to the product. By HTTP and real mail. */
import { hash } from 'bcryptjs';
import t from 'tap';
import { inTransaction } from '../../src/context.ts';
import { findAccountBySlug } from '../../src/core/accounts/accounts.ts';
import {
  createInvitation,
  resendInvitation,
  revokeInvitation,
} from '../../src/core/invitations/invitations.ts';
import { importPasswordHash } from '../../src/core/credentials/credentials.ts';
import { findProductBySlug } from '../../src/core/products/products.ts';
import { demoPassword, seedDemoWorld } from '../../src/demo/world.ts';
import { parseEmail } from '../../src/kernel/email-address.ts';
import { demoParty } from '../provider/requests.ts';
import { Agent } from '../support/agent.ts';
import { startApp } from '../support/app.ts';
import { openMailbox } from '../support/mailbox.ts';
import { makeUser } from '../support/make.ts';
import { signIn, submitPassword, toStep } from '../support/relying-party.ts';

const password = 'quite a long new password';

t.test('activation', async (t) => {
  const app = await startApp(t);
  const { issuer, ctx } = app;
  const assist = demoParty(issuer, 'assist');
  const mailbox = await openMailbox(t, app);
  const initial = await mailbox.drain();
  await ctx.db.updateTable('subscriptions').set({ seats: 50 }).execute();
  const tokenIn = (text: string | undefined): string => /[?]token=([\w-]+)/.exec(text ?? '')?.[1] ?? '';
  const linkIn = (text: string | undefined): string => `/invitations/open?token=${tokenIn(text)}`;

  const invite = (email: string, role: 'admin' | 'agent' = 'agent') =>
    inTransaction(ctx, async (tx) => {
      const account = await findAccountBySlug(tx.db, 'initech');
      const product = await findProductBySlug(tx.db, 'assist');
      const address = parseEmail(email);
      if (!account || !product || !address) throw new Error('the world is incomplete');
      return createInvitation(tx, { accountId: account.id, email: address, role, products: [product.id] });
    });
  const invited = async (email: string) => {
    const id = await invite(email);
    const [mail] = await mailbox.drain();
    return { id, mail, link: linkIn(mail?.text), token: tokenIn(mail?.text) };
  };
  const stateOf = async (email: string) =>
    (await ctx.db.selectFrom('users').select('state').where('email', '=', email).executeTakeFirstOrThrow())
      .state;

  t.test('R5: the mailed link leads to a page that says who invites to what', async (t) => {
    const [mail] = initial;
    t.same(mail?.to, ['invited@acme.test']);
    const browser = new Agent(issuer);
    const opened = await browser.get(linkIn(mail?.text));
    t.equal(opened.status, 303);
    t.equal(opened.location, `${issuer}/invitations/accept`, 'the address is clean');
    t.match((await browser.get('/invitations/accept')).json(), {
      step: 'activate',
      account: 'Acme Inc.',
      inviter: 'Ada Lovelace',
      email: 'invited@acme.test',
      products: ['Assist'],
      ways: ['password'],
      actions: { accept: { method: 'POST', href: '/invitations/accept' } },
    });
  });

  t.test(
    'R5: a password is created, nobody is signed in by it, and the product lets the person in',
    async (t) => {
      const browser = new Agent(issuer);
      await browser.follow(linkIn(initial[0]?.text));
      for (const [bad, reason] of [
        ['too short', 'too_short'],
        ['invited@acme.test!!', 'too_personal'],
      ] as const) {
        const refused = await browser.post('/invitations/accept', { json: { password: bad } });
        t.equal(refused.status, 422);
        t.match(refused.json(), { code: 'password_refused', fields: { password: reason } });
      }
      const accepted = await browser.post('/invitations/accept', { json: { name: 'Ines I.', password } });
      t.equal(accepted.status, 200);
      const { location } = accepted.json() as { location: string };
      t.equal(location, `${issuer}/demo/assist/sign-in?login_hint=invited%40acme.test`);
      t.notOk(
        browser.cookies.some(({ name }) => name === 'doorward_session'),
        'nobody is signed in',
      );
      const step = await browser.follow((await browser.get(location)).location ?? '');
      t.match(step.json(), { step: 'identify', login_hint: 'invited@acme.test' });
      const tokens = (await signIn(new Agent(issuer), demoParty(issuer, 'native'), 'alan@acme.test')).tokens;
      t.ok(tokens.access_token);
      const started = await assist.start();
      const person = new Agent(issuer);
      const done = await submitPassword(
        person,
        await toStep(person, started.url),
        'invited@acme.test',
        password,
      );
      const back = await person.follow((done.json() as { location: string }).location);
      t.match((await assist.finish(back.location, started)).claims(), {
        products: ['assist'],
        role: 'agent',
      });
    },
  );

  t.test('an invitation works once, and never again after', async (t) => {
    const { link, token } = await invited('once@initech.test');
    const browser = new Agent(issuer);
    await browser.follow(link);
    t.equal((await browser.post('/invitations/accept', { json: { password } })).status, 200);
    const again = await new Agent(issuer).post('/invitations/accept', { json: { token, password } });
    t.equal(again.status, 410);
    t.match(again.json(), { code: 'link_expired' });
    t.equal((await browser.get('/invitations/accept')).status, 410);
  });

  t.test('RC-07: looking changes nothing, however often', async (t) => {
    const { link } = await invited('scanned@initech.test');
    for (let count = 0; count < 5; count += 1) {
      const scanner = new Agent(issuer);
      await scanner.send(link, { method: 'HEAD' });
      await scanner.follow(link);
    }
    t.equal(await stateOf('scanned@initech.test'), 'invited');
    const browser = new Agent(issuer);
    await browser.follow(link);
    t.equal((await browser.post('/invitations/accept', { json: { password } })).status, 200);
  });

  t.test('sent again, the new link works and the old one is dead', async (t) => {
    const { id, token } = await invited('again@initech.test');
    app.advance(60);
    await inTransaction(ctx, (tx) => resendInvitation(tx, id));
    const [mail] = await mailbox.drain();
    const old = await new Agent(issuer).post('/invitations/accept', { json: { token, password } });
    t.equal(old.status, 410);
    const fresh = { token: tokenIn(mail?.text), password };
    t.equal((await new Agent(issuer).post('/invitations/accept', { json: fresh })).status, 200);
  });

  t.test('taken back, it is dead', async (t) => {
    const { id, token } = await invited('revoked@initech.test');
    await inTransaction(ctx, (tx) => revokeInvitation(tx, id));
    const answer = await new Agent(issuer).post('/invitations/accept', { json: { token, password } });
    t.equal(answer.status, 410);
    t.equal(await stateOf('revoked@initech.test'), 'invited');
    await t.rejects(
      inTransaction(ctx, (tx) => revokeInvitation(tx, id)),
      { code: 'not_found' },
    );
  });

  t.test('somebody who is here already joins with their own password, and not without', async (t) => {
    await makeUser(ctx, { email: 'here@elsewhere.test' });
    const { link, token } = await invited('here@elsewhere.test');
    const browser = new Agent(issuer);
    await browser.get(link);
    t.match((await browser.get('/invitations/accept')).json(), { step: 'sign_in_to_join' });
    const wrong = await browser.post('/invitations/accept', { json: { password } });
    t.equal(wrong.status, 401);
    t.match(wrong.json(), { code: 'invalid_credentials' });
    const joined = await browser.post('/invitations/accept', { json: { token, password: demoPassword } });
    t.equal(joined.status, 200);
    const { tokens } = await signIn(new Agent(issuer), assist, 'here@elsewhere.test');
    t.match(tokens.claims(), { products: ['assist'] });
  });

  t.test('a member is not invited again, nor is anybody twice', async (t) => {
    await t.rejects(invite('ian@initech.test'), { code: 'already_exists' });
    await invited('twice@initech.test');
    await t.rejects(invite('twice@initech.test'), { code: 'already_exists' });
  });

  t.test('an invited address that asks for a new password gets its invitation again', async (t) => {
    const { token } = await invited('forgetful@initech.test');
    app.advance(61);
    const asked = await new Agent(issuer).post('/password-resets', {
      json: { email: 'forgetful@initech.test' },
    });
    t.equal(asked.status, 202);
    await app.runJob('password resets');
    const [mail] = await mailbox.drain();
    t.match(mail?.text, /invitations\/open/);
    t.not(tokenIn(mail?.text), token);
  });

  t.test('RC-14: after seven days it is dead, whoever sweeps or does not', async (t) => {
    const { token } = await invited('late@initech.test');
    app.advance(7 * 86_400 - 5);
    const early = new Agent(issuer);
    await early.get(`/invitations/open?token=${token}`);
    t.equal((await early.get('/invitations/accept')).status, 200);
    app.advance(6);
    const answer = await new Agent(issuer).post('/invitations/accept', { json: { token, password } });
    t.equal(answer.status, 410);
    t.equal(await stateOf('late@initech.test'), 'invited');
  });
});

t.test('who proves themself before the activation can have the invitation sent again', async (t) => {
  const app = await startApp(t);
  const { issuer, ctx } = app;
  const user = await ctx.db
    .selectFrom('users')
    .select('id')
    .where('email', '=', 'invited@acme.test')
    .executeTakeFirstOrThrow();
  const imported = await hash('imported from elsewhere', 10);
  await inTransaction(ctx, (tx) => importPasswordHash(tx, user.id, imported));
  const mailbox = await openMailbox(t, app);
  await mailbox.drain();
  app.advance(61);
  const browser = new Agent(issuer);
  const step = await toStep(browser, (await demoParty(issuer, 'assist').start()).url);
  const denied = await submitPassword(browser, step, 'invited@acme.test', 'imported from elsewhere');
  t.match(denied.json(), { step: 'denied', code: 'user_not_activated', activation_resent: false });
  const { href } = (denied.json() as { actions: Record<string, { href: string }> }).actions[
    'resend_activation'
  ] ?? { href: '' };
  t.match((await browser.post(href)).json(), { step: 'denied', activation_resent: true });
  t.equal((await browser.post(href)).status, 409, 'the button is gone');
  t.equal((await mailbox.drain()).length, 1);

  const resend = async () => {
    const again = new Agent(issuer);
    const identify = await toStep(again, (await demoParty(issuer, 'assist').start()).url);
    await submitPassword(again, identify, 'invited@acme.test', 'imported from elsewhere');
    t.equal((await again.post(`${identify.url}/resend-activation`)).status, 200);
    return mailbox.drain();
  };
  t.same(await resend(), [], 'another sign-in does not mail more than once a minute');
  app.advance(61);
  const [mail] = await resend();
  t.match(mail?.to, ['invited@acme.test']);
  const form = { token: /[?]token=([\w-]+)/.exec(mail?.text ?? '')?.[1], password };
  t.equal((await new Agent(issuer).post('/invitations/accept', { json: form })).status, 200);
});

t.test('the demo world is seeded again: one invitation waits, and another once it has expired', async (t) => {
  const app = await startApp(t);
  const pending = async () => {
    const query = app.ctx.db.selectFrom('invitations').select(['email', 'inviter', 'clientId']);
    return query.where('expiresAt', '>', app.ctx.now()).where('state', '=', 'pending').execute();
  };
  const waiting = [{ email: 'invited@acme.test', inviter: 'Ada Lovelace', clientId: 'demo-assist' }];
  for (const days of [0, 8]) {
    app.advance(days * 86_400);
    await seedDemoWorld(app.ctx);
    await seedDemoWorld(app.ctx);
    t.same(await pending(), waiting);
  }
  const mails = await app.ctx.db.selectFrom('mailOutbox').select('template').execute();
  t.same(mails, [{ template: 'invitation' }, { template: 'invitation' }]);
  const seats = { account: 'acme', email: 'invited@acme.test' };
  const kept = await app.ctx.db
    .selectFrom('seatReservations')
    .innerJoin('accounts', 'accounts.id', 'seatReservations.accountId')
    .innerJoin('users', 'users.id', 'seatReservations.userId')
    .select(['accounts.slug as account', 'users.email'])
    .execute();
  t.same(kept, [seats], 'and one seat is kept');
});
