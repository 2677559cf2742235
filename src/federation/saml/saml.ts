/**
 * SAML 2.0: sends a browser to an identity provider with a signed request, and verifies the assertion that comes back.
 * What is refused by its size is refused here; everything that parses runs in a thread, which is ended when it takes
 * too long.
 */
import type { Context } from '../../context.ts';
import type { Refusal } from '../../core/attempts/attempts.ts';
import {
  type ConnectionKey,
  type KeyUse,
  listConnectionKeys,
  openConnectionKey,
  type SamlConnection,
  usableCertificates,
} from '../../core/connections/connections.ts';
import { createGate, createShares, GateFull } from '../../kernel/gate.ts';
import type { ConnectionId } from '../../kernel/ids.ts';
import { addSeconds } from '../../kernel/time.ts';
import { createThread } from '../../thread.ts';
import type { Ask, Connector, Memory, Returned, Verified, Way } from '../connector.ts';
import type { SamlQuestion } from './question.ts';
import { refusalOf, refuse } from './refusing.ts';
import { requestIdOf, writeRequest } from './request.ts';
import { responseLimits } from './response.ts';
import { isUsableAddress, serviceProviderOf } from './service-provider.ts';
import { checkSize, decodeText } from './xml.ts';

export { readInResponseTo } from './in-response-to.ts';
export { type IdpMetadata, type MetadataOptions, parseSamlMetadata } from './metadata.ts';
export { type ServiceProvider, serviceProviderMetadata, serviceProviderOf } from './service-provider.ts';

/** What the browser posted: the field `SAMLResponse`, as it came. */
export interface SamlResponseInput {
  readonly samlResponse: string;
}

/** The largest that is taken takes a tenth of it: longer is somebody's work at making it take long. */
const deadlineMs = 500;

const thread = createThread<SamlQuestion, Verified | Refusal>(
  new URL('./verify-thread.ts', import.meta.url),
  {
    deadlineMs,
    idleMs: 10 * 60_000,
    memoryMb: 128,
  },
);

/** One at a time: who makes the thread end takes nobody else's answer along. */
const gate = createGate({ slots: 1, queue: 300, waitMs: 10_000 });

/**
 * A tenant may open any number of departures, and answer them with what is slow: the others' places are not theirs. A company
 * whose people all come back in one minute has no need of more.
 */
const shares = createShares<ConnectionId>(100);

export const samlConnector: Connector<SamlConnection, SamlResponseInput> = { depart, verify };

async function depart(ctx: Context, connection: SamlConnection, ask: Ask): Promise<Way | Refusal> {
  const { published } = connection;
  if (!isUsableAddress(published.ssoUrl, !ctx.config.production))
    return { refused: 'connection_not_available', detail: 'an address that nobody is sent to' };
  const key = (await keysFor(ctx, connection, 'signing')).find(({ state }) => state === 'current');
  if (!key) return { refused: 'connection_not_available', detail: 'no key to sign the request with' };
  const now = ctx.now();
  const request = writeRequest({
    serviceProvider: serviceProviderOf(ctx.config.issuer, connection.id),
    published,
    ask,
    now,
    privateKey: openConnectionKey(ctx.config, key),
  });
  return { ...request, memory: memoryOf(ask, now) };
}

async function keysFor(ctx: Context, { id }: SamlConnection, use: KeyUse): Promise<ConnectionKey[]> {
  return (await listConnectionKeys(ctx.db, id)).filter((key) => key.use === use);
}

function memoryOf({ forceAuthn, maxAge }: Ask, now: Date): Memory {
  if (forceAuthn) return { notBefore: now.toISOString() };
  return maxAge === undefined ? {} : { notBefore: addSeconds(now, -maxAge).toISOString() };
}

async function verify(
  ctx: Context,
  connection: SamlConnection,
  { response, ask, memory }: Returned<SamlResponseInput>,
): Promise<Verified | Refusal> {
  const { settings, published } = connection;
  if (!ask && settings.idpInitiated !== 'allow') return { refused: 'response_unexpected' };
  const xml = decode(response.samlResponse);
  if (typeof xml !== 'string') return xml;
  const keys = settings.encryption ? await keysFor(ctx, connection, 'encryption') : [];
  return askThread(ctx, connection.id, {
    xml,
    now: ctx.now(),
    serviceProvider: serviceProviderOf(ctx.config.issuer, connection.id),
    settings,
    certificates: usableCertificates(published, ctx.now()),
    requestId: ask && requestIdOf(ask.token),
    provenAfter: memory.notBefore === undefined ? undefined : new Date(memory.notBefore),
    decryptionKeys: keys.map((key) => openConnectionKey(ctx.config, key)),
  });
}

/** The document, if it is small enough to be looked at: costs one pass over it. */
function decode(samlResponse: string): string | Refusal {
  try {
    // base64 has four characters for three bytes, and breaks of lines
    if (samlResponse.length > responseLimits.bytes * 1.5)
      refuse('saml_too_large', 'too long before it is decoded');
    const base64 = samlResponse.replace(/\s+/g, '');
    if (!/^[A-Za-z0-9+/]+={0,2}$/.test(base64)) refuse('saml_malformed', 'not base64');
    const bytes = Buffer.from(base64, 'base64');
    checkSize(bytes, responseLimits);
    // as every reader of XML does, once for all that read it here
    return decodeText(bytes).replace(/\r\n?/g, '\n');
  } catch (error) {
    const refusal = refusalOf(error);
    if (refusal) return refusal;
    throw error;
  }
}

async function askThread(
  ctx: Context,
  connectionId: ConnectionId,
  question: SamlQuestion,
): Promise<Verified | Refusal> {
  try {
    return await shares.run(connectionId, () => gate.run(() => thread.ask(question)));
  } catch (error) {
    const why =
      error instanceof GateFull ? 'too many others are waiting' : 'the thread had to be ended, or failed';
    ctx.log.error({ err: error, connectionId }, `a SAML response was not verified: ${why}`);
    return { refused: 'too_slow', detail: why };
  }
}
