/** Mail: the server takes our connection, and what is written goes out. Nothing is sent. */
import type { Context } from '../../context.ts';
import { countPendingMail } from '../../core/outbox/outbox.ts';
import { countPendingLogoutNotices } from '../../core/sessions/sessions.ts';
import { hour, minute } from '../../kernel/time.ts';
import { reasonOf as smtpReasonOf, verifySmtp } from '../../mail/transport.ts';
import { type Check, failed, type Finding, passed, warning } from './finding.ts';

export const mailChecks: readonly Check[] = [
  { name: 'SMTP', needsDatabase: false, look: lookAtServer },
  { name: 'outbox', needsDatabase: true, look: lookAtOutbox },
  { name: 'sign-out notices', needsDatabase: true, look: lookAtNotices },
];

async function lookAtServer({ config }: Context): Promise<Finding[]> {
  if (config.smtpUrl === undefined)
    return [warning('SMTP', 'SMTP_URL is not set: mail waits in the outbox', 'Set SMTP_URL.')];
  const { host, protocol } = new URL(config.smtpUrl);
  try {
    await verifySmtp(config);
    return [passed('SMTP', `${host} takes our connection${protocol === 'smtps:' ? ' (TLS)' : ''}`)];
  } catch (error) {
    const remedy =
      'Is SMTP_URL right, with its port and login? Does the server offer STARTTLS, with a certificate that is valid?';
    return [failed('SMTP', `${host}: ${smtpReasonOf(error)}`, remedy)];
  }
}

async function lookAtOutbox({ db, now }: Context): Promise<Finding[]> {
  const { untried, tried, oldestAt } = await countPendingMail(db);
  const found = `${untried} mails wait for their first try, ${tried} for another`;
  const remedy = 'See why: doorward outbox list --state pending. Without any try no replica is running.';
  return [judgeAge('outbox', { found, seconds: secondsSince(oldestAt, now()), remedy })];
}

async function lookAtNotices({ db, now }: Context): Promise<Finding[]> {
  const { pending, oldestAt } = await countPendingLogoutNotices(db);
  const found = `${pending} notices of sign-outs wait`;
  const remedy = 'The log names the clients: back-channel logout was not delivered.';
  const finding = judgeAge('sign-out notices', { found, seconds: secondsSince(oldestAt, now()), remedy });
  // one client that is down is its operator's to mend
  return [finding.status === 'failed' ? { ...finding, status: 'warning' } : finding];
}

function secondsSince(at: Date | null, now: Date): number {
  return at === null ? 0 : (now.getTime() - at.getTime()) / 1000;
}

function judgeAge(
  name: string,
  waits: { readonly found: string; readonly seconds: number; readonly remedy: string },
): Finding {
  const { found, seconds, remedy } = waits;
  if (seconds < 5 * minute) return passed(name, found);
  const late = `${found}, the oldest for ${Math.round(seconds / minute)} minutes`;
  return seconds < hour ? warning(name, late, remedy) : failed(name, late, remedy);
}
