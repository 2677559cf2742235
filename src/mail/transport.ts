/** SMTP: one mail to one recipient, over a connection nobody can listen to. */
import { createTransport } from 'nodemailer';
import type { Config } from '../../config/load.ts';
import type { EmailAddress } from '../kernel/email-address.ts';
import type { RenderedMail } from './render.ts';

export interface OutgoingMail extends RenderedMail {
  /** The same at every try, so that a mail that arrives twice is seen to be one. */
  readonly messageId: string;
  readonly to: EmailAddress;
  readonly from: Config['mailFrom'];
  readonly at: Date;
}

/** The seam behind which mail leaves the house. */
export interface MailTransport {
  /** Resolves when the other side has taken the mail; rejects with MailRefused when it never will. */
  send(mail: OutgoingMail): Promise<void>;
  close(): void;
}

/** The server has said a final no to this mail (5xx). */
export class MailRefused extends Error {}

/** For one mail in all, however the server dawdles; shorter than a claim lasts, so that no other replica sends it too. */
const longestDeliveryMs = 120_000;

/**
 * Outside development the connection must be encrypted, and wherever it is the server's certificate is verified: a
 * server without STARTTLS gets nothing.
 */
export function createSmtpTransport(config: SmtpConfig, withinMs = longestDeliveryMs): MailTransport {
  const transport = createTransport({
    ...smtpOptions(config),
    pool: true,
    maxConnections: 5,
    // once more where the server has closed an idle connection; every other retry is the outbox's
    maxRequeues: 1,
  });
  return {
    async send({ messageId, to, from, subject, text, html, at }) {
      try {
        // addresses as objects, never as text that would be parsed again
        const recipient = { name: '', address: to };
        const content = { subject, text, html, headers: { 'auto-submitted': 'auto-generated' } };
        const signal = AbortSignal.timeout(withinMs);
        await transport.sendMail({ messageId, from, to: recipient, ...content, date: at, signal });
      } catch (error) {
        throw isFinal(error) ? new MailRefused(reasonOf(error), { cause: error }) : error;
      }
    },
    close: () => {
      transport.close();
    },
  };
}

/** Connects, greets, begins TLS and signs in as for a mail, and sends none. Rejects where a mail would not get any further. */
export async function verifySmtp(config: SmtpConfig): Promise<void> {
  const transport = createTransport(smtpOptions(config));
  try {
    await transport.verify();
  } finally {
    transport.close();
  }
}

type SmtpConfig = Pick<Config, 'smtpUrl' | 'production'>;

function smtpOptions({ smtpUrl, production }: SmtpConfig) {
  const { protocol, hostname, port, username, password } = new URL(smtpUrl ?? '');
  const secure = protocol === 'smtps:';
  return {
    host: hostname.replaceAll(/[[\]]/g, ''), // an IPv6 address stands in brackets only in URLs
    port: Number(port) || (secure ? 465 : 587),
    secure,
    requireTLS: production && !secure,
    ...(username && { auth: { user: decodeURIComponent(username), pass: decodeURIComponent(password) } }),
    tls: { minVersion: 'TLSv1.2' as const, rejectUnauthorized: true },
    connectionTimeout: 20_000,
    greetingTimeout: 20_000,
    socketTimeout: 90_000, // servers look for viruses before they say yes
    // a template must never be able to attach what lies on our disk or in our network
    disableFileAccess: true,
    disableUrlAccess: true,
  };
}

/** A no to the recipient or the mail. One to our greeting, login or sender is the operator's to mend: the mail waits. */
function isFinal(error: unknown): boolean {
  const { responseCode = 0, command = '' } = error as { responseCode?: number; command?: string };
  const wantsLogin = responseCode === 530; // RFC 4954 §6
  return responseCode >= 500 && !wantsLogin && ['RCPT TO', 'DATA'].includes(command);
}

/** What went wrong, without what the server wrote: that may name the recipient. */
export function reasonOf(error: unknown): string {
  const { responseCode, command, code, name } = error as {
    responseCode?: number;
    command?: string;
    code?: string | number;
    name?: string;
  };
  return [code ?? name, command, responseCode].filter((part) => part !== undefined).join(' ');
}
