/**
 * A response that nobody asked for: a person has pressed our tile at their identity provider. By default it is not even
 * read: the browser is sent to an application, which begins a sign-in of its own (`restart`). Where an admin allows it,
 * it is verified, and waits in this browser for that sign-in.
 */
import { type Context, inTransaction } from '../../context.ts';
import { type Refusal, startAttempt } from '../../core/attempts/attempts.ts';
import { findStartUrl } from '../../core/clients/clients.ts';
import { isLive, type SamlConnection } from '../../core/connections/connections.ts';
import { storeArrival, useAssertion } from '../../core/departures/departures.ts';
import { isRefusal, type Verified } from '../../federation/connector.ts';
import { samlConnector } from '../../federation/saml/saml.ts';
import { Failure } from '../../kernel/failures.ts';
import { newToken } from '../../kernel/tokens.ts';
import { setArrival } from '../company-cookies.ts';
import type { Wire } from '../route.ts';
import { countUnexpected, refuseIn, refuseUnexpected } from './refuse.ts';

interface Unsolicited {
  readonly connection: SamlConnection;
  readonly samlResponse: string;
  readonly relayState: string | undefined;
}

export async function takeUnsolicited(ctx: Context, unsolicited: Unsolicited, wire: Wire) {
  const { connection, samlResponse } = unsolicited;
  const { idpInitiated } = connection.settings;
  const startUrl = await findDestination(ctx, unsolicited);
  if (!isLive(connection) || idpInitiated === 'off' || startUrl === undefined) {
    const refusal = {
      refused: isLive(connection) ? 'response_unexpected' : 'connection_not_available',
    } as const;
    throw await refuseUnexpected(ctx, { connection, refusal, purpose: 'unsolicited' });
  }
  await countUnexpected(ctx, connection.id);
  const verdict: Verified | Refusal | undefined =
    idpInitiated === 'restart'
      ? undefined // not even read: what somebody posts here is a wish, not a proof
      : await samlConnector.verify(ctx, connection, {
          response: { samlResponse },
          ask: undefined,
          memory: {},
        });
  if (verdict && isRefusal(verdict))
    throw await refuseUnexpected(ctx, { connection, refusal: verdict, purpose: 'unsolicited' });
  const { token: browser, hash: browserHash } = newToken();
  const { id: connectionId, accountId } = connection;
  const { log } = ctx;
  const handle = await inTransaction(ctx, async (tx) => {
    const attemptId = await startAttempt(tx, {
      accountId,
      connectionId,
      purpose: 'unsolicited',
      stage: 'response',
    });
    const arrival = { connectionId, purpose: 'unsolicited', attemptId, browserHash } as const;
    if (!verdict) return storeArrival(tx, { ...arrival, carried: {} });
    const { identity, assertion } = verdict;
    if (assertion && (await useAssertion(tx, { connectionId, ...assertion })))
      return storeArrival(tx, { ...arrival, carried: { identity, revision: connection.revision } });
    const refusal = { refused: 'response_replayed' } as const;
    return { caseId: await refuseIn(tx, log, { attemptId, connectionId, stage: 'response', refusal }) };
  });
  if (typeof handle !== 'string') throw new Failure('company_sign_in_failed', handle);
  setArrival(ctx.config, wire.reply, { handle, browser });
  return wire.reply.redirect(startUrl, 303);
}

/** RelayState may name one of the connection's clients, and nothing else: it is no address to be sent to. */
async function findDestination(
  ctx: Context,
  { connection, relayState }: Unsolicited,
): Promise<string | undefined> {
  const { idpInitiatedClients: clients } = connection.settings;
  const clientId = clients.find((client) => client === relayState) ?? clients[0];
  const url = clientId === undefined ? undefined : await findStartUrl(ctx.db, clientId);
  if (url === undefined) return undefined;
  const start = new URL(url);
  start.searchParams.set('iss', ctx.config.issuer); // OpenID Connect Core §4
  return start.href;
}
