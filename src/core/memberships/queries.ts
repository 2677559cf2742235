import { type ExpressionBuilder, sql } from 'kysely';
import type { Tx } from '../../context.ts';
import type { Db } from '../../db/connect.ts';
import type { DB } from '../../db/schema.ts';
import type { EmailAddress } from '../../kernel/email-address.ts';
import { Failure } from '../../kernel/failures.ts';
import type { AccountId, UserId } from '../../kernel/ids.ts';
import type { Window } from '../../kernel/page.ts';

export type Role = 'admin' | 'agent';

export interface MemberRef {
  readonly accountId: AccountId;
  readonly userId: UserId;
}

/** `deactivated` is whoever was switched off here, by the account, or everywhere, by an operator. */
export type MemberState = 'invited' | 'active' | 'deactivated';

/** A user as an account sees them. */
export interface Member {
  readonly accountId: AccountId;
  readonly userId: UserId;
  readonly email: EmailAddress;
  readonly name: string | null;
  readonly locale: string | null;
  readonly role: Role;
  /** Keeps the password for the day the identity provider is down. */
  readonly breakGlass: boolean;
  readonly state: MemberState;
  /** Since when they are switched off in this account; null for who is switched off everywhere only. */
  readonly deactivatedAt: Date | null;
  readonly emailVerifiedAt: Date | null;
  readonly hasPassword: boolean;
  /** Since when they have been a member. */
  readonly createdAt: Date;
  /** Into this account; null for never. */
  readonly lastSignedInAt: Date | null;
  /** Slugs of the products on which they have a live seat here. */
  readonly products: readonly string[];
}

export interface MemberFilter extends Window {
  readonly accountId: AccountId;
  readonly email?: EmailAddress | undefined;
  readonly role?: Role | undefined;
  readonly state?: MemberState | undefined;
  /** When: seats are dated. */
  readonly now: Date;
}

const state = sql<MemberState>`case when memberships.deactivated_at is not null then 'deactivated' else users.state end`;

/** By seats_membership_idx and events_user_id_idx. */
function selectMembers(db: Db, now: Date) {
  const graceDays = (days: string) => sql`make_interval(days => ${sql.ref(days)})`;
  const isLive = ({ or, and, eb }: ExpressionBuilder<DB, 'seats' | 'subscriptions'>) =>
    and([
      eb('seats.startsAt', '<=', now),
      or([eb('seats.endsAt', 'is', null), eb('seats.endsAt', '>', now)]),
      eb('subscriptions.startsAt', '<=', now),
      or([
        eb('subscriptions.expiresAt', 'is', null),
        eb(sql`subscriptions.expires_at + ${graceDays('subscriptions.grace_days')}`, '>', now),
      ]),
    ]);
  return db
    .selectFrom('memberships')
    .innerJoin('users', 'users.id', 'memberships.userId')
    .select(['memberships.accountId', 'memberships.userId', 'users.email', 'users.name', 'users.locale'])
    .select(['role', 'breakGlass', 'deactivatedAt', 'emailVerifiedAt', 'memberships.createdAt'])
    .select(state.as('state'))
    .select(({ exists, selectFrom }) => [
      exists(
        selectFrom('passwords')
          .select('passwords.userId')
          .whereRef('passwords.userId', '=', 'memberships.userId'),
      ).as('hasPassword'),
      selectFrom('events')
        .select('occurredAt')
        .whereRef('events.userId', '=', 'memberships.userId')
        .whereRef('events.accountId', '=', 'memberships.accountId')
        .where('events.type', '=', 'user.signed_in')
        .orderBy('events.id', 'desc')
        .limit(1)
        .as('lastSignedInAt'),
      selectFrom('seats')
        .innerJoin('subscriptions', (join) =>
          join
            .onRef('subscriptions.accountId', '=', 'seats.accountId')
            .onRef('subscriptions.productId', '=', 'seats.productId'),
        )
        .innerJoin('products', 'products.id', 'seats.productId')
        .select(sql<string[]>`coalesce(array_agg(products.slug order by products.slug), '{}')`.as('slugs'))
        .whereRef('seats.accountId', '=', 'memberships.accountId')
        .whereRef('seats.userId', '=', 'memberships.userId')
        .where(isLive)
        .as('products'),
    ]);
}

/** The newest users first, by memberships_pkey. */
export async function listMembers(db: Db, filter: MemberFilter): Promise<Member[]> {
  const { accountId, email, role, after, limit, now } = filter;
  let query = selectMembers(db, now).where('memberships.accountId', '=', accountId);
  if (email !== undefined) query = query.where('users.email', '=', email);
  if (role !== undefined) query = query.where('role', '=', role);
  if (filter.state !== undefined) query = query.where(state, '=', filter.state);
  if (after !== undefined) query = query.where('memberships.userId', '<', after as UserId);
  const rows = await query.orderBy('memberships.userId', 'desc').limit(limit).execute();
  return rows as unknown as Member[];
}

