/** A company with a proven domain and a connection of its own to a forgeable identity provider. */
import { randomBytes } from 'node:crypto';
import { inflateRawSync } from 'node:zlib';
import { inTransaction } from '../../src/context.ts';
import {
  addConnectionKey,
  createConnection,
  findConnection,
  makeKey,
  type Mapping,
  type SamlConnection,
  type SamlPublished,
  type SamlSettings,
} from '../../src/core/connections/connections.ts';
import { createSubscription } from '../../src/core/subscriptions/subscriptions.ts';
import { serviceProviderOf } from '../../src/federation/saml/saml.ts';
import {
  type AccountId,
  type ConnectionId,
  type DomainId,
  newId,
  type ProductId,
} from '../../src/kernel/ids.ts';
import { addSeconds, day } from '../../src/kernel/time.ts';
import type { Agent, Answer } from './agent.ts';
import type { TestApp } from './app.ts';
import { makeAccount } from './make.ts';
import { type Addressee, makeIdpKey, makeResponse, type Making, type TestIdp, toForm } from './saml-idp.ts';

/** Made once a process: a key takes its time. */
const idpKey = makeIdpKey();
let ownKey: ReturnType<typeof makeKey> | undefined;

export interface CompanyOptions {
  readonly domain: string;
  readonly state?: 'draft' | 'tested' | 'pilot' | 'enabled' | 'required' | 'disabled';
  readonly settings?: Partial<SamlSettings>;
  readonly mapping?: Partial<Mapping>;
  readonly pilotEmails?: readonly string[];
  readonly seats?: number;
  readonly binding?: 'redirect' | 'post';
  /** What another identity provider than the forgeable one publishes; `settings.entityId` goes with it. */
  readonly published?: SamlPublished;
  readonly label?: string;
}

export interface Company {
  readonly accountId: AccountId;
  readonly connectionId: ConnectionId;
  readonly domainId: DomainId;
  readonly idp: TestIdp;
  readonly to: Addressee;
  readonly assist: ProductId;
}

export async function makeCompany(
  { ctx, issuer }: Pick<TestApp, 'ctx' | 'issuer'>,
  options: CompanyOptions,
): Promise<Company> {
  const { domain, state = 'enabled', settings, mapping = {}, seats = 5, pilotEmails = [] } = options;
  const accountId = await makeAccount(ctx, { name: `Company ${domain}` });
  const product = await ctx.db
    .selectFrom('products')
    .select('id')
    .where('slug', '=', 'assist')
    .executeTakeFirstOrThrow();
  const idp = {
    entityId: `https://idp-${randomBytes(4).toString('hex')}.example/metadata`,
    ssoUrl: 'https://idp.example/sso',
    key: idpKey,
    now: ctx.now,
  };
  const key = await (ownKey ??= makeKey('a test', ctx.now()));
  const domainId = newId('dom', ctx.now());
  const connectionId = await inTransaction(ctx, async (tx) => {
    const startsAt = addSeconds(tx.now(), -day);
    await createSubscription(tx, { accountId, productId: product.id, seats, startsAt });
    const id = await createConnection(tx, {
      accountId,
      label: options.label ?? `Company ${domain}`,
      settings: {
        kind: 'saml',
        entityId: idp.entityId,
        metadataUrl: null,
        signaturePolicy: 'either',
        subject: { from: 'name_id' },
        idpInitiated: 'restart',
        idpInitiatedClients: [],
        encryption: false,
        refuseExpiredCertificates: false,
        ...settings,
      },
      published: options.published ?? {
        ssoUrl: idp.ssoUrl,
        binding: options.binding ?? 'redirect',
        certificates: [idpKey.certificate],
        validUntil: null,
      },
      mapping: { everybodysProducts: [product.id], ...mapping },
    });
    await addConnectionKey(tx, { connectionId: id, use: 'signing', state: 'current' }, key);
    if (settings?.encryption)
      await addConnectionKey(tx, { connectionId: id, use: 'encryption', state: 'current' }, key);
    const now = tx.now();
    await tx.db
      .insertInto('domains')
      .values({
        id: domainId,
        accountId,
        name: domain,
        state: 'verified',
        challenge: 'proven',
        verifiedAt: now,
        lastSeenAt: now,
        createdAt: now,
        updatedAt: now,
      })
      .execute();
    await tx.db.insertInto('connectionDomains').values({ accountId, connectionId: id, domainId }).execute();
    return id;
  });
  await ctx.db
    .updateTable('connections')
    .set({ state, pilotEmails: [...pilotEmails] })
    .where('id', '=', connectionId)
    .execute();
  return {
    accountId,
    connectionId,
    domainId,
    idp,
    to: serviceProviderOf(issuer, connectionId),
    assist: product.id,
  };
}

export async function getSaml(
  { ctx }: Pick<TestApp, 'ctx'>,
  { connectionId }: Company,
): Promise<SamlConnection> {
  const connection = await findConnection(ctx.db, connectionId);
  if (connection?.kind !== 'saml') throw new Error('no SAML connection');
  return connection;
}

/** The id of the request that an address at an identity provider carries. */
export function requestIdOf(location: string): string {
  const request = new URL(location).searchParams.get('SAMLRequest') ?? '';
  return requestIdIn(inflateRawSync(Buffer.from(request, 'base64')).toString());
}

export function requestIdIn(xml: string): string {
  const id = / ID="([^"]+)"/.exec(xml)?.[1];
  if (id === undefined) throw new Error('no request');
  return id;
}

/** A response of the company's identity provider about this address. */
export async function respond(
  company: Company,
  requestId: string | undefined,
  { email, ...making }: Making & { readonly email?: string } = {},
): Promise<string> {
  const { idp, to } = company;
  const name =
    email === undefined ? {} : { nameId: email.split('@')[0], attributes: [['email', email]] as const };
  const says = { ...name, ...making.says };
  return toForm(await makeResponse(idp, { to, requestId }, { ...making, says })).samlResponse;
}

/** Posts a response as another site does: without any cookie of ours. */
export async function postResponse(
  browser: Agent,
  { to }: Pick<Company, 'to'>,
  samlResponse: string,
  more: Readonly<Record<string, string>> = {},
): Promise<Answer> {
  const { cookies } = browser;
  browser.cookies = [];
  const headers = { origin: 'https://idp.example', 'sec-fetch-site': 'cross-site' };
  const posted = await browser.post(to.acsUrl, { form: { SAMLResponse: samlResponse, ...more }, headers });
  browser.cookies = [...cookies, ...browser.cookies];
  return posted;
}
