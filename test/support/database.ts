import { randomBytes } from 'node:crypto';
import { sql } from 'kysely';
import pg from 'pg';
import type { Test } from 'tap';
import type { Db } from '../../src/db/connect.ts';

/** A migrated, empty database for one test file, cloned from the run's template; dropped at the end. */
export async function createDatabase(t: Test): Promise<string> {
  const server = process.env['TEST_PG_URL'];
  const template = process.env['TEST_TEMPLATE'];
  if (server === undefined || template === undefined)
    throw new Error('start the tests with: npm test -- <files>');
  const name = `${template}_${randomBytes(6).toString('hex')}`;
  await execute(server, `create database ${name} template ${template}`);
  t.teardown(() => execute(server, `drop database if exists ${name} with (force)`));
  const address = new URL(server);
  address.pathname = `/${name}`;
  return address.href;
}

async function execute(server: string, statement: string): Promise<void> {
  const client = new pg.Client(server);
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}

/** How many connections wait for somebody's lock. */
export async function countWaiting(db: Db): Promise<number> {
  const { rows } = await sql<{ waiting: number }>`select count(*) as waiting from pg_stat_activity
    where datname = current_database() and wait_event_type = 'Lock'`.execute(db);
  return rows[0]?.waiting ?? 0;
}
