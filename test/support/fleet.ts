/**
 * Replicas that are killed and come back: each has a wire of its own to the database, so that one can be killed at the
 * moment it says something, and a balancer that goes round those that are down.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import type { Test } from 'tap';
import type { Context } from '../../src/context.ts';
import { seedDemoWorld } from '../../src/demo/world.ts';
import { freePort } from './app.ts';
import { startBalancer } from './balancer.ts';
import { hasEnded } from './has-ended.ts';
import { pause } from './reliability.ts';
import { keepLog } from './replica-log.ts';
import { openContext } from './replicas.ts';
import { type SqlWire, startSqlWire, type Verdict } from './sql-wire.ts';

/** The moment of a death: a statement, before it arrives or after it is done. */
export interface Moment {
  readonly statement: string;
  readonly side: 'before' | 'after';
}

export interface Fleet {
  /** The balancer, and the issuer of all. */
  readonly issuer: string;
  /** The same database, past every wire. */
  readonly ctx: Context;
  readonly output: () => string;
  /** Whoever comes to this moment is killed, once. */
  killAt(moment: Moment): void;
  /** Kills whoever has a request at the moment, or else anybody. */
  killBusy(): void;
  disarm(): void;
  /** How many have died. */
  readonly kills: number;
  /** The requests that a replica had in its hands when it went away. */
  readonly lost: readonly string[];
  /** What a replica itself has answered by 5xx. */
  readonly faults: string[];
  /** Every statement that is sent while `work` runs. */
  watch(work: () => Promise<unknown>): Promise<string[]>;
  /** Waits until so many are ready. */
  ready(count: number): Promise<void>;
  /** Starts one that was not started at first, or has been stopped. */
  start(index: number): Promise<void>;
  /** Ends one as a deployment does, and leaves it so. */
  stop(index: number): Promise<void>;
  /** From now on the balancer asks this one alone; nothing for all in turn. */
  prefer(index?: number): void;
  /** The wire of one to the database. */
  wire(index: number): SqlWire;
}

interface Member {
  readonly port: number;
  readonly env: Readonly<Record<string, string>>;
  process: ChildProcess | undefined;
  readonly wire: SqlWire;
  isReady: boolean;
  isWanted: boolean;
}

export interface FleetOptions {
  readonly count: number;
  /** Migrated, unless `seed` is false: otherwise the demo world is seeded. */
  readonly databaseUrl: string;
  readonly seed?: boolean;
  /** How many are started at once; all of them unless said. */
  readonly started?: number;
  readonly env?: Readonly<Record<string, string>>;
  /** Of each replica by its place: another clock, another version. */
  readonly own?: (index: number) => Own;
}

export interface Own {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
}

