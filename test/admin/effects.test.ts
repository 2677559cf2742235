/** A change that takes access away does so at once, on every replica: tokens are dead, and the clients concerned are told. */
import t, { type Test } from 'tap';
import { type Context, inTransaction, type Tx } from '../../src/context.ts';
import {
  changeRole,
  deactivateMember,
  reactivateMember,
  removeMember,
} from '../../src/core/memberships/memberships.ts';
import { assignSeat, revokeSeat } from '../../src/core/seats/seats.ts';
import { endAccess } from '../../src/core/sessions/sessions.ts';
import { createSubscription } from '../../src/core/subscriptions/subscriptions.ts';
import { deactivateUser } from '../../src/core/users/users.ts';
import type { AccountId, ProductId, UserId } from '../../src/kernel/ids.ts';
import { assistApi, demoParty, introspect, post, refreshForm, userinfo } from '../provider/requests.ts';
import { Agent } from '../support/agent.ts';
import { startApp } from '../support/app.ts';
import { createDatabase } from '../support/database.ts';
import { makeAccount, makeMember, makeUser } from '../support/make.ts';
import { callbackParams, signIn } from '../support/relying-party.ts';
import { startReplicas } from '../support/replicas.ts';
import { overhearStatements } from '../support/statements.ts';

type Product = 'assist' | 'meet';

async function productIds(ctx: Context): Promise<Readonly<Record<Product, ProductId>>> {
  const rows = await ctx.db.selectFrom('products').select(['id', 'slug']).execute();
  return Object.fromEntries(rows.map(({ id, slug }) => [slug, id])) as Record<Product, ProductId>;
}

/** An account that has both products, with another admin than whoever is made later. */
async function makeCustomer(ctx: Context): Promise<AccountId> {
  const accountId = await makeAccount(ctx);
  const startsAt = ctx.now();
  for (const productId of Object.values(await productIds(ctx)))
    await inTransaction(ctx, (tx) => createSubscription(tx, { accountId, productId, seats: 10, startsAt }));
  const { id } = await makeUser(ctx, { password: null });
  await makeMember(ctx, id, accountId, 'admin');
  return accountId;
}

interface Person {
  readonly id: UserId;
  readonly email: string;
}

/** An admin with both seats. */
async function join(ctx: Context, accountId: AccountId, person?: Person): Promise<Person> {
  const { id, email } = person ?? (await makeUser(ctx));
  await makeMember(ctx, id, accountId, 'admin');
  for (const productId of Object.values(await productIds(ctx)))
    await inTransaction(ctx, (tx) => assignSeat(tx, { accountId, productId, userId: id }));
  return { id, email };
}

async function noticesTo(ctx: Context, userId: UserId) {
  return ctx.db
    .selectFrom('logoutNotices')
    .select(['clientId', 'sid'])
    .where('userId', '=', userId)
    .orderBy('clientId')
    .execute();
}

async function endsOf(ctx: Context, userId: UserId) {
  return ctx.db
    .selectFrom('events')
    .select(['accountId', 'details'])
    .where('userId', '=', userId)
    .where('type', '=', 'session.ended')
    .execute();
}

