import { type RawBuilder, sql } from 'kysely';
import type { Tx } from '../../context.ts';
import type { Db } from '../../db/connect.ts';
import type { EmailAddress } from '../../kernel/email-address.ts';
import type { UserId } from '../../kernel/ids.ts';
import type { PasswordEvidence } from './evidence.ts';

export interface StoredPassword {
  readonly userId: UserId;
  /** null for somebody who has no password. */
  readonly hash: string | null;
  readonly changedAt: Date | null;
}

/** By users_email_key. One statement for everybody, whether or not there is such a user or such a password. */
export async function findPasswordByEmail(db: Db, email: EmailAddress): Promise<StoredPassword | undefined> {
  const row = await db
    .selectFrom('users')
    .leftJoin('passwords', 'passwords.userId', 'users.id')
    .select(['users.id as userId', 'passwords.hash', 'passwords.changedAt'])
    .where('users.email', '=', email)
    .executeTakeFirst();
  return row;
}

/** By passwords_pkey. */
export async function hasPassword(db: Db, userId: UserId): Promise<boolean> {
  const query = db.selectFrom('passwords').select('userId').where('userId', '=', userId);
  return (await query.executeTakeFirst()) !== undefined;
}

/**
 * The statement that asks whether evidence is of today's password, and keeps that from changing until the transaction
 * ends: a reset waits, and then ends the session that was begun. Nothing when it is not. Which password it was is compared,
 * and not when it was proven: while a reset is being written the old one still proves, at a later moment than the reset's.
 * By passwords_pkey.
 */
export function holdPasswordOf(
  userId: UserId,
  { at, passwordSetAt }: PasswordEvidence,
): RawBuilder<{ answer: string }> {
  const isThatOne =
    passwordSetAt === undefined
      ? sql`changed_at <= ${new Date(at)}`
      : sql`date_trunc('milliseconds', changed_at) = ${new Date(passwordSetAt)}`;
  return sql`select '' as answer from passwords where user_id = ${userId} and ${isThatOne} for share`;
}

/** True when there was one. */
export async function deletePassword(tx: Tx, userId: UserId): Promise<boolean> {
  const result = await tx.db.deleteFrom('passwords').where('userId', '=', userId).executeTakeFirst();
  return result.numDeletedRows === 1n;
}

/** Sets or replaces a user's password; the caller has hashed it before the transaction began. */
export async function updatePassword(tx: Tx, userId: UserId, hash: string): Promise<void> {
  const changedAt = tx.now();
  await tx.db
    .insertInto('passwords')
    .values({ userId, hash, changedAt })
    .onConflict((conflict) => conflict.column('userId').doUpdateSet({ hash, changedAt }))
    .execute();
}

/** Replaces the hash by one of the same password; one that was changed meanwhile is left alone, and answered false. */
export async function updateHashParameters(
  tx: Tx,
  old: { userId: UserId; hash: string },
  hash: string,
): Promise<boolean> {
  const { numUpdatedRows } = await tx.db
    .updateTable('passwords')
    .set({ hash })
    .where('userId', '=', old.userId)
    .where('hash', '=', old.hash)
    .executeTakeFirst();
  return numUpdatedRows > 0n;
}

export interface Taking {
  readonly bucket: Buffer;
  readonly limit: number;
  readonly endsAt: Date;
  readonly isRenewed: boolean;
  readonly waits: readonly number[];
}

/**
 * Takes one from each in turn, up to the first that has none or where somebody has to wait, and answers from how many. One
 * statement by throttles_pkey: of any number that run at once, on any number of replicas, as many succeed as the limits say.
 */
export function takeInTurn(takings: readonly Taking[], now: Date): RawBuilder<{ taken: number }> {
  const parts = takings.map((taking, place) => sql`${partAt(place)} as (${takeOne(taking, place, now)})`);
  const counts = takings.map((_, place) => sql`(select count(*) from ${partAt(place)})`);
  return sql`with ${sql.join(parts)} select ${sql.join(counts, sql` + `)} as taken`;
}

function partAt(place: number) {
  return sql.raw(`part_${place}`);
}

function takeOne(taking: Taking, place: number, at: Date) {
  const { bucket, limit, endsAt, isRenewed } = taking;
  const now = sql`${at}::timestamptz`;
  const isOver = sql`throttles.ends_at <= ${now}`;
  // null is no wait at all: the clock of a replica that is a little behind must not make one of it
  const waits = taking.waits.map((seconds) => seconds || null);
  const wait = sql`(${waits}::float8[])[least(throttles.taken + 1, ${waits.length}::int)]`;
  const ifTaken = place === 0 ? sql`` : sql`from ${partAt(place - 1)}`;
  return sql`
    insert into throttles (bucket, taken, ends_at) select ${bucket}::bytea, 1, ${endsAt}::timestamptz ${ifTaken}
    on conflict (bucket) do update set
      taken = case when ${isOver} then 1 else throttles.taken + 1 end,
      wait_until = case when ${isOver} then null else ${now} + make_interval(secs => ${wait}) end,
      ends_at = case when ${isOver} or ${isRenewed} then excluded.ends_at else throttles.ends_at end
    where ${isOver} or (throttles.taken < ${limit} and coalesce(throttles.wait_until <= ${now}, true))
    returning 1`;
}

/** By throttles_pkey. */
export async function findThrottle(db: Db, bucket: Buffer) {
  return db
    .selectFrom('throttles')
    .select(['taken', 'waitUntil', 'endsAt'])
    .where('bucket', '=', bucket)
    .executeTakeFirst();
}

/**
 * Gives one back to each of some counts, and ends others. By throttles_pkey. All are locked first, in the order in which
 * takeInTurn takes from them: of two at once, neither waits for what the other holds.
 */
export function giveBackAndEnd(
  given: readonly Buffer[],
  ended: readonly Buffer[],
): RawBuilder<Record<string, never>> {
  const order = [...given, ...ended];
  return sql`
    with held as materialized (
      select bucket from throttles where bucket = any(${order}::bytea[])
      order by array_position(${order}::bytea[], bucket) for update
    ), given as (
      update throttles set taken = taken - 1 from held
      where throttles.bucket = held.bucket and held.bucket = any(${given}::bytea[]) and taken > 0
    )
    delete from throttles using held
    where throttles.bucket = held.bucket and held.bucket = any(${ended}::bytea[])`;
}

/** By throttles_pkey. */
export async function deleteThrottle(tx: Tx, bucket: Buffer): Promise<void> {
  await tx.db.deleteFrom('throttles').where('bucket', '=', bucket).execute();
}

/** Whether nothing was told of this bucket since then; then it is told now. By throttles_pkey. */
export async function updateToldAt(tx: Tx, bucket: Buffer, since: Date): Promise<boolean> {
  const { numUpdatedRows } = await tx.db
    .updateTable('throttles')
    .set({ toldAt: tx.now() })
    .where('bucket', '=', bucket)
    .where((row) => row.or([row('toldAt', 'is', null), row('toldAt', '<=', since)]))
    .executeTakeFirst();
  return numUpdatedRows > 0n;
}
