import { type Context, inTransaction } from '../../src/context.ts';
import { enqueueMail } from '../../src/core/outbox/outbox.ts';
import type { EmailAddress } from '../../src/kernel/email-address.ts';

/** So many mails, to as many people, wait in the outbox. */
export async function oweMails(ctx: Context, howMany: number): Promise<void> {
  for (let index = 0; index < howMany; index += 1)
    await inTransaction(ctx, (tx) =>
      enqueueMail(tx, {
        template: 'seat_refused',
        recipient: `person-${index}@acme.test` as EmailAddress,
        locale: 'en',
        data: { product: 'Chat', account: 'Acme' },
      }),
    );
}
