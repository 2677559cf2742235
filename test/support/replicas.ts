/** Several processes of the service on one database, behind a balancer that takes those in turn that are ready. */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
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
import { startBalancer } from './balancer.ts';
import { hasEnded } from './has-ended.ts';
import { until } from './reliability.ts';
import { keepLog } from './replica-log.ts';

export interface Replicas {
  /** The balancer, and the issuer of all. */
  readonly issuer: string;
  /** The replicas themselves. */
  readonly origins: readonly string[];
  /** The same database, for arranging and for looking. */
  readonly ctx: Context;
  /** The end of what they have logged. */
  readonly output: () => string;
  /** Whether this one's process is over. */
  readonly isOver: (index: number) => boolean;
  /** Sends a signal to one of them. */
  signal(index: number, signal: NodeJS.Signals): void;
  /** Asks one to end, and starts it anew at the same address; answers how it ended, when the balancer knows the new one to be ready. */
  restart(index: number): Promise<Ended>;
}

export interface Ended {
  /** Null when it was killed. */
  readonly code: number | null;
  readonly afterMs: number;
}

const startMs = 120_000;

export interface ReplicasOptions {
  readonly count: number;
  readonly databaseUrl: string;
  readonly seed?: boolean;
  /** Settings beside those that all replicas need, or in their place. */
  readonly env?: Readonly<Record<string, string>>;
  /** And of one of them alone. */
  readonly envOf?: (index: number) => Readonly<Record<string, string>>;
  /** Done while they start; nobody waits for those that it kills. */
  readonly atStart?: (starting: { ctx: Context; processes: readonly ChildProcess[] }) => Promise<void>;
}

/** Starts `count` replicas at the same moment; the demo world is seeded when `seed` is not false. */
export async function startReplicas(
  t: Test,
  { count, databaseUrl, seed = true, env: settings = {}, envOf = () => ({}), atStart }: ReplicasOptions,
): Promise<Replicas> {
  const balancerPort = await freePort();
  const issuer = `http://127.0.0.1:${balancerPort}`;
  const keys = {
    SECRET_KEYS: randomBytes(32).toString('base64url'),
    COOKIE_KEYS: randomBytes(32).toString('base64url'),
  };
  const log = keepLog(t, keys); // before they are there: it looks when they are gone
  const env = { ...keys, ...settings, ISSUER: issuer, DATABASE_URL: databaseUrl, HOST: '127.0.0.1' };
  const ctx = openContext(t, env);
  if (seed) {
    await migrateToLatest(ctx.db);
    await seedDemoWorld(ctx);
  }
  const ports = await Promise.all(Array.from({ length: count }, freePort));
  const balancer = await startBalancer(t, { port: balancerPort, targets: ports }); // at once, while its port is free
  const start = (port: number): ChildProcess =>
    startProcess(t, { ...env, ...envOf(ports.indexOf(port)), PORT: String(port) }, log.add);
  const processes = ports.map(start);
  const origins = ports.map((port) => `http://127.0.0.1:${port}`);
  await atStart?.({ ctx, processes });
  const surviving = origins.filter((_, index) => !processes[index]?.killed);
  await Promise.all(surviving.map((origin) => isReady(origin, log.text)));
  const signal = (index: number, name: NodeJS.Signals): void => void processes[index]?.kill(name);
  const restart = async (index: number): Promise<Ended> => {
    const [before, port] = [processes[index], ports[index]];
    if (!before || port === undefined) throw new Error(`there is no replica ${index}`);
    const ended = await end(before);
    processes[index] = start(port);
    await isReady(`http://127.0.0.1:${port}`, log.text);
    await until(() => balancer.ready()[index] === true, { what: 'the balancer knows' });
    return ended;
  };
  const isOver = (index: number): boolean => !processes[index] || hasEnded(processes[index]);
  return { issuer, origins: surviving, ctx, output: log.text, isOver, signal, restart };
}

async function end(child: ChildProcess): Promise<Ended> {
  const begun = performance.now();
  const gone = new Promise<number | null>((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  return { code: await gone, afterMs: performance.now() - begun };
}

/** What arranges and looks from outside: no replica. */
export function openContext(
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
    if (hasEnded(child)) return;
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
