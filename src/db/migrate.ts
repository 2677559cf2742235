/** Applies migrations/*.sql in order, one replica at a time, each in the one transaction of the run. */
import { readdir, readFile } from 'node:fs/promises';
import { type Kysely, sql } from 'kysely';
import { type Migration, Migrator } from 'kysely/migration';
import type { Db } from './connect.ts';
import { troubleOfStatement } from './trouble.ts';

const folder = new URL('../../migrations/', import.meta.url);

/** Of a lock on a table: whoever comes after a migration that waits for one waits behind it, reads included. */
const lockSeconds = 1;
/** For a lock that another transaction holds, or for another replica that migrates. */
const patienceMs = 60_000;
const restMs = 1000;

/** Told of what is being done, in a few words. */
export type OnProgress = (what: string) => void;

/**
 * Brings the database to the newest schema; answers what was applied. Safe to call from many replicas at once. On the
 * schema of a newer version it does nothing: this one runs on it, and must be able to start on it while that one is
 * rolled out, or taken back. A lock that cannot be had within a second is let go and tried again for a minute.
 */
export async function migrateToLatest(db: Db, onProgress: OnProgress = () => {}): Promise<string[]> {
  const until = performance.now() + patienceMs;
  for (;;) {
    try {
      return await migrate(db, onProgress);
    } catch (error) {
      if (!isTimeout(error) || performance.now() > until) throw error;
      onProgress('waits for a lock that another transaction holds');
      await new Promise((resolve) => setTimeout(resolve, restMs));
    }
  }
}

async function migrate(db: Db, onProgress: OnProgress): Promise<string[]> {
  // not by the migrator: it holds a connection, which may be the only one
  const migrations = { ...(await ofNewerVersions(db)), ...(await readMigrations(onProgress)) };
  const migrator = new Migrator({ db, provider: { getMigrations: () => Promise.resolve(migrations) } });
  const { error, results } = await migrator.migrateToLatest();
  if (error) throw error instanceof Error ? error : new Error('a migration failed', { cause: error });
  return (results ?? []).map((result) => result.migrationName);
}

/** lock_not_available, or query_canceled: what waits for another replica's migration is ended as any statement is. */
function isTimeout(error: unknown): boolean {
  const reason = troubleOfStatement(error)?.reason;
  return reason === '55P03' || reason === '57014';
}

async function readMigrations(onProgress?: OnProgress): Promise<Record<string, Migration>> {
  const files = (await readdir(folder)).filter((name) => name.endsWith('.sql')).sort();
  const migrations = await Promise.all(
    files.map(async (file): Promise<[string, Migration]> => {
      const text = await readFile(new URL(file, folder), 'utf8');
      const name = file.slice(0, -'.sql'.length);
      const up = async (tx: Kysely<unknown>): Promise<void> => {
        onProgress?.(`applies ${name}`);
        await sql`select set_config('lock_timeout', ${`${lockSeconds}s`}, true)`.execute(tx);
        await sql.raw(text).execute(tx);
      };
      return [name, { up }];
    }),
  );
  return Object.fromEntries(migrations);
}

/** By name alone: they are applied already, and were they not, they could not be from here. */
async function ofNewerVersions(db: Db): Promise<Record<string, Migration>> {
  const { rows: found } = await sql<{ isThere: boolean }>`
    select to_regclass('public.kysely_migration') is not null as is_there`.execute(db);
  if (!found[0]?.isThere) return {};
  const { rows } = await sql<{ name: string }>`select name from kysely_migration`.execute(db);
  const up = () => Promise.reject(new Error('a migration of a newer version cannot be applied by this one'));
  return Object.fromEntries(rows.map(({ name }) => [name, { up }]));
}

/** What was applied to this database, beside what this version has; nothing is changed. */
export async function compareMigrations(
  db: Db,
): Promise<{ readonly applied: number; readonly missing: string[]; readonly unknown: string[] }> {
  const known = Object.keys(await readMigrations());
  const applied = new Set(await listApplied(db));
  return {
    applied: applied.size,
    missing: known.filter((name) => !applied.has(name)),
    unknown: [...applied].filter((name) => !known.includes(name)).sort(),
  };
}

async function listApplied(db: Db): Promise<string[]> {
  const table = await sql<{ name: string | null }>`select to_regclass('kysely_migration') as name`.execute(
    db,
  );
  if (table.rows[0]?.name == null) return [];
  const { rows } = await sql<{ name: string }>`select name from kysely_migration`.execute(db);
  return rows.map(({ name }) => name);
}
