/** The commands of an operator, as processes. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import type { TestApp } from './app.ts';

export interface Ended {
  readonly code: number | null;
  readonly output: string;
  readonly errors: string;
}

type Env = Readonly<Record<string, string>>;

/** Runs `file` with nothing in its environment but what is given. */
export function run(file: string, args: readonly string[], env: Env): Promise<Ended> {
  return end(spawn(process.execPath, [file, ...args], { env: { PATH: process.env['PATH'], ...env } }));
}

/** `doorward …` beside the app: on its database, with its keys. */
export function doorward(app: TestApp, ...args: string[]): Promise<Ended> {
  return run('src/cli/doorward.ts', args, environmentOf(app));
}

/**
 * The same at a terminal, made by script(1), where somebody types once they are asked. All that is seen there is output.
 */
export function doorwardAtTerminal(app: TestApp, typed: string, ...args: string[]): Promise<Ended> {
  const command = [process.execPath, 'src/cli/doorward.ts', ...args];
  const inTerminal =
    process.platform === 'linux'
      ? ['-qec', command.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(' '), '/dev/null']
      : ['-q', '/dev/null', ...command];
  const child = spawn('script', inTerminal, { env: { PATH: process.env['PATH'], ...environmentOf(app) } });
  let seen = '';
  child.stdout.on('data', (chunk: Buffer) => {
    const wasAsked = seen.includes('Type yes');
    seen += chunk.toString();
    if (!wasAsked && seen.includes('Type yes')) child.stdin.write(typed);
  });
  return end(child);
}

async function end(child: ChildProcessWithoutNullStreams): Promise<Ended> {
  let [output, errors] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { code, output, errors };
}

function environmentOf({ ctx, databaseUrl }: TestApp): Env {
  const { issuer, secretKeys, cookieKeys, dnsResolvers } = ctx.config;
  const textOf = (keys: typeof secretKeys) => keys.map(({ bytes }) => bytes.toString('base64url')).join(',');
  return {
    DATABASE_URL: databaseUrl,
    ISSUER: issuer,
    SECRET_KEYS: textOf(secretKeys),
    COOKIE_KEYS: textOf(cookieKeys),
    DNS_RESOLVERS: dnsResolvers.join(','),
  };
}
