/** A PostgreSQL of a test's own, to be stopped, killed, frozen, failed over from: Debian's binaries, or the embedded ones. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { chown, glob, mkdir, readFile, readdir } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import type { Test } from 'tap';
import { connect } from '../../src/db/connect.ts';
import { findBinaries, type Guard, idsOf, startGuard, type User } from '../../src/db/embedded.ts';
import { migrateToLatest } from '../../src/db/migrate.ts';
import { freePort } from './app.ts';
import { hasEnded } from './has-ended.ts';
import { pause, until } from './reliability.ts';

const run = promisify(execFile);

export type StopMode = 'smart' | 'fast' | 'immediate';

export interface Cluster {
  readonly port: number;
  readonly dataDir: string;
  /** By TCP, so that a proxy may stand between; without a name the database `postgres`. */
  url(database?: string): string;
  /** Answers when it accepts connections. */
  start(): Promise<void>;
  /** As pg_ctl does; answers when all its processes have ended. */
  stop(mode: StopMode): Promise<void>;
  /** kill -9 of the postmaster: its backends notice by themselves. */
  kill(): Promise<void>;
  /** Every process of it stands still: connections open, and nothing answers. */
  freeze(): Promise<void>;
  thaw(): Promise<void>;
  /** What the server has logged. */
  log(): string;
}

export interface ClusterOptions {
  /** As in postgresql.conf: `synchronous_commit=remote_apply`. */
  readonly settings?: readonly string[];
  /** Off for whatever needs no crash to be survived: it is faster. */
  readonly fsync?: boolean;
  /** Where its data lies, made by `initdb` if it is not there; a temporary folder without it. */
  readonly dataDir?: string;
}

export interface Standby extends Cluster {
  promote(): Promise<void>;
}

/** A fresh cluster that is running; it goes with the test, however that ends. */
export async function startCluster(t: Test, options: ClusterOptions = {}): Promise<Cluster> {
  const guard = startGuard();
  const places = await preparePlaces(guard, options.dataDir);
  const { bin, dataDir, runAs } = places;
  const args = ['-D', dataDir, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--locale=C', '--no-sync'];
  await run(path.join(bin, 'initdb'), args, { ...runAs, cwd: '/', env: environment() });
  return startOn(t, { guard, places, options });
}

/**
 * A hot standby that follows the primary by streaming replication; needs Debian's binaries. Its `application_name` is
 * `standby`, for `synchronous_standby_names`.
 */
export async function startStandby(
  t: Test,
  primary: Cluster,
  options: ClusterOptions = {},
): Promise<Standby> {
  const guard = startGuard();
  const places = await preparePlaces(guard, options.dataDir);
  const { bin, dataDir, runAs } = places;
  const from = `host=127.0.0.1 port=${primary.port} user=postgres application_name=standby`;
  const args = ['-D', dataDir, '-R', '-X', 'stream', '-c', 'fast', '--no-sync', '-d', from];
  await run(path.join(bin, 'pg_basebackup'), args, { ...runAs, cwd: '/', env: environment() });
  const cluster = await startOn(t, { guard, places, options });
  return {
    ...cluster,
    promote: async () => {
      await run(path.join(bin, 'pg_ctl'), ['promote', '-w', '-D', dataDir], { ...runAs, cwd: '/' });
    },
  };
}

/** A database with the newest schema; answers its address. */
export async function createMigrated(cluster: Cluster, name = 'doorward'): Promise<string> {
  const client = new pg.Client(cluster.url());
  await client.connect();
  await client.query(`create database ${pg.escapeIdentifier(name)}`);
  await client.end();
  const db = connect(cluster.url(name));
  await migrateToLatest(db);
  await db.destroy();
  return cluster.url(name);
}

interface Places {
  readonly bin: string;
  readonly dataDir: string;
  readonly socketDir: string;
  readonly runAs: User;
}

async function preparePlaces(guard: Guard, given: string | undefined): Promise<Places> {
  const runAs: User = process.getuid?.() === 0 ? await idsOf('postgres').catch(() => idsOf('nobody')) : {};
  // short: the address of a Unix socket is limited to 107 bytes
  const socketDir = await guard.makeTemporary(path.join(os.tmpdir(), 'dw-'));
  const dataDir = given ?? path.join(await guard.makeTemporary(path.join(os.tmpdir(), 'dw-data-')), 'data');
  const parent = path.dirname(dataDir);
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  const folders = given === undefined ? [socketDir, parent, dataDir] : [socketDir, dataDir];
  if (runAs.uid !== undefined && runAs.gid !== undefined)
    for (const folder of folders) await chown(folder, runAs.uid, runAs.gid);
  return { bin: await findServer(), dataDir, socketDir, runAs };
}

/** The oldest of Debian's, because that is what we support; where there is none, what the demo runs on. */
async function findServer(): Promise<string> {
  const installed = await Array.fromAsync(glob('/usr/lib/postgresql/*/bin/initdb'));
  const [oldest] = installed.map((file) => path.dirname(file)).sort();
  return oldest ?? path.join(await findBinaries(), 'bin');
}

function environment(): NodeJS.ProcessEnv {
  return { LC_ALL: 'C', TZ: 'UTC', PATH: process.env['PATH'] };
}

interface Laid {
  readonly guard: Guard;
  readonly places: Places;
  readonly options: ClusterOptions;
}

async function startOn(t: Test, { guard, places, options }: Laid): Promise<Cluster> {
  const port = await freePort();
  let server: ChildProcess | undefined;
  let log = '';
  const start = async (): Promise<void> => {
    // after a kill -9 the last backend may hold the shared memory for a moment
    for (let attempt = 0; ; attempt += 1) {
      const fresh = spawnServer(places, port, options);
      fresh.stderr.setEncoding('utf8').on('data', (text: string) => (log += text));
      server = fresh;
      guard.interrupt(fresh);
      if (await isAccepting(fresh, port)) return;
      if (attempt === 50) throw new Error(`PostgreSQL did not start:\n${log}`);
      await pause(100);
    }
  };
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    if (server?.pid === undefined || hasEnded(server)) return;
    const processes = await processesOf(server.pid);
    const gone = new Promise((resolve) => server?.once('exit', resolve));
    server.kill(signal);
    await gone;
    await until(() => processes.every((pid) => !isAlive(pid)), { what: 'every backend has ended' });
  };
  const signalAll = async (signal: NodeJS.Signals): Promise<void> => {
    for (const pid of await processesOf(server?.pid ?? 0)) if (isAlive(pid)) process.kill(pid, signal);
  };
  t.teardown(async () => {
    await signalAll('SIGCONT');
    await end('SIGQUIT');
    await guard.release();
  });
  await start();
  return {
    port,
    dataDir: places.dataDir,
    url: (database = 'postgres') => `postgres://postgres@127.0.0.1:${port}/${database}`,
    start,
    stop: (mode) => end(stopSignals[mode]),
    kill: () => end('SIGKILL'),
    freeze: () => signalAll('SIGSTOP'),
    thaw: () => signalAll('SIGCONT'),
    log: () => log,
  };
}

