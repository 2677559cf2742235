/** Where somebody goes on whom a social provider has sent back. */
import type { Context } from '../../context.ts';
import type { SocialIdentity, SocialProvider } from '../../core/identities/identities.ts';
import { acceptInvitationByIdentity } from '../../core/invitations/invitations.ts';
import { isRefusal } from '../../federation/connector.ts';
import { Failure } from '../../kernel/failures.ts';
import type { Engine } from '../../provider/provider.ts';
import { startAt } from '../recovery/answer.ts';
import type { Wire } from '../route.ts';
import { finishLink } from './link.ts';
import { takeAnswer } from './social.ts';

interface Called {
  readonly provider: SocialProvider;
  readonly response: URLSearchParams;
  readonly engine: Engine;
}

/** To the sign-in, whose own cookie is looked at there; or with an invitation accepted to its application; or with a link. */
export async function goOnFromProvider(ctx: Context, { engine, ...called }: Called, wire: Wire) {
  const { reply } = wire;
  const taken = await takeAnswer(ctx, called, wire);
  // with a fragment of its own: Facebook's `#_=_` would go along, as far as the client's redirect URI
  if ('uid' in taken) return reply.redirect(`/sign-in/${taken.uid}#`, 303);
  if ('link' in taken) return finishLink(ctx, { provider: called.provider, ...taken }, wire);
  const { invitation, verdict } = taken;
  if (isRefusal(verdict)) return reply.redirect('/invitations/accept?problem=social_sign_in_failed#', 303);
  return acceptBy(ctx, { engine, token: invitation, identity: verdict.identity }, wire);
}

interface Accepting {
  readonly engine: Engine;
  readonly token: string;
  readonly identity: SocialIdentity;
}

/** The browser that left has its page still, and is told there what stands in the way. */
async function acceptBy(ctx: Context, { engine, token, identity }: Accepting, { reply }: Wire) {
  try {
    const { email, clientId } = await acceptInvitationByIdentity(ctx, { token, identity });
    return await reply.redirect((await startAt(engine, { email, clientId })) ?? '/invitations/done', 303);
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    return reply.redirect(`/invitations/accept?problem=${error.code}#`, 303);
  }
}
