/** What happens by itself when a browser comes to its sign-in: it returns from its company, or is sent on to it. */
import { type Context, inTransaction } from '../../context.ts';
import { consumeArrival } from '../../core/departures/departures.ts';
import {
  admitReturned,
  admitSocial,
  findAskedWay,
  type SignIn,
  type Transition,
} from '../../core/sign-in/sign-in.ts';
import { takeArrival } from '../company-cookies.ts';
import { leaveBy } from '../federation/leave.ts';
import type { Wire } from '../route.ts';

/** The transition of this visit; undefined where the person has to be asked. */
export async function findOwnWay(ctx: Context, signIn: SignIn, wire: Wire): Promise<Transition | undefined> {
  if (signIn.state.at === 'returned') return admitReturned(ctx, signIn);
  if (signIn.state.at === 'returned_social') return admitSocial(ctx, signIn);
  if (!signIn.isNew || signIn.state.at !== 'identify') return undefined;
  const unsolicited = await takeUnasked(ctx, signIn, wire);
  if (unsolicited) return unsolicited;
  const leaving = await findAskedWay(ctx, signIn);
  return leaving && leaveBy(ctx, { signIn, leaving }, wire);
}

/** An identity provider has sent this browser, and its application has begun this sign-in for it. */
async function takeUnasked(ctx: Context, signIn: SignIn, wire: Wire): Promise<Transition | undefined> {
  const unasked = takeArrival(ctx.config, wire);
  if (!unasked) return undefined;
  const arrival = await inTransaction(ctx, (tx) => consumeArrival(tx, unasked));
  if (arrival?.purpose !== 'unsolicited') return undefined;
  const { connectionId, attemptId, carried } = arrival;
  const { identity, revision } = carried;
  // somebody who must prove themself anew cannot do so by a response that was there before
  if (!identity || signIn.forceAuthn || signIn.maxAge !== undefined)
    return leaveBy(ctx, { signIn, leaving: { leaveBy: connectionId } }, wire);
  const state = { at: 'returned', connectionId, attemptId, identity, revision } as const;
  return admitReturned(ctx, { ...signIn, state });
}
