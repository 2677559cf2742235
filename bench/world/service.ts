/** The service as production runs it: its own process, its own configuration, a PostgreSQL that keeps what it confirms. */
import { randomBytes } from 'node:crypto';
import { pino } from 'pino';
import { loadConfig } from '../../config/load.ts';
import { openCommandContext } from '../../src/cli/context.ts';
import type { Context } from '../../src/context.ts';
import { connect } from '../../src/db/connect.ts';
import { migrateToLatest } from '../../src/db/migrate.ts';
import { freePort } from '../../test/support/app.ts';
import { issuer } from '../drive/target.ts';
import { type Served, serve } from './process.ts';

const key = (): string => randomBytes(32).toString('base64url');

/** Of all services of a run: what one of them has sealed or signed, the others must be able to read. */
export const keys = { SECRET_KEYS: key(), COOKIE_KEYS: key() };

export interface Service extends Served {
  /** Where its metrics are. */
  readonly metricsOrigin: string;
}

export async function startService(
  databaseUrl: string,
  env: Readonly<Record<string, string>> = {},
): Promise<Service> {
  const [port, metricsPort] = [await freePort(), await freePort()];
  const served = await serve({
    command: [process.execPath, 'src/main.ts'],
    port,
    readyPath: '/readyz',
    env: {
      NODE_ENV: 'production',
      ISSUER: issuer,
      DATABASE_URL: databaseUrl,
      TRUSTED_PROXIES: '127.0.0.1',
      METRICS_PORT: String(metricsPort),
      ...keys,
      ...env,
    },
  });
  return { ...served, metricsOrigin: `http://127.0.0.1:${metricsPort}` };
}

/** The service's own operations on a database that nobody serves yet: to migrate it, and to make what must be there. */
export async function arrange(databaseUrl: string, work: (ctx: Context) => Promise<void>): Promise<void> {
  const db = connect(databaseUrl, { max: 1 });
  await migrateToLatest(db).finally(() => db.destroy());
  const config = loadConfig({ ISSUER: issuer, DATABASE_URL: databaseUrl, ...keys });
  const { ctx, close } = await openCommandContext(config, pino({ level: 'silent' }));
  await work(ctx).finally(close);
}
