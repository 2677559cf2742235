/**
 * How often resets may be asked for and codes be tried. Everything is counted for addresses of nobody as for those of
 * users, so that neither an answer nor the clock tells them apart.
 */
import type { Tx } from '../../context.ts';
import { Failure } from '../../kernel/failures.ts';
import { networkOf } from '../../kernel/network.ts';
import { day, hour, minute } from '../../kernel/time.ts';
import { type Budget, takeFromBudget } from '../credentials/credentials.ts';

/** An office behind one address forgets less than this; somebody with a list of addresses needs more. */
const byNetwork: Budget = { name: 'reset requests of a network', limit: 60, windowSeconds: hour };
const byEverybody: Budget = { name: 'reset requests of everybody', limit: 600, windowSeconds: minute };

/** Nobody's mailbox can be filled by others. Whoever is kept from a mail by these has just got one. */
const mailsAtOnce: Budget = { name: 'reset mails at once', limit: 1, windowSeconds: minute };
const mails: Budget = { name: 'reset mails', limit: 5, windowSeconds: hour };

/** Five tries a mail alone would add up: a year of asking and guessing would find one code in five. */
const codes: Budget = { name: 'reset codes', limit: 10, windowSeconds: day };

/** How long a person waits before a mail is sent again. */
export const resendAfterSeconds = mailsAtOnce.windowSeconds;

/** Failure `throttled` for a network, or a moment, with too many requests; whoever they were for. */
export async function countRequest(tx: Tx): Promise<void> {
  const retryAfter =
    (await takeFromBudget(tx, byNetwork, networkOf(tx.origin.ip))) ??
    (await takeFromBudget(tx, byEverybody, ''));
  // what was taken from the first is given back with the transaction when the second has none
  if (retryAfter !== undefined) throw new Failure('throttled', { retryAfter });
}

/** Whether one more mail may go to this recipient. The asker is not told: the one before is in the mailbox. */
export async function countMail(tx: Tx, recipientHash: Buffer): Promise<boolean> {
  const key = recipientHash.toString('hex');
  // in this order: who presses too early must not use up the hour
  if ((await takeFromBudget(tx, mailsAtOnce, key)) !== undefined) return false;
  return (await takeFromBudget(tx, mails, key)) === undefined;
}

/** Whether one more code may be tried for this recipient, however many mails were asked for; else when. */
export function countCode(tx: Tx, recipientHash: string): Promise<number | undefined> {
  return takeFromBudget(tx, codes, recipientHash);
}
