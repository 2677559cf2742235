/** The last seats, wanted by fifty at once by every door and on two replicas: all of them are taken, and not one more. */
import t from 'tap';
import { type Context, inTransaction } from '../../../src/context.ts';
import { startAttempt } from '../../../src/core/attempts/attempts.ts';
import { acceptPendingInvitation, createInvitation } from '../../../src/core/invitations/invitations.ts';
import { deactivateMember } from '../../../src/core/memberships/memberships.ts';
import { resolveCompanyIdentity } from '../../../src/core/provisioning/provisioning.ts';
import { requestSeat } from '../../../src/core/seats/seats.ts';
import { createSubscription } from '../../../src/core/subscriptions/subscriptions.ts';
import type { EmailAddress } from '../../../src/kernel/email-address.ts';
import type { AccountId, ProductId, UserId } from '../../../src/kernel/ids.ts';
import { addSeconds, day } from '../../../src/kernel/time.ts';
import { type ApiAnswer, apiWith, operatorApi } from '../../support/api.ts';
import { startApp } from '../../support/app.ts';
import { makeCompany } from '../../support/company-account.ts';
import { createDatabase } from '../../support/database.ts';
import { assertInvariants } from '../../support/invariants.ts';
import { getConnection } from '../../support/make-connection.ts';
import { makeMember, makeUser } from '../../support/make.ts';
import { amount, random, seed } from '../../support/reliability.ts';

const rounds = amount({ whole: 20, bounded: 2 });
const limit = 5;
const each = 10;
/** Seats that are kept for those who accept in the middle of it: theirs whatever the others do. */
const kept = 2;

t.test('RL-02 fifty want the last five seats at once', async (t) => {
  const chance = random(seed(t));
  const databaseUrl = await createDatabase(t);
  const env = { API_REQUESTS_PER_MINUTE: '100000' };
  const one = await startApp(t, { databaseUrl, env });
  const other = await startApp(t, { databaseUrl, env: { ...env, ISSUER: one.issuer } });
  const { ctx } = one;
  const first = await operatorApi(one);
  const apis = [first, apiWith({ issuer: other.origin }, first.token)] as const;
  const contexts = [one.ctx, other.ctx] as const;
  const meet = await ctx.db
    .selectFrom('products')
    .select('id')
    .where('slug', '=', 'meet')
    .executeTakeFirstOrThrow();

  for (let round = 0; round < rounds; round += 1) {
    const domain = `round-${round}.test`;
    const company = await makeCompany(one, { domain, seats: limit });
    const { accountId, assist, connectionId } = company;
    await inTransaction(ctx, (tx) =>
      createSubscription(tx, {
        accountId,
        productId: meet.id,
        seats: limit,
        startsAt: addSeconds(tx.now(), -day),
      }),
    );
    const connection = await getConnection(ctx, connectionId);
    const member = async (): Promise<UserId> => {
      const { id } = await makeUser(ctx, { password: null });
      await makeMember(ctx, id, accountId);
      return id;
    };
    const address = (name: string, index: number) => `${name}-${index}@${domain}` as EmailAddress;
    const both: readonly ProductId[][] = [
      [assist, meet.id],
      [meet.id, assist],
    ];
    const acceptors = await makeInvited(ctx, {
      accountId,
      products: [assist, meet.id],
      addresses: Array.from({ length: kept }, (_, i) => address('kept', i)),
    });
    const members = await Promise.all(Array.from({ length: each }, member));
    const askers = await Promise.all(Array.from({ length: each }, member));
    const requests = await Promise.all(askers.map((userId) => ask(ctx, { userId, accountId, assist })));
    const away = await Promise.all(Array.from({ length: each }, member));
    for (const userId of away) await inTransaction(ctx, (tx) => deactivateMember(tx, { accountId, userId }));

    const answers: Promise<ApiAnswer | undefined>[] = [];
    const jobs: (() => Promise<ApiAnswer | undefined>)[] = [];
    for (let index = 0; index < each; index += 1) {
      const api = apis[index % 2] ?? first;
      const context = contexts[index % 2] ?? ctx;
      const productId = both[index % 2]?.[0];
      jobs.push(
        () => api.post(`/accounts/${accountId}/seats`, { user_id: members[index], product_id: productId }),
        () =>
          api.post(`/accounts/${accountId}/invitations`, {
            email: address('invited', index),
            role: 'agent',
            products: both[index % 2],
          }),
        () => api.post(`/accounts/${accountId}/seat-requests/${requests[index]}/grant`, {}),
        () => api.post(`/accounts/${accountId}/users/${away[index]}/reactivate`),
        async () => {
          const attemptId = await inTransaction(context, (tx) =>
            startAttempt(tx, { accountId, connectionId, purpose: 'sign_in' }),
          );
          const identity = {
            issuer: company.idp.entityId,
            subject: `jit-${index}`,
            attributes: { email: [address('jit', index)] },
            amr: [],
          };
          await resolveCompanyIdentity(context, { connection, identity, attemptId });
          return undefined;
        },
      );
    }
    for (const userId of acceptors)
      jobs.push(async () => {
        await inTransaction(ctx, (tx) => acceptPendingInvitation(tx, { accountId, userId }));
        return undefined;
      });
    for (const job of jobs.sort(() => chance.next() - 0.5)) answers.push(job());
    const told = (await Promise.all(answers)).filter((answer) => answer !== undefined);
    const strange = told.filter(
      ({ status, body }) =>
        !(status < 300 || (status === 409 && (body as { code: string }).code === 'no_free_seat')),
    );
    t.same(
      strange.map(({ status, text }) => `${status} ${text}`),
      [],
      'taken, or a clear no',
    );
    for (const productId of [assist, meet.id]) t.equal(await countTaken(ctx, accountId, productId), limit);
    for (const userId of acceptors) {
      const seats = await ctx.db
        .selectFrom('seats')
        .select('productId')
        .where('userId', '=', userId)
        .execute();
      t.equal(seats.length, 2, 'who was kept one has it');
    }
  }
  await assertInvariants(t, ctx.db, 'of the test');
});

