/** The service as tests run it: the whole of it, on a database of its own, with a clock that moves. */
import { randomBytes, randomInt } from 'node:crypto';
import { createServer } from 'node:net';
import { Writable } from 'node:stream';
import { pino } from 'pino';
import type { Test } from 'tap';
import { type Config, loadConfig } from '../../config/load.ts';
import { buildApp } from '../../src/app.ts';
import type { Context } from '../../src/context.ts';
import { createDatabase } from './database.ts';
import { compareAnswers } from './described.ts';

export interface TestApp {
  readonly ctx: Context;
  readonly issuer: string;
  /** Where this process listens: another one than the issuer where ISSUER is given. */
  readonly origin: string;
  readonly databaseUrl: string;
  /** Every line the service has logged. */
  readonly lines: string[];
  /** Moves the service's clock; what it keeps in its tokens (iat, exp) stays on real time. */
  advance(seconds: number): void;
  /** The names of its background jobs. */
  readonly jobs: readonly string[];
  /** Does what the background job of this name would do, until there is nothing left that is due; answers how much it was. */
  runJob(name: string): Promise<number>;
}

export interface TestAppOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** The demo world with its pages; on unless false. */
  readonly demo?: boolean;
  /** The demo plays the social providers, so that each is on. */
  readonly social?: boolean;
  readonly databaseUrl?: string;
}

export async function startApp(
  t: Test,
  { env = {}, demo = true, social = false, databaseUrl }: TestAppOptions = {},
): Promise<TestApp> {
  const url = databaseUrl ?? (await createDatabase(t));
  const port = await freePort();
  const origin = `http://127.0.0.1:${port}`;
  const config = {
    ...testConfig({
      PORT: String(port),
      HOST: '127.0.0.1',
      ISSUER: origin,
      DATABASE_URL: url,
      // a machine that has much else to do is no flood
      PASSWORD_WAIT_SECONDS: '20',
      ...(social && { SOCIAL_URL: `${origin}/demo/idp/social` }),
      ...env,
    }),
    demo,
    databaseUrl: url,
  };
  const lines: string[] = [];
  let offset = 0;
  compareAnswers(t);
  const { server, ctx, jobs } = await buildApp({
    config,
    log: logTo(lines),
    now: () => new Date(Date.now() + offset),
  });
  t.teardown(() => server.close());
  await server.listen({ port, host: '127.0.0.1' });
  return {
    ctx,
    issuer: config.issuer,
    origin,
    databaseUrl: url,
    lines,
    advance: (seconds) => {
      offset += seconds * 1000;
    },
    jobs: jobs.map(({ name }) => name),
    runJob: async (name) => {
      const job = jobs.find((candidate) => candidate.name === name);
      if (!job) throw new Error(`there is no job ${name}`);
      let total = 0;
      for (let done = -1; done !== 0; total += done) done = (await job.run(ctx)) ?? 0;
      return total;
    },
  };
}

const testKeys = {
  SECRET_KEYS: randomBytes(32).toString('base64url'),
  COOKIE_KEYS: randomBytes(32).toString('base64url'),
};

export function testConfig(env: Readonly<Record<string, string>>): Config {
  return loadConfig({ ...testKeys, ...env });
}

function logTo(lines: string[]) {
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      lines.push(chunk.toString().trimEnd());
      done();
    },
  });
  return pino({ level: 'debug', base: null }, stream);
}

/**
 * A port nobody listens on: the issuer must be known before the service is built. Below those that the system gives out by
 * itself, for a port in between could be given to another process before it is used.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(20_000, 32_000);
    if (await isFree(port)) return port;
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => {
      resolve(false);
    });
    probe.listen(port, '127.0.0.1', () =>
      probe.close(() => {
        resolve(true);
      }),
    );
  });
}
