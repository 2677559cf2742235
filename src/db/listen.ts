/** LISTEN on a connection of its own, for as long as the process lives. A hint only: every listener also polls or expires. */
import pg from 'pg';

export interface Listener {
  close(): Promise<void>;
}

export interface ListenOptions {
  /** What is done with a notification, by its channel. */
  readonly channels: Readonly<Record<string, (payload: string) => void>>;
  /** The connection was lost, so notifications may have been: forget everything. */
  readonly onLost: (error: Error) => void;
}

const retryMs = 1000;

/** Answers when LISTEN stands; afterwards it reconnects by itself. */
export async function listen(url: string, options: ListenOptions): Promise<Listener> {
  let closed = false;
  let client: pg.Client | undefined;
  let retry: NodeJS.Timeout | undefined;

  const start = async (): Promise<void> => {
    const fresh = new pg.Client({
      connectionString: url,
      application_name: 'doorward listener',
      keepAlive: true,
    });
    client = fresh;
    fresh.on('notification', ({ channel, payload }) => {
      options.channels[channel]?.(payload ?? '');
    });
    fresh.once('error', lost);
    await fresh.connect();
    const channels = Object.keys(options.channels).map((channel) => pg.escapeIdentifier(channel));
    await fresh.query(channels.map((channel) => `listen ${channel}`).join('; '));
  };

  const lost = (error: Error): void => {
    if (closed) return;
    options.onLost(error);
    void client?.end().catch(() => {});
    retry = setTimeout(() => void start().catch(lost), retryMs);
    retry.unref();
  };

  await start();
  return {
    async close() {
      closed = true;
      clearTimeout(retry);
      await client?.end();
    },
  };
}
