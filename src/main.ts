/** Starts the service: configuration, database, app, listen; drains on SIGTERM. */
import path from 'node:path';
import closeWithGrace from 'close-with-grace';
import { type Config, ConfigurationError, loadConfig } from '../config/load.ts';
import { buildApp } from './app.ts';
import { createLog } from './log.ts';

const config = readConfig();
const log = createLog(config);
const database = await openDatabase(config);
const { server } = await buildApp({ config: { ...config, databaseUrl: database.url }, log });

closeWithGrace({ delay: 10_000, logger: log }, async ({ err }) => {
  if (err) log.error({ err }, 'closing after an unexpected error');
  await server.close();
  await database.stop();
});

await server.listen({ port: config.port, host: config.host });
log.info(`${config.demo ? 'The demo' : 'Doorward'} is ready at ${config.issuer}`);

function readConfig(): Config {
  try {
    return loadConfig();
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exit(1);
  }
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
