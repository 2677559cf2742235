/** One SAML connection and its identity provider, for tests of the connector: real keys and XML, no browser. */
import { pino } from 'pino';
import type { Test } from 'tap';
import { openCommandContext } from '../../src/cli/context.ts';
import { type Context, inTransaction } from '../../src/context.ts';
import type { Refusal } from '../../src/core/attempts/attempts.ts';
import {
  createConnection,
  findConnection,
  type SamlConnection,
  type SamlPublished,
  type SamlSettings,
} from '../../src/core/connections/connections.ts';
import { type Ask, isRefusal, type Memory, type Verified } from '../../src/federation/connector.ts';
import { samlConnector, serviceProviderOf } from '../../src/federation/saml/saml.ts';
import { addSeconds } from '../../src/kernel/time.ts';
import { newToken } from '../../src/kernel/tokens.ts';
import { testConfig } from './app.ts';
import { createDatabase } from './database.ts';
import { makeAccount } from './make.ts';
import { type Addressee, makeIdpKey, type Making, makeResponse, type TestIdp, toForm } from './saml-idp.ts';

export interface SamlCase {
  readonly ctx: Context;
  readonly idp: TestIdp;
  readonly connection: SamlConnection;
  readonly to: Addressee;
  advance(seconds: number): void;
}

export async function openSamlCase(t: Test): Promise<SamlCase> {
  const databaseUrl = await createDatabase(t);
  const issuer = 'https://login.vendor.test';
  const config = { ...testConfig({ ISSUER: issuer, DATABASE_URL: databaseUrl }), databaseUrl };
  const opened = await openCommandContext(config, pino({ level: 'silent' }));
  t.teardown(() => opened.close());
  let offset = 0;
  const ctx = { ...opened.ctx, now: () => addSeconds(new Date(), offset) };
  const ssoUrl = 'https://idp.acme.test/sso';
  const idp = { entityId: 'https://idp.acme.test/metadata', ssoUrl, key: makeIdpKey(), now: ctx.now };
  const connection = await makeSamlConnection(ctx, idp);
  const to = serviceProviderOf(issuer, connection.id);
  return { ctx, idp, connection, to, advance: (seconds) => void (offset += seconds) };
}

export async function makeSamlConnection(ctx: Context, idp: TestIdp): Promise<SamlConnection> {
  const settings: SamlSettings = {
    kind: 'saml',
    entityId: idp.entityId,
    metadataUrl: null,
    signaturePolicy: 'either',
    subject: { from: 'name_id' },
    idpInitiated: 'restart',
    idpInitiatedClients: [],
    encryption: false,
    refuseExpiredCertificates: false,
  };
  const published: SamlPublished = {
    ssoUrl: idp.ssoUrl,
    binding: 'redirect',
    certificates: [idp.key.certificate],
    validUntil: null,
  };
  const accountId = await makeAccount(ctx);
  const id = await inTransaction(ctx, (tx) =>
    createConnection(tx, { accountId, label: 'Acme', settings, published }),
  );
  const made = await findConnection(ctx.db, id);
  if (made?.kind !== 'saml') throw new Error('no connection');
  return made;
}

export interface Attempt {
  readonly settings?: Partial<SamlSettings>;
  readonly published?: Partial<SamlPublished>;
  /** Nobody asked, unless the response is to say that somebody did. */
  readonly unsolicited?: boolean;
  readonly ask?: Partial<Ask>;
  readonly memory?: Memory;
  /** Instead of what the identity provider makes. */
  readonly xml?: string;
}

/** The response that is made for a request, and what the connector says to it. */
export async function attempt(
  of: SamlCase,
  making: Making = {},
  how: Attempt = {},
): Promise<Verified | Refusal> {
  const { idp, to } = of;
  const ask = { token: newToken().token, forceAuthn: false, ...how.ask };
  const requestId = how.unsolicited ? undefined : `_${ask.token}`;
  const xml = how.xml ?? (await makeResponse(idp, { to, requestId }, making));
  return verifyXml(of, xml, { ...how, ask });
}

export async function verifyXml(of: SamlCase, xml: string, how: Attempt = {}): Promise<Verified | Refusal> {
  const { settings, published } = of.connection;
  const connection = {
    ...of.connection,
    settings: { ...settings, ...how.settings },
    published: { ...published, ...how.published },
  };
  const ask = { token: newToken().token, forceAuthn: false, ...how.ask };
  return samlConnector.verify(of.ctx, connection, {
    response: toForm(xml),
    ask: how.unsolicited ? undefined : ask,
    memory: how.memory ?? {},
  });
}

/** The code of the refusal, or whom it took. */
export function outcomeOf(answer: Verified | Refusal): string {
  return isRefusal(answer) ? answer.refused : `taken: ${answer.identity.subject}`;
}
