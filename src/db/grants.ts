/**
 * Two roles, where there are two: one owns the tables and migrates them, the service's own has what it needs and no more.
 * Whoever gets hold of the service's login can then neither change the schema nor tidy up the audit trail (a trigger
 * alone could be dropped by the owner of its table).
 */
import { sql } from 'kysely';
import pg from 'pg';
import { connect, type Db, type DbTransaction } from './connect.ts';
import { compareMigrations, migrateToLatest, type OnProgress } from './migrate.ts';

/** What may only grow. */
const appendOnly: ReadonlySet<string> = new Set(['events', 'event_seals']);

/** Of the migrator: read, to see at the start that nothing is missing. */
const readOnly: ReadonlySet<string> = new Set(['kysely_migration', 'kysely_migration_lock']);

/**
 * Brings the schema to the newest; answers what was applied. With MIGRATION_DATABASE_URL it is done by that role, and the
 * role of `db` is then granted what it needs; without it by the role of `db`, which must not lack anything if it may not
 * migrate. Throws when the service's role could still do what it must not. Safe on any number of replicas at once.
 */
export async function prepareDatabase(
  db: Db,
  { migrationDatabaseUrl }: { readonly migrationDatabaseUrl: string | undefined },
  onProgress?: OnProgress,
): Promise<string[]> {
  if (migrationDatabaseUrl === undefined)
    return migrateToLatest(db, onProgress).catch((error: unknown) => explain(db, error));
  const owner = connect(migrationDatabaseUrl, { max: 2 });
  try {
    const role = await roleOf(db);
    if (role === (await roleOf(owner)))
      throw new Error(`MIGRATION_DATABASE_URL and DATABASE_URL are of one role, ${role}; name two`);
    const applied = await migrateToLatest(owner, onProgress);
    await owner.transaction().execute((tx) => grantTo(tx, role));
    return applied;
  } finally {
    await owner.destroy();
  }
}

/** The schema is not that of this version, and this role may not make it so. */
export class MigrationRefused extends Error {
  override readonly name = 'MigrationRefused';
}

async function explain(db: Db, error: unknown): Promise<never> {
  if ((error as { code?: unknown }).code !== '42501') throw error;
  const { missing } = await compareMigrations(db);
  throw new MigrationRefused(
    `the database lacks ${missing.join(', ')}, and the role of DATABASE_URL may not change its schema: ` +
      'run `doorward migrate` with MIGRATION_DATABASE_URL, or set that here. See docs/operations.md.',
    { cause: error },
  );
}

/** By whom the database is really entered, whatever the address says. */
async function roleOf(db: Db): Promise<string> {
  const { rows } = await sql<{ role: string }>`select current_user as role`.execute(db);
  return rows[0]?.role ?? '';
}

/** Everything anew, in one transaction: nobody sees a state between, and what was granted too much is taken back. */
async function grantTo(tx: DbTransaction, role: string): Promise<void> {
  // two who grant at once would fail at each other's rows of the catalogue
  await sql`select pg_advisory_xact_lock(hashtext('doorward grants'))`.execute(tx);
  const to = exactly(role);
  await sql`grant usage on schema public to ${to}`.execute(tx);
  for (const table of await ownTables(tx)) {
    const of = sql`public.${exactly(table)}`;
    await sql`revoke all on ${of} from ${to}`.execute(tx);
    await sql`grant ${sql.raw(privilegesOn(table))} on ${of} to ${to}`.execute(tx);
  }
  await sql`grant usage on all sequences in schema public to ${to}`.execute(tx);
  if (await mayCreate(tx, role)) await sql`revoke create on schema public from public, ${to}`.execute(tx);
  await refuseTooMuch(tx, role);
}

/** A name as it is: kysely's own would come out in snake_case. */
function exactly(name: string) {
  return sql.raw(pg.escapeIdentifier(name));
}

function privilegesOn(table: string): string {
  if (readOnly.has(table)) return 'select';
  return appendOnly.has(table) ? 'select, insert' : 'select, insert, update, delete';
}

/** The tables that this role has made: no other's is ours to grant. */
async function ownTables(tx: DbTransaction): Promise<string[]> {
  const { rows } = await sql<{ name: string }>`
    select relname as name from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'p')
      and relowner = (select oid from pg_roles where rolname = current_user) order by relname`.execute(tx);
  return rows.map(({ name }) => name);
}

async function mayCreate(tx: DbTransaction, role: string): Promise<boolean> {
  const { rows } = await sql<{ may: boolean }>`
    select has_schema_privilege(${role}, 'public', 'create') as may`.execute(tx);
  return rows[0]?.may === true;
}

/** A superuser, an owner and a member of the owner may do everything, whatever was revoked. */
async function refuseTooMuch(tx: DbTransaction, role: string): Promise<void> {
  const { rows } = await sql<{ name: string }>`
    select relname as name from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'p')
      and pg_has_role(${role}, relowner, 'member')`.execute(tx);
  if (rows.length > 0)
    throw new Error(
      `the role ${role} of DATABASE_URL may do what it likes with ${rows.map(({ name }) => name).join(', ')}: ` +
        'it must be no superuser, own no table, and be no member of the role that does. See docs/operations.md.',
    );
  if (await mayCreate(tx, role))
    throw new Error(`the role ${role} of DATABASE_URL may create in the schema public`);
}
