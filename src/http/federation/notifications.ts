/** What social providers tell by themselves: consent taken back, accounts that are gone (RFC 8935, and formats of their own). */
import { z } from 'zod';
import { inTransaction } from '../../context.ts';
import { socialProviders } from '../../core/identities/identities.ts';
import { hearProvider } from '../../core/linking/linking.ts';
import { isRefusal } from '../../federation/connector.ts';
import { verifyNotification } from '../../federation/social/social.ts';
import { Failure } from '../../kernel/failures.ts';
import { newCaseId } from '../../kernel/ids.ts';
import { defineRoute, type Route } from '../route.ts';

/** The body is taken as it came: what is signed is its text. A notification is acted upon once. */
export const notificationsRoute: Route = defineRoute({
  method: 'POST',
  url: '/federation/:id/notifications',
  access: 'federation',
  schema: { params: z.object({ id: z.enum(socialProviders) }), body: z.string().max(16_000) },
  handler: async (ctx, { params: { id: provider }, body }, { reply }) => {
    const says = await verifyNotification(ctx, provider, body);
    if (isRefusal(says)) {
      ctx.log.info({ provider, ...says }, 'a notification was refused');
      throw new Failure('invalid_input', { detail: 'the notification is not valid' });
    }
    await inTransaction(ctx, (tx) => hearProvider(tx, says));
    // Facebook asks where a person can see what became of the wish to be forgotten, and under which name
    const answer = provider === 'facebook' ? { url: ctx.config.issuer, confirmation_code: newCaseId() } : {};
    return reply.status(200).send(answer);
  },
});
