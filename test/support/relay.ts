/** A TCP relay on loopback before any server: what the proxies of the tests are made of. */
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import pg from 'pg';
import type { Test } from 'tap';

export type Target = { readonly host?: string; readonly port: number } | { readonly path: string };

export interface RelayOptions {
  /** Asked for each connection. */
  readonly target: () => Target;
  /** Cuts a new connection off at once. */
  readonly refuses?: () => boolean;
  /** Carries between the two ends. That one of them ends the other is seen to already. */
  readonly join: (near: Socket, far: Socket) => void;
}

export interface Relay {
  readonly port: number;
  /** Both ends of every connection there is. */
  readonly sockets: ReadonlySet<Socket>;
}

export async function startRelay(t: Test, { target, refuses, join }: RelayOptions): Promise<Relay> {
  const sockets = new Set<Socket>();
  const server = createServer((near) => {
    if (refuses?.() === true) {
      near.resetAndDestroy();
      return;
    }
    const to = target();
    const far = connect('path' in to ? to : { host: '127.0.0.1', ...to });
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(socket);
      socket.setNoDelay(true).on('error', () => socket.destroy());
      socket.once('close', () => {
        sockets.delete(socket);
        other.destroy();
      });
    }
    join(near, far);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  return { port: (server.address() as AddressInfo).port, sockets };
}

/** The server behind the address of a database, on whatever it listens. */
export function serverOf(databaseUrl: string): Target {
  const { host, port } = new pg.Client(databaseUrl);
  return host.startsWith('/') ? { path: `${host}/.s.PGSQL.${port}` } : { host, port };
}

/** The same user and database at a port of this machine. */
export function addressBy(databaseUrl: string, port: number): string {
  const { user = '', password, database = '' } = new pg.Client(databaseUrl);
  const address = new URL(`postgres://127.0.0.1:${port}/${database}`);
  address.username = user;
  address.password = password ?? '';
  return address.href;
}
