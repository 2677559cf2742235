import { sql } from 'kysely';
import type { Logger } from 'pino';
import type { Config } from '../../config/load.ts';
import type { Context } from '../context.ts';
import { withUsedKeys } from '../core/key-rings/key-rings.ts';
import { followDatabaseClock } from '../db/clock.ts';
import { connect, type Db } from '../db/connect.ts';
import { createSafeFetch } from '../fetch.ts';
import { createGate } from '../kernel/gate.ts';

export interface CommandContext {
  readonly ctx: Context;
  close(): Promise<void>;
}

/**
 * With the keys that the service uses; of a database that is not migrated yet, with those of the settings. Throws when the
 * settings lack the key that the service seals with.
 */
export async function withServiceKeys(ctx: Context): Promise<Context> {
  return (await hasKeyUses(ctx.db)) ? { ...ctx, config: await withUsedKeys(ctx.db, ctx.config) } : ctx;
}

/** A database that does not answer fails whatever the command does with it; what was typed wrong is said before. */
async function hasKeyUses(db: Db): Promise<boolean> {
  const there = sql<{ isThere: boolean }>`select to_regclass('key_uses') is not null as is_there`.execute(db);
  return there.then(
    ({ rows }) => rows[0]?.isThere === true,
    () => false,
  );
}

/** What a command may reach: the same as a request, on the given database. */
export async function openCommandContext(config: Config, log: Logger): Promise<CommandContext> {
  if (config.databaseUrl === undefined)
    throw new Error('commands need DATABASE_URL: the demo keeps its database to itself');
  const db = connect(config.databaseUrl, { max: 2 });
  const { fetch, close } = createSafeFetch({ allowLoopbackAndHttp: !config.production });
  const hashGate = createGate({ slots: 1, queue: 1000, waitMs: 60_000 });
  // a database that does not answer fails whatever the command does with it
  const now = await followDatabaseClock(db, log).catch(() => () => new Date());
  const ctx: Context = { config, db, now, log, fetch, hashGate, origin: {} };
  return {
    ctx,
    close: async () => {
      await close();
      await db.destroy();
    },
  };
}
