/** What a replica says of its connections to the database, and what the database says of them. */
import { sql } from 'kysely';
import type { Db } from '../../src/db/connect.ts';

/** By its metrics: everything that was lent has come back when as many are idle as there are. */
async function poolOf(origin: string): Promise<{ total: number; idle: number; waiting: number }> {
  const text = await (await fetch(`${origin}/metrics`)).text();
  const read = (name: string): number =>
    Number(new RegExp(`_database_pool_${name} (\\d+)`).exec(text)?.[1] ?? Number.NaN);
  return { total: read('connections'), idle: read('idle'), waiting: read('waiting') };
}

/** Nothing waits, nothing is lent, and nothing of the service is under way. */
export async function isAtRest(origin: string, db: Db): Promise<boolean> {
  const { total, idle, waiting } = await poolOf(origin);
  return total === idle && waiting === 0 && (await openWork(db)) === 0;
}

/** Transactions of the service that are open, and statements under way. */
async function openWork(db: Db): Promise<number> {
  const { rows } = await sql<{ count: number }>`
    select count(*) from pg_stat_activity where application_name = 'doorward' and datname = current_database()
      and pid <> pg_backend_pid() and state <> 'idle'`.execute(db);
  return rows[0]?.count ?? Number.NaN;
}
