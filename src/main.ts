/** Starts the service: configuration, database, app, listen; drains on SIGTERM. */
import path from 'node:path';
import closeWithGrace from 'close-with-grace';
import { type Config, ConfigurationError, loadConfig } from '../config/load.ts';
import { buildApp } from './app.ts';
import { MigrationRefused } from './db/grants.ts';
import { waitForDatabase } from './db/health.ts';
import { DatabaseTrouble } from './db/trouble.ts';
import { createLog } from './log.ts';
import { giveBackStartMemory } from './start-memory.ts';
import { letEventLoopGoFirst } from './thread-pool.ts';

/** Until there is something to drain. Nothing ends the first process of a container by a signal that it does not hear. */
const endAtOnce = (): never => process.exit(0);
const signals = ['SIGTERM', 'SIGINT'] as const;
for (const signal of signals) process.once(signal, endAtOnce);

try {
  await start(loadConfig());
} catch (error) {
  // what is wrong with a configuration is for the operator to read; of anything else the stack helps too
  process.stderr.write(`${error instanceof ConfigurationError ? error.message : describe(error)}\n`);
  process.exit(1);
}

async function start(config: Config): Promise<void> {
  const log = createLog(config);
  process.on('warning', (warning) => log.warn({ err: warning }, 'the process warns'));
  const database = await openDatabase(config);
  await waitForDatabase(database.url, {
    seconds: config.database.startSeconds,
    onWaiting: ({ reason }) => log.warn({ reason }, 'waits for the database'),
  });
  const { server, drain } = await buildApp({
    config: { ...config, databaseUrl: database.url },
    log,
    background: true,
  });
  // Signals, and what nobody has caught (uncaughtException, unhandledRejection): after that nobody knows in what state we
  // are. Nothing new is taken, what is under way gets its seconds, and the process ends with 1 to be started anew.
  const delay = Math.max(10, config.drainSeconds + 5) * 1000;
  closeWithGrace({ delay, logger: log }, async ({ err, signal }) => {
    if (err) log.fatal({ err }, 'closing: nobody has caught this error');
    else await drain();
    log.info({ signal }, 'closing: finishes what is under way');
    await server.close();
    await database.stop();
  });
  for (const signal of signals) process.off(signal, endAtOnce);
  giveBackStartMemory();
  await server.listen({ port: config.port, host: config.host });
  await letEventLoopGoFirst();
  log.info(`ready at ${config.issuer}`);
  if (config.demo && process.stdout.isTTY)
    process.stdout.write(`\n  The demo is at ${config.issuer} (Ctrl-C stops it)\n\n`);
}

/** The given database, or an embedded PostgreSQL of our own for the demo. */
async function openDatabase({
  databaseUrl,
  dataDir,
}: Config): Promise<{ url: string; stop(): Promise<void> }> {
  if (databaseUrl !== undefined) return { url: databaseUrl, stop: () => Promise.resolve() };
  const { startEmbeddedPostgres } = await import('./db/embedded.ts');
  const server = await startEmbeddedPostgres({ dir: path.resolve(dataDir, 'postgres'), durable: true });
  return { url: server.url('postgres'), stop: () => server.stop() };
}

function describe(error: unknown): string {
  // of what an operator can mend, the stack says nothing more
  if (error instanceof DatabaseTrouble || error instanceof MigrationRefused)
    return `Doorward did not start: ${error.message}`;
  return error instanceof Error ? `Doorward did not start: ${error.stack ?? error.message}` : String(error);
}
