import { sql } from 'kysely';
import type { Tx } from '../../context.ts';
import type { Db } from '../../db/connect.ts';

export type Ring = 'secret' | 'cookie';

/** What a ring is called in the environment. */
export const ringNames: Readonly<Record<Ring, string>> = { secret: 'SECRET_KEYS', cookie: 'COOKIE_KEYS' };

export interface KeyUse {
  readonly ring: Ring;
  readonly keyId: string;
  readonly beganAt: Date;
  /** Null for the one that is used. */
  readonly usedUntil: Date | null;
  readonly emptiedAt: Date | null;
}

/** The first key of each list of one process. */
export interface Wish {
  readonly id: string;
  readonly secret: string;
  readonly cookie: string;
}

/** A holder that was not seen for so long, in seconds, is not waited for; longer than keys count after they were read. */
const heldForSeconds = 30;

const isLive = sql<boolean>`seen_at > clock_timestamp() - make_interval(secs => ${heldForSeconds})`;

const lock = sql`hashtext('doorward key rings')`;

/** One who decides at a time, on all replicas together, until the transaction ends. */
export async function lockKeyRings(tx: Tx): Promise<true> {
  await sql`select pg_advisory_xact_lock(${lock})`.execute(tx.db);
  return true;
}

/** The same without waiting; answers whether it was free. */
export async function tryLockKeyRings(tx: Tx): Promise<boolean> {
  const { rows } = await sql<{
    isMine: boolean;
  }>`select pg_try_advisory_xact_lock(${lock}) as is_mine`.execute(tx.db);
  return rows[0]?.isMine === true;
}

/** By the clock of the database: those of two replicas may be minutes apart. */
export async function upsertHolder(tx: Tx, { id, secret, cookie }: Wish): Promise<void> {
  await sql`insert into key_holders (id, secret_key_id, cookie_key_id, seen_at)
    values (${id}, ${secret}, ${cookie}, clock_timestamp())
    on conflict (id) do update set secret_key_id = excluded.secret_key_id, cookie_key_id = excluded.cookie_key_id,
      seen_at = excluded.seen_at`.execute(tx.db);
}

/** Those that have died without a word, or stand still: they look again before they answer anybody. */
export async function deleteLapsedHolders(tx: Tx): Promise<void> {
  await sql`delete from key_holders where not (${isLive})`.execute(tx.db);
}

export async function deleteHolder(tx: Tx, id: string): Promise<void> {
  await tx.db.deleteFrom('keyHolders').where('id', '=', id).execute();
}

/** One row a process that lives. */
export async function listWishes(db: Db): Promise<Wish[]> {
  return db
    .selectFrom('keyHolders')
    .select(['id', 'secretKeyId as secret', 'cookieKeyId as cookie'])
    .where(isLive)
    .orderBy('id')
    .execute();
}

/** A handful of rows: a key for each rotation there ever was. */
export async function listKeyUses(db: Db): Promise<KeyUse[]> {
  const rows = await db
    .selectFrom('keyUses')
    .select(['ring', 'keyId', 'beganAt', 'usedUntil', 'emptiedAt'])
    .orderBy('ring')
    .orderBy('beganAt', 'desc')
    .orderBy('keyId')
    .execute();
  return rows as KeyUse[];
}

/** From now on this key is used. By key_uses_pkey; a key may come back. */
export async function upsertUse(tx: Tx, ring: Ring, keyId: string): Promise<void> {
  const current = { beganAt: tx.now(), usedUntil: null, emptiedAt: null };
  await tx.db
    .insertInto('keyUses')
    .values({ ring, keyId, ...current })
    .onConflict((conflict) => conflict.columns(['ring', 'keyId']).doUpdateSet(current))
    .execute();
}

/** A key that has sealed something before anybody kept account of it. */
export async function insertPastUse(tx: Tx, keyId: string): Promise<void> {
  await tx.db
    .insertInto('keyUses')
    .values({ ring: 'secret', keyId, beganAt: tx.now(), usedUntil: tx.now() })
    .execute();
}

export async function endUse(tx: Tx, ring: Ring, keyId: string): Promise<void> {
  await tx.db
    .updateTable('keyUses')
    .set({ usedUntil: tx.now() })
    .where('ring', '=', ring)
    .where('keyId', '=', keyId)
    .where('usedUntil', 'is', null)
    .execute();
}

/** Nothing was left at `emptiedAt` of what it has sealed; not of one that is used (again). By key_uses_pkey. */
export async function updateEmptied(tx: Tx, keyId: string, emptiedAt: Date): Promise<void> {
  await tx.db
    .updateTable('keyUses')
    .set({ emptiedAt })
    .where('ring', '=', 'secret')
    .where('keyId', '=', keyId)
    .where('usedUntil', 'is not', null)
    .execute();
}
