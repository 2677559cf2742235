/** The schema: made by any number of processes at once, from files that say why, and named by convention. */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { glob, readFile } from 'node:fs/promises';
import pg from 'pg';
import t, { type Test } from 'tap';
import { connect } from '../src/db/connect.ts';
import { migrateToLatest } from '../src/db/migrate.ts';
import { createDatabase } from './support/database.ts';
import { createEmptyDatabase } from './support/replicas.ts';

const files = (await Array.fromAsync(glob('migrations/*'))).sort();
const migrations = await Promise.all(
  files.map(async (file) => ({
    name: file.replace(/^migrations\/(.*)\.sql$/, '$1'),
    text: await readFile(file, 'utf8'),
  })),
);

async function openDatabase(t: Test, url: string): Promise<pg.Client> {
  const client = new pg.Client(url);
  // the database is dropped with force at the end
  client.on('error', () => {});
  await client.connect();
  t.teardown(() => client.end());
  return client;
}

const migrated = async (t: Test): Promise<pg.Client> => openDatabase(t, await createDatabase(t));

const ofOurs = `n.nspname = 'public' and c.relname not like 'kysely%'`;

/** Everything there is, as text: two databases are the same when these are. */
async function schemaOf(client: pg.Client): Promise<string[]> {
  const { rows } = await client.query<{ line: string }>(`
    select format('%s.%s %s %s %s %s', c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
      a.attcollation, pg_get_expr(d.adbin, d.adrelid)) as line
    from pg_class c join pg_namespace n on n.oid = c.relnamespace join pg_attribute a on a.attrelid = c.oid
    left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum
    where ${ofOurs} and c.relkind = 'r' and a.attnum > 0 and not a.attisdropped
    union all select format('%s %s', o.conname, pg_get_constraintdef(o.oid))
    from pg_constraint o join pg_class c on c.oid = o.conrelid join pg_namespace n on n.oid = c.relnamespace
    where ${ofOurs}
    union all select indexdef from pg_indexes where schemaname = 'public' and tablename not like 'kysely%'
    union all select pg_get_triggerdef(g.oid) from pg_trigger g where not g.tgisinternal
    union all select name from kysely_migration order by 1`);
  return rows.map(({ line }) => line);
}

async function migrateInAnotherProcess(url: string): Promise<number | null> {
  const key = (): string => randomBytes(32).toString('base64url');
  const env = { PATH: process.env['PATH'], DATABASE_URL: url, SECRET_KEYS: key(), COOKIE_KEYS: key() };
  const child = spawn(process.execPath, ['src/cli/doorward.ts', 'migrate'], { env, stdio: 'ignore' });
  return new Promise((resolve) => child.once('close', resolve));
}

t.test('any number of processes and pools may migrate an empty database at once', async (t) => {
  const url = await createEmptyDatabase(t);
  const pools = Array.from({ length: 6 }, () => connect(url, { max: 2 }));
  t.teardown(() => Promise.all(pools.map((db) => db.destroy())));
  const processes = [migrateInAnotherProcess(url), migrateInAnotherProcess(url)];
  const applied = await Promise.all(pools.map((db) => migrateToLatest(db)));
  t.strictSame(await Promise.all(processes), [0, 0]);

  const names = migrations.map(({ name }) => name);
  const ran = applied.filter((list) => list.length > 0);
  t.ok(ran.length <= 1, 'one of them did it, or one of the processes');
  for (const list of ran) t.strictSame(list, names);
  const client = await openDatabase(t, url);
  t.strictSame(await schemaOf(client), await schemaOf(await migrated(t)));
  const { rows } = await client.query<{ name: string }>('select name from kysely_migration order by name');
  t.strictSame(
    rows.map(({ name }) => name),
    names,
  );
});

