import { sql } from 'kysely';
import type { Tx } from '../../context.ts';
import type { Db } from '../../db/connect.ts';

export const signingAlgs = ['ES256', 'RS256'] as const;
export type SigningAlg = (typeof signingAlgs)[number];

export interface KeyTimes {
  readonly kid: string;
  readonly alg: SigningAlg;
  readonly publishAt: Date;
  readonly activateAt: Date;
  /** When it is published no more. */
  readonly retireAt: Date | null;
}

export interface KeyRow extends KeyTimes {
  readonly privateKeySealed: string;
}

/** The keys published at `now`. The first of an algorithm signs: of those that are active the newest. A handful of rows. */
export async function listRows(db: Db, now: Date): Promise<KeyRow[]> {
  const rows = await db
    .selectFrom('signingKeys')
    .select(['kid', 'alg', 'publishAt', 'activateAt', 'retireAt', 'privateKeySealed'])
    .where('publishAt', '<=', now)
    .where((where) => where.or([where('retireAt', 'is', null), where('retireAt', '>', now)]))
    .orderBy('alg')
    .orderBy((order) => order('activateAt', '>', now))
    .orderBy('activateAt', 'desc')
    .orderBy('kid')
    .execute();
  return rows as KeyRow[];
}

/** One change of the keys at a time, on all replicas together, until the transaction ends. */
export async function lockKeys(tx: Tx): Promise<void> {
  await sql`select pg_advisory_xact_lock(hashtext('doorward signing keys'))`.execute(tx.db);
}

export async function insertKey(
  tx: Tx,
  { publicJwk, ...key }: KeyRow & { readonly publicJwk: object },
): Promise<void> {
  await tx.db
    .insertInto('signingKeys')
    .values({ ...key, publicJwk: JSON.stringify(publicJwk) })
    .execute();
}

export async function updateRetireAt(tx: Tx, kid: string, retireAt: Date | null): Promise<void> {
  await tx.db.updateTable('signingKeys').set({ retireAt }).where('kid', '=', kid).execute();
}

export async function updateActivateAt(tx: Tx, kid: string, activateAt: Date): Promise<void> {
  await tx.db.updateTable('signingKeys').set({ activateAt }).where('kid', '=', kid).execute();
}

export async function deleteKey(tx: Tx, kid: string): Promise<void> {
  await tx.db.deleteFrom('signingKeys').where('kid', '=', kid).execute();
}

/** Those that are published no more since `before`. */
export async function deleteRetiredKeys(tx: Tx, before: Date): Promise<void> {
  await tx.db.deleteFrom('signingKeys').where('retireAt', '<', before).execute();
}
