/** The outbox as operators see it: what waits, what was given up and why, and another try. Never what a mail says. */
import type { Tx } from '../../context.ts';
import type { Db } from '../../db/connect.ts';
import { Failure } from '../../kernel/failures.ts';
import type { Window } from '../../kernel/page.ts';
import { recordEvent } from '../audit/audit.ts';
import { type MailTemplate, needsSecrets } from './templates.ts';

export type MailState = 'pending' | 'sent' | 'dead';

export interface MailRow {
  readonly id: string;
  readonly template: MailTemplate;
  readonly recipient: string;
  readonly locale: string;
  readonly state: MailState;
  readonly attempts: number;
  readonly createdAt: Date;
  readonly nextAttemptAt: Date;
  readonly expiresAt: Date | null;
  readonly sentAt: Date | null;
  readonly lastError: string | null;
}

const columns = [
  'id',
  'template',
  'recipient',
  'locale',
  'state',
  'attempts',
  'createdAt',
  'nextAttemptAt',
  'expiresAt',
  'sentAt',
  'lastError',
] as const;

export interface MailFilter extends Window {
  readonly state?: MailState | undefined;
}

/** Newest first, by mail_outbox_pkey. */
export async function listMail(db: Db, { after, limit, state }: MailFilter): Promise<MailRow[]> {
  let query = db.selectFrom('mailOutbox').select(columns).orderBy('id', 'desc').limit(limit);
  if (after !== undefined) query = query.where('id', '<', after);
  if (state !== undefined) query = query.where('state', '=', state);
  return (await query.execute()) as MailRow[];
}

/** Failure `not_found`. */
export async function getLockedMail(tx: Tx, id: string): Promise<MailRow> {
  const query = tx.db.selectFrom('mailOutbox').select(columns).where('id', '=', id).forUpdate();
  const mail = (await query.executeTakeFirst()) as MailRow | undefined;
  if (!mail) throw new Failure('not_found');
  return mail;
}

/**
 * Has a mail tried again now: one that waits, or one that was given up. Failures `not_found`, and `action_not_available`
 * for what has gone out, is going out just now, is too late, or has lost its secret with being given up: then it has to be
 * asked for again.
 */
export async function retryMail(tx: Tx, id: string): Promise<MailRow> {
  const mail = await getLockedMail(tx, id);
  const isLate = mail.expiresAt !== null && mail.expiresAt <= tx.now();
  const isSpent = mail.state === 'dead' && needsSecrets(mail.template);
  // two would send it
  const isUnderWay = mail.attempts > 0 && mail.lastError === null && mail.nextAttemptAt > tx.now();
  if (mail.state === 'sent' || isUnderWay || isLate || isSpent) throw new Failure('action_not_available');
  await tx.db
    .updateTable('mailOutbox')
    .set({ state: 'pending', nextAttemptAt: tx.now(), ...(mail.state === 'dead' && { attempts: 0 }) })
    .where('id', '=', id)
    .execute();
  await recordEvent(tx, { type: 'mail.retried', details: { mail_id: id, template: mail.template } });
  return getLockedMail(tx, id);
}
