/** The mail outbox: pending → sent | dead. A mail is enqueued in the transaction of its cause, so it is owed or not. */
import type { Tx } from '../../context.ts';
import type { EmailAddress } from '../../kernel/email-address.ts';
import { newId } from '../../kernel/ids.ts';
import { seal } from '../../kernel/seal.ts';
import type { MailTemplate, MailTemplates } from './templates.ts';

export type { MailTemplate, MailTemplates } from './templates.ts';
export {
  getLockedMail,
  listMail,
  type MailFilter,
  type MailRow,
  type MailState,
  retryMail,
} from './manage.ts';
export { countPendingMail, type PendingMail } from './queries.ts';
export { claimMail, type DeliveryOutcome, type OwedMail, pauseSeconds, settleMail } from './delivery.ts';

export interface NewMail<Template extends MailTemplate> {
  readonly template: Template;
  /** One recipient, as stored with the user: never an address out of a request. */
  readonly recipient: EmailAddress;
  readonly locale: string;
  readonly data: MailTemplates[Template]['data'];
  /** Sealed while the mail waits, wiped when it has gone. */
  readonly secrets?: MailTemplates[Template]['secrets'];
  /** After this the mail is worth nothing and is not sent any more. */
  readonly expiresAt?: Date;
}

export async function enqueueMail<Template extends MailTemplate>(tx: Tx, mail: NewMail<Template>) {
  const now = tx.now();
  const id = newId('mail', now);
  const { secrets } = mail;
  await tx.db
    .insertInto('mailOutbox')
    .values({
      id,
      template: mail.template,
      recipient: mail.recipient,
      locale: mail.locale,
      data: JSON.stringify(mail.data),
      secretsSealed: secrets
        ? seal(tx.config.secretKeys, JSON.stringify(secrets), `mail_outbox/${id}`)
        : null,
      expiresAt: mail.expiresAt ?? null,
      createdAt: now,
      nextAttemptAt: now,
    })
    .execute();
}
