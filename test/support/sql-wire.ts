/** A wire to PostgreSQL on which every statement can be seen, and cut off just before or just after it is done. */
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import type { Test } from 'tap';

/** `before`: it never arrives. `after`: it is done, and nobody is told. */
export type Verdict = 'pass' | 'before' | 'after';

export interface SqlWire {
  /** The database by way of the wire. */
  readonly databaseUrl: string;
  /** Cuts everything that is connected, and lets nobody in until `restore`. */
  cut(): void;
  restore(): void;
  /** From now on another server, at this address, with the same databases. */
  leadTo(databaseUrl: string): void;
}

export interface Watcher {
  /** Asked about each statement; a commit is called `commit of <the first write of its transaction>`. */
  judge(statement: string): Verdict;
  /** The moment has come: from now on this connection tells neither side anything. */
  lost(): void;
}

type Target = { readonly host: string; readonly port: number } | { readonly path: string };

export async function startSqlWire(t: Test, databaseUrl: string, watcher: Watcher): Promise<SqlWire> {
  let target = targetOf(databaseUrl);
  let isCut = false;
  const sockets = new Set<Socket>();
  const server = createServer((near) => {
    if (isCut) {
      near.resetAndDestroy();
      return;
    }
    const far = connect(target);
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.setNoDelay(true).on('error', () => socket.destroy());
      socket.once('close', () => sockets.delete(socket));
    }
    join(near, far, watcher);
  });
  const cut = (): void => {
    isCut = true;
    for (const socket of sockets) socket.destroy();
  };
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(async () => {
    cut();
    await new Promise((resolve) => server.close(resolve));
  });
  return {
    databaseUrl: addressBy(databaseUrl, (server.address() as AddressInfo).port),
    cut,
    restore: () => {
      isCut = false;
    },
    leadTo: (url) => {
      target = targetOf(url);
    },
  };
}

function join(near: Socket, far: Socket, { judge, lost }: Watcher): void {
  const statementsIn = statementReader();
  let state: 'open' | 'doing the last' | 'dead' = 'open';
  const die = (): void => {
    state = 'dead';
    lost();
  };
  near.on('data', (bytes) => {
    if (state !== 'open') return;
    const verdicts = statementsIn(bytes).map(judge);
    if (verdicts.includes('before')) {
      die();
      return;
    }
    if (verdicts.includes('after')) state = 'doing the last';
    far.write(bytes);
  });
  far.on('data', (bytes) => {
    if (state === 'doing the last') die();
    else if (state === 'open') near.write(bytes);
  });
  near.on('close', () => far.destroy());
  far.on('close', () => near.destroy());
}

/** What a client begins to execute with the bytes it sends, in the words of its SQL. */
function statementReader(): (bytes: Buffer) => string[] {
  let rest = Buffer.alloc(0);
  let hasStarted = false;
  let firstWrite = '';
  const texts = new Map<string, string>();
  const told = (text: string): string => {
    if (/^begin/i.test(text)) firstWrite = '';
    else if (/^(insert|update|delete|with)/i.test(text)) firstWrite ||= text;
    return /^commit/i.test(text) ? `commit of ${firstWrite || 'nothing'}` : text;
  };
  return (bytes) => {
    rest = Buffer.concat([rest, bytes]);
    const statements: string[] = [];
    for (;;) {
      const start = hasStarted ? 1 : 0; // the first message of a connection has no type
      if (rest.length < start + 4) return statements;
      const end = start + rest.readInt32BE(start);
      if (rest.length < end) return statements;
      const text = hasStarted ? read(rest.subarray(0, end), texts) : undefined;
      if (text !== undefined) statements.push(told(text));
      rest = rest.subarray(end);
      hasStarted = true;
    }
  };
}

/** The SQL of a Query or Bind; a Parse is remembered by its name. */
function read(message: Buffer, texts: Map<string, string>): string | undefined {
  const [first = '', second = ''] = message.toString('utf8', 5).split('\0', 2);
  switch (String.fromCharCode(message[0] ?? 0)) {
    case 'P':
      texts.set(first, second.replaceAll(/\s+/g, ' ').trim());
      return undefined;
    case 'B':
      return texts.get(second);
    case 'Q':
      return first.replaceAll(/\s+/g, ' ').trim();
    default:
      return undefined;
  }
}

function targetOf(databaseUrl: string): Target {
  const url = new URL(databaseUrl);
  const socket = url.searchParams.get('host');
  const port = Number(url.port || (url.searchParams.get('port') ?? 5432));
  return socket?.startsWith('/')
    ? { path: `${socket}/.s.PGSQL.${port}` }
    : { host: socket ?? url.hostname, port };
}

/** The same user and database at a port of this machine. */
export function addressBy(databaseUrl: string, port: number): string {
  const url = new URL(databaseUrl);
  const user = url.username || (url.searchParams.get('user') ?? 'postgres');
  const password = url.password === '' ? '' : `:${url.password}`;
  return `postgres://${user}${password}@127.0.0.1:${port}${url.pathname}`;
}
