/** The pg pool and kysely on it: the one way to the database. */
import { createHash } from 'node:crypto';
import { CamelCasePlugin, Kysely, PostgresDialect, type Transaction } from 'kysely';
import pg from 'pg';
import type { DB } from './schema.ts';

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
  /** Told when an idle connection dies; without a listener the process would die with it. */
  readonly onError?: (error: Error) => void;
}

const pools = new WeakMap<Db, pg.Pool>();

export function connect(url: string, options: ConnectOptions = {}): Db {
  const pool = new pg.Pool({
    connectionString: url,
    max: options.max ?? 10,
    types,
    connectionTimeoutMillis: 10_000,
    // none of our transactions has more than a few statements: together these keep each far below the minutes after
    // which the audit trail takes what is older for all there is (core/audit/seals.ts, which looks for one that is not)
    statement_timeout: 15_000,
    lock_timeout: 10_000,
    idle_in_transaction_session_timeout: 30_000,
    application_name: 'doorward',
  });
  pool.on('error', options.onError ?? (() => {}));
  // one that is lost while it is in use fails its query; unheard, its event would end the process as well
  pool.on('connect', (client) => client.on('error', () => {}));
  const db = new Kysely<DB>({
    dialect: new PostgresDialect({ pool: namingPool(pool) }),
    // without the option the plugin renames the keys inside the engine's stored JSON
    plugins: [new CamelCasePlugin({ maintainNestedObjectKeys: true })],
  });
  pools.set(db, pool);
  return db;
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
  const pool = pools.get(db);
  if (!pool) return undefined;
  const { totalCount: total, idleCount: idle, waitingCount: waiting } = pool;
  return { max: pool.options.max, total, idle, waiting };
}

/**
 * kysely sends unnamed statements, which Postgres parses and plans every time (130 µs instead of 57 for a look-up
 * by key). Named by the hash of its text, a statement is planned once a connection. Only the first thousand texts
 * are named, so that a query whose text varies cannot fill the server's memory.
 */
function namingPool(pool: pg.Pool) {
  const names = new Map<string, string>();
  const nameOf = (text: string): string | undefined => {
    const known = names.get(text);
    if (known !== undefined || names.size >= 1000) return known;
    const name = createHash('sha256').update(text).digest('base64url').slice(0, 24);
    names.set(text, name);
    return name;
  };
  return {
    options: pool.options,
    end: () => pool.end(),
    async connect() {
      const client = await pool.connect();
      return {
        query(text: string, values: unknown[]) {
          const name = values.length > 0 ? nameOf(text) : undefined;
          return client.query({ text, values, ...(name && { name }) });
        },
        release: () => {
          client.release();
        },
      } as unknown as pg.PoolClient;
    },
  } as unknown as pg.Pool;
}
