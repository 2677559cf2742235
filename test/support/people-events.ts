/** Everything that the trail tells of people and their seats, once they are there. */
import { inTransaction } from '../../src/context.ts';
import {
  changeRole,
  deactivateMember,
  reactivateMember,
  removeMember,
} from '../../src/core/memberships/memberships.ts';
import { assignSeat, revokeSeat } from '../../src/core/seats/seats.ts';
import { createSubscription } from '../../src/core/subscriptions/subscriptions.ts';
import { deactivateUser, reactivateUser, renameUser } from '../../src/core/users/users.ts';
import { addSeconds } from '../../src/kernel/time.ts';
import type { TestApp } from './app.ts';
import { makeAccount, makeMember, makeUser } from './make.ts';

/** Makes each of it happen to somebody, of an account of their own. */
export async function drivePeople({ ctx }: Pick<TestApp, 'ctx'>): Promise<void> {
  const accountId = await makeAccount(ctx);
  const [{ id: userId }, admin] = [
    await makeUser(ctx, { password: null }),
    await makeUser(ctx, { password: null }),
  ];
  await makeMember(ctx, admin.id, accountId, 'admin');
  await makeMember(ctx, userId, accountId, 'admin');
  const products = ctx.db.selectFrom('products').select('id').where('slug', '=', 'assist');
  const { id: productId } = await products.executeTakeFirstOrThrow();
  await inTransaction(ctx, async (tx) => {
    const startsAt = tx.now();
    const [ref, seat] = [
      { accountId, userId },
      { accountId, userId, productId },
    ];
    await createSubscription(tx, { accountId, productId, seats: 1, startsAt });
    await assignSeat(tx, { ...seat, startsAt, endsAt: addSeconds(startsAt, 60) });
    await revokeSeat(tx, { ...seat, endsAt: addSeconds(startsAt, 30) });
    await revokeSeat(tx, seat);
    await changeRole(tx, { ...ref, role: 'agent' });
    await deactivateMember(tx, ref);
    await reactivateMember(tx, ref);
    await renameUser(tx, { ...ref, name: 'Another Name' });
    await removeMember(tx, ref);
    await deactivateUser(tx, userId);
    await reactivateUser(tx, userId);
  });
}
