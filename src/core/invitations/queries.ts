import { type ExpressionBuilder, sql } from 'kysely';
import type { Tx } from '../../context.ts';
import type { Db } from '../../db/connect.ts';
import type { DB } from '../../db/schema.ts';
import type { EmailAddress } from '../../kernel/email-address.ts';
import type { AccountId, ProductId, UserId } from '../../kernel/ids.ts';
import type { Role } from '../memberships/memberships.ts';
import type { UserState } from '../users/users.ts';

export interface InvitationRow {
  readonly id: string;
  readonly accountId: AccountId;
  readonly userId: UserId;
  readonly email: EmailAddress;
  readonly role: Role;
  readonly inviter: string | null;
  readonly clientId: string | null;
  readonly locale: string;
}

const columns = ['id', 'accountId', 'userId', 'email', 'role', 'inviter', 'clientId', 'locale'] as const;

/** The person is still who was invited: the address is theirs, and nobody has switched them off. By users_pkey. */
function isStillInvitee({ exists, selectFrom }: ExpressionBuilder<DB, 'invitations'>) {
  return exists(
    selectFrom('users')
      .select('users.id')
      .whereRef('users.id', '=', 'invitations.userId')
      .whereRef('users.email', '=', 'invitations.email')
      .where('users.state', '!=', 'deactivated'),
  );
}

/** Ends what has expired, so that the place of the pending one is free (invitations_pending_key). */
export async function closeExpired(tx: Tx, accountId: AccountId, userId: UserId): Promise<void> {
  await tx.db
    .updateTable('invitations')
    .set({ state: 'revoked', closedAt: tx.now() })
    .where('accountId', '=', accountId)
    .where('userId', '=', userId)
    .where('state', '=', 'pending')
    .where('expiresAt', '<=', tx.now())
    .execute();
}

export interface NewInvitationRow extends InvitationRow {
  readonly tokenHash: Buffer;
  readonly expiresAt: Date;
}

/** False when one is pending already (invitations_pending_key). */
export async function insertInvitation(tx: Tx, invitation: NewInvitationRow): Promise<boolean> {
  const now = tx.now();
  const result = await tx.db
    .insertInto('invitations')
    .values({ ...invitation, createdAt: now, sentAt: now })
    .onConflict((conflict) =>
      conflict
        .columns(['accountId', 'userId'])
        .where(sql<boolean>`state = 'pending'`)
        .doNothing(),
    )
    .executeTakeFirst();
  return result.numInsertedOrUpdatedRows === 1n;
}

export async function insertInvitedProduct(
  tx: Tx,
  product: { accountId: AccountId; invitationId: string; productId: ProductId },
): Promise<void> {
  await tx.db.insertInto('invitationProducts').values(product).execute();
}

/** In one order everywhere: whoever locks several subscriptions locks them by it. */
export async function listInvitedProducts(db: Db, invitationId: string) {
  return db
    .selectFrom('invitationProducts')
    .innerJoin('products', 'products.id', 'invitationProducts.productId')
    .select(['products.id', 'products.name'])
    .where('invitationId', '=', invitationId)
    .orderBy('products.id')
    .execute();
}

/** When another one of the account was last mailed to a user, whatever became of it. By invitations_user_id_idx. */
export async function findLastSent(
  tx: Tx,
  { id, accountId, userId }: Pick<InvitationRow, 'id' | 'accountId' | 'userId'>,
): Promise<Date | undefined> {
  const row = await tx.db
    .selectFrom('invitations')
    .select('sentAt')
    .where('userId', '=', userId)
    .where('accountId', '=', accountId)
    .where('id', '!=', id)
    .orderBy('sentAt', 'desc')
    .limit(1)
    .executeTakeFirst();
  return row?.sentAt;
}

/** When one that is pending was last mailed, expired or not; held until the transaction ends. */
export async function lockSent(tx: Tx, id: string): Promise<Date | undefined> {
  const row = await tx.db
    .selectFrom('invitations')
    .select('sentAt')
    .where('id', '=', id)
    .where('state', '=', 'pending')
    .forUpdate()
    .executeTakeFirst();
  return row?.sentAt;
}

/** A new token for one that is pending, expired or not; the old one is dead. */
export async function updateToken(
  tx: Tx,
  id: string,
  { tokenHash, expiresAt }: { tokenHash: Buffer; expiresAt: Date },
): Promise<InvitationRow | undefined> {
  const row = await tx.db
    .updateTable('invitations')
    .set({ tokenHash, expiresAt, sentAt: tx.now() })
    .where('id', '=', id)
    .where('state', '=', 'pending')
    .returning(columns)
    .executeTakeFirst();
  return row as InvitationRow | undefined;
}

export async function closePending(tx: Tx, id: string): Promise<InvitationRow | undefined> {
  const row = await tx.db
    .updateTable('invitations')
    .set({ state: 'revoked', closedAt: tx.now() })
    .where('id', '=', id)
    .where('state', '=', 'pending')
    .returning(columns)
    .executeTakeFirst();
  return row as InvitationRow | undefined;
}

