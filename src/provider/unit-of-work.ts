/**
 * One unit of work a request. The engine finds a thing, checks it and then consumes it in a second call, which is a
 * race on any shared store: ten redemptions of one code all succeed. So its writes are only recorded here, and are
 * flushed in one transaction, with the events and mails of the request, before the answer goes out. There every
 * single use is one conditional statement: whoever loses takes nothing and the whole request fails.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { type Context, inTransaction, type Tx } from '../context.ts';
import type { AccountId } from '../kernel/ids.ts';
import type { AccessAnswer } from '../core/access/access.ts';
import type { Evidence } from '../core/credentials/credentials.ts';
import { LostRace } from './errors.ts';

/** A write that waits for the flush. Writes run by rank, so that two requests lock rows in the same order. */
export interface Write {
  readonly rank: WriteRank;
  /** What the rest of the request reads back. */
  readonly row?: unknown;
  run(tx: Tx): Promise<void>;
}

/** Single uses first: nothing else is worth doing when they are lost. */
export const writeRanks = ['consume', 'session', 'grant', 'insert', 'delete', 'revoke'] as const;
export type WriteRank = (typeof writeRanks)[number];

export interface Unit {
  readonly ctx: Context;
  /** What this request has read, and what it believes after its own writes: rows by model and key. */
  readonly rows: Map<string, Promise<unknown>>;
  readonly writes: Map<string, Write>;
  /** Events and mails: they exist if and only if the writes do. */
  readonly records: ((tx: Tx) => Promise<unknown>)[];
  /** The account of each grant seen or made in this request. */
  readonly grantAccounts: Map<string, AccountId>;
  /** And what each rests on. */
  readonly grantEvidence: Map<string, readonly Evidence[]>;
  /** The access decision, asked once for each question. */
  readonly access: Map<string, Promise<AccessAnswer | undefined>>;
  /** When this browser's person was last proven here, which is not when they signed in at their company. */
  provenAt?: Date | undefined;
  /** When the first fact behind what is issued in this request ends. */
  until?: Date | undefined;
  /** The token that is being rotated, and after the flush its successor. */
  rotation?: { readonly presented: string; successor?: string };
  /** The grant of a code or token that was presented after its use. */
  reusedGrant?: string;
  /** What the finished interaction says of the session: written with the session's row. */
  login?: { readonly evidence: readonly Evidence[] | undefined; readonly account: AccountId | undefined };
}

export type Units = AsyncLocalStorage<Unit>;

export function createUnits(): Units {
  return new AsyncLocalStorage<Unit>();
}

export function openUnit(ctx: Context): Unit {
  return {
    ctx,
    rows: new Map(),
    writes: new Map(),
    records: [],
    grantAccounts: new Map(),
    grantEvidence: new Map(),
    access: new Map(),
  };
}

/** The unit of the request that is running. Nothing of the engine's may be stored outside one. */
export function currentUnit(units: Units): Unit {
  const unit = units.getStore();
  if (!unit) throw new Error('the engine was used outside a unit of work');
  return unit;
}

/** Reads a row once a request; the answer is a copy, because the engine changes what it gets. */
export async function readRow<Row>(unit: Unit, key: string, load: () => Promise<Row>): Promise<Row> {
  let row = unit.rows.get(key) as Promise<Row> | undefined;
  if (!row) {
    row = load();
    unit.rows.set(key, row);
  }
  return structuredClone(await row);
}

/** Records a write; a later one on the same key replaces it, and this request reads back what it has written. */
export function recordWrite(unit: Unit, key: string, write: Write): void {
  unit.writes.set(key, write);
  unit.rows.set(key, Promise.resolve(write.row));
}

/** Everything recorded, in the caller's transaction. Throws LostRace when a single use was lost. */
export async function flushUnit(tx: Tx, unit: Unit): Promise<void> {
  const writes = [...unit.writes.entries()].sort(
    ([keyA, a], [keyB, b]) =>
      writeRanks.indexOf(a.rank) - writeRanks.indexOf(b.rank) || (keyA < keyB ? -1 : 1),
  );
  for (const [, write] of writes) await write.run(tx);
  for (const record of unit.records) await record(tx);
}

/** Flushes in a transaction of its own. A deadlock is repeated: the flush is a function of what was recorded. */
export async function settleUnit(unit: Unit): Promise<void> {
  if (unit.writes.size === 0 && unit.records.length === 0) return;
  for (let attempt = 1; ; attempt += 1) {
    try {
      await inTransaction(unit.ctx, (tx) => flushUnit(tx, unit));
      return;
    } catch (error) {
      const code = (error as { code?: string }).code;
      if (attempt === 3 || error instanceof LostRace || (code !== '40P01' && code !== '40001')) throw error;
    }
  }
}
