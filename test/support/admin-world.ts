/** One of everything in an account, made anew each time it is asked for: tests of who may touch what use things up. */
import { randomBytes } from 'node:crypto';
import { inTransaction } from '../../src/context.ts';
import { createClient } from '../../src/core/clients/clients.ts';
import { claimDomain } from '../../src/core/domains/domains.ts';
import { createInvitation } from '../../src/core/invitations/invitations.ts';
import { createProduct } from '../../src/core/products/products.ts';
import { assignSeat, requestSeat } from '../../src/core/seats/seats.ts';
import { createSubscription } from '../../src/core/subscriptions/subscriptions.ts';
import { parseEmail } from '../../src/kernel/email-address.ts';
import type { AccountId, ProductId, UserId } from '../../src/kernel/ids.ts';
import type { TestApp } from './app.ts';
import { makeSaml } from './make-connection.ts';
import { makeMember, makeUser } from './make.ts';

/** What is named in an address, by the name it has there; each belongs to the account. */
export const makers: Readonly<Record<string, (app: TestApp, accountId: AccountId) => Promise<string>>> = {
  user_id: makeMemberOf,
  seat_id: async (app, accountId) => {
    const userId = await makeMemberOf(app, accountId);
    const productId = await makeSubscribed(app, accountId);
    await inTransaction(app.ctx, (tx) => assignSeat(tx, { accountId, userId, productId }));
    return newest(app, 'seats', accountId);
  },
  request_id: async (app, accountId) => {
    const userId = await makeMemberOf(app, accountId);
    const productId = await makeSubscribed(app, accountId);
    await inTransaction(app.ctx, (tx) =>
      requestSeat(tx, {
        user: { id: userId, email: 'asks@example.test', name: null },
        account: { id: accountId, name: 'Account' },
        product: { id: productId, name: 'Product' },
        clientId: 'demo-assist',
        caseId: 'AAAA-AAAA',
      }),
    );
    return newest(app, 'seatRequests', accountId);
  },
  invitation_id: async ({ ctx }, accountId) => {
    const email = parseEmail(`${random()}@example.test`);
    if (!email) throw new Error('no address');
    return inTransaction(ctx, (tx) =>
      createInvitation(tx, { accountId, email, role: 'agent', products: [] }),
    );
  },
  domain_id: async ({ ctx }, accountId) =>
    (await inTransaction(ctx, (tx) => claimDomain(tx, { accountId, name: `${random()}.example` }))).id,
  connection_id: async ({ ctx }, accountId) => (await makeSaml(ctx, accountId)).id,
  product_id: makeSubscribed,
};

/** What belongs to no account. */
export const globalMakers: Readonly<Record<string, (app: TestApp) => Promise<string>>> = {
  product_id: makeProduct,
  client_id: async ({ ctx }) => {
    const clientId = `made-${random()}`;
    await inTransaction(ctx, (tx) =>
      createClient(tx, {
        clientId,
        name: 'Made',
        firstParty: true,
        applicationType: 'web',
        authMethod: 'client_secret_basic',
        secret: random(),
        grantTypes: ['client_credentials'],
      }),
    );
    return clientId;
  },
  user_id: async ({ ctx }) => (await makeUser(ctx, { password: null })).id,
  mail_id: async ({ ctx }) => {
    const row = await ctx.db
      .selectFrom('mailOutbox')
      .select('id')
      .where('state', '=', 'pending')
      .executeTakeFirstOrThrow();
    return row.id;
  },
};

async function makeMemberOf({ ctx }: TestApp, accountId: AccountId): Promise<UserId> {
  const { id } = await makeUser(ctx, { password: null });
  await makeMember(ctx, id, accountId);
  return id;
}

async function makeProduct({ ctx }: TestApp): Promise<ProductId> {
  const slug = `p-${random()}`;
  return inTransaction(ctx, (tx) => createProduct(tx, { slug, name: slug }));
}

async function makeSubscribed(app: TestApp, accountId: AccountId): Promise<ProductId> {
  const productId = await makeProduct(app);
  await inTransaction(app.ctx, (tx) =>
    createSubscription(tx, { accountId, productId, seats: 3, startsAt: app.ctx.now() }),
  );
  return productId;
}

async function newest(
  { ctx }: TestApp,
  table: 'seats' | 'seatRequests',
  accountId: AccountId,
): Promise<string> {
  const query = ctx.db.selectFrom(table).select('id').where('accountId', '=', accountId);
  return (await query.orderBy('id', 'desc').limit(1).executeTakeFirstOrThrow()).id;
}

function random(): string {
  return randomBytes(6).toString('hex');
}