async function makeInvited(
  ctx: Context,
  {
    accountId,
    products,
    addresses,
  }: {
    readonly accountId: AccountId;
    readonly products: readonly ProductId[];
    readonly addresses: readonly EmailAddress[];
  },
): Promise<UserId[]> {
  for (const email of addresses)
    await inTransaction(ctx, (tx) => createInvitation(tx, { accountId, email, role: 'agent', products }));
  const users = await ctx.db
    .selectFrom('users')
    .select('id')
    .where('email', 'in', [...addresses])
    .execute();
  return users.map(({ id }) => id);
}

/** The id of a request for a seat. */
async function ask(
  ctx: Context,
  {
    userId,
    accountId,
    assist,
  }: { readonly userId: UserId; readonly accountId: AccountId; readonly assist: ProductId },
): Promise<string> {
  const user = { id: userId, email: 'asks@example.test', name: null };
  const product = { id: assist, name: 'Assist' };
  const account = { id: accountId, name: 'Company' };
  await inTransaction(ctx, (tx) =>
    requestSeat(tx, { user, account, product, clientId: 'demo-assist', caseId: 'AAAA-AAAA' }),
  );
  const row = ctx.db.selectFrom('seatRequests').select('id').where('userId', '=', userId);
  return (await row.executeTakeFirstOrThrow()).id;
}

/** By the tables alone: seats, and what is kept for people who have none. */
async function countTaken(ctx: Context, accountId: AccountId, productId: ProductId): Promise<number> {
  const seats = await ctx.db
    .selectFrom('seats')
    .select('userId')
    .where('accountId', '=', accountId)
    .where('productId', '=', productId)
    .execute();
  const keptFor = await ctx.db
    .selectFrom('seatReservations')
    .select('userId')
    .where('accountId', '=', accountId)
    .where('productId', '=', productId)
    .execute();
  return new Set([...seats, ...keptFor].map(({ userId }) => userId)).size;
}
