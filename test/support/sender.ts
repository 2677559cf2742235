import { type ChildProcess, spawn } from 'node:child_process';
import type { Test } from 'tap';
import { freePort, type TestApp } from './app.ts';

/** The whole service in a process of its own, on the same database and with the same keys, which sends its mail there. */
export async function startSender(
  t: Test,
  { ctx, databaseUrl, issuer }: TestApp,
  smtpUrl: string,
): Promise<ChildProcess> {
  const keysOf = (keys: typeof ctx.config.secretKeys): string =>
    keys.map(({ bytes }) => bytes.toString('base64url')).join(',');
  const child = spawn(process.execPath, ['src/main.ts'], {
    env: {
      PATH: process.env['PATH'],
      ISSUER: issuer,
      HOST: '127.0.0.1',
      PORT: String(await freePort()),
      DATABASE_URL: databaseUrl,
      SECRET_KEYS: keysOf(ctx.config.secretKeys),
      COOKIE_KEYS: keysOf(ctx.config.cookieKeys),
      SMTP_URL: smtpUrl,
    },
    stdio: 'ignore',
  });
  t.teardown(() => child.kill('SIGKILL'));
  return child;
}
