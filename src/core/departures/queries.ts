import type { Tx } from '../../context.ts';
import type { Db } from '../../db/connect.ts';
import type { ConnectionId } from '../../kernel/ids.ts';
import type { Purpose } from '../attempts/attempts.ts';

export interface DepartureRow {
  readonly idHash: Buffer;
  readonly connectionId: ConnectionId;
  readonly revision: number;
  readonly purpose: 'sign_in' | 'test';
  readonly attemptId: string;
  readonly browserHash: Buffer;
  readonly sealed: string;
  readonly createdAt: Date;
  /** When it came back. */
  readonly consumedAt: Date | null;
}

const columns = [
  'idHash',
  'connectionId',
  'revision',
  'purpose',
  'attemptId',
  'browserHash',
  'sealed',
  'createdAt',
  'consumedAt',
] as const;

export async function insertDeparture(
  tx: Tx,
  departure: Omit<DepartureRow, 'createdAt' | 'consumedAt'> & { readonly expiresAt: Date },
): Promise<void> {
  await tx.db
    .insertInto('departures')
    .values({ ...departure, createdAt: tx.now() })
    .execute();
}

export interface DepartureKey {
  readonly idHash: Buffer;
  readonly browserHash?: Buffer;
}

/** By primary key. */
export async function findDepartureRow(
  db: Db,
  { idHash, browserHash }: DepartureKey,
  now: Date,
): Promise<DepartureRow | undefined> {
  const query = db
    .selectFrom('departures')
    .select(columns)
    .where('idHash', '=', idHash)
    .where('expiresAt', '>', now);
  const bound = browserHash ? query.where('browserHash', '=', browserHash) : query;
  return (await bound.executeTakeFirst()) as DepartureRow | undefined;
}

/** Single use in one statement; it stays to be known until it expires. */
export async function consumeDepartureRow(
  tx: Tx,
  { idHash, browserHash }: DepartureKey,
): Promise<DepartureRow | undefined> {
  const query = tx.db
    .updateTable('departures')
    .set({ consumedAt: tx.now() })
    .where('idHash', '=', idHash)
    .where('consumedAt', 'is', null)
    .where('expiresAt', '>', tx.now())
    .returning(columns);
  const bound = browserHash ? query.where('browserHash', '=', browserHash) : query;
  return (await bound.executeTakeFirst()) as DepartureRow | undefined;
}

export interface NewArrivalRow {
  readonly handleHash: Buffer;
  readonly connectionId: ConnectionId;
  readonly purpose: Purpose;
  readonly attemptId: string;
  readonly browserHash: Buffer;
  readonly sealed: string;
  readonly expiresAt: Date;
}

export async function insertArrival(tx: Tx, arrival: NewArrivalRow): Promise<void> {
  await tx.db.insertInto('arrivals').values(arrival).execute();
}

/** Single use in one statement, and by the right browser. */
export async function consumeArrivalRow(
  tx: Tx,
  { handleHash, browserHash }: { readonly handleHash: Buffer; readonly browserHash: Buffer },
): Promise<Pick<NewArrivalRow, 'connectionId' | 'purpose' | 'attemptId' | 'sealed'> | undefined> {
  const row = await tx.db
    .deleteFrom('arrivals')
    .where('handleHash', '=', handleHash)
    .where('browserHash', '=', browserHash)
    .where('expiresAt', '>', tx.now())
    .returning(['connectionId', 'purpose', 'attemptId', 'sealed'])
    .executeTakeFirst();
  return row as Pick<NewArrivalRow, 'connectionId' | 'purpose' | 'attemptId' | 'sealed'> | undefined;
}

/** By primary key. */
export async function findArrivalRow(
  db: Db,
  handleHash: Buffer,
  now: Date,
): Promise<Pick<NewArrivalRow, 'connectionId' | 'attemptId'> | undefined> {
  const row = await db
    .selectFrom('arrivals')
    .select(['connectionId', 'attemptId'])
    .where('handleHash', '=', handleHash)
    .where('expiresAt', '>', now)
    .executeTakeFirst();
  return row;
}

/** False when it is there already. */
export async function insertUsedAssertion(
  tx: Tx,
  used: { readonly connectionId: ConnectionId; readonly assertionHash: Buffer; readonly expiresAt: Date },
): Promise<boolean> {
  const result = await tx.db
    .insertInto('usedAssertions')
    .values(used)
    .onConflict((conflict) => conflict.constraint('used_assertions_pkey').doNothing())
    .executeTakeFirst();
  return result.numInsertedOrUpdatedRows === 1n;
}
