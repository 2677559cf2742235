/** A wire to PostgreSQL on which the connection that listens for notifications can be cut, or fall silent. */
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import pg from 'pg';
import type { Test } from 'tap';

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
  const { host, port, user = '', password, database = '' } = new pg.Client(databaseUrl);
  const sockets = new Set<Socket>();
  const listening = new Map<Socket, Socket>();
  let mood: 'hears' | 'cut' | 'mute' = 'hears';
  const server = createServer((near) => {
    const far = host.startsWith('/') ? connect(`${host}/.s.PGSQL.${port}`) : connect(port, host);
    near.once('data', (bytes) => {
      const isListener = bytes.includes('doorward listener');
      if (isListener) listening.set(near, far);
      if (isListener && mood === 'cut') near.destroy();
      else if (isListener && mood === 'mute') far.unpipe(near);
    });
    near.pipe(far);
    far.pipe(near);
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(socket);
      socket.on('error', () => socket.destroy());
      socket.once('close', () => other.destroy());
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const address = new URL(`postgres://127.0.0.1:${(server.address() as AddressInfo).port}/${database}`);
  address.username = user;
  address.password = password ?? '';
  return {
    databaseUrl: address.href,
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
