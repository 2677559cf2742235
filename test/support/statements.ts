/** Hears which statements the service sends to PostgreSQL: a proxy in between that reads the wire protocol. */
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import pg from 'pg';
import type { Test } from 'tap';

export interface Overheard {
  /** The same database, through the proxy. */
  readonly databaseUrl: string;
  /**
   * The text of every statement executed since the last call, in alphabetical order; but for the signing keys, which
   * every few seconds some request looks up anew.
   */
  take(): string[];
}

/** Listens on loopback and hands everything on to the server of `databaseUrl`, on whatever it listens. */
export async function overhearStatements(t: Test, databaseUrl: string): Promise<Overheard> {
  const { host, port, user = '', password, database = '' } = new pg.Client(databaseUrl);
  const heard: string[] = [];
  const sockets = new Set<Socket>();
  const proxy = createServer((client) => {
    const server = host.startsWith('/') ? connect(`${host}/.s.PGSQL.${port}`) : connect(port, host);
    client.on(
      'data',
      statementReader((statement) => heard.push(statement)),
    );
    for (const [socket, other] of [
      [client, server],
      [server, client],
    ] as const) {
      sockets.add(socket);
      socket.pipe(other);
      socket.once('error', () => other.destroy());
    }
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  t.teardown(() => {
    for (const socket of sockets) socket.destroy();
    proxy.close();
  });
  const address = new URL(`postgres://127.0.0.1:${(proxy.address() as AddressInfo).port}/${database}`);
  address.username = user;
  address.password = password ?? '';
  return {
    databaseUrl: address.href,
    take: () =>
      heard
        .splice(0)
        .filter((text) => !text.includes('"signing_keys"'))
        .sort(),
  };
}

/** Follows one connection: what Parse names, Bind chooses and Execute runs; a simple Query is all three at once. */
function statementReader(onStatement: (text: string) => void): (chunk: Buffer) => void {
  const prepared = new Map<string, string>();
  let bound = '';
  return messageReader((type, body) => {
    const [first = '', second = ''] = body.toString('latin1').split('\0', 2);
    if (type === 'P') prepared.set(first, second);
    if (type === 'B') bound = prepared.get(second) ?? '';
    if (type === 'E') onStatement(bound);
    if (type === 'Q') onStatement(first);
  });
}

/** Cuts what a client sends into messages: a letter, a length, a body; only the first one has no letter. */
function messageReader(onMessage: (type: string, body: Buffer) => void): (chunk: Buffer) => void {
  let rest = Buffer.alloc(0);
  let letters = 0;
  return (chunk) => {
    rest = Buffer.concat([rest, chunk]);
    while (rest.length >= letters + 4) {
      const end = letters + rest.readInt32BE(letters);
      if (rest.length < end) return;
      if (letters > 0) onMessage(rest.toString('latin1', 0, 1), rest.subarray(letters + 4, end));
      rest = rest.subarray(end);
      letters = 1;
    }
  };
}