const stopSignals: Readonly<Record<StopMode, NodeJS.Signals>> = {
  smart: 'SIGTERM',
  fast: 'SIGINT',
  immediate: 'SIGQUIT',
};

function spawnServer({ bin, dataDir, socketDir, runAs }: Places, port: number, options: ClusterOptions) {
  const { settings = [], fsync = true } = options;
  const all = [
    ...['listen_addresses=127.0.0.1', 'max_connections=200', 'shared_buffers=32MB', 'jit=off'],
    ...(fsync ? [] : ['fsync=off', 'synchronous_commit=off', 'full_page_writes=off']),
    ...settings,
  ];
  const args = ['-D', dataDir, '-p', String(port), '-k', socketDir];
  return spawn(path.join(bin, 'postgres'), [...args, ...all.flatMap((setting) => ['-c', setting])], {
    ...runAs,
    env: environment(),
    cwd: '/',
    stdio: ['ignore', 'ignore', 'pipe'],
    // a process group of its own: Ctrl-C must reach it only through us
    detached: true,
  });
}

/** False when the process ends instead. */
async function isAccepting(server: ChildProcess, port: number): Promise<boolean> {
  const ended = new Promise<void>((resolve) => {
    server.once('error', () => resolve());
    server.once('exit', () => resolve());
  });
  const deadline = Date.now() + 60_000;
  while (Date.now() < deadline && !hasEnded(server)) {
    const client = new pg.Client(`postgres://postgres@127.0.0.1:${port}/postgres`);
    client.on('error', () => {});
    const isIn = await client.connect().then(
      () => true,
      () => false,
    );
    await client.end().catch(() => {});
    if (isIn && !hasEnded(server)) return true;
    await Promise.race([pause(50), ended]);
  }
  return false;
}

/** The postmaster and its children. */
async function processesOf(postmaster: number): Promise<number[]> {
  if (postmaster === 0) return [];
  const numbers = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  const children: number[] = [];
  for (const pid of numbers) {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
    if (Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]) === postmaster) children.push(pid);
  }
  return [postmaster, ...children];
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
