/** Starts a server as a process of its own and waits until it answers. */
import { type ChildProcess, spawn } from 'node:child_process';
import { setTimeout as rest } from 'node:timers/promises';

export interface Served {
  readonly pid: number;
  readonly origin: string;
  /** From the start of the process to its first good answer. */
  readonly readyMs: number;
  stop(): Promise<void>;
}

export interface Serving {
  /** The program and its arguments. */
  readonly command: readonly [program: string, ...args: string[]];
  readonly port: number;
  readonly env: Readonly<Record<string, string>>;
  /** Answers 200 once it is ready. */
  readonly readyPath: string;
}

const longestStartMs = 180_000;

/** Rejects, with what the process has written to stderr, when it does not come up. */
export async function serve({ command, port, env, readyPath }: Serving): Promise<Served> {
  const origin = `http://127.0.0.1:${port}`;
  const began = performance.now();
  const [program, ...args] = command;
  const child = spawn(program, args, {
    env: { PATH: process.env['PATH'], PORT: String(port), HOST: '127.0.0.1', ...env },
    // its log is written as in production, and read by nobody
    stdio: ['ignore', process.env['BENCH_LOG'] === undefined ? 'ignore' : 'inherit', 'pipe'],
  });
  let complaints = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaints = `${complaints}${text}`.slice(-10_000);
  });
  while (!(await answers(`${origin}${readyPath}`))) {
    const isOver = child.exitCode !== null || child.signalCode !== null;
    if (isOver || performance.now() - began > longestStartMs) {
      await end(child);
      throw new Error(`${command.join(' ')} did not become ready:\n${complaints}`);
    }
    await rest(10);
  }
  const readyMs = performance.now() - began;
  return { pid: child.pid ?? NaN, origin, readyMs, stop: () => end(child) };
}

function answers(url: string): Promise<boolean> {
  return fetch(url).then(
    async (answer) => {
      await answer.text();
      return answer.status === 200;
    },
    () => false,
  );
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once('exit', resolve));
  const killer = setTimeout(() => child.kill('SIGKILL'), 15_000);
  child.kill('SIGTERM');
  await gone;
  clearTimeout(killer);
}
