/** A wire to PostgreSQL on which every statement can be seen, and cut off just before or just after it is done. */
import type { Socket } from 'node:net';
import type { Test } from 'tap';
import { messageReader } from './postgres-messages.ts';
import { addressBy, serverOf, startRelay } from './relay.ts';

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

export async function startSqlWire(t: Test, databaseUrl: string, watcher: Watcher): Promise<SqlWire> {
  let target = serverOf(databaseUrl);
  let isCut = false;
  const { port, sockets } = await startRelay(t, {
    target: () => target,
    refuses: () => isCut,
    join: (near, far) => {
      join(near, far, watcher);
    },
  });
  return {
    databaseUrl: addressBy(databaseUrl, port),
    cut: () => {
      isCut = true;
      for (const socket of sockets) socket.destroy();
    },
    restore: () => {
      isCut = false;
    },
    leadTo: (url) => {
      target = serverOf(url);
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
}

/** What a client begins to execute with the bytes it sends, in the words of its SQL: with Bind, or a simple Query. */
function statementReader(): (bytes: Buffer) => string[] {
  let statements: string[] = [];
  let firstWrite = '';
  const texts = new Map<string, string>();
  const told = (text: string): string => {
    if (/^begin/i.test(text)) firstWrite = '';
    else if (/^(insert|update|delete|with)/i.test(text)) firstWrite ||= text;
    return /^commit/i.test(text) ? `commit of ${firstWrite || 'nothing'}` : text;
  };
  const read = messageReader((type, body) => {
    const [first = '', second = ''] = body.toString('utf8').split('\0', 2);
    if (type === 'P') texts.set(first, second.replaceAll(/\s+/g, ' ').trim());
    const text =
      type === 'B' ? texts.get(second) : type === 'Q' ? first.replaceAll(/\s+/g, ' ').trim() : undefined;
    if (text !== undefined) statements.push(told(text));
  });
  return (bytes) => {
    statements = [];
    read(bytes);
    return statements;
  };
}
