/** Runs test files by tap: one PostgreSQL server and one migrated template database for all of them. */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import pg from 'pg';
import { connect } from '../../src/db/connect.ts';
import { startEmbeddedPostgres } from '../../src/db/embedded.ts';
import { migrateToLatest } from '../../src/db/migrate.ts';
import { reportTap } from './tap-report.ts';

interface Server {
  url(database: string): string;
  stop(): Promise<void>;
}

export interface TestRun {
  readonly files: readonly string[];
  /** What tap is told beside what is in .taprc. */
  readonly tapOptions?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/**
 * Runs the files and prints "N passed, N failed" as the last line; answers the process's exit code. The server is
 * embedded, unless TEST_DATABASE_URL names one (its user may create databases).
 */
export async function runTestFiles(run: TestRun): Promise<number> {
  await buildTap();
  const template = `doorward_template_${randomBytes(4).toString('hex')}`;
  const server = await openServer();
  const interrupted = interruption();
  let failed = 1;
  try {
    await createTemplate(server, template);
    failed = await runTap(run, {
      env: { TEST_PG_URL: server.url('postgres'), TEST_TEMPLATE: template },
      interrupted,
    });
  } finally {
    await dropDatabases(server, template);
    await server.stop();
  }
  return failed === 0 ? 0 : 1;
}

function interruption(): AbortSignal {
  const controller = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      controller.abort();
    });
  }
  return controller.signal;
}

/**
 * tap compiles itself from the list of plugins in .taprc; before that it would load its own TypeScript compiler.
 * (Never import tap here: that would put this process under tap's time limit for one file.)
 */
async function buildTap(): Promise<void> {
  const built = new URL('../../node_modules/@tapjs/test/test-built/dist/esm/index.js', import.meta.url);
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

async function createTemplate({ url }: Server, template: string): Promise<void> {
  const client = new pg.Client(url('postgres'));
  await client.connect();
  await client.query(`create database ${template}`);
  await client.end();
  const db = connect(url(template));
  await migrateToLatest(db);
  await db.destroy();
}

/** Drops the template, and what an interrupted test file could not drop of its clones: their names begin alike. */
async function dropDatabases({ url }: Server, template: string): Promise<void> {
  const client = new pg.Client(url('postgres'));
  await client.connect();
  const { rows } = await client.query<{ datname: string }>(
    'select datname from pg_database where starts_with(datname, $1)',
    [template],
  );
  for (const { datname } of rows) await client.query(`drop database ${datname} with (force)`);
  await client.end();
}

interface Surroundings {
  readonly env: Readonly<Record<string, string>>;
  readonly interrupted: AbortSignal;
}

/** Runs tap and answers how many tests failed; a run without a single passed test is a failed one too. */
async function runTap({ files, tapOptions = [], env }: TestRun, around: Surroundings): Promise<number> {
  const tap = spawn('tap', ['--reporter=tap', ...tapOptions, ...files], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, ...env, ...around.env },
    detached: true, // a group of its own, so that it can be ended with all that its tests have started
  });
  around.interrupted.addEventListener('abort', () => {
    if (tap.pid !== undefined && tap.exitCode === null) process.kill(-tap.pid, 'SIGKILL');
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
