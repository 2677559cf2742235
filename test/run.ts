/**
 * npm test [-- files]: one PostgreSQL server and one migrated template database for all test files. The server is
 * embedded, unless TEST_DATABASE_URL names one (its user may create databases). Ends with "N passed, N failed".
 */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { glob, readFile } from 'node:fs/promises';
import pg from 'pg';
import { Parser } from 'tap-parser';
import { connect } from '../src/db/connect.ts';
import { startEmbeddedPostgres } from '../src/db/embedded.ts';
import { migrateToLatest } from '../src/db/migrate.ts';

const given = process.argv.slice(2);
const files = given.length > 0 ? given : (await Array.fromAsync(glob('test/**/*.test.ts'))).sort();

await buildTap();
const { url, stop } = await openServer();
const template = `doorward_template_${randomBytes(4).toString('hex')}`;
await execute(url('postgres'), `create database ${template}`);
const db = connect(url(template));
await migrateToLatest(db);
await db.destroy();

const passed = await runTests();

await execute(url('postgres'), `drop database ${template} with (force)`);
await stop();
process.exit(passed ? 0 : 1);

/**
 * tap compiles itself from the list of plugins in .taprc; before that it would load its own TypeScript compiler.
 * (Never import tap here: that would put this process under tap's time limit for one file.)
 */
async function buildTap(): Promise<void> {
  const built = new URL('../node_modules/@tapjs/test/test-built/dist/esm/index.js', import.meta.url);
  if (!(await readFile(built, 'utf8')).includes('"@tapjs/typescript"')) return;
  const code = await new Promise((resolve) =>
    spawn('tap', ['build'], { stdio: 'ignore' }).once('close', resolve),
  );
  if (code !== 0) throw new Error('tap build failed');
}

async function openServer(): Promise<{ url(database: string): string; stop(): Promise<void> }> {
  const external = process.env['TEST_DATABASE_URL'];
  if (external === undefined) return startEmbeddedPostgres();
  const at = (database: string): string => {
    const address = new URL(external);
    address.pathname = `/${database}`;
    return address.href;
  };
  return { url: at, stop: () => Promise.resolve() };
}

async function execute(address: string, statement: string): Promise<void> {
  const client = new pg.Client(address);
  await client.connect();
  await client.query(statement);
  await client.end();
}

/** Runs tap and counts; a skipped or unfinished test is a failed one, and no test at all is a failure too. */
async function runTests(): Promise<boolean> {
  const tap = spawn('tap', ['--reporter=tap', ...files], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, TEST_PG_URL: url('postgres'), TEST_TEMPLATE: template },
  });
  const counts = { passed: 0, failed: 0 };
  countAsserts(new Parser(), tap.stdout, counts);
  const code = await new Promise<number>((resolve) =>
    tap.once('close', (exit) => {
      resolve(exit ?? 1);
    }),
  );
  const { passed: good, failed: bad } = counts;
  const failures = bad === 0 && (code !== 0 || good === 0) ? 1 : bad;
  console.log(`\n${good} passed, ${failures} failed`);
  return failures === 0;
}

function countAsserts(
  parser: Parser,
  output: NodeJS.ReadableStream,
  counts: { passed: number; failed: number },
): void {
  const watch = (level: Parser, trail: readonly string[]): void => {
    let subtest: Parser | undefined;
    level.on('child', (child) => {
      subtest = child;
      watch(child, [...trail, child.name]);
    });
    level.on('assert', (result) => {
      const isLeaf = subtest === undefined; // the line after a subtest only sums it up
      subtest = undefined;
      const failed = !result.ok || result.skip !== false || result.todo !== false;
      if (trail.length === 0)
        console.log(
          `${failed ? '✗' : '✓'} ${result.name} ${result.time ? `(${Math.round(result.time)} ms)` : ''}`,
        );
      if (!isLeaf) return;
      counts[failed ? 'failed' : 'passed'] += 1;
      if (!failed) return;
      const why = result.skip !== false ? ' (skipped)' : result.todo !== false ? ' (todo)' : '';
      console.log(`  ✗ ${[...trail, result.name].join(' > ')}${why}`);
      if (result.diag)
        console.log(JSON.stringify(result.diag, null, 2).replaceAll('\\n', '\n').slice(0, 4000));
    });
    level.on('bailout', (reason) => {
      console.log(`bail out: ${reason}`);
    });
  };
  watch(parser, []);
  output.pipe(parser);
}