/** The same for the account's pending one of a user. By invitations_pending_key. */
export async function consumePending(
  tx: Tx,
  { accountId, userId }: { readonly accountId: AccountId; readonly userId: UserId },
): Promise<InvitationRow | undefined> {
  const row = await tx.db
    .updateTable('invitations')
    .set({ state: 'accepted', closedAt: tx.now() })
    .where('accountId', '=', accountId)
    .where('userId', '=', userId)
    .where('state', '=', 'pending')
    .where('expiresAt', '>', tx.now())
    .where(isStillInvitee)
    .returning(columns)
    .executeTakeFirst();
  return row as InvitationRow | undefined;
}

export interface PendingInvitation {
  readonly id: string;
  readonly role: Role;
}

/**
 * An account's pending invitation of a user; nothing is consumed. Also of somebody who is switched off, which is not the
 * account's to know. By invitations_pending_key.
 */
export async function findPending(
  db: Db,
  { accountId, userId }: { readonly accountId: AccountId; readonly userId: UserId },
  now: Date,
): Promise<PendingInvitation | undefined> {
  const row = await db
    .selectFrom('invitations')
    .select(['id', 'role'])
    .where('accountId', '=', accountId)
    .where('userId', '=', userId)
    .where('state', '=', 'pending')
    .where('expiresAt', '>', now)
    .executeTakeFirst();
  return row as PendingInvitation | undefined;
}

/** Single use in one statement: pending, in time, and its user may still come. By invitations_token_hash_key. */
export async function consumeInvitation(tx: Tx, tokenHash: Buffer): Promise<InvitationRow | undefined> {
  const row = await tx.db
    .updateTable('invitations')
    .set({ state: 'accepted', closedAt: tx.now() })
    .where('tokenHash', '=', tokenHash)
    .where('state', '=', 'pending')
    .where('expiresAt', '>', tx.now())
    .where(isStillInvitee)
    .returning(columns)
    .executeTakeFirst();
  return row as InvitationRow | undefined;
}

export interface OpenInvitation {
  readonly id: string;
  readonly userId: UserId;
  readonly email: EmailAddress;
  readonly name: string | null;
  readonly state: UserState;
  readonly accountId: AccountId;
  readonly account: string;
  readonly role: Role;
  readonly inviter: string | null;
  readonly clientId: string | null;
  readonly expiresAt: Date;
}

/** Reading changes nothing: mail scanners open links too. */
export async function findOpen(db: Db, tokenHash: Buffer, now: Date): Promise<OpenInvitation | undefined> {
  const row = await db
    .selectFrom('invitations')
    .innerJoin('users', 'users.id', 'invitations.userId')
    .innerJoin('accounts', 'accounts.id', 'invitations.accountId')
    .select(['invitations.id', 'userId', 'accountId', 'role', 'inviter', 'clientId', 'invitations.expiresAt'])
    .select(['users.email', 'users.name', 'users.state', 'accounts.name as account'])
    .where('tokenHash', '=', tokenHash)
    .where('invitations.state', '=', 'pending')
    .where('invitations.expiresAt', '>', now)
    .where(isStillInvitee)
    .executeTakeFirst();
  return row as OpenInvitation | undefined;
}

/** Where somebody went on whose invitation was accepted with this token. */
export async function findAccepted(db: Db, tokenHash: Buffer) {
  const row = await db
    .selectFrom('invitations')
    .innerJoin('users', 'users.id', 'invitations.userId')
    .select(['invitations.clientId', 'users.email'])
    .where('tokenHash', '=', tokenHash)
    .where('invitations.state', '=', 'accepted')
    .executeTakeFirst();
  return row as { readonly clientId: string | null; readonly email: EmailAddress } | undefined;
}

/** The newest that can be accepted and was not mailed since; locked, so that of two requests one mails it. */
export async function lockLatestOf(tx: Tx, userId: UserId, sentBefore: Date): Promise<string | undefined> {
  const row = await tx.db
    .selectFrom('invitations')
    .select('id')
    .where('userId', '=', userId)
    .where('state', '=', 'pending')
    .where('expiresAt', '>', tx.now())
    .where('sentAt', '<=', sentBefore)
    .where(isStillInvitee)
    .orderBy('createdAt', 'desc')
    .limit(1)
    .forUpdate()
    .executeTakeFirst();
  return row?.id;
}

/** An interactive client of ours of the product: where its people begin. */
export async function findEntrance(db: Db, productId: ProductId): Promise<string | undefined> {
  const row = await db
    .selectFrom('clients')
    .select('clientId')
    .where('productId', '=', productId)
    .where('firstParty', '=', true)
    .where('initiateLoginUri', 'is not', null)
    .orderBy('createdAt')
    .orderBy('clientId')
    .executeTakeFirst();
  return row?.clientId;
}