export async function startFleet(t: Test, options: FleetOptions): Promise<Fleet> {
  const port = await freePort();
  const issuer = `http://127.0.0.1:${port}`;
  const keys = {
    SECRET_KEYS: randomBytes(32).toString('base64url'),
    COOKIE_KEYS: randomBytes(32).toString('base64url'),
  };
  const log = keepLog(t, keys); // before they are there: it looks when they are gone
  const env = {
    ...keys,
    ISSUER: issuer,
    HOST: '127.0.0.1',
    ...options.env,
  };
  const ctx = openContext(t, { ...env, DATABASE_URL: options.databaseUrl });
  if (options.seed !== false) await seedDemoWorld(ctx);

  let [armed, seen]: [Moment | undefined, string[] | undefined] = [undefined, undefined];
  let [kills, isOver] = [0, false];
  const lost: string[] = [];
  const busy = new Map<number, number>();
  let preferred: Member | undefined;
  const started = options.started ?? options.count;
  const members: Member[] = [];
  const memberAt = (index: number): Member => {
    const member = members[index];
    if (!member) throw new Error(`there is no replica ${index}`);
    return member;
  };
  const faults: string[] = [];

  const kill = (member: Member): void => {
    member.isReady = false;
    if (member.process?.killed === false && member.process.kill('SIGKILL')) kills += 1;
  };
  const judge = (statement: string): Verdict => {
    seen?.push(statement);
    if (armed?.statement !== statement) return 'pass';
    const { side } = armed;
    armed = undefined;
    return side;
  };
  const run = (index: number): void => {
    const member = members[index];
    if (!member?.isWanted || isOver) return;
    const { cwd, env: own } = options.own?.(index) ?? {};
    const child = spawn(process.execPath, ['src/main.ts'], {
      ...(cwd !== undefined && { cwd }),
      env: { PATH: process.env['PATH'], ...member.env, ...own },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    member.process = child;
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', log.add);
    child.once('exit', (code, signal) => {
      const isUnasked = member.isWanted && !isOver && !child.killed;
      if (isUnasked) faults.push(`replica ${index} ended with ${code ?? signal}: ${log.text().slice(-2000)}`);
      member.isReady = false;
      run(index);
    });
    void becomeReady(member, child);
  };
  for (let index = 0; index < options.count; index += 1) {
    const lost = (): void => {
      const member = members[index];
      if (member) kill(member);
    };
    const wire = await startSqlWire(t, options.databaseUrl, { judge, lost });
    const own = await freePort();
    const given = { ...env, DATABASE_URL: wire.databaseUrl, PORT: String(own) };
    const state = { process: undefined, isReady: false, isWanted: index < started };
    members.push({ port: own, env: given, wire, ...state });
  }
  await startBalancer(t, {
    port,
    targets: members.map((member) => member.port),
    candidates: () => {
      const ready = members.filter(({ isReady }) => isReady).map((member) => member.port);
      return preferred?.isReady ? [preferred.port] : ready;
    },
    observer: {
      took: (at) => busy.set(at, (busy.get(at) ?? 0) + 1),
      gave(at, outcome, what) {
        busy.set(at, (busy.get(at) ?? 1) - 1);
        if (outcome === 'lost' && !what.endsWith('ECONNREFUSED')) lost.push(what);
        else if (outcome !== 'lost' && outcome >= 500) faults.push(`${outcome} ${what}`);
      },
    },
  });
  for (const index of members.keys()) run(index);
  t.teardown(async () => {
    isOver = true;
    await Promise.all(members.map((member) => end(member)));
  });

  const ready = async (count: number): Promise<void> => {
    const deadline = Date.now() + 60_000;
    while (members.filter(({ isReady }) => isReady).length < count) {
      if (Date.now() > deadline) throw new Error(`not ready:\n${log.text()}`);
      await pause(5);
    }
  };
  await ready(started);
  return {
    issuer,
    ctx,
    output: log.text,
    faults,
    killAt: (moment) => (armed = moment),
    killBusy: () => {
      const alive = members.filter(({ isReady }) => isReady);
      const victim = alive.find(({ port }) => (busy.get(port) ?? 0) > 0) ?? alive[0];
      if (victim) kill(victim);
    },
    disarm: () => (armed = undefined),
    get kills() {
      return kills;
    },
    lost,
    async watch(work) {
      const statements: string[] = (seen = []);
      await work();
      seen = undefined;
      return statements;
    },
    ready,
    async start(index) {
      const member = memberAt(index);
      member.isWanted = true;
      run(index);
      while (!member.isReady) await pause(10);
    },
    async stop(index) {
      const member = memberAt(index);
      member.isWanted = false;
      member.isReady = false;
      await end(member, 'SIGTERM');
    },
    prefer: (index) => (preferred = index === undefined ? undefined : memberAt(index)),
    wire: (index) => memberAt(index).wire,
  };
}

/** Until it is, or until it is gone. */
async function becomeReady(member: Member, child: ChildProcess): Promise<void> {
  while (member.process === child && !hasEnded(child)) {
    const status = await fetch(`http://127.0.0.1:${member.port}/readyz`).then(
      (answer) => answer.status,
      () => 0,
    );
    if (status === 200 && !child.killed) {
      member.isReady = true;
      return;
    }
    await pause(30);
  }
}

async function end({ process: child }: Member, signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
  if (!child || hasEnded(child)) return;
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill(signal);
  await gone;
}
