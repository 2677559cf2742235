/**
 * One unit of work a request. The engine finds a thing, checks it and then consumes it in a second call, which is a
 * race on any shared store: ten redemptions of one code all succeed. So its writes are only recorded here, and are
 * written together (flush.ts), with the events and mails of the request, before the answer goes out. There every
 * single use is one conditional statement: whoever loses takes nothing and the whole request fails.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { Context, Tx } from '../context.ts';
import type { AccountId } from '../kernel/ids.ts';
import type { AccessAnswer, AccessFacts } from '../core/access/access.ts';
import type { NewEvent } from '../core/audit/audit.ts';
import type { Evidence } from '../core/credentials/credentials.ts';
import type { Statement } from './statement.ts';

interface RecordedWrite {
  readonly rank: WriteRank;
  /** May be lost with a server that crashes a moment later; where all that is written may, nobody waits for its disk. */
  readonly isForgettable?: boolean;
  /** What the rest of the request reads back. */
  readonly row?: unknown;
}

/** A write that waits for the flush: one statement, made when everything about the request is known. */
export interface StatementWrite extends RecordedWrite {
  readonly statement: () => Statement;
  /**
   * The same by a statement that other requests share, for when this is all there is to write. Answers nothing when it has
   * to be tried alone.
   */
  readonly shared?: () => Promise<string | undefined>;
  /** The race that is lost when it answers nothing; without it that is as good. */
  readonly lost?: () => Error | Promise<Error>;
  /** Told what it answered, once it is written. */
  readonly settled?: (answer: string) => void;
}

/** One of the rare ones that are more than one statement: it runs after the others, in their transaction. */
export interface StepsWrite extends RecordedWrite {
  readonly run: (tx: Tx) => Promise<void>;
}

export type Write = StatementWrite | StepsWrite;

/**
 * Single uses first: nothing else is worth doing when they are lost. Writes run by rank, so that two requests lock rows in
 * the same order.
 */
export const writeRanks = ['consume', 'session', 'grant', 'insert', 'delete', 'revoke'] as const;
export type WriteRank = (typeof writeRanks)[number];

export interface Unit {
  readonly ctx: Context;
  /** What this request has read, and what it believes after its own writes: rows by model and key. */
  readonly rows: Map<string, Promise<unknown>>;
  readonly writes: Map<string, Write>;
  /** They exist if and only if the writes do. */
  readonly events: NewEvent[];
  /** And so does what else is written with them: mails, notices. */
  readonly records: ((tx: Tx) => Promise<unknown>)[];
  /** The account of each grant seen or made in this request. */
  readonly grantAccounts: Map<string, AccountId>;
  /** And what each rests on. */
  readonly grantEvidence: Map<string, readonly Evidence[]>;
  /** What an access decision rests on, by user and client. */
  readonly facts: Map<string, Promise<AccessFacts | undefined>>;
  /** The access decision, asked once for each question. */
  readonly access: Map<string, Promise<AccessAnswer | undefined>>;
  /** The client that asks for an authorization, as far as its address says: what is read for it is read at once. */
  askedBy?: string;
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
    events: [],
    records: [],
    grantAccounts: new Map(),
    grantEvidence: new Map(),
    facts: new Map(),
    access: new Map(),
  };
}

/** The unit of the request that is running. Nothing of the engine's may be stored outside one. */
export function currentUnit(units: Units): Unit {
  const unit = units.getStore();
  if (!unit) throw new Error('the engine was used outside a unit of work');
  return unit;
}

/** Reads a row once a request. Nobody changes what it answers: the engine, which would, gets a copy (copy-json.ts). */
export function readRow<Row>(unit: Unit, key: string, load: () => Promise<Row>): Promise<Row> {
  let row = unit.rows.get(key) as Promise<Row> | undefined;
  if (!row) {
    row = load();
    unit.rows.set(key, row);
  }
  return row;
}

/** Remembers a row that was read together with another. What the request has read or written before stands. */
export function rememberRow(unit: Unit, key: string, row: unknown): void {
  if (!unit.rows.has(key)) unit.rows.set(key, Promise.resolve(row));
}

/** Records a write; a later one on the same key replaces it, and this request reads back what it has written. */
export function recordWrite(unit: Unit, key: string, write: Write): void {
  unit.writes.set(key, write);
  unit.rows.set(key, Promise.resolve(write.row));
}
