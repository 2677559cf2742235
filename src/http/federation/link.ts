/** The way on which somebody who is signed in links another identity: out by a ticket, and back from the provider. */
import { z } from 'zod';
import { type Context, inTransaction } from '../../context.ts';
import type { Refusal } from '../../core/attempts/attempts.ts';
import {
  type SocialIdentity,
  type SocialProvider,
  socialProviders,
} from '../../core/identities/identities.ts';
import {
  assertFreshByThemself,
  linkOwnIdentity,
  openLinkTicket,
  type OwnLink,
} from '../../core/linking/linking.ts';
import { isRefusal, type Verified } from '../../federation/connector.ts';
import { Failure } from '../../kernel/failures.ts';
import { findSignedInUser } from '../../provider/session-cookie.ts';
import { defineRoute, type Route, type Wire } from '../route.ts';
import { outcomeAt } from './linked.ts';
import { refuse, setOutFor } from './social.ts';

export const linkRoute: Route = defineRoute({
  method: 'GET',
  url: '/federation/:id/link',
  access: 'federation',
  schema: {
    params: z.object({ id: z.enum(socialProviders) }),
    querystring: z.object({ ticket: z.string().regex(/^[\w.-]{1,8000}$/) }),
  },
  handler: async (ctx, { params: { id: provider }, query: { ticket } }, wire) => {
    const opened = openLinkTicket(ctx, { provider, ticket });
    if (!opened) throw new Failure('link_expired');
    const { link, isOver } = opened;
    return goOn(ctx, { provider, link, wire }, async () => {
      if (isOver) throw new Failure('link_expired');
      await assertOwnBrowser(ctx, link, wire);
      assertFreshByThemself(ctx, link.evidence);
      return leave(ctx, { provider, link, wire });
    });
  },
});

interface Returned {
  readonly provider: SocialProvider;
  readonly link: OwnLink;
  readonly verdict: Verified<SocialIdentity> | Refusal;
}

/** Links what came back, for the browser that left and while its person is still signed in. */
export async function finishLink(ctx: Context, { provider, link, verdict }: Returned, wire: Wire) {
  const { userId, evidence, clientId } = link;
  return goOn(ctx, { provider, link, wire }, async () => {
    if (isRefusal(verdict)) throw await refuse(ctx, { provider, refusal: verdict, clientId });
    await assertOwnBrowser(ctx, link, wire);
    await linkOwnIdentity(ctx, { userId, evidence, identity: verdict.identity });
    return outcomeAt(ctx, { provider, clientId });
  });
}

interface Linking {
  readonly provider: SocialProvider;
  readonly link: OwnLink;
  readonly wire: Wire;
}

/** To where the work says, or to the page that says why not: no ticket and no code stays in the address of a page. */
async function goOn(ctx: Context, { provider, link, wire }: Linking, work: () => Promise<string>) {
  const { request, reply } = wire;
  try {
    return await reply.redirect(await work(), 303);
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    const { code, caseId } = error;
    request.log.info({ code, provider }, 'a link was refused');
    return reply.redirect(outcomeAt(ctx, { provider, clientId: link.clientId, code, caseId }), 303);
  }
}

/**
 * The ticket alone opens nothing (CVE-2026-15571, login CSRF): somebody could have their own opened by another, whose
 * account at the provider would then be linked to them, and who would from then on sign in as them without noticing; or
 * open another's that has leaked, and link their own account to that user, to sign in as them. So the browser has to be
 * signed in as the very user who asked, when it leaves and when it comes back.
 */
async function assertOwnBrowser(ctx: Context, { userId }: OwnLink, { request }: Wire): Promise<void> {
  const signedIn = await findSignedInUser(ctx, request.headers.cookie);
  if (signedIn === undefined) throw new Failure('fresh_sign_in_required');
  if (signedIn !== userId) throw new Failure('link_mismatch');
}

/** The provider is to ask who it is, where it can: nobody shall link what happens to be signed in there. */
async function leave(ctx: Context, { provider, link, wire }: Linking): Promise<string> {
  const out = await setOutFor(ctx, { provider, luggage: { link, forceAuthn: true } }, wire);
  if (isRefusal(out)) {
    const { clientId } = link;
    throw await refuse(ctx, { provider, refusal: out, clientId, stage: 'departure' });
  }
  await inTransaction(ctx, out.write);
  return out.location;
}
