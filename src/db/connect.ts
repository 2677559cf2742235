/** The pg pool and kysely on it: the one way to the database. */
import {
  CamelCasePlugin,
  Kysely,
  PostgresDialect,
  type PostgresPool,
  type PostgresPoolClient,
  type Transaction,
} from 'kysely';
import pg from 'pg';
import type { Tracer } from '../kernel/tracer.ts';
import { followPool } from './followed.ts';
import { type Guard, guardPool } from './pool.ts';
import type { DB } from './schema.ts';
import { keepAlive } from './wire.ts';

export type Db = Kysely<DB>;
export type DbTransaction = Transaction<DB>;

const bigint = 20;
/** count(*) and bigint as numbers: nothing here counts past 2^53. */
const types = {
  getTypeParser: (oid: number, format?: 'text' | 'binary') =>
    oid === bigint ? Number : (pg.types.getTypeParser(oid, format) as (text: string) => unknown),
};

export interface ConnectOptions {
  /** Connections of this process at most. */
  readonly max?: number;
  /** How long anybody waits for one of them, and for a new one to come about. */
  readonly waitSeconds?: number;
  /** How long a statement may take. */
  readonly statementSeconds?: number;
  /** Told when an idle connection dies; without a listener the process would die with it. */
  readonly onError?: (error: Error) => void;
  readonly tracer?: Tracer | undefined;
}

const pools = new WeakMap<Db, { readonly pool: pg.Pool; readonly guard: Guard }>();

export function connect(url: string, options: ConnectOptions = {}): Db {
  const { max = 10, waitSeconds = 3, statementSeconds = 10 } = options;
  const statementMs = statementSeconds * 1000;
  const pool = new pg.Pool({
    connectionString: url,
    max,
    types,
    connectionTimeoutMillis: waitSeconds * 1000,
    // none of our transactions has more than a few statements: together these keep each far below the minutes after
    // which the audit trail takes what is older for all there is (core/audit/seals.ts, which looks for one that is not)
    statement_timeout: statementMs,
    lock_timeout: (statementMs * 2) / 3,
    idle_in_transaction_session_timeout: statementMs * 3,
    // a server that stands still, or a wire that swallows everything, keeps none of these promises
    query_timeout: statementMs + 2000,
    ...keepAlive,
    application_name: 'doorward',
  });
  pool.on('error', options.onError ?? (() => {}));
  // one that is lost while it is in use fails its query; unheard, its event would end the process as well
  pool.on('connect', (client) => client.on('error', () => {}));
  const guard: Guard = {};
  const db = openKysely(followPool(guardPool(pool, guard), options.tracer));
  pools.set(db, { pool, guard });
  return db;
}

function openKysely(pool: PostgresPool): Db {
  return new Kysely<DB>({
    dialect: new PostgresDialect({ pool }),
    // without the option the plugin renames the keys inside the engine's stored JSON
    plugins: [new CamelCasePlugin({ maintainNestedObjectKeys: true })],
  });
}

/**
 * From now on nobody is lent a connection, new or old, before `check` has seen it: `one` is that connection alone. Where it
 * answers false the connection is lent, and checked again the next time; where it throws, that is trouble of the database.
 */
export function checkConnections(db: Db, check: (one: Db) => Promise<boolean>): void {
  const guard = pools.get(db)?.guard;
  if (!guard) throw new Error('only what connect() has opened can be checked');
  guard.check = ({ query }) => {
    const lent = { query, release: () => {} } as unknown as PostgresPoolClient;
    return check(
      openKysely({ connect: () => Promise.resolve(lent), end: () => Promise.resolve(), options: {} }),
    );
  };
}

export interface PoolLoad {
  readonly max: number;
  readonly total: number;
  readonly idle: number;
  /** How many callers wait for a connection. */
  readonly waiting: number;
}

/** How full the pool behind a connection is. */
export function poolLoad(db: Db): PoolLoad | undefined {
  const pool = pools.get(db)?.pool;
  if (!pool) return undefined;
  const { totalCount: total, idleCount: idle, waitingCount: waiting } = pool;
  return { max: pool.options.max, total, idle, waiting };
}
