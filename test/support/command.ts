/** The commands of an operator, as processes. */
import { spawn } from 'node:child_process';
import type { TestApp } from './app.ts';

export interface Ended {
  readonly code: number | null;
  readonly output: string;
  readonly errors: string;
}

/** Runs `file` with nothing in its environment but what is given. */
export async function run(
  file: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<Ended> {
  const child = spawn(process.execPath, [file, ...args], { env: { PATH: process.env['PATH'], ...env } });
  let [output, errors] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { code, output, errors };
}

/** `doorward …` beside the app: on its database, with its keys. */
export function doorward({ ctx, databaseUrl }: TestApp, ...args: string[]): Promise<Ended> {
  const { issuer, secretKeys, cookieKeys, dnsResolvers } = ctx.config;
  const textOf = (keys: typeof secretKeys) => keys.map(({ bytes }) => bytes.toString('base64url')).join(',');
  return run('src/cli/doorward.ts', args, {
    DATABASE_URL: databaseUrl,
    ISSUER: issuer,
    SECRET_KEYS: textOf(secretKeys),
    COOKIE_KEYS: textOf(cookieKeys),
    DNS_RESOLVERS: dnsResolvers.join(','),
  });
}
