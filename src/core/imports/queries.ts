import { sql } from 'kysely';
import type { Tx } from '../../context.ts';
import type { Db } from '../../db/connect.ts';
import type { EmailAddress } from '../../kernel/email-address.ts';
import type { AccountId, ProductId, UserId } from '../../kernel/ids.ts';
import type { Role } from '../memberships/memberships.ts';
import type { UserState } from '../users/users.ts';

/** What there is of the person of a row, as far as it is of this account. */
export interface Standing {
  readonly userId: UserId;
  readonly state: UserState;
  /** null for who is not a member. */
  readonly role: Role | null;
  /** Since when they are switched off in this account. */
  readonly deactivatedAt: Date | null;
  readonly seats: readonly ProductId[];
  /** Kept for them until they come. */
  readonly kept: readonly ProductId[];
  /** Of the invitation that is pending; null without one. */
  readonly invitedRole: Role | null;
  readonly invitedProducts: readonly ProductId[];
}

/** By users_email_key, and from there by the keys of each table. */
export async function findStanding(
  tx: Tx,
  { accountId, email }: { readonly accountId: AccountId; readonly email: EmailAddress },
): Promise<Standing | undefined> {
  const now = tx.now();
  const row = await tx.db
    .selectFrom('users')
    .leftJoin('memberships', (join) =>
      join.onRef('memberships.userId', '=', 'users.id').on('memberships.accountId', '=', accountId),
    )
    .leftJoin('invitations', (join) =>
      join
        .onRef('invitations.userId', '=', 'users.id')
        .on('invitations.accountId', '=', accountId)
        .on('invitations.state', '=', 'pending')
        .on('invitations.expiresAt', '>', now),
    )
    .select(['users.id as userId', 'users.state', 'memberships.role', 'memberships.deactivatedAt'])
    .select('invitations.role as invitedRole')
    .select([
      sql<ProductId[]>`array(select product_id from seats where account_id = ${accountId}
        and user_id = users.id and (ends_at is null or ends_at > ${now}))`.as('seats'),
      sql<ProductId[]>`array(select product_id from seat_reservations where account_id = ${accountId}
        and user_id = users.id and until > ${now})`.as('kept'),
      sql<ProductId[]>`array(select product_id from invitation_products
        where invitation_id = invitations.id)`.as('invitedProducts'),
    ])
    .where('users.email', '=', email)
    .executeTakeFirst();
  return row as Standing | undefined;
}

/** What an account has subscribed to, by slug. By subscriptions_pkey. */
export async function listSubscribed(db: Db, accountId: AccountId): Promise<Map<string, ProductId>> {
  const rows = await db
    .selectFrom('subscriptions')
    .innerJoin('products', 'products.id', 'subscriptions.productId')
    .select(['products.slug', 'products.id'])
    .where('subscriptions.accountId', '=', accountId)
    .execute();
  return new Map(rows.map(({ slug, id }) => [slug, id]));
}

/** In a transaction that is rolled back: so many seats fewer are there to take. By subscriptions_pkey. */
export async function updateSeatsBy(
  tx: Tx,
  { accountId, productId, fewer }: { accountId: AccountId; productId: ProductId; fewer: number },
): Promise<void> {
  await tx.db
    .updateTable('subscriptions')
    .set({ seats: sql<number>`greatest(seats - ${fewer}::int, 0)` })
    .where('accountId', '=', accountId)
    .where('productId', '=', productId)
    .execute();
}

/** In a transaction that is rolled back: these are no admins any more. By memberships_pkey. */
export async function updateToAgents(
  tx: Tx,
  { accountId, userIds }: { readonly accountId: AccountId; readonly userIds: readonly UserId[] },
): Promise<void> {
  await tx.db
    .updateTable('memberships')
    .set({ role: 'agent', breakGlass: false })
    .where('accountId', '=', accountId)
    .where('userId', 'in', userIds)
    .execute();
}
