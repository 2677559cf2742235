/** Hears which statements the service sends to PostgreSQL: a proxy in between that reads the wire protocol. */
import type { Test } from 'tap';
import { messageReader } from './postgres-messages.ts';
import { addressBy, serverOf, startRelay } from './relay.ts';

export interface Overheard {
  /** The same database, through the proxy. */
  readonly databaseUrl: string;
  /**
   * The text of every statement executed since the last call, in alphabetical order; but for the upkeep of the keys, which
   * every process sees to every few seconds, whatever it is asked for, and the check of a new connection.
   */
  take(): string[];
}

/** Listens on loopback and hands everything on to the server of `databaseUrl`, on whatever it listens. */
export async function overhearStatements(t: Test, databaseUrl: string): Promise<Overheard> {
  const heard: string[] = [];
  const { port } = await startRelay(t, {
    target: () => serverOf(databaseUrl),
    join(client, server) {
      const hear = outsideUpkeep((texts) => heard.push(...texts));
      client.on('data', statementReader(hear));
      client.pipe(server);
      server.pipe(client);
    },
  });
  return { databaseUrl: addressBy(databaseUrl, port), take: () => heard.splice(0).sort() };
}

const upkeep = /\b(signing_keys|key_holders|key_uses|timelines)\b/;

/** Hands on what one connection executes, a whole transaction at its end, unless that is about the keys. */
function outsideUpkeep(onStatements: (texts: readonly string[]) => void): (text: string) => void {
  let transaction: string[] | undefined;
  const handOn = (texts: readonly string[]) => {
    if (!texts.some((text) => upkeep.test(text))) onStatements(texts);
  };
  return (text) => {
    if (/^begin\b/.test(text)) transaction = [];
    if (!transaction) handOn([text]);
    else {
      transaction.push(text);
      if (!/^(commit|rollback)\b/.test(text)) return;
      handOn(transaction);
      transaction = undefined;
    }
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
