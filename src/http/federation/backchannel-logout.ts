/** An identity provider says that somebody has signed out there (OpenID Connect Back-Channel Logout 1.0 §2.5). */
import { z } from 'zod';
import { inTransaction } from '../../context.ts';
import { useAssertion } from '../../core/departures/departures.ts';
import { findIdentity } from '../../core/identities/identities.ts';
import { endSessionsOfConnection } from '../../core/sessions/sessions.ts';
import { isRefusal } from '../../federation/connector.ts';
import { verifyLogoutToken } from '../../federation/oidc/oidc.ts';
import { Failure } from '../../kernel/failures.ts';
import { defineRoute, type Route } from '../route.ts';
import { connectionParams, getConnection } from './connection.ts';

/** Ends what rests on that connection; a token is heard once. Nothing says whether there was such a session. */
export const backchannelLogoutRoute: Route = defineRoute({
  method: 'POST',
  url: '/federation/:id/backchannel-logout',
  access: 'federation',
  schema: { params: connectionParams, body: z.object({ logout_token: z.string().max(16_000) }) },
  handler: async (ctx, { params: { id }, body }, { reply }) => {
    const connection = await getConnection(ctx, id, 'oidc');
    const token = await verifyLogoutToken(ctx, connection, body.logout_token);
    if (isRefusal(token)) {
      ctx.log.info({ connectionId: id, ...token }, 'a logout token was refused');
      throw new Failure('invalid_input', { detail: 'the logout token is not valid' });
    }
    const { issuer, subject, sessionId, jti, expiresAt } = token;
    await inTransaction(ctx, async (tx) => {
      if (!(await useAssertion(tx, { connectionId: id, id: `logout ${jti}`, expiresAt }))) return;
      const key = subject === undefined ? undefined : { connectionId: id, issuer, subject };
      const identity = key && (await findIdentity(tx.db, key));
      // somebody who never came in here has nothing to end
      if (key && !identity) return;
      await endSessionsOfConnection(tx, { connectionId: id, userId: identity?.userId, sessionId });
    });
    return reply.status(200).send();
  },
});
