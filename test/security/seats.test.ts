/** Invariant 1: seats in use never exceed seats bought, whoever takes them at the same moment. */
import t from 'tap';
import { inTransaction } from '../../src/context.ts';
import { createProduct } from '../../src/core/products/products.ts';
import { assignSeat, ensureSeat, releaseSeats, reserveSeat } from '../../src/core/seats/seats.ts';
import { createSubscription } from '../../src/core/subscriptions/subscriptions.ts';
import type { AccountId, ProductId, UserId } from '../../src/kernel/ids.ts';
import { Failure } from '../../src/kernel/failures.ts';
import { startApp } from '../support/app.ts';
import { makeAccount, makeMember, makeUser } from '../support/make.ts';

t.test('seats', async (t) => {
  const { ctx, advance } = await startApp(t, { demo: false });
  const productId = await inTransaction(ctx, (tx) => createProduct(tx, { slug: 'chat', name: 'Chat' }));

  const subscribed = async (seats: number): Promise<AccountId> => {
    const accountId = await makeAccount(ctx);
    await inTransaction(ctx, (tx) =>
      createSubscription(tx, { accountId, productId, seats, startsAt: ctx.now() }),
    );
    return accountId;
  };
  const member = async (accountId: AccountId): Promise<UserId> => {
    const { id } = await makeUser(ctx, { password: null });
    await makeMember(ctx, id, accountId);
    return id;
  };
  const assign = (accountId: AccountId, userId: UserId, dates: { startsAt?: Date; endsAt?: Date } = {}) =>
    inTransaction(ctx, (tx) => assignSeat(tx, { accountId, productId, userId, ...dates }));

  t.test('of twenty people who take five seats at once, five get one', async (t) => {
    const accountId = await subscribed(5);
    const people = await Promise.all(Array.from({ length: 20 }, () => member(accountId)));
    const results = await Promise.allSettled(people.map((userId) => assign(accountId, userId)));
    t.equal(results.filter(({ status }) => status === 'fulfilled').length, 5);
    const reasons = results
      .filter((result) => result.status === 'rejected')
      .map(({ reason }) => reason as Failure);
    t.ok(reasons.every((reason) => reason instanceof Failure && reason.code === 'no_free_seat'));
    const stored = await ctx.db.selectFrom('seats').select('id').where('accountId', '=', accountId).execute();
    t.equal(stored.length, 5);
  });

  t.test('of twenty who take or reserve five seats at once, five have one', async (t) => {
    const accountId = await subscribed(5);
    const until = new Date(ctx.now().getTime() + 60_000);
    const people = await Promise.all(Array.from({ length: 20 }, () => member(accountId)));
    const results = await Promise.allSettled(
      people.map((userId, index) =>
        index % 2 === 0
          ? assign(accountId, userId)
          : inTransaction(ctx, (tx) => reserveSeat(tx, { accountId, productId, userId, until })),
      ),
    );
    t.equal(results.filter(({ status }) => status === 'fulfilled').length, 5);
    const [seats, kept] = await Promise.all([
      ctx.db.selectFrom('seats').select('userId').where('accountId', '=', accountId).execute(),
      ctx.db.selectFrom('seatReservations').select('userId').where('accountId', '=', accountId).execute(),
    ]);
    t.equal(seats.length + kept.length, 5);
  });

  t.test('a seat is kept for one person, until its time is over or it is given back', async (t) => {
    const accountId = await subscribed(1);
    const [first, second, third] = [
      await member(accountId),
      await member(accountId),
      await member(accountId),
    ];
    const reserve = (userId: UserId, seconds: number) =>
      inTransaction(ctx, (tx) => {
        const until = new Date(ctx.now().getTime() + seconds * 1000);
        return reserveSeat(tx, { accountId, productId, userId, until });
      });
    await reserve(first, 60);
    await reserve(first, 120);
    await t.rejects(reserve(second, 60), { code: 'no_free_seat' });
    await t.rejects(assign(accountId, second), { code: 'no_free_seat' });
    advance(121);
    await reserve(second, 60);
    await t.rejects(assign(accountId, first), { code: 'no_free_seat' });
    await inTransaction(ctx, (tx) => releaseSeats(tx, { accountId, userId: second }));
    await reserve(third, 60);
    await assign(accountId, third);
    await t.rejects(assign(accountId, third), { code: 'already_exists' });
    await reserve(third, 60);
    const kept = ctx.db.selectFrom('seatReservations').select('userId').where('accountId', '=', accountId);
    t.same(
      await kept.execute(),
      [{ userId: first }],
      'only what has expired is left: who has a seat needs none',
    );
  });

  t.test('one person pressing twice gets one seat', async (t) => {
    const accountId = await subscribed(5);
    const userId = await member(accountId);
    const results = await Promise.allSettled([1, 2, 3, 4].map(() => assign(accountId, userId)));
    t.equal(results.filter(({ status }) => status === 'fulfilled').length, 1);
  });

  t.test('a seat that has ended is free again, one that begins later is taken', async (t) => {
    const accountId = await subscribed(1);
    const now = ctx.now().getTime();
    const former = await member(accountId);
    await assign(accountId, former, { startsAt: new Date(now - 2000), endsAt: new Date(now - 1000) });
    const next = await member(accountId);
    await assign(accountId, next, { startsAt: new Date(now + 60_000) });
    await t.rejects(assign(accountId, former), { code: 'no_free_seat' });
  });

  t.test('nobody outside the account can hold its seats, whatever the code above does', async (t) => {
    const accountId = await subscribed(1);
    const stranger = await makeUser(ctx, { password: null });
    await t.rejects(assign(accountId, stranger.id), { code: 'not_found' });
    await t.rejects(
      inTransaction(ctx, (tx) => ensureSeat(tx, { accountId, productId, userId: stranger.id })),
      { code: '23503', constraint: 'seats_membership_fkey' },
    );
    const other = await makeAccount(ctx);
    await t.rejects(
      assign(other, await member(other)),
      { code: 'not_found' },
      'without a subscription there is no seat',
    );
    t.ok(productId satisfies ProductId);
  });
});
