/**
 * npm test [-- files]: one PostgreSQL server and one migrated template database for all test files. The server is
 * embedded, unless TEST_DATABASE_URL names one (its user may create databases). Ends with "N passed, N failed".
 */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { glob, readFile } from 'node:fs/promises';
import pg from 'pg';
import { connect } from '../src/db/connect.ts';
import { startEmbeddedPostgres } from '../src/db/embedded.ts';
import { migrateToLatest } from '../src/db/migrate.ts';
import { findChromium } from './support/find-chromium.ts';
import { hasPysaml2, hasSimplesamlphp } from './support/find-peers.ts';
import { reportTap } from './support/tap-report.ts';

interface Server {
  url(database: string): string;
  stop(): Promise<void>;
}

const given = process.argv.slice(2);
const files = given.length > 0 ? given : await allFiles();
const template = `doorward_template_${randomBytes(4).toString('hex')}`;

await buildTap();
const server = await openServer();
const interrupted = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    interrupted.abort();
  });
}
let failed = 1;
try {
  await createTemplate(server);
  failed = await runTests(server);
} finally {
  await dropDatabases(server);
  await server.stop();
}
process.exit(failed === 0 ? 0 : 1);

/** What of all files needs more than Node.js and npm, which is all that a newcomer has. */
function needs() {
  return [
    {
      what: 'Chromium',
      files: 'test/pages/',
      isThere: async () => (await findChromium()) !== undefined,
      remedy: 'Install it, or name it in CHROMIUM.',
    },
    {
      what: 'SimpleSAMLphp',
      files: 'test/federation/simplesamlphp.test.ts',
      isThere: hasSimplesamlphp,
      remedy: "Install Debian's simplesamlphp, php-cli, php-xml and php-mbstring.",
    },
    {
      what: 'pysaml2',
      files: 'test/federation/pysaml2.test.ts',
      isThere: hasPysaml2,
      remedy: "Install Debian's python3-pysaml2 and xmlsec1.",
    },
  ];
}

/** All of them; but what this machine cannot run is left out, and said to be, unless somebody counts on this run (CI). */
async function allFiles(): Promise<string[]> {
  let files = (await Array.fromAsync(glob('test/**/*.test.ts', { exclude: ['test/fixtures/**'] }))).sort();
  if (process.env['CI'] !== undefined) return files;
  for (const need of needs()) {
    if (await need.isThere()) continue;
    console.log(`No ${need.what} was found: ${need.files} is not run. ${need.remedy}`);
    files = files.filter((file) => !file.startsWith(need.files));
  }
  return files;
}

/**
 * tap compiles itself from the list of plugins in .taprc; before that it would load its own TypeScript compiler.
 * (Never import tap here: that would put this process under tap's time limit for one file.)
 */
async function buildTap(): Promise<void> {
  const built = new URL('../node_modules/@tapjs/test/test-built/dist/esm/index.js', import.meta.url);
  if (!(await readFile(built, 'utf8')).includes('"@tapjs/typescript"')) return;
  const build = spawn('tap', ['build'], { stdio: ['ignore', 'ignore', 'inherit'] });
  const code = await new Promise((resolve) => build.once('close', resolve));
  if (code !== 0) throw new Error('tap build failed');
}

async function openServer(): Promise<Server> {
  const external = process.env['TEST_DATABASE_URL'];
  if (external === undefined) return startEmbeddedPostgres();
  const url = (database: string): string => {
    const address = new URL(external);
    address.pathname = `/${database}`;
    return address.href;
  };
  return { url, stop: () => Promise.resolve() };
}

async function createTemplate({ url }: Server): Promise<void> {
  const client = new pg.Client(url('postgres'));
  await client.connect();
  await client.query(`create database ${template}`);
  await client.end();
  const db = connect(url(template));
  await migrateToLatest(db);
  await db.destroy();
}

/** Drops the template, and what an interrupted test file could not drop of its clones: their names begin alike. */
async function dropDatabases({ url }: Server): Promise<void> {
  const client = new pg.Client(url('postgres'));
  await client.connect();
  const { rows } = await client.query<{ datname: string }>(
    'select datname from pg_database where starts_with(datname, $1)',
    [template],
  );
  for (const { datname } of rows) await client.query(`drop database ${datname} with (force)`);
  await client.end();
}

/** Runs tap and answers how many tests failed; a run without a single passed test is a failed one too. */
async function runTests({ url }: Server): Promise<number> {
  const tap = spawn('tap', ['--reporter=tap', ...files], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, TEST_PG_URL: url('postgres'), TEST_TEMPLATE: template },
    signal: interrupted.signal,
    killSignal: 'SIGTERM',
  });
  tap.on('error', (error) => {
    console.error(error.message);
  });
  const ended = new Promise<number | null>((resolve) => tap.once('close', resolve));
  const { passed, failed: told } = await reportTap(tap.stdout);
  const isSilentFailure = told === 0 && ((await ended) !== 0 || passed === 0);
  if (isSilentFailure)
    console.log(passed === 0 ? '  ✗ there was no test' : '  ✗ tap failed without naming a test');
  const failures = isSilentFailure ? 1 : told;
  console.log(`\n${passed} passed, ${failures} failed`);
  return failures;
}
