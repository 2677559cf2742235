/**
 * npm run generate [-- --check]: writes every generated file of this repository from its one source. With --check it
 * writes nothing, names the files that are stale, and fails if there are any.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { PostgresDialect, serializeFromMetadata } from 'kysely-codegen';
import { type Setting, settings } from '../config/settings.ts';
import { commands } from '../src/cli/commands.ts';
import { exitCodesOf, usageOf } from '../src/cli/help.ts';
import { connect, type Db } from '../src/db/connect.ts';
import { startEmbeddedPostgres } from '../src/db/embedded.ts';
import { migrateToLatest } from '../src/db/migrate.ts';
import { denialCodes, explainDenial } from '../src/core/access/access.ts';
import { kept, retentions, tableName } from '../src/core/retention/retention.ts';
import type { DB } from '../src/db/schema.ts';
import { failures } from '../src/kernel/failures.ts';
import { day, hour } from '../src/kernel/time.ts';

/** Every generated file, and what makes its text. */
const generators = {
  'docs/commands.md': commandsDocument,
  'docs/configuration.md': configurationDocument,
  'docs/errors.md': errorsDocument,
  'docs/retention.md': retentionDocument,
  'docs/openapi.json': async () =>
    `${JSON.stringify((await import('../src/http/admin.ts')).openApi, null, 2)}\n`,
  'src/db/schema.ts': schemaModule,
} satisfies Record<string, () => string | Promise<string>>;

/** The ids that the code must not confuse with one another; every other id is a string. */
const brandedIds = {
  user: 'UserId',
  account: 'AccountId',
  product: 'ProductId',
  connection: 'ConnectionId',
  domain: 'DomainId',
};

const isCheck = process.argv.includes('--check');
const stale: string[] = [];
for (const [name, generate] of Object.entries(generators)) {
  const file = new URL(`../${name}`, import.meta.url);
  const [before, after] = [await readFile(file, 'utf8').catch(() => ''), await generate()];
  if (before === after) continue;
  stale.push(name);
  if (!isCheck) await writeFile(file, after);
}
if (isCheck && stale.length > 0) {
  console.error(`Stale: ${stale.join(', ')}. Run \`npm run generate\` and commit the result.`);
  process.exitCode = 1;
} else if (stale.length > 0) {
  console.log(`Wrote ${stale.join(', ')}.`);
}

function commandsDocument(): string {
  const sections = Object.entries(commands).flatMap(([name, command]) => [
    `### \`doorward ${name}\``,
    '',
    command.about,
    '',
    '```sh',
    `doorward ${usageOf(name, command)}`,
    `doorward ${command.example}   # for example`,
    '```',
    ...(command.endsWith1 === undefined ? [] : ['', `Exit code 1 also ${command.endsWith1}.`]),
    '',
  ]);
  return document(
    'Commands',
    'src/cli/commands.ts',
    'What an operator does from a shell. In a container `doorward` is on the path; in a checkout it is',
    '`node src/cli/doorward.ts`. The settings are those of the service: see [configuration.md](configuration.md).',
    '',
    '- **`--help`** behind a command says how it is called; `doorward account --help` lists those of a noun.',
    '- **`--json`** prints what a command has to say as JSON. Members that are there stay; more may come.',
    `- **Exit codes**: ${exitCodesOf({})}. Reasons go to standard error.`,
    '- **Long work** says each second on standard error how far it is: on a terminal, without `--json`; anywhere with `--progress`.',
    '- **What cannot be taken back, or shuts people out,** asks on the terminal, or wants `--yes`: without either it is wrong',
    '  use, and nothing happens.',
    '',
    ...sections,
  ).replace(/\n+$/, '\n');
}

function configurationDocument(): string {
  const rows = Object.entries<Setting<unknown>>(settings).map(([name, { fallback, secret, about }]) => [
    `\`${name}\``,
    fallback ? `\`${fallback}\`` : '',
    secret ? 'yes' : '',
    about.replaceAll('<', '&lt;'),
  ]);
  return document(
    'Configuration',
    'config/settings.ts',
    'Every setting is an environment variable. A wrong or missing one stops the start, and all problems are reported',
    'at once. A secret may also be put in a file: `<NAME>_FILE` names it. An empty variable counts as absent.',
    '',
    ...table(['Name', 'Default', 'Secret', 'What it is'], rows),
  );
}

