/** What a function may reach. Its first parameter says what it may do: see docs/architecture.md. */
import type { BaseLogger } from 'pino';
import type { Config } from '../config/load.ts';
import type { Db, DbTransaction } from './db/connect.ts';
import type { SafeFetch } from './fetch.ts';
import type { Gate } from './kernel/gate.ts';
import type { Clock } from './kernel/time.ts';

/** Who is on the other end of the wire; undefined members in jobs and commands. */
export interface Origin {
  readonly requestId?: string;
  readonly ip?: string;
  /** What the browser shows for having signed in before: the value of its cookie, believed by nobody yet. */
  readonly knownBrowser?: string;
  /** And for the company it came by last. */
  readonly rememberedCompany?: string;
}

/** What an operation may reach besides its arguments. Built once in app.ts; a request adds its origin. */
export interface Context {
  readonly config: Config;
  readonly db: Db;
  readonly now: Clock;
  readonly log: Pick<BaseLogger, 'debug' | 'info' | 'warn' | 'error'>;
  /** The only way out: see src/fetch.ts. */
  readonly fetch: SafeFetch;
  /** Bounds the hashing of passwords, which would otherwise starve the signing of tokens. */
  readonly hashGate: Gate;
  readonly origin: Origin;
}

/** What a step inside an open transaction may reach: no network, no hashing, and no second transaction. */
export interface Tx extends Pick<Context, 'config' | 'now' | 'origin'> {
  readonly db: DbTransaction;
}

/** Runs `work` in one transaction; everything it writes happens together or not at all. */
export function inTransaction<Result>(ctx: Context, work: (tx: Tx) => Promise<Result>): Promise<Result> {
  const { config, now, origin } = ctx;
  return ctx.db.transaction().execute((db) => work({ config, now, origin, db }));
}
