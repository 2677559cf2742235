/** What is owed, handed out for delivery: each mail to one replica at a time, and never after it is worth nothing. */
import { createHash } from 'node:crypto';
import type { Tx } from '../../context.ts';
import type { EmailAddress } from '../../kernel/email-address.ts';
import { open } from '../../kernel/seal.ts';
import { addSeconds, hour } from '../../kernel/time.ts';
import type { MailTemplate, MailTemplates } from './templates.ts';
import { claimDue, type ClaimedRow, expireLate, updateOutcome } from './queries.ts';

/** A claimed mail; the template says what is in it. */
export type OwedMail = {
  [Template in MailTemplate]: {
    readonly id: string;
    readonly template: Template;
    readonly recipient: EmailAddress;
    readonly locale: string;
    readonly data: MailTemplates[Template]['data'];
    readonly secrets: MailTemplates[Template]['secrets'];
    /** How often it was tried, this time included. */
    readonly attempts: number;
    readonly createdAt: Date;
    /** Whoever has not begun by then leaves it to others: the process stood still, and they take it for dead. */
    readonly beginBy: Date;
  };
}[MailTemplate];

/** How a try ended. A reason names the fault, and never the recipient or what was written. */
export type DeliveryOutcome =
  | { readonly outcome: 'sent' }
  | { readonly outcome: 'failed'; readonly reason: string }
  /** Trying again would not help: there is no such mailbox, say. */
  | { readonly outcome: 'refused'; readonly reason: string };

/** For so long a claimed mail is left alone by others: longer than the longest delivery (src/mail/transport.ts). */
const leaseSeconds = 300;
/** Over about a day and a half. */
const maxAttempts = 40;

/** Takes mails that are due, at most `limit`. Those whose time has passed are given up instead. */
export async function claimMail(tx: Tx, limit: number): Promise<OwedMail[]> {
  await expireLate(tx);
  const rows = await claimDue(tx, { limit, leaseUntil: addSeconds(tx.now(), leaseSeconds) });
  rows.sort((one, other) => (one.id < other.id ? -1 : 1)); // oldest first, as ids are
  const beginBy = addSeconds(tx.now(), leaseSeconds / 2);
  const mails = await Promise.all(rows.map((row) => unseal(tx, row, beginBy)));
  return mails.filter((mail) => mail !== undefined);
}

/** A mail whose key is gone is dead, and must not hold up the others. */
async function unseal(
  tx: Tx,
  { secretsSealed, ...row }: ClaimedRow,
  beginBy: Date,
): Promise<OwedMail | undefined> {
  try {
    const text =
      secretsSealed === null ? undefined : open(tx.config.secretKeys, secretsSealed, `mail_outbox/${row.id}`);
    return { ...row, beginBy, secrets: text && (JSON.parse(text) as unknown) } as OwedMail;
  } catch {
    await settleMail(tx, row, { outcome: 'refused', reason: 'the sealing key is gone' });
    return undefined;
  }
}

/** Writes how a delivery ended; what was secret is wiped when there will be no other. Only for who claimed it last. */
export async function settleMail(
  tx: Tx,
  { id, attempts }: Pick<OwedMail, 'id' | 'attempts'>,
  result: DeliveryOutcome,
): Promise<void> {
  const now = tx.now();
  if (result.outcome === 'sent') {
    const sent = { state: 'sent', sentAt: now, secretsSealed: null, lastError: null } as const;
    await updateOutcome(tx, { id, attempts }, sent);
    return;
  }
  const lastError = result.reason.slice(0, 500);
  const isOver = result.outcome === 'refused' || attempts >= maxAttempts;
  const next = isOver
    ? ({ state: 'dead', secretsSealed: null, lastError } as const)
    : { nextAttemptAt: addSeconds(now, pauseSeconds(id, attempts)), lastError };
  await updateOutcome(tx, { id, attempts }, next);
}

/**
 * Seconds until the next try: doubling from ten seconds to an hour. The jitter is the mail's own, so that what failed
 * together is not tried together.
 */
export function pauseSeconds(id: string, attempts: number): number {
  const jitter = 0.75 + createHash('sha256').update(`${id} ${attempts}`).digest().readUInt16BE(0) / 131_072;
  return Math.min(hour, 10 * 2 ** (attempts - 1)) * jitter;
}
