/** Arrangements for tests: people, accounts and what they hold, made by the service's own operations. */
import { randomBytes } from 'node:crypto';
import { type Context, inTransaction } from '../../src/context.ts';
import { createAccount, type NewAccount } from '../../src/core/accounts/accounts.ts';
import { createClient, deleteClient, type NewClient } from '../../src/core/clients/clients.ts';
import { hashPassword, updatePassword } from '../../src/core/credentials/credentials.ts';
import { createMembership, type Role } from '../../src/core/memberships/memberships.ts';
import { createUser, type UserState } from '../../src/core/users/users.ts';
import { demoPassword } from '../../src/demo/world.ts';
import { parseEmail } from '../../src/kernel/email-address.ts';
import type { AccountId, UserId } from '../../src/kernel/ids.ts';

export interface MadeUser {
  readonly id: UserId;
  readonly email: string;
}

export async function makeUser(
  ctx: Context,
  user: { readonly email?: string; readonly state?: UserState; readonly password?: string | null } = {},
): Promise<MadeUser> {
  const email = parseEmail(user.email ?? `user-${randomBytes(4).toString('hex')}@example.test`);
  if (!email) throw new Error('not an email address');
  const password = user.password === undefined ? demoPassword : user.password;
  const hash = password === null ? undefined : await hashPassword(ctx, password);
  const id = await inTransaction(ctx, async (tx) => {
    const made = await createUser(tx, {
      email,
      name: 'Made User',
      state: user.state ?? 'active',
      emailVerifiedAt: tx.now(),
    });
    if (hash !== undefined) await updatePassword(tx, made, hash);
    return made;
  });
  return { id, email };
}

export async function makeAccount(ctx: Context, account: Partial<NewAccount> = {}): Promise<AccountId> {
  const slug = `account-${randomBytes(4).toString('hex')}`;
  return inTransaction(ctx, (tx) => createAccount(tx, { slug, name: slug, ...account }));
}

export async function makeMember(
  ctx: Context,
  userId: UserId,
  accountId: AccountId,
  role: Role = 'agent',
): Promise<void> {
  await inTransaction(ctx, (tx) => createMembership(tx, { accountId, userId, role }));
}

/** Makes a client, or replaces one of the demo world. */
export async function makeClient(ctx: Context, client: NewClient): Promise<void> {
  await inTransaction(ctx, async (tx) => {
    await deleteClient(tx, client.clientId);
    await createClient(tx, client);
  });
}

/** A client of the vendor's by which everybody, not admins alone, comes to the admin interface. */
export async function makeSelfClient(
  ctx: Context,
  issuer: string,
  scopes: readonly string[] = ['self'],
): Promise<void> {
  await makeClient(ctx, {
    clientId: 'demo-self',
    name: 'Profile',
    firstParty: true,
    applicationType: 'web',
    authMethod: 'none',
    grantTypes: ['authorization_code', 'refresh_token'],
    redirectUris: [`${issuer}/demo/self/callback`],
    scopes,
    resources: [`${issuer}/api/v1`],
  });
}

export async function demoUserId(ctx: Context, email: string): Promise<UserId> {
  const row = await ctx.db
    .selectFrom('users')
    .select('id')
    .where('email', '=', email)
    .executeTakeFirstOrThrow();
  return row.id;
}
