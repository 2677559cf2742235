/**
 * AZ-08: the database's own line between accounts. Whatever belongs to an account refers to what belongs to one by keys
 * that both carry the account, so that a statement without its `where account_id` cannot join two of them. The tables and
 * keys are the catalogue's: one that is added is in here.
 */
import pg from 'pg';
import t, { type Test } from 'tap';
import { createDatabase } from '../support/database.ts';

interface Reference {
  readonly name: string;
  readonly from: string;
  readonly to: string;
  readonly columns: readonly string[];
  readonly toColumns: readonly string[];
}

/** Between tables of accounts, without the account in the key. */
const withoutAccount: Readonly<Record<string, string>> = {};

/** With an `account_id` that no key holds to an account. */
const withoutKey: Readonly<Record<string, string>> = {
  events: 'the trail outlives what it speaks of, and is written also of what is being deleted',
  grants: 'as an authorization was given; every use asks the access decision anew',
  sessions: 'the default for the next client: only believed when the access decision allows it anew',
};

/** With the id of something that belongs to an account, but no key to it. */
const namesWithoutKey: Readonly<Record<string, string>> = {
  'connection_attempts.user_id': 'the record of an attempt outlives the person',
  'events.user_id': 'as above',
  'grants.user_id': 'a person is nobody’s: users belong to no account',
  'sessions.user_id': 'as above',
};

/** With a column that may be null. */
const halfKeys: Readonly<Record<string, string>> = {
  identities_connection_fkey:
    'a person’s own identity has neither; a check of its table keeps the two together',
};

async function open(t: Test): Promise<pg.Client> {
  const client = new pg.Client(await createDatabase(t));
  client.on('error', () => {});
  await client.connect();
  t.teardown(() => client.end());
  return client;
}

async function listReferences(client: pg.Client): Promise<Reference[]> {
  const columns = (table: string, keys: string) =>
    `array(select attname::text from unnest(${keys}) with ordinality k (n, at)
      join pg_attribute on attrelid = ${table} and attnum = n order by at)`;
  const { rows } = await client.query<Reference>(`
    select conname as name, conrelid::regclass::text as from, confrelid::regclass::text as to,
      ${columns('conrelid', 'conkey')} as columns, ${columns('confrelid', 'confkey')} as "toColumns"
    from pg_constraint where contype = 'f' and connamespace = 'public'::regnamespace`);
  return rows;
}

async function listColumns(client: pg.Client): Promise<Map<string, string[]>> {
  const { rows } = await client.query<{ name: string; columns: string[] }>(`
    select c.relname as name, array_agg(a.attname::text) as columns from pg_class c
    join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') group by 1`);
  return new Map(rows.map(({ name, columns }) => [name, columns]));
}

t.test('AZ-08: the tables of accounts', async (t) => {
  const client = await open(t);
  const [references, tables] = [await listReferences(client), await listColumns(client)];
  const owned = [...tables].filter(([, columns]) => columns.includes('account_id')).map(([name]) => name);
  t.ok(owned.length >= 12, 'the catalogue is read');
  const of = (from: string): Reference[] => references.filter((reference) => reference.from === from);

  t.test('refer to each other by keys that carry the account', async (t) => {
    const between = owned.flatMap((from) => of(from).filter(({ to }) => owned.includes(to)));
    t.ok(between.length >= 8, 'there are such references');
    const wrong = between.filter(({ columns, toColumns }) => {
      const at = columns.indexOf('account_id');
      return at === -1 || toColumns[at] !== 'account_id';
    });
    t.same(wrong.map(({ name }) => name).sort(), Object.keys(withoutAccount).sort());
  });

  t.test('belong to an account that exists', async (t) => {
    const loose = owned.filter((from) => !of(from).some(({ columns }) => columns.includes('account_id')));
    t.same(loose.sort(), Object.keys(withoutKey).sort());
  });

  t.test('name nothing of an account but by such a key', async (t) => {
    // an id column is called after the table that it points into
    const named = owned.flatMap((table) =>
      (tables.get(table) ?? [])
        .filter((column) => owned.includes(`${column.replace(/_id$/, '')}s`) || column === 'user_id')
        .filter((column) => !of(table).some(({ columns }) => columns.includes(column)))
        .map((column) => `${table}.${column}`),
    );
    t.same(named.sort(), Object.keys(namesWithoutKey).sort());
  });

  t.test('refuse a row that would join two accounts, whichever key it is', async (t) => {
    const composite = references.filter(({ from, columns }) => owned.includes(from) && columns.length > 1);
    t.ok(composite.length >= 8);
    for (const { name, to, toColumns } of composite) {
      const { rows } = await client.query(
        `select from pg_index where indrelid = $1::regclass and indisunique and indpred is null and
          array(select attname::text from pg_attribute where attrelid = indrelid and attnum = any(indkey) order by 1)
            = array(select unnest($2::text[]) order by 1)`,
        [to, toColumns],
      );
      t.ok(rows.length > 0, `${name} points at one row of one account`);
      const { rows: state } = await client.query<{ convalidated: boolean; condeferrable: boolean }>(
        'select convalidated, condeferrable from pg_constraint where conname = $1',
        [name],
      );
      t.same(state, [{ convalidated: true, condeferrable: false }], name);
    }
  });

  t.test('are never half a reference: a null in the key would switch it off', async (t) => {
    const { rows } = await client.query<{ name: string }>(`
      select conname as name from pg_constraint c where contype = 'f' and cardinality(conkey) > 1 and confmatchtype = 's'
        and connamespace = 'public'::regnamespace and exists (select from pg_attribute a
          where a.attrelid = c.conrelid and a.attnum = any(c.conkey) and not a.attnotnull)`);
    t.same(rows.map(({ name }) => name).sort(), Object.keys(halfKeys));
  });
});
