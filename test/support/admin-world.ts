/** One of everything in an account, made anew each time it is asked for: tests of who may touch what use things up. */
import { randomBytes } from 'node:crypto';
import { sql } from 'kysely';
import { inTransaction } from '../../src/context.ts';
import { createClient } from '../../src/core/clients/clients.ts';
import { claimDomain } from '../../src/core/domains/domains.ts';
import { createInvitation } from '../../src/core/invitations/invitations.ts';
import { createProduct } from '../../src/core/products/products.ts';
import { assignSeat, requestSeat } from '../../src/core/seats/seats.ts';
import { createSubscription } from '../../src/core/subscriptions/subscriptions.ts';
import { parseEmail } from '../../src/kernel/email-address.ts';
import type { AccountId, ProductId, UserId } from '../../src/kernel/ids.ts';
import { addSeconds, minute } from '../../src/kernel/time.ts';
import type { TestApp } from './app.ts';
import { makeSaml } from './make-connection.ts';
import { makeMember, makeUser } from './make.ts';

type Maker = (app: TestApp, accountId: AccountId, twin?: AccountId) => Promise<string>;

/**
 * What is named in an address, by the name it has there; each belongs to the account. With a twin, the same person, product
 * or name is in that account too: what is done in one must not be done in the other.
 */
export const makers: Readonly<Record<string, Maker>> = {
  user_id: makeMemberOf,
  seat_id: async (app, accountId, twin) => {
    const userId = await makeMemberOf(app, accountId, twin);
    const productId = await makeSubscribed(app, accountId, twin);
    for (const account of both(accountId, twin))
      await inTransaction(app.ctx, (tx) => assignSeat(tx, { accountId: account, userId, productId }));
    return newest(app, 'seats', accountId);
  },
  request_id: async (app, accountId, twin) => {
    const userId = await makeMemberOf(app, accountId, twin);
    const productId = await makeSubscribed(app, accountId, twin);
    const user = { id: userId, email: 'asks@example.test', name: null };
    const product = { id: productId, name: 'Product' };
    for (const id of both(accountId, twin)) {
      const asked = {
        user,
        product,
        account: { id, name: 'Account' },
        clientId: 'demo-assist',
        caseId: 'AAAA-AAAA',
      };
      await inTransaction(app.ctx, (tx) => requestSeat(tx, asked));
    }
    return newest(app, 'seatRequests', accountId);
  },
  invitation_id: async (app, accountId, twin) => {
    const email = parseEmail(`${random()}@example.test`);
    if (!email) throw new Error('no address');
    const products = [await makeSubscribed(app, accountId, twin)] as ProductId[];
    const [id = ''] = await Promise.all(
      both(accountId, twin).map((account) =>
        inTransaction(app.ctx, (tx) =>
          createInvitation(tx, { accountId: account, email, role: 'agent', products }),
        ),
      ),
    );
    // a while ago: it could not be sent again at once
    const sentAt = addSeconds(app.ctx.now(), -minute);
    await app.ctx.db.updateTable('invitations').set({ sentAt }).where('email', '=', email).execute();
    return id;
  },
  domain_id: async ({ ctx }, accountId, twin) => {
    const name = `${random()}.example`;
    const claims = both(accountId, twin).map((account) =>
      inTransaction(ctx, (tx) => claimDomain(tx, { accountId: account, name })),
    );
    return (await Promise.all(claims))[0]?.id ?? '';
  },
  connection_id: async ({ ctx }, accountId) => (await makeSaml(ctx, accountId)).id,
  product_id: makeSubscribed,
};

function both(accountId: AccountId, twin: AccountId | undefined): AccountId[] {
  return twin === undefined ? [accountId] : [accountId, twin];
}

/** Everything an account has, row by row: what is done in another must leave it as it is. */
export async function everythingOf({ ctx }: TestApp, accountId: AccountId): Promise<unknown> {
  const tables = await sql<{ name: string }>`
    select table_name as name from information_schema.columns
    where table_schema = 'public' and column_name = 'account_id' order by 1`.execute(ctx.db);
  const found: Record<string, unknown> = {};
  for (const { name } of tables.rows) {
    const rows = await sql<{ row: unknown }>`
      select to_jsonb(t) as row from ${sql.table(name)} t where account_id = ${accountId} order by 1`.execute(
      ctx.db,
    );
    found[name] = rows.rows.map(({ row }) => row);
  }
  return found;
}

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

async function makeMemberOf({ ctx }: TestApp, accountId: AccountId, twin?: AccountId): Promise<UserId> {
  const { id } = await makeUser(ctx, { password: null });
  for (const account of both(accountId, twin)) await makeMember(ctx, id, account);
  return id;
}

async function makeProduct({ ctx }: TestApp): Promise<ProductId> {
  const slug = `p-${random()}`;
  return inTransaction(ctx, (tx) => createProduct(tx, { slug, name: slug }));
}

async function makeSubscribed(app: TestApp, accountId: AccountId, twin?: AccountId): Promise<ProductId> {
  const productId = await makeProduct(app);
  for (const account of both(accountId, twin))
    await inTransaction(app.ctx, (tx) =>
      createSubscription(tx, { accountId: account, productId, seats: 3, startsAt: app.ctx.now() }),
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