t.test('running again applies nothing, and leaves what is there', async (t) => {
  const url = await createDatabase(t);
  const client = await openDatabase(t, url);
  await client.query(
    `insert into accounts values ('acc_1', 'kept', 'Kept', 'active', null, 0, now(), now())`,
  );
  const before = await schemaOf(client);
  const db = connect(url);
  t.teardown(() => db.destroy());
  t.strictSame(await Promise.all([migrateToLatest(db), migrateToLatest(db)]), [[], []]);
  t.strictSame(await schemaOf(client), before);
  t.equal((await client.query('select from accounts')).rowCount, 1);
});

t.test('a migration that fails leaves nothing behind: the next start finds what there was', async (t) => {
  const url = await createEmptyDatabase(t);
  const client = await openDatabase(t, url);
  // in the way of one of the later migrations
  await client.query('create table throttles (of_somebody_else integer)');
  const db = connect(url);
  t.teardown(() => db.destroy());
  await t.rejects(migrateToLatest(db));
  t.strictSame(
    (
      await client.query(`select relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where ${ofOurs} and relkind = 'r'`)
    ).rows,
    [{ relname: 'throttles' }],
  );
  await client.query('drop table throttles');
  t.equal((await migrateToLatest(db)).length, migrations.length);
});

t.test('migrations are numbered without a gap, and each begins by saying why', async (t) => {
  for (const [index, { name, text }] of migrations.entries()) {
    t.match(name, new RegExp(`^${String(index + 1).padStart(4, '0')}_[a-z]+(_[a-z]+)*$`));
    t.match(text, /^-- \S.{30,}/, name);
    t.notMatch(text, /^\s*(begin|commit|rollback)\s*;/im, `${name}: the run is one transaction`);
  }
});