/** By memberships_pkey. */
export async function findMember(
  db: Db,
  { accountId, userId }: MemberRef,
  now: Date,
): Promise<Member | undefined> {
  const query = selectMembers(db, now).where('memberships.accountId', '=', accountId);
  const row = await query.where('memberships.userId', '=', userId).executeTakeFirst();
  return row as unknown as Member | undefined;
}

/** Failure `not_found`. */
export async function getMember(db: Db, ref: MemberRef, now: Date): Promise<Member> {
  const member = await findMember(db, ref, now);
  if (!member) throw new Failure('not_found');
  return member;
}

export type Membership = Pick<Member, 'role' | 'breakGlass' | 'deactivatedAt'>;

/** By memberships_pkey. */
export async function findMembership(
  db: Db,
  { accountId, userId }: MemberRef,
): Promise<Membership | undefined> {
  const row = await db
    .selectFrom('memberships')
    .select(['role', 'breakGlass', 'deactivatedAt'])
    .where('accountId', '=', accountId)
    .where('userId', '=', userId)
    .executeTakeFirst();
  return row as Membership | undefined;
}

/** False when there is none; else it stays until the transaction ends, whatever becomes of it. By memberships_pkey. */
export async function holdMembership(tx: Tx, { accountId, userId }: MemberRef): Promise<boolean> {
  const row = await tx.db
    .selectFrom('memberships')
    .select('userId')
    .where('accountId', '=', accountId)
    .where('userId', '=', userId)
    .forKeyShare()
    .executeTakeFirst();
  return row !== undefined;
}

/** Before any account: whoever holds a user and accounts locks them in this order. By users_pkey. */
export async function lockPerson(tx: Tx, userId: UserId): Promise<void> {
  await tx.db.selectFrom('users').select('id').where('id', '=', userId).forNoKeyUpdate().execute();
}

/** By accounts_pkey. */
export async function lockAccount(tx: Tx, accountId: AccountId): Promise<void> {
  await tx.db.selectFrom('accounts').select('id').where('id', '=', accountId).forNoKeyUpdate().execute();
}

export interface Admin {
  readonly userId: UserId;
  readonly email: EmailAddress;
  readonly locale: string | null;
  readonly breakGlass: boolean;
}

/** Those who can act as one. By memberships_pkey. */
export async function listActiveAdmins(db: Db, accountId: AccountId): Promise<Admin[]> {
  const admins = await db
    .selectFrom('memberships')
    .innerJoin('users', 'users.id', 'memberships.userId')
    .select(['memberships.userId', 'breakGlass', 'users.email', 'users.locale'])
    .where('memberships.accountId', '=', accountId)
    .where('memberships.role', '=', 'admin')
    .where('memberships.deactivatedAt', 'is', null)
    .where('users.state', '=', 'active')
    .orderBy('users.email')
    .execute();
  return admins as Admin[];
}

/** Where a user is an admin, in one order. By memberships_user_id_idx. */
export async function listAdministered(db: Db, userId: UserId): Promise<AccountId[]> {
  const rows = await db
    .selectFrom('memberships')
    .select('accountId')
    .where('userId', '=', userId)
    .where('role', '=', 'admin')
    .orderBy('accountId')
    .execute();
  return rows.map(({ accountId }) => accountId);
}

/** One of its connections closes every other door. By connections_account_id_idx. */
export async function requiresCompany(db: Db, accountId: AccountId): Promise<boolean> {
  const row = await db
    .selectFrom('connections')
    .select('id')
    .where('accountId', '=', accountId)
    .where('state', '=', 'required')
    .limit(1)
    .executeTakeFirst();
  return row !== undefined;
}

export interface MembershipChanges {
  readonly role?: Role;
  readonly breakGlass?: boolean;
  readonly deactivatedAt?: Date | null;
}

/** By memberships_pkey; false when there is none. */
export async function updateMembership(
  tx: Tx,
  { accountId, userId }: MemberRef,
  changes: MembershipChanges,
): Promise<boolean> {
  const result = await tx.db
    .updateTable('memberships')
    .set(changes)
    .where('accountId', '=', accountId)
    .where('userId', '=', userId)
    .executeTakeFirst();
  return result.numUpdatedRows === 1n;
}

/** Seats and requests for seats go along. By memberships_pkey. */
export async function deleteMembership(tx: Tx, { accountId, userId }: MemberRef): Promise<void> {
  await tx.db
    .deleteFrom('memberships')
    .where('accountId', '=', accountId)
    .where('userId', '=', userId)
    .execute();
}

/** What is kept for them. By seat_reservations_user_id_idx. */
export async function deleteReservations(tx: Tx, { accountId, userId }: MemberRef): Promise<void> {
  await tx.db
    .deleteFrom('seatReservations')
    .where('userId', '=', userId)
    .where('accountId', '=', accountId)
    .execute();
}
