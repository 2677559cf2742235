/** A wire that can be cut: a TCP proxy before any server, which loses an answer at the moment that is asked for. */
import { connect, createServer, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';
import type { Test } from 'tap';

export interface CutProxy {
  readonly port: number;
  /** The next time something like this is sent, it arrives, and its answer does not: both ends are cut off. */
  cutAfter(sent: string | RegExp): void;
  /** How often that was. */
  readonly cuts: number;
}

export async function startCutProxy(
  t: Test,
  target: { readonly port: number; readonly host?: string } | { readonly path: string },
): Promise<CutProxy> {
  let pending: string | RegExp | undefined;
  let cuts = 0;
  const sockets = new Set<Socket>();
  const server = createServer((near) => {
    const far = connect('path' in target ? target : { host: '127.0.0.1', ...target });
    let isLost = false;
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on('error', () => socket.destroy());
    }
    near.on('data', (bytes) => {
      const text = bytes.toString('latin1');
      if (
        pending !== undefined &&
        (typeof pending === 'string' ? text.includes(pending) : pending.test(text))
      ) {
        pending = undefined;
        isLost = true;
        cuts += 1;
      }
      far.write(bytes);
    });
    far.on('data', (bytes) => {
      if (!isLost) near.write(bytes);
      else {
        near.destroy();
        far.destroy();
      }
    });
    near.on('close', () => far.destroy());
    far.on('close', () => near.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  return {
    port: (server.address() as AddressInfo).port,
    cutAfter: (sent) => {
      pending = sent;
    },
    get cuts() {
      return cuts;
    },
  };
}
