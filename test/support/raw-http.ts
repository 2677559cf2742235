/** HTTP as attackers speak it: headers and paths that `fetch` would correct, and bytes that are no HTTP at all. */
import { Agent, type IncomingHttpHeaders, request } from 'node:http';
import { connect } from 'node:net';

export interface RawRequest {
  readonly method?: string;
  /** Sent letter by letter. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string | string[]>>;
  readonly body?: string | Uint8Array;
}

export interface RawAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

const patienceMs = 10_000;
const connections = new Agent({ keepAlive: true, maxSockets: 4 });

/** Sends one request to the loopback address; an answer that does not come is an error. */
export function sendRaw(
  port: number,
  { method = 'GET', path, headers = {}, body }: RawRequest,
): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) };
    const sent = request({
      host: '127.0.0.1',
      port,
      method,
      path,
      agent: connections,
      headers: { ...length, ...headers },
      signal: AbortSignal.timeout(patienceMs),
    });
    sent.once('response', (answer) => {
      let text = '';
      answer.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      answer.once('error', reject);
      answer.once('end', () => resolve({ status: answer.statusCode ?? 0, headers: answer.headers, text }));
    });
    sent.once('error', reject).end(body);
  });
}

export interface Exchange {
  readonly text: string;
  /** Whether the service has ended the connection. */
  readonly closed: boolean;
}

/** Writes bytes on a connection of its own and reads until the service ends it, or has said nothing for a while. */
export function exchange(port: number, bytes: string, quietMs = 2000): Promise<Exchange> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(bytes, 'latin1'));
    let text = '';
    socket.setEncoding('latin1').on('data', (chunk: string) => (text += chunk));
    socket.on('error', () => {}); // a reset ends it as well
    socket.once('close', () => resolve({ text, closed: true }));
    socket.setTimeout(quietMs, () => {
      socket.removeAllListeners('close').destroy();
      resolve({ text, closed: false });
    });
  });
}
