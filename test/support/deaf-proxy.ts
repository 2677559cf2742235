/** A wire to PostgreSQL on which the connection that listens for notifications can be cut, or fall silent. */
import type { Socket } from 'node:net';
import type { Test } from 'tap';
import { addressBy, serverOf, startRelay } from './relay.ts';

export interface DeafProxy {
  /** The same database, through the proxy. */
  readonly databaseUrl: string;
  /** Ends the connections that listen, and every new one that would. */
  cut(): void;
  /** They stay, and nothing comes through any more: nobody is told. */
  mute(): void;
  /** From now on whoever connects can listen again. */
  restore(): void;
}

/** Every other connection is left alone. Who listens says so with its name. */
export async function startDeafProxy(t: Test, databaseUrl: string): Promise<DeafProxy> {
  const listening = new Map<Socket, Socket>();
  let mood: 'hears' | 'cut' | 'mute' = 'hears';
  const { port } = await startRelay(t, {
    target: () => serverOf(databaseUrl),
    join(near, far) {
      near.once('data', (bytes) => {
        const isListener = bytes.includes('doorward listener');
        if (isListener) listening.set(near, far);
        if (isListener && mood === 'cut') near.destroy();
        else if (isListener && mood === 'mute') far.unpipe(near);
      });
      near.pipe(far);
      far.pipe(near);
    },
  });
  return {
    databaseUrl: addressBy(databaseUrl, port),
    cut() {
      mood = 'cut';
      for (const near of listening.keys()) near.destroy();
    },
    mute() {
      mood = 'mute';
      for (const [near, far] of listening) far.unpipe(near);
    },
    restore() {
      mood = 'hears';
      for (const near of listening.keys()) near.destroy();
    },
  };
}
