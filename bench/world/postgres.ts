/** The PostgreSQL of a run: a real one, that keeps what it has confirmed, and counts its statements. */
import pg from 'pg';
import { startEmbeddedPostgres } from '../../src/db/embedded.ts';
import { parentOf } from '../measure/cpu.ts';

export interface BenchPostgres {
  /** Of its first process. */
  readonly pid: number;
  readonly version: string;
  url(database: string): string;
  createDatabase(name: string, template?: string): Promise<string>;
  dropDatabase(name: string): Promise<void>;
  stop(): Promise<void>;
}

/** Chosen once, for both sides alike: what an operator would set on a small machine, and nothing that risks data. */
const settings = [
  'shared_buffers=512MB',
  'max_wal_size=4GB',
  'checkpoint_timeout=15min',
  'shared_preload_libraries=pg_stat_statements',
  'pg_stat_statements.track_utility=on',
];

/** An address of loopback that nobody else's PostgreSQL listens on, for whoever knows no Unix sockets. */
export const tcpHost = '127.0.0.2';

export async function startPostgres({ isOnTcp }: { readonly isOnTcp: boolean }): Promise<BenchPostgres> {
  const addresses = isOnTcp ? [`listen_addresses=${tcpHost}`] : [];
  const server = await startEmbeddedPostgres({ durable: true, settings: [...settings, ...addresses] });
  try {
    await prepareTemplate(server.url('template1'));
    const control = new pg.Client(server.url('postgres'));
    await control.connect();
    const { rows } = await control.query<{ pid: number; version: string }>(
      `select pg_backend_pid() as pid, current_setting('server_version') as version`,
    );
    const { pid, version } = rows[0] ?? { pid: 0, version: '' };
    const quoted = (name: string): string => pg.escapeIdentifier(name);
    return {
      pid: await parentOf(pid),
      version,
      url: (database) => server.url(database),
      async createDatabase(name, template = 'template1') {
        await control.query(`create database ${quoted(name)} template ${quoted(template)}`);
        return server.url(name);
      },
      async dropDatabase(name) {
        await control.query(`drop database if exists ${quoted(name)} with (force)`);
      },
      async stop() {
        await control.end();
        await server.stop();
      },
    };
  } catch (error) {
    await server.stop();
    throw error;
  }
}

/** Every database of the run is a copy of this one. */
async function prepareTemplate(url: string): Promise<void> {
  const client = new pg.Client(url);
  await client.connect();
  await client.query('create extension pg_stat_statements');
  await client.end();
}
