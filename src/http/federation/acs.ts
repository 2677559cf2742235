/** The assertion consumer service (SAML bindings 3.5): posts from identity providers, through the browser, without our cookies. */
import { z } from 'zod';
import { type Context, inTransaction } from '../../context.ts';
import type { Refusal } from '../../core/attempts/attempts.ts';
import { isLive, type SamlConnection } from '../../core/connections/connections.ts';
import {
  consumeDeparture,
  type Departure,
  findDeparture,
  storeArrival,
  useAssertion,
} from '../../core/departures/departures.ts';
import { isRefusal, type Verified } from '../../federation/connector.ts';
import { refreshSoon } from '../../federation/refresh.ts';
import { readInResponseTo, samlConnector } from '../../federation/saml/saml.ts';
import { defineRoute, type Route, type Wire } from '../route.ts';
import { connectionParams, getConnection } from './connection.ts';
import { countAnswer, countUnexpected, refuseIn, refuseReplay, refuseUnexpected } from './refuse.ts';
import { takeUnsolicited } from './unsolicited.ts';

/** Base64 of 64 KiB; the connector counts again what it decodes. */
const body = z.object({
  SAMLResponse: z.string().min(1).max(100_000),
  RelayState: z.string().max(1000).optional(),
});

/**
 * Nothing here proves the browser: a verified identity only leaves an arrival, which the browser that left picks up at
 * `/federation/resume`. Whoever posts somebody else's response gets nothing (login CSRF).
 */
export const acsRoute: Route = defineRoute({
  method: 'POST',
  url: '/federation/:id/acs',
  access: 'federation',
  schema: { params: connectionParams, body },
  handler: async (ctx, { params, body: posted }, wire) => {
    const connection = await getConnection(ctx, params.id, 'saml');
    const { SAMLResponse: samlResponse, RelayState: relayState } = posted;
    const token = readInResponseTo(samlResponse);
    if (token === undefined) return takeUnsolicited(ctx, { connection, samlResponse, relayState }, wire);
    const departure = await findDeparture(ctx, { token });
    // one connection's request answered at another's address is as good as unknown (mix-up)
    if (departure?.connectionId !== connection.id) {
      const refusal = { refused: 'response_unexpected' } as const;
      throw await refuseUnexpected(ctx, { connection, refusal });
    }
    const answered = { connection, samlResponse, token, departure };
    return departure.consumedAt ? answerAgain(ctx, answered, wire) : answer(ctx, answered, wire);
  },
});

/**
 * A response that was posted before, mostly by the back button: nothing of it counts, and its own browser is sent to
 * where the sign-in stands by now.
 */
async function answerAgain(ctx: Context, { connection, departure }: Answered, { reply }: Wire) {
  const { attemptId, purpose, browserHash, luggage } = departure;
  const connectionId = connection.id;
  await countUnexpected(ctx, connectionId);
  const { log } = ctx;
  const handle = await inTransaction(ctx, async (tx) => {
    const caseId = await refuseReplay(tx, log, connection);
    const carried = luggage.uid === undefined ? { caseId } : { uid: luggage.uid };
    return storeArrival(tx, { connectionId, purpose, attemptId, browserHash, carried });
  });
  return reply.redirect(`/federation/resume?h=${handle}`, 303);
}

interface Answered {
  readonly connection: SamlConnection;
  readonly samlResponse: string;
  readonly token: string;
  readonly departure: Departure;
}

async function answer(ctx: Context, answered: Answered, { reply }: Wire) {
  const { connection, token, departure } = answered;
  await countAnswer(ctx, token);
  const verdict = await verify(ctx, answered);
  const { attemptId, purpose, browserHash, luggage } = departure;
  const { log } = ctx;
  const connectionId = connection.id;
  const uid = luggage.uid !== undefined && { uid: luggage.uid };
  const handle = await inTransaction(ctx, async (tx) => {
    const arrival = { connectionId, purpose, attemptId, browserHash };
    const refuse = async (refusal: Refusal): Promise<string> => {
      const caseId = await refuseIn(tx, log, { attemptId, connectionId, stage: 'response', refusal });
      return storeArrival(tx, { ...arrival, carried: { ...uid, caseId } });
    };
    // what was refused consumes nothing: whoever knows a request's id could end somebody else's sign-in
    if (isRefusal(verdict)) return refuse(verdict);
    const { identity, assertion } = verdict;
    const isFirst =
      (await consumeDeparture(tx, { token })) &&
      (!assertion || (await useAssertion(tx, { connectionId, ...assertion })));
    if (!isFirst) return refuse({ refused: 'response_replayed' });
    return storeArrival(tx, { ...arrival, carried: { ...uid, identity, revision: connection.revision } });
  });
  return reply.redirect(`/federation/resume?h=${handle}`, 303);
}

async function verify(ctx: Context, answered: Answered): Promise<Verified | Refusal> {
  const { connection, samlResponse, token, departure } = answered;
  if (departure.purpose !== 'test' && !isLive(connection)) return { refused: 'connection_not_available' };
  // it left under other settings, perhaps to another identity provider
  if (departure.revision !== connection.revision) return { refused: 'connection_not_available' };
  const { forceAuthn, maxAge, ...memory } = departure.luggage;
  const ask = { token, forceAuthn, ...(maxAge !== undefined && { maxAge }) };
  const returned = { response: { samlResponse }, ask, memory };
  const verdict = await samlConnector.verify(ctx, connection, returned);
  if (!isRefusal(verdict) || verdict.refused !== 'saml_signature') return verdict;
  // the identity provider may have a new key since we last looked
  const refreshed = await refreshSoon(ctx, connection);
  return refreshed ? samlConnector.verify(ctx, refreshed, returned) : verdict;
}
