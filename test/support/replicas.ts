/** Several processes of the service on one database, behind a tiny balancer that takes them in turn. */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { createServer, request as httpRequest } from 'node:http';
import pg from 'pg';
import { pino } from 'pino';
import type { Test } from 'tap';
import type { Context } from '../../src/context.ts';
import { connect } from '../../src/db/connect.ts';
import { migrateToLatest } from '../../src/db/migrate.ts';
import { seedDemoWorld } from '../../src/demo/world.ts';
import { createSafeFetch } from '../../src/fetch.ts';
import { createGate } from '../../src/kernel/gate.ts';
import { freePort, testConfig } from './app.ts';

export interface Replicas {
  /** The balancer, and the issuer of all. */
  readonly issuer: string;
  /** The replicas themselves. */
  readonly origins: readonly string[];
  /** The same database, for arranging and for looking. */
  readonly ctx: Context;
  /** Everything the replicas have logged. */
  readonly output: () => string;
  /** Sends a signal to one of them. */
  signal(index: number, signal: NodeJS.Signals): void;
}

const startMs = 30_000;

export interface ReplicasOptions {
  readonly count: number;
  readonly databaseUrl: string;
  readonly seed?: boolean;
  /** Done while they start; nobody waits for those that it kills. */
  readonly atStart?: (starting: { ctx: Context; processes: readonly ChildProcess[] }) => Promise<void>;
}

/** Starts `count` replicas at the same moment; the demo world is seeded when `seed` is not false. */
export async function startReplicas(
  t: Test,
  { count, databaseUrl, seed = true, atStart }: ReplicasOptions,
): Promise<Replicas> {
  const balancerPort = await freePort();
  const issuer = `http://127.0.0.1:${balancerPort}`;
  const keys = {
    SECRET_KEYS: randomBytes(32).toString('base64url'),
    COOKIE_KEYS: randomBytes(32).toString('base64url'),
  };
  const env = { ...keys, ISSUER: issuer, DATABASE_URL: databaseUrl, HOST: '127.0.0.1' };
  const ctx = openContext(t, env);
  if (seed) {
    await migrateToLatest(ctx.db);
    await seedDemoWorld(ctx);
  }
  const ports = await Promise.all(Array.from({ length: count }, freePort));
  await startBalancer(t, balancerPort, ports); // at once, while its port is free
  let output = '';
  const processes = ports.map((port) =>
    startProcess(t, { ...env, PORT: String(port) }, (text) => (output += text)),
  );
  const origins = ports.map((port) => `http://127.0.0.1:${port}`);
  await atStart?.({ ctx, processes });
  const surviving = origins.filter((_, index) => !processes[index]?.killed);
  await Promise.all(surviving.map((origin) => isReady(origin, () => output)));
  const signal = (index: number, name: NodeJS.Signals): void => void processes[index]?.kill(name);
  return { issuer, origins: surviving, ctx, output: () => output, signal };
}

function openContext(
  t: Test,
  env: Readonly<Record<string, string>> & { readonly DATABASE_URL: string },
): Context {
  const config = testConfig(env);
  const db = connect(env.DATABASE_URL);
  const { fetch, close } = createSafeFetch({ allowLoopbackAndHttp: true });
  t.teardown(async () => {
    await close();
    await db.destroy();
  });
  const hashGate = createGate({ slots: 1, queue: 100, waitMs: 60_000 });
  return { config, db, now: () => new Date(), log: pino({ level: 'silent' }), fetch, hashGate, origin: {} };
}

function startProcess(
  t: Test,
  env: Readonly<Record<string, string>>,
  onOutput: (text: string) => void,
): ChildProcess {
  const child = spawn(process.execPath, ['src/main.ts'], {
    env: { PATH: process.env['PATH'], ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', onOutput);
  t.teardown(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGTERM');
    child.kill('SIGCONT'); // it may stand still
    await gone;
  });
  return child;
}

async function isReady(origin: string, output: () => string): Promise<void> {
  const deadline = Date.now() + startMs;
  while (Date.now() < deadline) {
    const status = await fetch(`${origin}/readyz`).then(
      (answer) => answer.status,
      () => 0,
    );
    if (status === 200) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`${origin} did not become ready:\n${output()}`);
}

/** Each request to the next replica, whatever it belongs to. */
async function startBalancer(t: Test, port: number, ports: readonly number[]): Promise<void> {
  let turn = 0;
  const server = createServer((incoming, answer) => {
    turn += 1;
    const { method, url: path, headers } = incoming;
    const target = { host: '127.0.0.1', port: ports[turn % ports.length], method, path, headers };
    const outgoing = httpRequest(target, (received) => {
      answer.writeHead(received.statusCode ?? 502, received.headers);
      received.pipe(answer);
    });
    outgoing.once('error', () => answer.writeHead(502).end());
    incoming.pipe(outgoing);
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
}

/** An empty database: nothing migrated. */
export async function createEmptyDatabase(t: Test): Promise<string> {
  const server = process.env['TEST_PG_URL'] ?? '';
  const name = `t_${randomBytes(6).toString('hex')}`;
  const execute = async (statement: string): Promise<void> => {
    const client = new pg.Client(server);
    await client.connect();
    await client.query(statement);
    await client.end();
  };
  await execute(`create database ${name}`);
  t.teardown(() => execute(`drop database if exists ${name} with (force)`));
  return server.replace(/\/postgres(\?|$)/, `/${name}$1`);
}
