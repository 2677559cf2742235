/** A mail server for tests: real SMTP on loopback, real MIME, read as the people behind the addresses would. */
import type { Socket } from 'node:net';
import { SMTPServer, type SMTPServerOptions, type SMTPServerSession } from 'smtp-server';
import type { Test } from 'tap';
import { deliverMail } from '../../src/mail/deliver.ts';
import { createSmtpTransport } from '../../src/mail/transport.ts';
import type { TestApp } from './app.ts';

export interface Mail {
  /** As the envelope has it. */
  readonly to: readonly string[];
  readonly subject: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
  readonly html: string;
}

export interface Mailbox {
  /** Everything received up to now. */
  readonly mails: Mail[];
  readonly smtpUrl: string;
  /** Sends what is due and answers what arrived by it, in the order in which it was enqueued. */
  drain(): Promise<Mail[]>;
}

/** A server that keeps what it gets. Whoever sends waits for its yes until `onMail` is done. */
export async function openSmtpMailbox(
  t: Test,
  onMail: () => Promise<void> = () => Promise.resolve(),
): Promise<Pick<Mailbox, 'mails' | 'smtpUrl'>> {
  const mails: Mail[] = [];
  const smtpUrl = await startSmtpServer(t, {
    onData(stream, session, done) {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => {
        const to = session.envelope.rcptTo.map(({ address }) => address);
        mails.push(parseMail(Buffer.concat(chunks).toString('utf8'), to));
        void onMail().then(() => {
          done();
        }, done);
      });
    },
  });
  return { mails, smtpUrl };
}

export async function openMailbox(t: Test, app: Pick<TestApp, 'ctx'>): Promise<Mailbox> {
  const { mails, smtpUrl } = await openSmtpMailbox(t);
  const transport = createSmtpTransport({ smtpUrl, production: false });
  t.teardown(() => {
    transport.close();
  });
  return {
    mails,
    smtpUrl,
    async drain() {
      const before = mails.length;
      while ((await deliverMail(app.ctx, transport)) > 0);
      return mails.slice(before).sort((a, b) => (order(a) < order(b) ? -1 : 1));
    },
  };
}

/** Of all servers of this process, by the port they come from. */
const sockets = new Map<number | undefined, Socket>();

/** Cuts the connection off, whatever was to be answered. */
export function hangUp({ remotePort }: SMTPServerSession): void {
  const socket = sockets.get(remotePort);
  if (!socket) throw new Error('nobody is connected from there');
  socket.destroy();
}

/** Answers the address of a server that behaves as it is told. */
export async function startSmtpServer(t: Test, options: SMTPServerOptions): Promise<string> {
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['AUTH', 'STARTTLS'],
    logger: false,
    closeTimeout: 1000,
    ...options,
  });
  server.server.on('connection', (socket: Socket) => {
    sockets.set(socket.remotePort, socket);
    socket.once('close', () => sockets.delete(socket.remotePort));
  });
  server.on('error', () => {}); // a client that is cut off is what some tests are about
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => new Promise<void>((resolve) => server.close(resolve)));
  const { port } = server.server.address() as { port: number };
  return `smtp://127.0.0.1:${port}`;
}

/** Mail ids are ordered by time, and the Message-ID begins with one. */
function order({ headers }: Mail): string {
  return headers['message-id'] ?? '';
}

/** Two parts, text and HTML, as src/mail makes them. */
function parseMail(source: string, to: readonly string[]): Mail {
  const [head, body] = split(source);
  const boundary = /boundary="([^"]+)"/.exec(head['content-type'] ?? '')?.[1] ?? 'none';
  const parts = body
    .split(`--${boundary}`)
    .slice(1, -1)
    .map((part) => split(part.replace(/^\r\n/, '')));
  const partOf = (type: string): string => {
    const [headers, content] = parts.find(([one]) => one['content-type']?.startsWith(type)) ?? [{}, ''];
    return decodeBody(content, headers['content-transfer-encoding'] ?? '');
  };
  return {
    to,
    subject: decodeWords(head['subject'] ?? ''),
    headers: head,
    text: partOf('text/plain'),
    html: partOf('text/html'),
  };
}

function split(source: string): [Record<string, string>, string] {
  const at = source.indexOf('\r\n\r\n');
  const lines = source
    .slice(0, at)
    .replaceAll(/\r\n[ \t]+/g, ' ')
    .split('\r\n');
  const headers = lines.map((line): [string, string] => {
    const colon = line.indexOf(':');
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
  });
  return [Object.fromEntries(headers), source.slice(at + 4)];
}

function decodeBody(content: string, encoding: string): string {
  if (encoding === 'base64') return Buffer.from(content, 'base64').toString('utf8');
  return encoding === 'quoted-printable' ? decodeQuoted(content.replaceAll('=\r\n', '')) : content;
}

function decodeQuoted(text: string): string {
  const bytes = text.replaceAll(/=([0-9A-F]{2})/g, (_all, hex: string) =>
    String.fromCharCode(parseInt(hex, 16)),
  );
  return Buffer.from(bytes, 'latin1').toString('utf8');
}

/** RFC 2047 */
function decodeWords(text: string): string {
  return text
    .replaceAll(/\?=\s+=\?/g, '?==?')
    .replaceAll(/=\?UTF-8\?([BQ])\?([^?]*)\?=/gi, (_all, kind: string, word: string) =>
      kind.toUpperCase() === 'B'
        ? Buffer.from(word, 'base64').toString('utf8')
        : decodeQuoted(word.replaceAll('_', ' ')),
    );
}