/** What came after PostgreSQL 15, as far as somebody could write it by mistake. */
const newerThan15: readonly RegExp[] = [
  // 16
  /\b(any_value|random_normal|array_sample|array_shuffle|pg_input_is_valid|pg_input_error_info|date_add|erf)\s*\(/i,
  /\b(json_array|json_object|json_arrayagg|json_objectagg)\s*\(|\bis\s+(not\s+)?json\b|\bsystem_user\b/i,
  /\b(0[xob][0-9a-f_]+|\d+_\d+)\b(?!')/i,
  // 17
  /\b(json_table|json_exists|json_query|json_value|json_scalar|json_serialize|to_bin|to_oct|uuid_extract_\w+)\s*\(/i,
  /\bmerge\b[\s\S]*\breturning\b|\bwhen not matched by source\b|\bset expression\b|\btransaction_timeout\b|\bon_error\b/i,
  // 18
  /\b(uuidv[47]|casefold|crc32c?|array_sort|array_reverse|gamma)\s*\(|\bwithout overlaps\b|\bnot enforced\b/i,
  /\breturning\s+(with\s*\(|(old|new)\.)|\bgenerated\s+always\s+as\s*\([^;]*\)\s+virtual\b|,\s*(old|new)\.\w+\s+as\b/i,
];

t.test('no SQL is newer than PostgreSQL 15', async (t) => {
  const sources = await Array.fromAsync(glob('src/**/*.ts', { exclude: ['src/db/schema.ts'] }));
  const texts = await Promise.all(
    sources.map(async (file) => ({ name: file, text: await readFile(file, 'utf8') })),
  );
  const statements = texts.flatMap(({ name, text }) =>
    Array.from(text.matchAll(/\bsql(?:<[^`]*?>)?`([^`]*)`/g), ([, sql = '']) => ({ name, text: sql })),
  );
  t.ok(statements.length > 20, 'the statements are found');
  for (const { name, text } of [...migrations, ...statements]) {
    const sql = text.replaceAll(/--.*$/gm, '');
    for (const feature of newerThan15) t.notMatch(sql, feature, name);
  }
  for (const sql of [
    'select uuidv7()',
    'select 1_000',
    'select j is json',
    'update a set b = 1 returning old.b',
  ])
    t.ok(
      newerThan15.some((feature) => feature.test(sql)),
      `would be found: ${sql}`,
    );
});

t.test(
  'every table has a primary key; every constraint and index is named after its table and its kind',
  async (t) => {
    const client = await migrated(t);
    const { rows } = await client.query<{ relname: string; kind: string; name: string }>(`
    select c.relname, o.contype::text as kind, o.conname as name
    from pg_constraint o join pg_class c on c.oid = o.conrelid join pg_namespace n on n.oid = c.relnamespace
    where ${ofOurs} and o.contype <> 'n'
    union all
    select c.relname, case when i.indisunique then 'u' else 'i' end, x.relname
    from pg_index i join pg_class c on c.oid = i.indrelid join pg_class x on x.oid = i.indexrelid
      join pg_namespace n on n.oid = c.relnamespace
    where ${ofOurs} and not i.indisprimary and c.relkind = 'r'`);
    const ends: Readonly<Record<string, string>> = {
      p: '_pkey',
      u: '_[a-z_]+_key',
      f: '_[a-z_]+_fkey',
      c: '_[a-z_]+_check',
      i: '_[a-z_]+_idx',
    };
    t.ok(rows.length > 100);
    for (const { relname, kind, name } of rows)
      t.match(name, new RegExp(`^${relname}${ends[kind] ?? 'unknown'}$`));
    const tables = await tablesOf(client);
    for (const table of tables.keys())
      t.equal(rows.filter(({ relname, kind }) => relname === table && kind === 'p').length, 1, table);
  },
);

t.test('every index is worth its upkeep: none is the beginning of another', async (t) => {
  const client = await migrated(t);
  const { rows } = await client.query<{ name: string }>(`
    select a.indexrelid::regclass::text as name from pg_index a
    join pg_index b on b.indrelid = a.indrelid and b.indexrelid <> a.indexrelid
      and a.indkey::int2[] = (b.indkey::int2[])[0:cardinality(a.indkey::int2[]) - 1]
    join pg_class c on c.oid = a.indrelid join pg_namespace n on n.oid = c.relnamespace
    where ${ofOurs} and not a.indisunique and b.indpred is null and a.indexprs is null and b.indexprs is null`);
  t.strictSame(rows, []);
});

async function tablesOf(client: pg.Client): Promise<Map<string, string[]>> {
  const { rows } = await client.query<{ relname: string; columns: string[] }>(`
    select c.relname, array_agg(a.attname::text order by a.attnum) as columns
    from pg_class c join pg_namespace n on n.oid = c.relnamespace join pg_attribute a on a.attrelid = c.oid
    where ${ofOurs} and c.relkind = 'r' and a.attnum > 0 and not a.attisdropped group by 1`);
  return new Map(rows.map(({ relname, columns }) => [relname, columns]));
}

t.test('no table and no column is there that nothing in src uses', async (t) => {
  const client = await migrated(t);
  const sources = await Array.fromAsync(glob('src/**/*.ts', { exclude: ['src/db/schema.ts'] }));
  const texts = await Promise.all(sources.map((file) => readFile(file, 'utf8')));
  const uses = (text: string, name: string): boolean => {
    const camel = name.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
    return new RegExp(`\\b(${name}|${camel})\\b`).test(text);
  };
  const unused: string[] = [];
  for (const [table, columns] of await tablesOf(client)) {
    const users = texts.filter((text) => uses(text, table)).join('\n');
    unused.push(...columns.filter((column) => !uses(users, column)).map((column) => `${table}.${column}`));
  }
  t.strictSame(unused, []);
});

t.test('a moment is a timestamptz, and its name says that it is one', async (t) => {
  const client = await migrated(t);
  const { rows } = await client.query<{ name: string; type: string }>(`
    select a.attname as name, format_type(a.atttypid, null) as type
    from pg_class c join pg_namespace n on n.oid = c.relnamespace join pg_attribute a on a.attrelid = c.oid
    where ${ofOurs} and c.relkind = 'r' and a.attnum > 0 and not a.attisdropped`);
  for (const { name, type } of rows)
    t.equal(/_at$|(^|_)until$/.test(name), type === 'timestamp with time zone', `${name} ${type}`);
});

t.test('a version starts on the schema of a newer one, and leaves it as it is', async (t) => {
  const url = await createDatabase(t);
  const client = await openDatabase(t, url);
  await client.query(
    `insert into kysely_migration (name, timestamp) values ('9999_of_tomorrow', now()::text)`,
  );
  const before = await schemaOf(client);
  const db = connect(url, { max: 2 });
  t.teardown(() => db.destroy());
  t.same(await migrateToLatest(db), []);
  t.same(await schemaOf(client), before);
});

/** A database as it was before this migration, and as the one before it left it. */
async function schemaBefore(t: Test, name: string): Promise<{ url: string; client: pg.Client }> {
  const url = await createEmptyDatabase(t);
  const client = await openDatabase(t, url);
  await client.query(
    'create table kysely_migration (name varchar(255) primary key, timestamp varchar(255) not null)',
  );
  for (const { name: applied, text } of migrations.filter((migration) => migration.name < name)) {
    await client.query(text);
    await client.query(`insert into kysely_migration values ($1, now()::text)`, [applied]);
  }
  return { url, client };
}

t.test(
  'a migration that waits for a lock holds nobody up for long, and comes to its end when it can',
  async (t) => {
    const { url, client: holder } = await schemaBefore(t, '0021_client_secret_overlap'); // alters clients
    await holder.query('begin');
    await holder.query('select from clients');
    const db = connect(url, { max: 2 });
    t.teardown(() => db.destroy());
    const migrated = migrateToLatest(db);
    const looker = await openDatabase(t, url);
    const isWaiting = async (): Promise<boolean> => {
      const { rowCount } = await looker.query(
        `select from pg_locks where relation = 'clients'::regclass and mode = 'AccessExclusiveLock' and not granted`,
      );
      return rowCount === 1;
    };
    while (!(await isWaiting()));
    const begun = performance.now();
    await looker.query('select from clients');
    t.ok(
      performance.now() - begun < 5000,
      'whoever reads meanwhile waits a second, not for the one that holds the lock',
    );
    await holder.query('commit');
    t.equal((await migrated)[0], '0021_client_secret_overlap');
  },
);

/** What the version before could not live with. */
const contracting: readonly RegExp[] = [
  /\bdrop\s+(table|column|view|function|type|schema|sequence)\b/i,
  /\brename\b/i,
  /\balter\s+(column\s+)?\w+\s+(set\s+data\s+)?type\b/i,
  /\bset\s+not\s+null\b/i,
  /\badd\s+column\b(?![^,;]*\bdefault\b)[^,;]*\bnot\s+null\b/i,
  /^\s*truncate\b/im,
];

t.test('a migration lets the version before run on, unless its name says that it contracts', (t) => {
  const isRefused = (text: string): boolean => {
    const sql = text.replaceAll(/--.*$/gm, '');
    return contracting.some((statement) => statement.test(sql));
  };
  for (const { name, text } of migrations)
    if (!/^\d+_contract_/.test(name)) t.notOk(isRefused(text), `${name} only adds`);
  for (const text of [
    'alter table users drop column name',
    'alter table users rename column name to full_name',
    'alter table users alter column name set data type varchar(10)',
    'alter table users alter name type text',
    'alter table users alter column name set not null',
    'alter table users add column age integer not null',
    'drop table users',
  ])
    t.ok(isRefused(text), text);
  for (const text of [
    'alter table users add column age integer',
    'alter table users add column age integer not null default 0',
    'create table pets (name text not null)',
    'drop index users_name_idx',
    'alter table users alter column name drop not null',
  ])
    t.notOk(isRefused(text), text);
  t.end();
});
