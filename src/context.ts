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
  /** Who acts by the admin interface: a user's id or a client's. Every event of the request names them. */
  readonly actorId?: string;
  /** What the browser shows for having signed in before: the value of its cookie, believed by nobody yet. */
  readonly knownBrowser?: string;
  /** And for the company it came by last. */
  readonly rememberedCompany?: string;
}

/** Counts what happens: of which kind, never whose. It throws nothing and keeps nobody waiting. */
export interface Observer {
  /** An event of the audit trail; told when its transaction has committed. */
  recorded(event: RecordedEvent): void;
  /** An answer of the token endpoint: `ok`, or the error it carries. */
  answeredToken(answer: { readonly grantType: string; readonly outcome: string }): void;
  triedMail(outcome: 'sent' | 'failed' | 'refused'): void;
  scheduledTask(task: { readonly task: string; readonly intervalSeconds: number; readonly at: Date }): void;
  /** Without `succeededAt` it has failed. */
  ranTask(run: {
    readonly task: string;
    readonly seconds: number;
    readonly succeededAt: Date | undefined;
  }): void;
}

export interface RecordedEvent {
  readonly type: string;
  /** The reason it gives, where it gives one. */
  readonly code: string | undefined;
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
  /** Commands have nobody who would ask for the numbers. */
  readonly observer?: Observer;
}

/** What a step inside an open transaction may reach: no network, no hashing, and no second transaction. */
export interface Tx extends Pick<Context, 'config' | 'now' | 'origin'> {
  readonly db: DbTransaction;
  /** The events so far: they have happened when the transaction commits. */
  readonly recorded: RecordedEvent[];
}

/** Runs `work` in one transaction; everything it writes happens together or not at all. */
export async function inTransaction<Result>(
  ctx: Context,
  work: (tx: Tx) => Promise<Result>,
): Promise<Result> {
  const { config, now, origin, observer } = ctx;
  const recorded: RecordedEvent[] = [];
  const result = await ctx.db.transaction().execute((db) => work({ config, now, origin, db, recorded }));
  for (const event of recorded) observer?.recorded(event);
  return result;
}
