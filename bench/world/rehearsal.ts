/** The demo in a process of its own, for its identity providers; its product apps and its database nobody asks. */
import { pino } from 'pino';
import { loadConfig } from '../../config/load.ts';
import { buildApp } from '../../src/app.ts';

const config = loadConfig();
if (config.databaseUrl === undefined) throw new Error('DATABASE_URL is missing');
const { server } = await buildApp({
  config: { ...config, databaseUrl: config.databaseUrl, demo: true },
  log: pino({ level: 'silent' }),
});
await server.listen({ host: config.host, port: config.port });