t.test('what is taken away is gone on every replica', async (t) => {
  const { issuer, origins, ctx } = await startReplicas(t, { count: 2, databaseUrl: await createDatabase(t) });
  const products = await productIds(ctx);
  const change = <Result>(work: (tx: Tx) => Promise<Result>) => inTransaction(ctx, work);

  /** Comes in by one browser, as a client does, and again with tokens for the product's interface. */
  const enter = async (browser: Agent, name: string, { email }: Person, account: AccountId) => {
    const isFirst = browser.cookies.length === 0;
    const party = demoParty(issuer, name);
    const silent = async (of = party, more = {}) => {
      const started = await of.start({ account, ...more });
      return of.finish((await browser.follow(started.url.href)).location, started);
    };
    const tokens = isFirst ? (await signIn(browser, party, email, { account })).tokens : await silent();
    const api =
      name === 'assist'
        ? await silent(demoParty(issuer, name, 'openid assist:read'), { resource: assistApi })
        : undefined;
    return { browser, name, account, tokens, api, sid: tokens.claims()?.['sid'] };
  };
  type Entered = Awaited<ReturnType<typeof enter>>;

  const knock = async ({ browser, name, account }: Entered, origin: string) => {
    const { url } = await demoParty(issuer, name).start({ prompt: 'none', account });
    const racer = new Agent(origin);
    racer.cookies = browser.cookies;
    return callbackParams(await racer.get(`${url.pathname}${url.search}`));
  };

  /** Both replicas refuse all of it, and prompt=none says why. */
  const isOut = async (t: Test, entered: Entered, why: string) => {
    const { name, tokens, api } = entered;
    for (const origin of origins) {
      t.equal((await userinfo(origin, tokens.access_token)).status, 401, 'userinfo');
      if (api) t.same(await introspect(origin, api.access_token), { active: false }, 'introspection');
      for (const { refresh_token: token } of [tokens, ...(api ? [api] : [])]) {
        const refreshed = await post(origin, '/token', refreshForm(token, `demo-${name}`));
        t.match([refreshed.status, refreshed.json()], [400, { error: 'invalid_grant' }], 'refresh');
      }
      const said = await knock(entered, origin);
      t.notOk(said.has('code'));
      const isDenial = said.get('error') === 'access_denied';
      t.equal(isDenial ? said.get('error_description')?.split(':')[0] : said.get('error'), why);
    }
  };
  const isIn = async (t: Test, entered: Entered) => {
    const { name, tokens } = entered;
    for (const origin of origins) {
      t.equal((await userinfo(origin, tokens.access_token)).status, 200, 'userinfo');
      t.ok((await knock(entered, origin)).has('code'), 'prompt=none');
    }
    const refreshed = await post(issuer, '/token', refreshForm(tokens.refresh_token, `demo-${name}`));
    t.equal(refreshed.status, 200, 'refresh');
  };

  t.test('a seat: the clients of its product, and no other', async (t) => {
    const accountId = await makeCustomer(ctx);
    const person = await join(ctx, accountId);
    const browser = new Agent(issuer);
    const assist = await enter(browser, 'assist', person, accountId);
    const meet = await enter(browser, 'meet', person, accountId);
    const seat = { accountId, userId: person.id, productId: products.assist };
    await change((tx) => revokeSeat(tx, seat));
    await isOut(t, assist, 'no_seat');
    await isIn(t, meet);
    t.same(await noticesTo(ctx, person.id), [{ clientId: 'demo-assist', sid: assist.sid }]);
    const details = { reason: 'seat_revoked', sessions: 1, grants: 1, product_id: products.assist };
    t.same(await endsOf(ctx, person.id), [{ accountId, details }]);

    await change((tx) => assignSeat(tx, seat));
    const again = await enter(browser, 'assist', person, accountId);
    t.not(again.sid, assist.sid, 'the client was told that the other one has ended');
    await isIn(t, again);
  });

  t.test('a role: the clients that require one, and no other', async (t) => {
    const accountId = await makeCustomer(ctx);
    const person = await join(ctx, accountId);
    const browser = new Agent(issuer);
    const assist = await enter(browser, 'assist', person, accountId);
    const admin = await enter(browser, 'admin', person, accountId);
    await change((tx) => changeRole(tx, { accountId, userId: person.id, role: 'agent' }));
    await isOut(t, admin, 'role_required');
    await isIn(t, assist);
    t.same(await noticesTo(ctx, person.id), [{ clientId: 'demo-admin', sid: admin.sid }]);
  });

  const leavings: Readonly<
    Record<string, (tx: Tx, ref: { accountId: AccountId; userId: UserId }) => unknown>
  > = {
    user_deactivated: deactivateMember,
    no_account: removeMember,
  };
  for (const [code, leave] of Object.entries(leavings)) {
    t.test(`${code}: whoever has another account keeps it, with their session`, async (t) => {
      const [left, kept] = [await makeCustomer(ctx), await makeCustomer(ctx)];
      const person = await join(ctx, kept, await join(ctx, left));
      const browser = new Agent(issuer);
      const assist = await enter(browser, 'assist', person, left);
      const meet = await enter(browser, 'meet', person, kept);
      await change(async (tx) => leave(tx, { accountId: left, userId: person.id }));
      await isOut(t, assist, code);
      await isIn(t, meet);
      t.same(await noticesTo(ctx, person.id), [{ clientId: 'demo-assist', sid: assist.sid }]);
      t.match(await endsOf(ctx, person.id), [{ accountId: left, details: { sessions: 1, grants: 1 } }]);
    });

    t.test(`${code}: whoever has no other account has no session any more`, async (t) => {
      const accountId = await makeCustomer(ctx);
      const person = await join(ctx, accountId);
      const browser = new Agent(issuer);
      const assist = await enter(browser, 'assist', person, accountId);
      const meet = await enter(browser, 'meet', person, accountId);
      await change(async (tx) => leave(tx, { accountId, userId: person.id }));
      for (const one of [assist, meet]) await isOut(t, one, 'login_required');
      t.same(await noticesTo(ctx, person.id), [
        { clientId: 'demo-assist', sid: assist.sid },
        { clientId: 'demo-meet', sid: meet.sid },
      ]);
      t.match(await endsOf(ctx, person.id), [{ accountId, details: { sessions: 1, grants: 2 } }]);
    });
  }

  t.test('who is switched on again signs in anew', async (t) => {
    const accountId = await makeCustomer(ctx);
    const person = await join(ctx, accountId);
    const ref = { accountId, userId: person.id };
    const before = await enter(new Agent(issuer), 'assist', person, accountId);
    await change((tx) => deactivateMember(tx, ref));
    await change((tx) => reactivateMember(tx, ref));
    await isOut(t, before, 'login_required');
    await isIn(t, await enter(new Agent(issuer), 'assist', person, accountId));
  });

  t.test('a user who is switched off everywhere is out everywhere', async (t) => {
    const [first, second] = [await makeCustomer(ctx), await makeCustomer(ctx)];
    const person = await join(ctx, second, await join(ctx, first));
    const [one, other] = [new Agent(issuer), new Agent(issuer)];
    const assist = await enter(one, 'assist', person, first);
    const meet = await enter(other, 'meet', person, second);
    await change((tx) => deactivateUser(tx, person.id));
    for (const entered of [assist, meet]) await isOut(t, entered, 'login_required');
    t.equal((await noticesTo(ctx, person.id)).length, 2);
    t.match(await endsOf(ctx, person.id), [{ accountId: null, details: { reason: 'user_deactivated' } }]);
  });

  t.test('a whole account: all its people leave it, and what they have elsewhere goes on', async (t) => {
    const [ended, other] = [await makeCustomer(ctx), await makeCustomer(ctx)];
    const people = [await join(ctx, ended), await join(ctx, other, await join(ctx, ended))];
    const inside = await Promise.all(
      people.map((person) => enter(new Agent(issuer), 'assist', person, ended)),
    );
    const [, both] = people;
    const [, session] = inside;
    if (!both || !session) throw new Error('nobody is in both');
    const outside = await enter(session.browser, 'meet', both, other);
    await change(async (tx) => {
      await tx.db.updateTable('accounts').set({ status: 'suspended' }).where('id', '=', ended).execute();
      await endAccess(tx, { accountId: ended, reason: 'account_suspended' });
    });
    for (const entered of inside) await isOut(t, entered, 'account_suspended');
    await isIn(t, outside);
    for (const [index, person] of people.entries())
      t.same(await noticesTo(ctx, person.id), [{ clientId: 'demo-assist', sid: inside[index]?.sid }]);
    const events = await ctx.db
      .selectFrom('events')
      .select(['userId', 'details'])
      .where('accountId', '=', ended)
      .where('type', '=', 'session.ended')
      .execute();
    t.same(events, [{ userId: null, details: { reason: 'account_suspended', sessions: 2, grants: 2 } }]);
  });
});

