/** Which tables of a database something has changed: for tests that say that it was done once. */
import { sql } from 'kysely';
import type { Db } from '../../src/db/connect.ts';

/** What changes by itself: who is there says so every two seconds. */
const restless = ['key_holders'];

/**
 * Answers the names of the tables whose rows are other than when it was asked last; when a row was touched counts for
 * nothing.
 */
export async function watchTables(db: Db): Promise<() => Promise<string[]>> {
  const { rows } = await sql<{ name: string }>`
    select table_name as name from information_schema.tables
    where table_schema = 'public' and table_type = 'BASE TABLE'`.execute(db);
  const digests = rows
    .filter(({ name }) => !restless.includes(name))
    .map(
      ({ name }) => sql`select ${sql.lit(name)} as name, md5(string_agg(row, '' order by row)) as digest
        from (select (to_jsonb(t) - 'updated_at')::text as row from ${sql.table(name)} t) as rows`,
    );
  const all = sql<{ name: string; digest: string | null }>`${sql.join(digests, sql` union all `)}`;
  const read = async () => new Map((await all.execute(db)).rows.map(({ name, digest }) => [name, digest]));
  let before = await read();
  return async () => {
    const now = await read();
    const changed = [...now.keys()].filter((name) => before.get(name) !== now.get(name));
    before = now;
    return changed.sort();
  };
}
