import { sql } from 'kysely';
import type { Tx } from '../../context.ts';
import type { Db } from '../../db/connect.ts';
import type { EmailAddress } from '../../kernel/email-address.ts';
import type { UserId } from '../../kernel/ids.ts';
import type { UserState } from '../users/users.ts';

export interface NewRequest {
  readonly id: string;
  readonly handleHash: Buffer;
  readonly recipientHash: Buffer;
  /** null when no mail may go to the recipient now: it is decided already. */
  readonly emailSealed: string | null;
  readonly clientId: string | null;
  readonly locale: string;
}

export async function insertRequest(tx: Tx, request: NewRequest): Promise<void> {
  const now = tx.now();
  const decidedAt = request.emailSealed === null ? now : null;
  await tx.db
    .insertInto('passwordResetRequests')
    .values({ ...request, createdAt: now, decidedAt })
    .execute();
}

/** The oldest that waits (password_reset_requests_undecided_idx) and that no other replica is at. */
export async function lockUndecidedRequest(tx: Tx) {
  return tx.db
    .selectFrom('passwordResetRequests')
    .select(['id', 'emailSealed', 'clientId', 'locale', 'createdAt'])
    .where('decidedAt', 'is', null)
    .orderBy('createdAt')
    .limit(1)
    .forUpdate()
    .skipLocked()
    .executeTakeFirst();
}

/** Wipes the address: it was needed to find out whose it is, and for nothing else. */
export async function updateDecided(tx: Tx, id: string): Promise<void> {
  await tx.db
    .updateTable('passwordResetRequests')
    .set({ decidedAt: tx.now(), emailSealed: null })
    .where('id', '=', id)
    .execute();
}

export interface Recipient {
  readonly userId: UserId;
  readonly email: EmailAddress;
  readonly locale: string | null;
  readonly state: UserState;
  readonly hasPassword: boolean;
}

/** By users_email_key: whom an address belongs to. */
export async function findRecipient(db: Db, email: EmailAddress): Promise<Recipient | undefined> {
  const row = await db
    .selectFrom('users')
    .leftJoin('passwords', 'passwords.userId', 'users.id')
    .select(['users.id as userId', 'users.email', 'users.locale', 'users.state'])
    .select(sql<boolean>`passwords.user_id is not null`.as('hasPassword'))
    .where('users.email', '=', email)
    .executeTakeFirst();
  return row as Recipient | undefined;
}

export interface NewReset {
  readonly id: string;
  readonly requestId: string;
  readonly userId: UserId;
  readonly tokenHash: Buffer;
  readonly codeHash: Buffer;
  readonly expiresAt: Date;
}

/** The address and the password's age are copied by the database itself, to the microsecond. */
export async function insertReset(tx: Tx, reset: NewReset): Promise<void> {
  const { id, requestId, userId, tokenHash, codeHash, expiresAt } = reset;
  await sql`
    insert into password_resets
      (id, request_id, user_id, email, password_changed_at, token_hash, code_hash, created_at, expires_at)
    select ${id}, ${requestId}, users.id, users.email, passwords.changed_at, ${tokenHash}, ${codeHash},
      ${tx.now()}, ${expiresAt}
    from users left join passwords on passwords.user_id = users.id
    where users.id = ${userId}`.execute(tx.db);
}

/** What a reset must be at the moment of its use; nothing has to be swept away for it to be dead. */
const isLive = (now: Date) => sql<boolean>`(password_resets.consumed_at is null
  and password_resets.expires_at > ${now}
  and users.state = 'active'
  and users.email = password_resets.email
  and password_resets.password_changed_at is not distinct from
    (select changed_at from passwords where passwords.user_id = users.id))`;

/** By password_resets_token_hash_key and password_resets_browser_token_hash_key. */
const hasToken = (tokenHash: Buffer) =>
  sql<boolean>`(password_resets.token_hash = ${tokenHash} or password_resets.browser_token_hash = ${tokenHash})`;

export interface LiveReset {
  readonly userId: UserId;
  readonly email: EmailAddress;
  readonly clientId: string | null;
}

