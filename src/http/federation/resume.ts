/** Where a browser picks up what an identity provider has posted for it: a visit of its own, to which its cookie comes. */
import { z } from 'zod';
import { type Context, inTransaction, type Tx } from '../../context.ts';
import { type Arrival, consumeArrival, findArrivalAttempt } from '../../core/departures/departures.ts';
import { companyFailed, type SignInState } from '../../core/sign-in/sign-in.ts';
import { Failure } from '../../kernel/failures.ts';
import { returnToSignIn } from '../../provider/interactions.ts';
import { readFederationBrowser } from '../company-cookies.ts';
import { defineRoute, type Route, type Wire } from '../route.ts';
import { countUnexpected, refuseHere } from './refuse.ts';
import { showTest } from './test-result.ts';

const handle = z.object({ h: z.string().regex(/^[\w-]{43}$/) });

export const resumeRoute: Route = defineRoute({
  method: 'GET',
  url: '/federation/resume',
  access: 'federation',
  schema: { querystring: handle },
  handler: async (ctx, { query: { h } }, wire) => {
    const browser = readFederationBrowser(ctx.config, wire.request) ?? '';
    const arrival = await inTransaction(ctx, async (tx) => {
      const picked = await consumeArrival(tx, { handle: h, browser });
      if (picked) await bringHome(tx, picked);
      return picked;
    });
    if (!arrival) throw await refuseOtherBrowser(ctx, h);
    return goOn(ctx, arrival, wire);
  },
});

/**
 * Somebody else's browser, perhaps one that was tricked into coming here (login CSRF). Nothing is consumed. It is counted
 * before the event: one address, called without end, must not fill the trail of an account.
 */
async function refuseOtherBrowser(ctx: Context, h: string): Promise<Failure> {
  const waiting = await findArrivalAttempt(ctx, h);
  if (!waiting) return new Failure('link_expired');
  await countUnexpected(ctx, waiting.connectionId);
  return refuseHere(ctx, { ...waiting, stage: 'browser', refusal: { refused: 'other_browser' } });
}

/** In the transaction that picks it up: what was proven reaches its sign-in, or is not consumed. */
async function bringHome(tx: Tx, { carried, connectionId, attemptId }: Arrival): Promise<void> {
  const { uid, identity, revision, caseId } = carried;
  // a response that was posted before changes nothing: the browser only learns where it stands
  if (uid === undefined || (!identity && caseId === undefined)) return;
  const state: SignInState = identity
    ? { at: 'returned', connectionId, attemptId, identity, revision }
    : companyFailed(caseId ?? '').state;
  await returnToSignIn(tx, uid, state);
}

/** To the sign-in, whose own cookie is looked at there; a test has none, and ends here. */
function goOn(ctx: Context, { carried, connectionId, attemptId }: Arrival, wire: Wire) {
  const { uid, ...found } = carried;
  if (uid !== undefined) return wire.reply.redirect(`/sign-in/${uid}`, 303);
  return showTest(ctx, { connectionId, attemptId, ...found }, wire);
}