function errorsDocument(): string {
  return document(
    'Errors',
    'src/kernel/failures.ts and src/core/access/explain.ts',
    'What the service answers when it refuses. JSON answers are `application/problem+json` (RFC 9457) with the code in',
    '`code`; pages show the title. Errors of the OAuth and OpenID Connect endpoints have the codes of their standards.',
    '',
    ...failureTable(),
    '',
    '## Why access is refused',
    '',
    'After the right password (or on an existing session) the access decision may still say no. The page and the step',
    '`denied` carry the code; the client gets `access_denied` with `error_description` `<code>: <text> (case <id>)`, at the',
    'token endpoint `invalid_grant` with the same description. In the order in which it is asked:',
    '',
    ...denialTable(),
  );
}

function failureTable(): string[] {
  const rows = Object.entries(failures).map(([code, { status, title }]) => [
    `\`${code}\``,
    String(status),
    title,
  ]);
  return table(['Code', 'Status', 'Title'], rows);
}

function denialTable(): string[] {
  const client = { product: { name: 'Assist' }, signUpUri: null };
  const rows = denialCodes.map((code) => {
    const { text, remedies } = explainDenial(code, { client, account: { name: 'Acme Inc.' } });
    return [`\`${code}\``, text, remedies.map((remedy) => `${remedy.who}: ${remedy.text}`).join('<br>')];
  });
  return table(['Code', 'The person is told', 'Remedies'], rows);
}

function retentionDocument(): string {
  const rows = retentions.map(({ table, rows, keptSeconds, since, why, index }) => [
    `\`${tableName(table)}\``,
    rows,
    `${duration(keptSeconds)} after ${since}`,
    why,
    `\`${index}\``,
  ]);
  const keptRows = Object.entries(kept).map(([table, why]) => [`\`${tableName(table as keyof DB)}\``, why]);
  return document(
    'Retention',
    'src/core/retention/rules.ts and src/core/retention/kept.ts',
    'What is deleted by itself, and when. Every replica prunes about once an hour, in small batches that wait for nobody;',
    '`doorward prune --dry-run` says how much is due. Nothing depends on it: what is over counts for nothing, deleted or',
    'not. An hour after its end is longer than the clocks of replicas differ.',
    '',
    ...table(['Table', 'Rows', 'Deleted', 'Why', 'Found by'], rows),
    '',
    '## What is not pruned',
    '',
    ...table(['Table', 'Why'], keptRows),
  );
}

function duration(seconds: number): string {
  const [days, hours] = [Math.floor(seconds / day), (seconds % day) / hour];
  const parts = [
    days > 0 && `${days} day${days === 1 ? '' : 's'}`,
    hours > 0 && `${hours} hour${hours === 1 ? '' : 's'}`,
  ];
  return parts.filter(Boolean).join(' and ');
}

function document(title: string, source: string, ...lines: readonly string[]): string {
  return [
    `# ${title}`,
    '',
    `<!-- Generated from ${source} by \`npm run generate\`; do not edit. -->`,
    '',
    ...lines,
    '',
  ].join('\n');
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)];
}

/** The types of the tables, read from a database that the migrations have just made. */
async function schemaModule(): Promise<string> {
  const server = await startEmbeddedPostgres();
  const db = connect(server.url('postgres'));
  try {
    await migrateToLatest(db);
    return await describeTables(db);
  } finally {
    await db.destroy();
    await server.stop();
  }
}

async function describeTables(db: Db): Promise<string> {
  const dialect = new PostgresDialect();
  // without our plugins: the catalogue must be read with its own names
  const catalogue = db.withoutPlugins() as unknown as Parameters<
    typeof dialect.introspector.introspect
  >[0]['db'];
  const metadata = await dialect.introspector.introspect({ db: catalogue });
  const columns = Object.fromEntries(
    metadata.tables.flatMap((table) =>
      table.columns.flatMap(({ name, isNullable }) => {
        const type = brandedIdOf(table.name, name);
        return type ? [[`${table.name}.${name}`, isNullable ? `${type} | null` : type]] : [];
      }),
    ),
  );
  const customImports = Object.fromEntries(
    Object.values(brandedIds).map((type) => [type, `../kernel/ids.ts#${type}`]),
  );
  return serializeFromMetadata({ metadata, dialect, camelCase: true, customImports, overrides: { columns } });
}

function brandedIdOf(table: string, column: string): string | undefined {
  const found = Object.entries(brandedIds).find(
    ([noun]) => column === `${noun}_id` || (column === 'id' && table === `${noun}s`),
  );
  return found?.[1];
}
