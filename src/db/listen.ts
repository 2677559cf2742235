/** LISTEN on a connection of its own, for as long as the process lives. A hint only: every listener also polls or expires. */
import pg from 'pg';
import { cutOff, keepAlive } from './wire.ts';

export interface Listener {
  /** Whether notifications arrive, as far as the connection can tell. */
  isListening(): boolean;
  close(): Promise<void>;
}

export interface ListenOptions {
  /** What is done with a notification, by its channel. */
  readonly channels: Readonly<Record<string, (payload: string) => void>>;
  /** The connection was lost, so notifications may have been: forget everything. */
  readonly onLost: (error: Error) => void;
  /** It stands again. What was read in between may have changed unheard: forget that, too. */
  readonly onBack: () => void;
}

const retryMs = 1000;
/** A wire that swallows everything is silent like one on which nothing happens, so it is asked. */
const heartbeatMs = 10_000;
const patienceMs = 5000;

/** Answers when LISTEN stands; afterwards it reconnects by itself. */
export async function listen(url: string, options: ListenOptions): Promise<Listener> {
  let client: pg.Client | undefined;
  let retry: NodeJS.Timeout | undefined;
  let isClosed = false;
  let isHeard = false;

  const start = async (): Promise<void> => {
    const fresh = newClient(url);
    client = fresh;
    fresh.on('notification', ({ channel, payload }) => {
      options.channels[channel]?.(payload ?? '');
    });
    fresh.on('error', (error) => {
      lose(fresh, error);
    });
    try {
      await fresh.connect();
      const channels = Object.keys(options.channels).map((channel) => pg.escapeIdentifier(channel));
      await fresh.query(channels.map((channel) => `listen ${channel}`).join('; '));
    } catch (error) {
      lose(fresh, error as Error);
      throw error;
    }
    isHeard = client === fresh;
  };

  const again = async (): Promise<void> => {
    await start();
    if (isHeard) options.onBack();
  };

  /** Once for each connection, whoever notices first; and begins anew in a second. */
  const lose = (lost: pg.Client, error: Error): void => {
    if (isClosed || client !== lost) return;
    client = undefined;
    isHeard = false;
    cutOff(lost);
    options.onLost(error);
    retry = setTimeout(() => void again().catch(() => {}), retryMs);
    retry.unref();
  };

  const heartbeat = setInterval(() => {
    const asked = client;
    asked?.query('select 1').catch((error: unknown) => {
      lose(asked, error as Error);
    });
  }, heartbeatMs).unref();

  const close = async (): Promise<void> => {
    isClosed = true;
    clearTimeout(retry);
    clearInterval(heartbeat);
    if (client) cutOff(client);
    return Promise.resolve();
  };

  try {
    await start();
  } catch (error) {
    await close();
    throw error;
  }
  return { isListening: () => isHeard, close };
}

function newClient(url: string): pg.Client {
  return new pg.Client({
    connectionString: url,
    application_name: 'doorward listener',
    connectionTimeoutMillis: patienceMs,
    query_timeout: patienceMs,
    ...keepAlive,
  });
}
