/** How seats are taken back, below the interface: at once or dated, and never more than were bought. */
import t from 'tap';
import { inTransaction } from '../../src/context.ts';
import { createProduct } from '../../src/core/products/products.ts';
import {
  assignSeat,
  findSeat,
  listSeatReservations,
  listSeats,
  reserveSeat,
  revokeSeat,
  type Seat,
  type SeatRef,
} from '../../src/core/seats/seats.ts';
import { createSubscription } from '../../src/core/subscriptions/subscriptions.ts';
import { Failure } from '../../src/kernel/failures.ts';
import type { AccountId, UserId } from '../../src/kernel/ids.ts';
import { addSeconds } from '../../src/kernel/time.ts';
import { startApp } from '../support/app.ts';
import { makeAccount, makeMember, makeUser } from '../support/make.ts';

t.test('seats are taken back', async (t) => {
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
  const revoke = (ref: SeatRef & { readonly endsAt?: Date }) =>
    inTransaction(ctx, (tx) => revokeSeat(tx, ref));
  const seated = async (accountId: AccountId, dates = {}): Promise<Seat> => {
    const userId = await member(accountId);
    await assign(accountId, userId, dates);
    const seat = await findSeat(ctx.db, { accountId, productId, userId });
    if (!seat) throw new Error('no seat');
    return seat;
  };
  const revocations = ({ userId }: Seat) =>
    ctx.db
      .selectFrom('events')
      .select(['accountId', 'details'])
      .where('userId', '=', userId)
      .where('type', '=', 'seat.revoked')
      .orderBy('id')
      .execute();
  const inSeconds = (seconds: number) => addSeconds(ctx.now(), seconds);

  t.test('at once, by its id or by whose it is; once', async (t) => {
    const accountId = await subscribed(1);
    const seat = await seated(accountId);
    const results = await Promise.allSettled(
      Array.from({ length: 50 }, () => revoke({ accountId, seatId: seat.id })),
    );
    t.equal(results.filter(({ status }) => status === 'fulfilled').length, 1);
    const reasons = results.flatMap((result) =>
      result.status === 'rejected' ? [result.reason as unknown] : [],
    );
    t.ok(reasons.every((reason) => reason instanceof Failure && reason.code === 'not_found'));
    const before = { starts_at: seat.startsAt.toISOString(), ends_at: null };
    const details = { seat_id: seat.id, product_id: productId, before };
    t.same(await revocations(seat), [{ accountId, details }]);
    const { userId } = await seated(accountId);
    await revoke({ accountId, productId, userId });
    t.same(await listSeats(ctx.db, { accountId, limit: 10 }), []);
  });

  t.test('dated: it is the person’s until then, and nobody else’s', async (t) => {
    const accountId = await subscribed(1);
    const seat = await seated(accountId);
    const endsAt = inSeconds(60);
    for (let twice = 0; twice < 2; twice += 1)
      t.same(await revoke({ accountId, seatId: seat.id, endsAt }), { ...seat, endsAt });
    const changes = { ends_at: { before: null, after: endsAt.toISOString() } };
    t.same(await revocations(seat), [
      { accountId, details: { seat_id: seat.id, product_id: productId, changes } },
    ]);
    const next = await member(accountId);
    await t.rejects(assign(accountId, next), { code: 'no_free_seat' });
    advance(60);
    await assign(accountId, next);
    await t.rejects(revoke({ accountId, seatId: seat.id, endsAt: inSeconds(60) }), {
      code: 'action_not_available',
    });
    await revoke({ accountId, seatId: seat.id });
  });

  t.test('a date that is over, or before the beginning, is none', async (t) => {
    const accountId = await subscribed(2);
    const seat = await seated(accountId, { startsAt: inSeconds(100) });
    for (const endsAt of [inSeconds(-1), ctx.now(), inSeconds(50), seat.startsAt])
      await t.rejects(revoke({ accountId, seatId: seat.id, endsAt }), { code: 'invalid_input' });
    const userId = await member(accountId);
    const dates = { startsAt: inSeconds(10), endsAt: inSeconds(10) };
    await t.rejects(assign(accountId, userId, dates), { code: 'invalid_input' });
  });

  t.test('another account’s seat is not there', async (t) => {
    const [accountId, other] = [await subscribed(1), await subscribed(1)];
    const { id: seatId, userId } = await seated(other);
    for (const ref of [
      { accountId, seatId },
      { accountId, productId, userId },
    ]) {
      t.equal(await findSeat(ctx.db, ref), undefined);
      await t.rejects(revoke(ref), { code: 'not_found' });
    }
    t.same(await listSeats(ctx.db, { accountId, limit: 10 }), []);
  });

  t.test('an account lists its seats, newest first and in pages, and what it keeps', async (t) => {
    const accountId = await subscribed(5);
    const seats: Seat[] = [];
    for (let count = 0; count < 3; count += 1) {
      advance(1);
      seats.unshift(await seated(accountId));
    }
    const [third, second, first] = seats;
    t.same(await listSeats(ctx.db, { accountId, limit: 10 }), seats);
    t.same(await listSeats(ctx.db, { accountId, limit: 1, after: third?.id }), [second]);
    t.same(await listSeats(ctx.db, { accountId, limit: 9, userId: first?.userId }), [first]);
    t.same(await listSeats(ctx.db, { accountId, limit: 9, productId: 'prd_other' }), []);
    t.match(first, { product: 'chat', productId, name: 'Made User', email: String, endsAt: null });
    const { id: userId, email } = await makeUser(ctx, { password: null });
    const until = inSeconds(60);
    await inTransaction(ctx, (tx) => reserveSeat(tx, { accountId, productId, userId, until }));
    t.same(await listSeatReservations(ctx.db, { accountId, now: ctx.now() }), [
      { userId, email, productId, product: 'chat', until },
    ]);
    t.same(await listSeatReservations(ctx.db, { accountId, now: until }), []);
  });
});