/** Reading changes nothing: mail scanners open links too. */
export async function findLiveReset(db: Db, tokenHash: Buffer, now: Date): Promise<LiveReset | undefined> {
  const row = await db
    .selectFrom('passwordResets')
    .innerJoin('users', 'users.id', 'passwordResets.userId')
    .innerJoin('passwordResetRequests', 'passwordResetRequests.id', 'passwordResets.requestId')
    .select(['users.id as userId', 'users.email', 'passwordResetRequests.clientId'])
    .where(hasToken(tokenHash))
    .where(isLive(now))
    .executeTakeFirst();
  return row as LiveReset | undefined;
}

/** What was completed with this token, for as long as it would have lived. */
export async function findCompleted(
  db: Db,
  tokenHash: Buffer,
  now: Date,
): Promise<{ readonly clientId: string | null } | undefined> {
  return db
    .selectFrom('passwordResets')
    .innerJoin('passwordResetRequests', 'passwordResetRequests.id', 'passwordResets.requestId')
    .select('passwordResetRequests.clientId')
    .where(hasToken(tokenHash))
    .where('passwordResets.consumedAt', 'is not', null)
    .where('passwordResets.expiresAt', '>', now)
    .executeTakeFirst();
}

/** Of two links used at once, each for the same person, the second waits here, and then finds itself dead. */
export async function lockUserOfReset(tx: Tx, tokenHash: Buffer): Promise<void> {
  await tx.db
    .selectFrom('passwordResets')
    .innerJoin('users', 'users.id', 'passwordResets.userId')
    .select('users.id')
    .where(hasToken(tokenHash))
    .forUpdate('users')
    .execute();
}

export async function consumeReset(tx: Tx, tokenHash: Buffer) {
  const row = await tx.db
    .updateTable('passwordResets')
    .from('users')
    .set({ consumedAt: tx.now() })
    .whereRef('users.id', '=', 'passwordResets.userId')
    .where(hasToken(tokenHash))
    .where(isLive(tx.now()))
    .returning(['users.id as userId', 'users.email', 'users.locale', 'passwordResets.requestId'])
    .executeTakeFirst();
  return row as (typeof row & { readonly email: EmailAddress }) | undefined;
}

/** By password_resets_user_id_idx. */
export async function deleteUnusedResets(tx: Tx, userId: UserId): Promise<void> {
  await tx.db
    .deleteFrom('passwordResets')
    .where('userId', '=', userId)
    .where('consumedAt', 'is', null)
    .execute();
}

/** Counts a try before anything is compared (password_reset_requests_handle_hash_idx); none is left when nothing is answered. */
export async function countCodeTry(
  tx: Tx,
  handleHash: Buffer,
  limits: { readonly tries: number; readonly since: Date },
) {
  return tx.db
    .updateTable('passwordResetRequests')
    .set((update) => ({ codeTries: update('codeTries', '+', 1) }))
    .where('handleHash', '=', handleHash)
    .where('codeTries', '<', limits.tries)
    .where('createdAt', '>', limits.since)
    .returning(['id', 'recipientHash'])
    .execute();
}

/** By password_resets_request_id_key. */
export async function listLiveCodes(db: Db, requestIds: readonly string[], now: Date) {
  return db
    .selectFrom('passwordResets')
    .innerJoin('users', 'users.id', 'passwordResets.userId')
    .select(['passwordResets.id', 'passwordResets.codeHash'])
    .where('passwordResets.requestId', 'in', [...requestIds, ''])
    .where(isLive(now))
    .execute();
}

export async function updateBrowserToken(tx: Tx, id: string, browserTokenHash: Buffer): Promise<void> {
  await tx.db.updateTable('passwordResets').set({ browserTokenHash }).where('id', '=', id).execute();
}

/** What an attacker would try first: the person's names, and those of their accounts and products. */
export async function listPasswordWords(db: Db, userId: UserId): Promise<string[]> {
  const { rows } = await sql<{ word: string | null }>`
    select unnest(array[email, name]) as word from users where id = ${userId}
    union select unnest(array[accounts.name, accounts.slug]) from memberships
      join accounts on accounts.id = memberships.account_id where memberships.user_id = ${userId}
    union select products.name from memberships
      join subscriptions on subscriptions.account_id = memberships.account_id
      join products on products.id = subscriptions.product_id where memberships.user_id = ${userId}`.execute(
    db,
  );
  return rows.flatMap(({ word }) => word ?? []);
}
