/** Sends what the outbox owes. */
import { type Context, inTransaction } from '../context.ts';
import { claimMail, type DeliveryOutcome, type OwedMail, settleMail } from '../core/outbox/outbox.ts';
import { renderMail } from './render.ts';
import { MailRefused, type MailTransport, reasonOf } from './transport.ts';

/** As many as there are connections (src/mail/transport.ts): none waits in a queue while its claim runs out. */
const batch = 5;

/**
 * Sends mails that are due and answers how many there were; safe on any number of replicas at once. At least once: a mail
 * is sent twice only when this process, or the connection, was cut between the server's yes and our note of it. No
 * connection to the database is held while a mail server is talked to.
 */
export async function deliverMail(ctx: Context, transport: MailTransport): Promise<number> {
  const mails = await inTransaction(ctx, (tx) => claimMail(tx, batch));
  await Promise.all(
    mails.map(async (mail) => {
      if (ctx.now() >= mail.beginBy) return;
      const result = await deliverOne(ctx, transport, mail);
      await inTransaction(ctx, (tx) => settleMail(tx, mail, result));
      ctx.observer?.triedMail(result.outcome);
      const { id, template, attempts } = mail;
      const line = { mail: id, template, attempts, ...result };
      if (result.outcome === 'sent') ctx.log.info(line, 'mail sent');
      else ctx.log.warn(line, 'mail not sent');
    }),
  );
  return mails.length;
}

async function deliverOne(ctx: Context, transport: MailTransport, mail: OwedMail): Promise<DeliveryOutcome> {
  const { config } = ctx;
  try {
    const rendered = renderMail(config, mail);
    if (!rendered) return { outcome: 'refused', reason: 'its link or code was wiped' };
    const messageId = `<${mail.id}@${new URL(config.issuer).hostname}>`;
    const { recipient: to, createdAt: at } = mail;
    await transport.send({ ...rendered, messageId, to, from: config.mailFrom, at });
    return { outcome: 'sent' };
  } catch (error) {
    if (error instanceof MailRefused) return { outcome: 'refused', reason: error.message };
    return { outcome: 'failed', reason: reasonOf(error) };
  }
}