t.test('a client is told by its back-channel, and the demo’s application believes it', async (t) => {
  const app = await startApp(t);
  const { ctx, issuer } = app;
  const accountId = await makeCustomer(ctx);
  const person = await join(ctx, accountId);
  await signIn(new Agent(issuer), demoParty(issuer, 'assist'), person.email);
  await inTransaction(ctx, (tx) => deactivateMember(tx, { accountId, userId: person.id }));
  await app.runJob('logout notices');
  const told = await ctx.db
    .selectFrom('logoutNotices')
    .select(['clientId', 'state'])
    .where('userId', '=', person.id)
    .execute();
  t.same(told, [{ clientId: 'demo-assist', state: 'delivered' }]);
});

t.test('to end the access of a whole account takes as many statements as that of one', async (t) => {
  const { databaseUrl, take } = await overhearStatements(t, await createDatabase(t));
  const { ctx } = await startApp(t, { databaseUrl });
  const expiresAt = new Date(ctx.now().getTime() + 60_000);
  const fill = async (people: number): Promise<AccountId> => {
    const accountId = await makeAccount(ctx);
    for (let count = 0; count < people; count += 1) {
      const { id: userId } = await makeUser(ctx, { password: null });
      await makeMember(ctx, userId, accountId);
      const id = `grant-of-${userId}`;
      const authorizations = { 'demo-assist': { sid: userId, grantId: id } };
      await ctx.db
        .insertInto('grants')
        .values({ id, userId, clientId: 'demo-assist', accountId, payload: '{}', expiresAt })
        .execute();
      await ctx.db
        .insertInto('sessions')
        .values({
          ...{ idHash: Buffer.from(userId), uid: userId, userId, expiresAt, createdAt: ctx.now() },
          payload: JSON.stringify({ authorizations }),
        })
        .execute();
    }
    return accountId;
  };
  const statements = async (accountId: AccountId) => {
    take();
    await inTransaction(ctx, (tx) => endAccess(tx, { accountId, reason: 'account_closed' }));
    // the background jobs go on meanwhile
    return take().filter((text) => /grants|notices \(|"events" \(/.test(text));
  };
  const [one, many] = [await fill(1), await fill(30)];
  t.same(await statements(one), await statements(many));
  const notices = await ctx.db.selectFrom('logoutNotices').select('sid').execute();
  t.equal(notices.length, 31);
});
