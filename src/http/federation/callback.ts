/** The redirect URI of a connection (RFC 6749 §3.1.2): one for each, so that no provider can answer for another (RFC 9700 §4.4). */
import { z } from 'zod';
import { type Context, inTransaction, type Tx } from '../../context.ts';
import type { Refusal } from '../../core/attempts/attempts.ts';
import { isLive, type OidcConnection } from '../../core/connections/connections.ts';
import { consumeDeparture, type Departure, findDeparture } from '../../core/departures/departures.ts';
import { isSocialProvider } from '../../core/identities/identities.ts';
import { companyFailed, type SignInState } from '../../core/sign-in/sign-in.ts';
import { isRefusal, type Verified } from '../../federation/connector.ts';
import { oidcConnector } from '../../federation/oidc/oidc.ts';
import { Failure } from '../../kernel/failures.ts';
import { hashToken, isSameHash } from '../../kernel/tokens.ts';
import { returnToSignIn } from '../../provider/interactions.ts';
import type { Engine } from '../../provider/provider.ts';
import { readFederationBrowser } from '../company-cookies.ts';
import { defineRoute, type Route, type Wire } from '../route.ts';
import { callerParams, getConnection } from './connection.ts';
import { countUnexpected, refuseHere, refuseIn, refuseReplay, refuseUnexpected } from './refuse.ts';
import { takePostedAnswer } from './social.ts';
import { goOnFromProvider } from './social-callback.ts';
import { showTest } from './test-result.ts';

/** By POST (`response_mode=form_post`) none of our cookies come along: the browser is sent to ask again by GET. */
export const callbackPostRoute: Route = defineRoute({
  method: 'POST',
  url: '/federation/:id/callback',
  access: 'federation',
  schema: {
    params: callerParams,
    body: z.record(z.string(), z.union([z.string(), z.array(z.string())])),
  },
  handler: async (ctx, { params, body }, wire) => {
    const query = new URLSearchParams();
    for (const [name, value] of Object.entries(body)) {
      for (const item of [value].flat()) query.append(name, item);
    }
    if (isSocialProvider(params.id)) {
      return takePostedAnswer(ctx, { provider: params.id, response: query }, wire);
    }
    await getConnection(ctx, params.id, 'oidc');
    if (query.toString().length > 8000) throw new Failure('payload_too_large');
    return wire.reply.redirect(`/federation/${params.id}/callback?${query.toString()}`, 303);
  },
});

export const callbackRoute = (engine: () => Engine): Route =>
  defineRoute({
    method: 'GET',
    url: '/federation/:id/callback',
    access: 'federation',
    schema: { params: callerParams },
    handler: async (ctx, { params: { id } }, wire) => {
      const response = new URL(wire.request.raw.url ?? '', ctx.config.issuer).searchParams;
      if (isSocialProvider(id))
        return goOnFromProvider(ctx, { provider: id, response, engine: engine() }, wire);
      const connection = await getConnection(ctx, id, 'oidc');
      const taken = await takeDeparture(ctx, { connection, response }, wire);
      if ('uid' in taken) return wire.reply.redirect(`/sign-in/${taken.uid}`, 303);
      const { token, departure } = taken;
      const verdict = await verify(ctx, { connection, response, token, departure });
      return arrive(ctx, { connection, departure, verdict }, wire);
    },
  });

interface Called {
  readonly connection: OidcConnection;
  readonly response: URLSearchParams;
}

/**
 * Takes the departure out before anything is asked of the identity provider: a second call finds nothing. Only for the
 * browser that left, and only at the connection it left by; whoever else calls consumes nothing.
 */
async function takeDeparture(
  ctx: Context,
  { connection, response }: Called,
  wire: Wire,
): Promise<{ readonly uid: string } | { readonly token: string; readonly departure: Departure }> {
  const states = response.getAll('state');
  const [token = ''] = states;
  const departure = states.length === 1 ? await findDeparture(ctx, { token }) : undefined;
  const connectionId = connection.id;
  if (departure?.connectionId !== connectionId) {
    const refused = departure ? 'response_unexpected' : 'oidc_state';
    throw await refuseUnexpected(ctx, { connection, refusal: { refused } });
  }
  const browser = readFederationBrowser(ctx.config, wire.request) ?? '';
  const { attemptId } = departure;
  if (!isSameHash(hashToken(browser), departure.browserHash)) {
    // before the event: one address, called without end, must not fill the trail of an account
    await countUnexpected(ctx, connectionId);
    const refusal = { refused: 'other_browser' } as const;
    throw await refuseHere(ctx, { attemptId, connectionId, stage: 'browser', refusal });
  }
  const taken = departure.consumedAt
    ? undefined
    : await inTransaction(ctx, (tx) => consumeDeparture(tx, { token, browser }));
  if (taken) return { token, departure: taken };
  await countUnexpected(ctx, connectionId);
  const { log } = ctx;
  const caseId = await inTransaction(ctx, (tx) => refuseReplay(tx, log, connection));
  const { uid } = departure.luggage;
  // the back button, mostly: its own browser is sent to where the sign-in stands by now
  if (uid !== undefined) return { uid };
  throw new Failure('company_sign_in_failed', { caseId });
}

type Taken = Called & { readonly token: string; readonly departure: Departure };

async function verify(ctx: Context, taken: Taken): Promise<Verified | Refusal> {
  const { connection, response, token, departure } = taken;
  if (departure.purpose !== 'test' && !isLive(connection)) return { refused: 'connection_not_available' };
  // it left under other settings, perhaps to another identity provider
  if (departure.revision !== connection.revision) return { refused: 'connection_not_available' };
  const { forceAuthn, maxAge, ...memory } = departure.luggage;
  const ask = { token, forceAuthn, ...(maxAge !== undefined && { maxAge }) };
  return oidcConnector.verify(ctx, connection, { response, ask, memory });
}

interface Arriving {
  readonly connection: OidcConnection;
  readonly departure: Departure;
  readonly verdict: Verified | Refusal;
}

/** To the sign-in, with what was verified or with the case of the refusal. */
async function arrive(ctx: Context, { connection, departure, verdict }: Arriving, wire: Wire) {
  const { attemptId, luggage } = departure;
  const { log } = ctx;
  const connectionId = connection.id;
  const { uid } = luggage;
  const { revision } = connection;
  const identity = isRefusal(verdict) ? undefined : verdict.identity;
  const settle = async (tx: Tx): Promise<string | undefined> => {
    const refused =
      isRefusal(verdict) && ({ attemptId, connectionId, stage: 'response', refusal: verdict } as const);
    const caseId = refused ? await refuseIn(tx, log, refused) : undefined;
    if (uid === undefined) return caseId;
    const state: SignInState = identity
      ? { at: 'returned', connectionId, attemptId, identity, revision }
      : companyFailed(caseId ?? '').state;
    await returnToSignIn(tx, uid, state);
    return caseId;
  };
  const caseId = await inTransaction(ctx, settle);
  if (uid !== undefined) return wire.reply.redirect(`/sign-in/${uid}`, 303);
  return showTest(ctx, { connectionId, attemptId, identity, caseId, revision }, wire);
}
