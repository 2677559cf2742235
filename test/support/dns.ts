/** DNS servers on loopback, over UDP and TCP, whose records tests change. */
import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';
import {
  decode,
  encode,
  type Packet,
  streamDecode,
  streamEncode,
  type StringAnswer,
  type TxtAnswer,
} from 'dns-packet';
import type { Test } from 'tap';
import { freePort } from './app.ts';

export interface DnsServer {
  /** As the setting DNS_RESOLVERS has it. */
  readonly address: string;
  /** What was asked for, in lower case and in order. */
  readonly asked: string[];
  /** Sets the texts of a name, each in one piece or in several; none means that the name has no TXT record. */
  setTxt(name: string, ...texts: (string | readonly string[])[]): void;
  setAlias(name: string, target: string): void;
  /** Afterwards the name does not exist. */
  remove(name: string): void;
  /** How it answers from now on: by its records, with an error code, or not at all. */
  answerWith(mood: Mood): void;
  /** From now on it holds its answers back until it was asked so often, and then gives them all at once. */
  gather(questions: number): void;
}

export type Mood = 'records' | 'SERVFAIL' | 'REFUSED' | 'silence';

type Answers = readonly (TxtAnswer | StringAnswer)[];

export async function startDns(t: Test): Promise<DnsServer> {
  const zone = new Map<string, Answers>();
  const asked: string[] = [];
  let mood: Mood = 'records';
  let expected = 0;
  const waiting: (() => void)[] = [];
  const turn = (): Promise<void> =>
    new Promise((resolve) => {
      waiting.push(resolve);
      if (waiting.length >= expected) for (const proceed of waiting.splice(0)) proceed();
    });
  const respond = async (query: Packet): Promise<Packet | undefined> => {
    await turn();
    const name = query.questions?.[0]?.name.toLowerCase() ?? '';
    asked.push(name);
    if (mood === 'silence') return undefined;
    const found = mood === 'records' ? lookUp(zone, name) : [];
    const code = mood === 'records' ? (found ? 0 : NXDOMAIN) : mood === 'SERVFAIL' ? 2 : 5;
    return {
      type: 'response',
      id: query.id ?? 0,
      flags: RECURSION_DESIRED | RECURSION_AVAILABLE | code,
      questions: query.questions ?? [],
      answers: [...(found ?? [])],
    };
  };
  const port = await listenOn(t, respond);
  return {
    address: `127.0.0.1:${port}`,
    asked,
    setTxt: (name, ...texts) =>
      void zone.set(
        name,
        texts.map((text): TxtAnswer => ({ type: 'TXT', name, ttl: 0, data: [text].flat() })),
      ),
    setAlias: (name, target) => void zone.set(name, [{ type: 'CNAME', name, ttl: 0, data: target }]),
    remove: (name) => void zone.delete(name),
    answerWith: (next) => {
      mood = next;
    },
    gather: (questions) => {
      expected = questions;
    },
  };
}

const RECURSION_DESIRED = 1 << 8;
const RECURSION_AVAILABLE = 1 << 7;
const TRUNCATED = 1 << 9;
const NXDOMAIN = 3;
const maxDatagram = 1232;

/** Aliases are followed, as a resolver does; undefined when the name, or what it stands for, does not exist. */
function lookUp(zone: ReadonlyMap<string, Answers>, name: string): Answers | undefined {
  const answers = zone.get(name);
  const alias = answers?.find((answer) => answer.type === 'CNAME');
  if (alias?.type !== 'CNAME') return answers;
  return [alias, ...(lookUp(zone, alias.data) ?? [])];
}

/** One port for both. What is too long for a datagram is said to be, and asked for again over TCP (RFC 7766 §5). */
async function listenOn(t: Test, respond: (query: Packet) => Promise<Packet | undefined>): Promise<number> {
  const port = await freePort();
  const udp = createSocket('udp4', async (message, { port: from, address }) => {
    const response = await respond(decode(message));
    if (!response) return;
    const bytes = encode(response);
    const short = encode({ ...response, flags: (response.flags ?? 0) | TRUNCATED, answers: [] });
    udp.send(bytes.length > maxDatagram ? short : bytes, from, address);
  });
  const tcp = createServer((socket) => {
    let received = Buffer.alloc(0);
    socket.on('error', () => {});
    socket.on('data', async (bytes) => {
      received = Buffer.concat([received, bytes]);
      if (received.length < 2 || received.length < 2 + received.readUInt16BE(0)) return;
      const response = await respond(streamDecode(received));
      if (response) socket.end(streamEncode(response));
    });
  });
  await new Promise<void>((resolve) => tcp.listen(port, '127.0.0.1', resolve));
  await new Promise<void>((resolve) => udp.bind(port, '127.0.0.1', resolve));
  t.teardown(() => {
    udp.close();
    tcp.close();
  });
  return port;
}
