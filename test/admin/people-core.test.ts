/** What is done to people, below the interface: nobody leaves an account without an admin, and every change is told once. */
import t from 'tap';
import { inTransaction, type Tx } from '../../src/context.ts';
import { createInvitation } from '../../src/core/invitations/invitations.ts';
import {
  changeRole,
  deactivateMember,
  findMember,
  listAdminContacts,
  listMembers,
  type Member,
  type MemberRef,
  reactivateMember,
  removeMember,
} from '../../src/core/memberships/memberships.ts';
import { assignSeat, requestSeat, reserveSeat } from '../../src/core/seats/seats.ts';
import { createSubscription } from '../../src/core/subscriptions/subscriptions.ts';
import {
  deactivateUser,
  findUser,
  listUsers,
  reactivateUser,
  renameUser,
} from '../../src/core/users/users.ts';
import type { EmailAddress } from '../../src/kernel/email-address.ts';
import { Failure } from '../../src/kernel/failures.ts';
import type { AccountId, UserId } from '../../src/kernel/ids.ts';
import { Agent } from '../support/agent.ts';
import { startApp } from '../support/app.ts';
import { bringBack, comeHome, leaveForCompany, signInAtIdp } from '../support/company.ts';
import { demoUserId, makeAccount, makeMember, makeUser } from '../support/make.ts';
import { demoClient, RelyingParty, toStep } from '../support/relying-party.ts';

