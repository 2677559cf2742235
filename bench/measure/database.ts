/** What flows do to a database: statements, bytes of write-ahead log, rows that stay. */
import pg from 'pg';

export interface DatabaseCount {
  /** As PostgreSQL has executed them; each is a round trip, unless they were pipelined. */
  readonly statements: number;
  /** Of them, those that only begin or end a transaction. */
  readonly boundaries: number;
  readonly logBytes: number;
}

export interface Stored {
  readonly rows: Readonly<Record<string, number>>;
  readonly bytes: number;
}

export async function connectTo(databaseUrl: string): Promise<pg.Client> {
  const client = new pg.Client(databaseUrl);
  await client.connect();
  return client;
}

/** Since the server started, by everybody who is connected to this database but for ourselves. */
export async function countStatements(client: pg.Client): Promise<DatabaseCount> {
  const { rows } = await client.query<Record<'statements' | 'boundaries' | 'log', string>>(
    `select coalesce(sum(calls), 0) as statements, coalesce(sum(wal_bytes), 0) as log,
       coalesce(sum(calls) filter (where query ~* '^(begin|commit|rollback|start transaction)'), 0) as boundaries
     from pg_stat_statements where dbid = (select oid from pg_database where datname = current_database())
       and query not like '%pg_stat_statements%'`,
  );
  const [row] = rows;
  return {
    statements: Number(row?.statements),
    boundaries: Number(row?.boundaries),
    logBytes: Number(row?.log),
  };
}

/** Everything that is in the database, counted: for small ones. */
export async function countStored(client: pg.Client): Promise<Stored> {
  const { rows: tables } = await client.query<{ name: string }>(
    `select relname as name from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r' order by 1`,
  );
  const rows: Record<string, number> = {};
  let bytes = 0;
  for (const { name } of tables) {
    const counted = await client.query<Record<'count' | 'bytes', string>>(
      `select count(*), coalesce(sum(pg_column_size(t.*)), 0) as bytes from ${pg.escapeIdentifier(name)} t`,
    );
    rows[name] = Number(counted.rows[0]?.count);
    bytes += Number(counted.rows[0]?.bytes);
  }
  return { rows, bytes };
}

/** The table and its indexes, as they lie on disk, by row. */
export async function bytesPerRow(client: pg.Client, table: string): Promise<number> {
  const { rows } = await client.query<{ bytes: string }>(
    `select pg_total_relation_size($1::regclass) / greatest((select count(*) from ${pg.escapeIdentifier(table)}), 1)
       as bytes`,
    [table],
  );
  return Number(rows[0]?.bytes);
}

/** By table, what is more than before; tables with as many rows are left out. */
export function addedRows(before: Stored, after: Stored): Record<string, number> {
  const added = Object.entries(after.rows).map(([table, count]): [string, number] => [
    table,
    count - (before.rows[table] ?? 0),
  ]);
  return Object.fromEntries(added.filter(([, count]) => count !== 0));
}
