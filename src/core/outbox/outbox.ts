/** The mail outbox: pending → sent | dead. A mail is enqueued in the transaction of its cause, so it is owed or not. */
import type { Tx } from '../../context.ts';
import type { EmailAddress } from '../../kernel/email-address.ts';
import { newId } from '../../kernel/ids.ts';

/** Every mail there is, with what its template needs. */
export interface MailTemplates {
  readonly seat_requested: {
    readonly person: string;
    readonly personEmail: string;
    readonly product: string;
    readonly account: string;
    readonly requestId: string;
  };
}

export interface NewMail<Template extends keyof MailTemplates> {
  readonly template: Template;
  /** One recipient, as stored with the user: never an address out of a request. */
  readonly recipient: EmailAddress;
  readonly locale: string;
  readonly data: MailTemplates[Template];
}

export async function enqueueMail<Template extends keyof MailTemplates>(tx: Tx, mail: NewMail<Template>) {
  const now = tx.now();
  await tx.db
    .insertInto('mailOutbox')
    .values({
      id: newId('mail', now),
      template: mail.template,
      recipient: mail.recipient,
      locale: mail.locale,
      data: JSON.stringify(mail.data),
      createdAt: now,
      nextAttemptAt: now,
    })
    .execute();
}