t.test('people', async (t) => {
  const app = await startApp(t);
  const { ctx, issuer } = app;
  const change = <Result>(work: (tx: Tx) => Promise<Result>) => inTransaction(ctx, work);
  const assist = await ctx.db
    .selectFrom('products')
    .select(['id', 'name'])
    .where('slug', '=', 'assist')
    .executeTakeFirstOrThrow();

  const customer = async (seats = 5): Promise<AccountId> => {
    const accountId = await makeAccount(ctx);
    const subscription = { accountId, productId: assist.id, seats, startsAt: ctx.now() };
    await change((tx) => createSubscription(tx, subscription));
    return accountId;
  };
  const member = async (accountId: AccountId, role: 'admin' | 'agent' = 'agent'): Promise<MemberRef> => {
    const { id: userId } = await makeUser(ctx, { password: null });
    await makeMember(ctx, userId, accountId, role);
    return { accountId, userId };
  };
  const demote = (ref: MemberRef) => change((tx) => changeRole(tx, { ...ref, role: 'agent' }));
  const promote = (ref: MemberRef) => change((tx) => changeRole(tx, { ...ref, role: 'admin' }));
  const switchOff = (ref: MemberRef) => change((tx) => deactivateMember(tx, ref));
  const switchOn = (ref: MemberRef) => change((tx) => reactivateMember(tx, ref));
  const remove = (ref: MemberRef) => change((tx) => removeMember(tx, ref));
  const switchOffEverywhere = ({ userId }: MemberRef) => change((tx) => deactivateUser(tx, userId));
  const leavings: Readonly<Record<string, (ref: MemberRef) => Promise<unknown>>> = {
    demote,
    switchOff,
    remove,
    switchOffEverywhere,
  };

  const admins = async (accountId: AccountId) =>
    (
      await listMembers(ctx.db, { accountId, role: 'admin', state: 'active', limit: 100, now: ctx.now() })
    ).map(({ userId }) => userId);
  const seen = ({ accountId, userId }: MemberRef) => findMember(ctx.db, { accountId, userId }, ctx.now());
  const eventsOf = (userId: UserId, type: string) =>
    ctx.db
      .selectFrom('events')
      .select(['accountId', 'details'])
      .where('userId', '=', userId)
      .where('type', '=', type)
      .execute();
  /** How it ended, where only an expected failure is an end. */
  const codeOf = (result: PromiseSettledResult<unknown>): string => {
    if (result.status === 'fulfilled') return 'done';
    if (result.reason instanceof Failure) return result.reason.code;
    throw result.reason;
  };

  t.test('the last active admin stays, whatever is done to them and whoever does it', async (t) => {
    for (const [how, leave] of Object.entries(leavings)) {
      const accountId = await customer();
      const last = await member(accountId, 'admin');
      await switchOff(await member(accountId, 'admin'));
      await switchOffEverywhere(await member(accountId, 'admin'));
      await member(accountId);
      await t.rejects(leave(last), { code: 'last_admin' }, how);
      t.match(await seen(last), { role: 'admin', state: 'active' });
      await member(accountId, 'admin');
      await leave(last);
      t.equal((await admins(accountId)).length, 1, `${how}, once there is another`);
    }
  });

  t.test('of two admins who take each other away at once, one stays', async (t) => {
    const ways = Object.values(leavings);
    for (const [index, first] of ways.entries()) {
      for (const second of ways.slice(index)) {
        const accountId = await customer();
        const [ada, bob] = [await member(accountId, 'admin'), await member(accountId, 'admin')];
        const results = await Promise.allSettled([first(bob), second(ada)]);
        t.same(results.map(codeOf).sort(), ['done', 'last_admin']);
        t.equal((await admins(accountId)).length, 1);
      }
    }
  });

  t.test('of fifty changes at once none faults, and somebody is left to run the account', async (t) => {
    const accountId = await customer();
    const people = await Promise.all(Array.from({ length: 10 }, () => member(accountId, 'admin')));
    const ways = [demote, remove, switchOff, promote, switchOn];
    const results = await Promise.allSettled(
      Array.from({ length: 50 }, (_, index) => {
        const [way, person] = [ways[index % ways.length], people[(index * 7) % people.length]];
        if (!way || !person) throw new Error('nobody');
        return way(person);
      }),
    );
    t.same(
      results.map(codeOf).filter((code) => !['done', 'last_admin', 'not_found'].includes(code)),
      [],
    );
    t.ok((await admins(accountId)).length >= 1);
  });

  t.test('who alone keeps the password of a required company sign-in stays so', async (t) => {
    const globex = await ctx.db
      .selectFrom('connections')
      .select(['accountId', 'id'])
      .where('state', '=', 'required')
      .executeTakeFirstOrThrow();
    const { accountId } = globex;
    const greg = { accountId, userId: await demoUserId(ctx, 'greg@globex.test') };
    const other = await member(accountId, 'admin');
    for (const [how, leave] of Object.entries(leavings))
      await t.rejects(leave(greg), { code: 'last_break_glass' }, how);
    t.match(await seen(greg), { role: 'admin', breakGlass: true, state: 'active' });

    const name = (ref: MemberRef) =>
      ctx.db.updateTable('memberships').set({ breakGlass: true }).where('userId', '=', ref.userId).execute();
    for (const [how, leave] of Object.entries(leavings)) {
      const second = await member(accountId, 'admin');
      await name(second);
      await leave(second);
      t.not((await seen(second))?.breakGlass, true, how);
      t.same(await eventsOf(second.userId, 'break_glass.withdrawn'), [{ accountId, details: {} }], how);
    }

    await name(other);
    const results = await Promise.allSettled([demote(greg), demote(other)]);
    t.same(results.map(codeOf).sort(), ['done', 'last_admin'], 'two at once');
  });

  t.test('every change is told once, with what was before', async (t) => {
    const accountId = await customer();
    await member(accountId, 'admin');
    const ref = await member(accountId, 'admin');
    const { userId } = ref;
    const times = <Result>(work: () => Promise<Result>) =>
      Promise.all(Array.from({ length: 10 }, () => work()));
    await times(() => demote(ref));
    const changes = { role: { before: 'admin', after: 'agent' } };
    t.same(await eventsOf(userId, 'membership.role_changed'), [
      { accountId, details: { role: 'agent', changes } },
    ]);
    const off = await times(() => switchOff(ref));
    const at = off[0]?.deactivatedAt?.toISOString();
    t.same(await eventsOf(userId, 'membership.deactivated'), [
      { accountId, details: { changes: { deactivated_at: { before: null, after: at } } } },
    ]);
    await times(() => switchOn(ref));
    t.same(await eventsOf(userId, 'membership.reactivated'), [
      { accountId, details: { changes: { deactivated_at: { before: at, after: null } } } },
    ]);
    await change((tx) => assignSeat(tx, { accountId, userId, productId: assist.id }));
    const results = await Promise.allSettled(Array.from({ length: 50 }, () => remove(ref)));
    t.same(results.map(codeOf).sort(), ['done', ...Array<string>(49).fill('not_found')]);
    const before = { role: 'agent', state: 'active', products: ['assist'] };
    t.same(await eventsOf(userId, 'membership.removed'), [{ accountId, details: { before } }]);
    for (const turn of [deactivateUser, reactivateUser]) await times(() => change((tx) => turn(tx, userId)));
    t.same(await eventsOf(userId, 'user.deactivated'), [
      { accountId: null, details: { changes: { state: { before: 'active', after: 'deactivated' } } } },
    ]);
    t.same(await eventsOf(userId, 'user.reactivated'), [
      { accountId: null, details: { changes: { state: { before: 'deactivated', after: 'active' } } } },
    ]);
  });

  t.test('whoever is no member of this account cannot be changed in it', async (t) => {
    const [accountId, other] = [await customer(), await customer()];
    const { userId } = await member(other);
    const ways: readonly ((ref: MemberRef) => Promise<unknown>)[] = [demote, switchOff, switchOn, remove];
    for (const way of ways) await t.rejects(way({ accountId, userId }), { code: 'not_found' });
    await t.rejects(switchOffEverywhere({ accountId, userId: 'usr_nobody' }), { code: 'not_found' });
  });

  t.test('a member who is removed takes what they hold here along, and nothing elsewhere', async (t) => {
    const [accountId, other] = [await customer(), await customer()];
    const { id: userId, email } = await makeUser(ctx);
    const user = { id: userId, email, name: null };
    for (const id of [accountId, other]) {
      await makeMember(ctx, userId, id);
      await change(async (tx) => {
        const kept = { accountId: id, productId: assist.id, userId };
        await reserveSeat(tx, { ...kept, until: new Date(ctx.now().getTime() + 60_000) });
        await requestSeat(tx, {
          ...{ user, account: { id, name: 'A' }, product: assist },
          ...{ clientId: 'demo-assist', caseId: 'CASE-CASE' },
        });
      });
    }
    await remove({ accountId, userId });
    for (const table of ['memberships', 'seatReservations', 'seatRequests'] as const) {
      const rows = await ctx.db.selectFrom(table).select('accountId').where('userId', '=', userId).execute();
      t.same(rows, [{ accountId: other }], table);
    }
    t.match(await findUser(ctx.db, userId), { state: 'active' });
  });

  t.test(
    'somebody is removed while they are given a seat: no fault, and no seat without a member',
    async (t) => {
      const accountId = await customer(50);
      for (let round = 0; round < 20; round += 1) {
        const ref = await member(accountId);
        const results = await Promise.allSettled([
          change((tx) => assignSeat(tx, { ...ref, productId: assist.id })),
          remove(ref),
        ]);
        t.ok(results.map(codeOf).every((code) => code === 'done' || code === 'not_found'));
        t.equal(await seen(ref), undefined);
      }
    },
  );

  t.test('whoever is switched off here is no newcomer, and no admin to write to', async (t) => {
    const accountId = await customer();
    const admin = await member(accountId, 'admin');
    const { id: userId, email } = await makeUser(ctx);
    await makeMember(ctx, userId, accountId, 'admin');
    await switchOff({ accountId, userId });
    const invitation = { accountId, email: email as EmailAddress, role: 'agent', products: [] } as const;
    await t.rejects(
      change((tx) => createInvitation(tx, invitation)),
      { code: 'already_exists' },
    );
    const contacts = await change((tx) => listAdminContacts(tx, accountId));
    t.same(
      contacts.map((contact) => contact.userId),
      [admin.userId],
    );
  });

  t.test('an account lists its members, newest first and in pages', async (t) => {
    const accountId = await customer();
    const people: MemberRef[] = [];
    for (let count = 0; count < 5; count += 1) {
      app.advance(1);
      people.push(await member(accountId, count < 2 ? 'admin' : 'agent'));
    }
    const [first, second, third, fourth, fifth] = people.map(({ userId }) => userId);
    if (!first || !second || !third || !fourth || !fifth) throw new Error('nobody');
    await change((tx) => assignSeat(tx, { accountId, userId: fifth, productId: assist.id }));
    const endsAt = new Date(ctx.now().getTime() + 10_000);
    await change((tx) => assignSeat(tx, { accountId, userId: third, productId: assist.id, endsAt }));
    await switchOff({ accountId, userId: fourth });
    await change((tx) => deactivateUser(tx, second));
    const list = (filter: Partial<Parameters<typeof listMembers>[1]>) =>
      listMembers(ctx.db, { accountId, limit: 10, now: ctx.now(), ...filter });
    const ids = (members: readonly Member[]) => members.map(({ userId }) => userId);
    t.same(ids(await list({})), [fifth, fourth, third, second, first]);
    t.same(ids(await list({ limit: 2, after: fourth })), [third, second]);
    t.same(ids(await list({ role: 'admin' })), [second, first]);
    t.same(ids(await list({ state: 'active' })), [fifth, third, first]);
    t.same(ids(await list({ state: 'deactivated' })), [fourth, second]);
    const [, , , off] = await list({});
    t.match(off, { state: 'deactivated', deactivatedAt: null, role: 'admin', hasPassword: false });
    t.same(ids(await list({ email: off?.email })), [second]);
    t.same(ids(await list({ email: 'ada@acme.test' as EmailAddress })), [], 'nobody of another account');
    t.same(
      (await list({})).map(({ products }) => products),
      [['assist'], [], ['assist'], [], []],
    );
    app.advance(10);
    t.same((await list({}))[2]?.products, [], 'a seat that has ended is none');
  });

  t.test('an operator lists and finds users, and switches them off and on', async (t) => {
    const { id, email } = await makeUser(ctx, { state: 'invited', password: null });
    await ctx.db.updateTable('users').set({ emailVerifiedAt: null }).where('id', '=', id).execute();
    t.equal((await change((tx) => deactivateUser(tx, id))).state, 'deactivated');
    t.match(await listUsers(ctx.db, { email: email as EmailAddress, state: 'deactivated', limit: 10 }), [
      { id, hasPassword: false },
    ]);
    t.equal((await change((tx) => reactivateUser(tx, id))).state, 'invited', 'as before');
    t.same(await listUsers(ctx.db, { email: email as EmailAddress, state: 'deactivated', limit: 10 }), []);
    const [newest, next] = await listUsers(ctx.db, { limit: 2 });
    t.same(await listUsers(ctx.db, { limit: 1, after: newest?.id }), [next]);
    t.equal(await findUser(ctx.db, 'usr_nobody'), undefined);
  });

  t.test('a name is changed, and the trail keeps none', async (t) => {
    const ref = await member(await customer());
    const { accountId, userId } = ref;
    for (let twice = 0; twice < 2; twice += 1)
      await change((tx) => renameUser(tx, { accountId, userId, name: 'Another Name' }));
    t.match(await seen(ref), { name: 'Another Name' });
    t.same(await eventsOf(userId, 'user.changed'), [{ accountId, details: { changed: ['name'] } }]);
  });

  t.test('whoever is switched off here is not let in by the company, nor linked', async (t) => {
    const party = new RelyingParty(issuer, demoClient(issuer, 'assist'));
    const email = 'ian@initech.test';
    const { accountId } = await ctx.db
      .selectFrom('memberships')
      .innerJoin('users', 'users.id', 'memberships.userId')
      .select('accountId')
      .where('email', '=', email)
      .executeTakeFirstOrThrow();
    const ian = { accountId, userId: await demoUserId(ctx, email) };
    const others = await member(accountId, 'admin');
    const comeIn = async () => {
      const browser = new Agent(issuer);
      const left = await leaveForCompany(browser, await toStep(browser, (await party.start()).url), email);
      const back = await bringBack(browser, await signInAtIdp(browser, left.json().location, email));
      return (await comeHome(browser, back)).json();
    };
    const links = async () =>
      (await ctx.db.selectFrom('identities').select('id').where('userId', '=', ian.userId).execute()).length;

    await switchOff(ian);
    t.match(await comeIn(), { step: 'denied', code: 'user_deactivated' });
    t.equal(await links(), 0, 'nothing is linked');
    await switchOn(ian);
    t.match(await comeIn(), { step: 'done' });
    t.equal(await links(), 1);
    await switchOff(ian);
    t.match(await comeIn(), { step: 'denied', code: 'user_deactivated' }, 'by their link neither');
    await remove(ian);
    t.match(await comeIn(), { step: 'denied', code: 'no_account' }, 'and nobody joins anew who was removed');
    t.equal(await seen(ian), undefined);
    t.ok(await seen(others));
  });
});
