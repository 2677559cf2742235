/** RC-13, RC-14: to whom an invitation is bound, and for how long it and its seats last. Nothing is pruned meanwhile. */
import t from 'tap';
import { inTransaction } from '../../src/context.ts';
import { findAccountBySlug } from '../../src/core/accounts/accounts.ts';
import {
  createInvitation,
  resendInvitation,
  revokeInvitation,
} from '../../src/core/invitations/invitations.ts';
import { findProductBySlug } from '../../src/core/products/products.ts';
import { assignSeat } from '../../src/core/seats/seats.ts';
import { demoPassword } from '../../src/demo/world.ts';
import { parseEmail } from '../../src/kernel/email-address.ts';
import { open } from '../../src/kernel/seal.ts';
import { demoParty } from '../provider/requests.ts';
import { Agent, type Answer } from '../support/agent.ts';
import { startApp } from '../support/app.ts';
import { demoUserId, makeMember, makeUser } from '../support/make.ts';
import { signIn } from '../support/relying-party.ts';
import { mailsTo } from '../support/reset.ts';

const password = 'quite a long new password';
const week = 7 * 86_400;

t.test('an invitation', async (t) => {
  const app = await startApp(t);
  const { issuer, ctx } = app;
  const initech = await inTransaction(ctx, async (tx) => {
    const account = await findAccountBySlug(tx.db, 'initech');
    const product = await findProductBySlug(tx.db, 'assist');
    if (!account || !product) throw new Error('the world is incomplete');
    return { accountId: account.id, productId: product.id };
  });
  const { accountId, productId } = initech;
  const buy = (seats: number): Promise<unknown> =>
    ctx.db
      .updateTable('subscriptions')
      .set({ seats })
      .where('accountId', '=', accountId)
      .where('productId', '=', productId)
      .execute();
  await buy(50);

  const invite = (email: string, role: 'admin' | 'agent' = 'agent') =>
    inTransaction(ctx, (tx) => {
      const address = parseEmail(email);
      if (!address) throw new Error('not an email address');
      return createInvitation(tx, { accountId, email: address, role, products: [productId] });
    });
  const tokenFor = async (email: string): Promise<string> => {
    const mail = (await mailsTo(ctx, email, 'invitation')).at(-1);
    const text = open(ctx.config.secretKeys, mail?.secretsSealed ?? '', `mail_outbox/${mail?.id ?? ''}`);
    return (JSON.parse(text) as { token: string }).token;
  };
  const accept = (token: string, browser = new Agent(issuer), typed = password): Promise<Answer> =>
    browser.post('/invitations/accept', { json: { token, password: typed } });
  const roleOf = async (email: string) => {
    const row = await ctx.db
      .selectFrom('memberships')
      .innerJoin('users', 'users.id', 'memberships.userId')
      .select('memberships.role')
      .where('accountId', '=', accountId)
      .where('users.email', '=', email)
      .executeTakeFirst();
    return row?.role;
  };
  const change = (email: string, user: { email?: string; state?: 'active' | 'deactivated' }) =>
    ctx.db.updateTable('users').set(user).where('email', '=', email).execute();
  const keptFor = async (email: string): Promise<number> => {
    const userId = await demoUserId(ctx, email);
    const kept = ctx.db.selectFrom('seatReservations').select('userId').where('userId', '=', userId);
    return (await kept.execute()).length;
  };
  /** Leaves exactly so many seats free, kept ones counted as taken. */
  const leaveFree = async (free: number): Promise<void> => {
    const taken = await ctx.db.selectFrom('seats').select('id').where('accountId', '=', accountId).execute();
    const kept = await ctx.db
      .selectFrom('seatReservations')
      .select('userId')
      .where('accountId', '=', accountId)
      .where('until', '>', ctx.now())
      .execute();
    await buy(taken.length + kept.length + free);
  };
  const seatSomebody = async () => {
    const { id: userId } = await makeUser(ctx, { password: null });
    await makeMember(ctx, userId, accountId);
    await inTransaction(ctx, (tx) => assignSeat(tx, { accountId, productId, userId }));
  };

  t.test('RC-13: is its own person’s, whoever is signed in where it is accepted', async (t) => {
    await invite('new@initech.test');
    const browser = new Agent(issuer);
    const assist = demoParty(issuer, 'assist');
    const { tokens } = await signIn(browser, assist, 'ada@acme.test');
    await browser.follow(`/invitations/open?token=${await tokenFor('new@initech.test')}`);
    t.match((await browser.get('/invitations/accept')).json(), { email: 'new@initech.test' });
    t.equal((await browser.post('/invitations/accept', { json: { password } })).status, 200);
    t.equal(await roleOf('new@initech.test'), 'agent');
    t.equal(await roleOf('ada@acme.test'), undefined);
    const silent = await assist.start({ prompt: 'none' });
    const back = await browser.follow(silent.url.href);
    const { sub } = (await assist.finish(back.location, silent)).claims() ?? {};
    t.equal(sub, tokens.claims()?.sub, 'the session is still of who signed in');
  });

  t.test('RC-13: cannot be accepted as somebody else, by a password of theirs', async (t) => {
    await makeUser(ctx, { email: 'here@elsewhere.test', password });
    await invite('here@elsewhere.test');
    const token = await tokenFor('here@elsewhere.test');
    const json = { token, email: 'ada@acme.test', username: 'ada@acme.test', password: demoPassword };
    const answer = await new Agent(issuer).post('/invitations/accept', { json });
    t.equal(answer.status, 401);
    t.equal(await roleOf('ada@acme.test'), undefined);
    t.equal((await accept(token)).status, 200);
    t.equal(await roleOf('here@elsewhere.test'), 'agent');
  });

  t.test('RC-13: does not raise the role of somebody who has one meanwhile', async (t) => {
    const { id, email } = await makeUser(ctx, { password });
    await invite(email, 'admin');
    await makeMember(ctx, id, accountId, 'agent');
    t.equal((await accept(await tokenFor(email))).status, 200);
    t.equal(await roleOf(email), 'agent');
  });

  t.test('RC-04: dies with the address it was mailed to', async (t) => {
    await invite('former@initech.test');
    const token = await tokenFor('former@initech.test');
    await change('former@initech.test', { email: 'later@initech.test' });
    const browser = new Agent(issuer);
    t.equal((await browser.follow(`/invitations/open?token=${token}`)).status, 410);
    t.equal((await accept(token)).status, 410);
    t.equal(await roleOf('later@initech.test'), undefined);
  });

  t.test('is dead for who is switched off, and whoever invites does not learn of it', async (t) => {
    const { email } = await makeUser(ctx, { password });
    await change(email, { state: 'deactivated' });
    await invite(email);
    const token = await tokenFor(email);
    t.equal((await accept(token)).status, 410);
    t.equal(await roleOf(email), undefined);
    await change(email, { state: 'active' });
    t.equal((await accept(token)).status, 200, 'nothing was consumed');
  });

  t.test('is no place to guess the password of who is here already', async (t) => {
    const { email } = await makeUser(ctx, { password });
    await invite(email);
    const token = await tokenFor(email);
    let answer = await accept(token, undefined, 'wrong');
    for (let tries = 0; tries < 20 && answer.status === 401; tries += 1)
      answer = await accept(token, undefined, 'wrong');
    t.equal(answer.status, 429);
    t.match(answer.json(), { code: 'throttled' });
    t.ok(Number(answer.headers.get('retry-after')) > 0);
    t.equal((await accept(token)).status, 429, 'the right one is not even looked at');
    t.equal(await roleOf(email), undefined);
  });

  t.test('is refused whole when every seat is taken: no user, no mail, no event', async (t) => {
    await leaveFree(0);
    const before = await ctx.db.selectFrom('events').select('id').execute();
    await t.rejects(invite('nobody@initech.test'), { code: 'no_free_seat' });
    await t.rejects(demoUserId(ctx, 'nobody@initech.test'));
    t.same(await mailsTo(ctx, 'nobody@initech.test', 'invitation'), []);
    t.same(await ctx.db.selectFrom('events').select('id').execute(), before);
    await buy(50);
  });

  t.test('RC-15: keeps one seat, which becomes the seat of who accepts', async (t) => {
    await leaveFree(1);
    await invite('kept@initech.test');
    await t.rejects(seatSomebody(), { code: 'no_free_seat' });
    t.equal((await accept(await tokenFor('kept@initech.test'))).status, 200);
    t.equal(await keptFor('kept@initech.test'), 0);
    await t.rejects(seatSomebody(), { code: 'no_free_seat' }, 'it is taken, and once');
    await leaveFree(1);
    await seatSomebody();
    await buy(50);
  });

  t.test('taken back, gives its seat back at once', async (t) => {
    await leaveFree(1);
    const id = await invite('revoked@initech.test');
    await t.rejects(seatSomebody(), { code: 'no_free_seat' });
    await inTransaction(ctx, (tx) => revokeInvitation(tx, id));
    await seatSomebody();
    t.equal((await accept(await tokenFor('revoked@initech.test'))).status, 410);
    await buy(50);
  });

  t.test('RC-14: and its seat end by the clock; sent again, it takes what is free', async (t) => {
    const id = await invite('slow@initech.test');
    const token = await tokenFor('slow@initech.test');
    app.advance(week - 5);
    await leaveFree(0);
    await t.rejects(seatSomebody(), { code: 'no_free_seat' });
    app.advance(6);
    t.equal(await keptFor('slow@initech.test'), 1, 'nobody has swept');
    t.equal((await accept(token)).status, 410);
    await leaveFree(1);
    await seatSomebody();
    await t.rejects(
      inTransaction(ctx, (tx) => resendInvitation(tx, id)),
      { code: 'no_free_seat' },
    );
    await buy(50);
    await inTransaction(ctx, (tx) => resendInvitation(tx, id));
    t.equal((await accept(token)).status, 410, 'the old link stays dead');
    t.equal((await accept(await tokenFor('slow@initech.test'))).status, 200);
  });

  t.test('RC-08: lives in the browser for an hour, on its own pages, unseen by scripts', async (t) => {
    await invite('cookie@initech.test');
    const token = await tokenFor('cookie@initech.test');
    const opened = await new Agent(issuer).get(`/invitations/open?token=${token}`);
    t.equal(opened.location, `${issuer}/invitations/accept`);
    const [line = '', ...others] = opened.headers.getSetCookie();
    t.same(others, []);
    t.same(line.split('; ').slice(1), ['Path=/invitations', 'Max-Age=3600', 'HttpOnly', 'SameSite=Lax']);
    t.notOk(app.lines.some((logged) => logged.includes(token)));
  });
});
