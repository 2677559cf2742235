/** Making and changing a connection: the network and the keys first, then the one transaction. */
import type { Context, Tx } from '../../context.ts';
import {
  assertReferences,
  type Connection,
  type ConnectionSettings,
  getConnection,
  getLockedConnection,
  makeKeysFor,
  makeMissingKeys,
  type Mapping,
  type NewConnection,
  type OwnKeys,
  parseMapping,
  parseSettings,
  reviseConnection,
  storeConnection,
} from '../../core/connections/connections.ts';
import { findProvider } from '../../federation/oidc/oidc.ts';
import { fetchMetadata } from '../../federation/refresh.ts';
import { type IdpMetadata, parseSamlMetadata } from '../../federation/saml/saml.ts';
import { Failure } from '../../kernel/failures.ts';
import type { AccountId } from '../../kernel/ids.ts';
import { addSeconds, day } from '../../kernel/time.ts';
import { type ConnectionParams, refOf } from './connection-answer.ts';
import type { NewBody, RevisionBody } from './connection-bodies.ts';
import {
  inWireWords,
  mappingFromWire,
  settingsFromWire,
  showMapping,
  showOidc,
  showSaml,
} from './connection-settings.ts';
import { type JsonMembers, mergePatch } from './merge-patch.ts';
import { given } from './schemas.ts';

export interface Draft {
  readonly connection: NewConnection;
  readonly keys: OwnKeys;
}

/** Failures `metadata_refused` and `invalid_input`. */
export async function prepareConnection(ctx: Context, accountId: AccountId, body: NewBody): Promise<Draft> {
  return inWireWords(async () => {
    const connection = await (body.kind === 'saml'
      ? draftSaml(ctx, accountId, body)
      : draftOidc(ctx, accountId, body));
    return { connection, keys: await makeKeysFor(ctx, connection.settings) };
  });
}

async function draftSaml(
  ctx: Context,
  accountId: AccountId,
  body: Extract<NewBody, { kind: 'saml' }>,
): Promise<NewConnection> {
  const metadata = await readMetadata(ctx, body);
  if (!metadata) throw new Failure('invalid_input', { fields: { metadataUrl: 'is missing' } });
  const { entityId, published } = metadata;
  const source = { entity_id: entityId, metadata_url: body.metadata_url, settings: body.settings };
  const settings = parseSettings(settingsFromWire('saml', source), ctx.config);
  if (settings.kind !== 'saml') throw new Error('not SAML');
  const refreshAt = nextRefresh(ctx, settings);
  return { accountId, ...commonOf(body), settings, published, refreshAt };
}

async function draftOidc(
  ctx: Context,
  accountId: AccountId,
  body: Extract<NewBody, { kind: 'oidc' }>,
): Promise<NewConnection> {
  const { issuer, client_id: clientId, client_secret: secret } = body;
  const source = { issuer, client_id: clientId, settings: body.settings };
  const settings = parseSettings(settingsFromWire('oidc', source), ctx.config);
  if (settings.kind !== 'oidc') throw new Error('not OpenID Connect');
  const published = await findProvider(ctx, settings);
  return { accountId, ...commonOf(body), settings, published, ...given({ secret }) };
}

function commonOf({ label, mapping }: NewBody): { label: string; mapping?: Mapping } {
  return { label, ...(mapping && { mapping: parseMapping(mappingFromWire(mapping)) }) };
}

type MetadataSource = Pick<RevisionBody, 'metadata_url' | 'metadata_xml' | 'entity_id'>;

/** Fetched or handed over, whichever was meant; undefined when neither was. Pinned by an entity id that is given. */
async function readMetadata(ctx: Context, source: MetadataSource): Promise<IdpMetadata | undefined> {
  const { metadata_url: url, metadata_xml: xml } = source;
  const entityId = source.entity_id ?? undefined;
  if (typeof url === 'string' && xml !== undefined)
    throw new Failure('invalid_input', { fields: { metadata_xml: 'is given beside metadata_url' } });
  if (typeof url === 'string') return fetchMetadata(ctx, url, entityId);
  if (xml === undefined) return undefined;
  const rules = { now: ctx.now(), allowHttp: !ctx.config.production };
  return parseSamlMetadata(xml, { ...rules, ...given({ entityId }) });
}

/** Failure `invalid_input`, also for products and clients that are not the account's to name. */
export async function writeConnection(tx: Tx, { connection, keys }: Draft) {
  return inWireWords(async () => {
    const { accountId, settings, mapping } = connection;
    await assertReferences(tx.db, accountId, {
      after: { settings, mapping: mapping as Mapping | undefined },
    });
    return storeConnection(tx, connection, keys);
  });
}

export interface Prepared {
  readonly metadata: IdpMetadata | undefined;
  readonly keys: OwnKeys;
}

/** Failures `not_found`, `metadata_refused` and `invalid_input`. */
export async function prepareRevision(
  ctx: Context,
  params: ConnectionParams,
  body: RevisionBody,
): Promise<Prepared> {
  return inWireWords(async () => {
    const before = await getConnection(ctx.db, refOf(params));
    assertKind(before, body);
    const metadata = before.kind === 'saml' ? await readMetadata(ctx, body) : undefined;
    const settings = settingsAfter(ctx, before, { body, metadata });
    const isMoved =
      settings.kind === 'oidc' && before.kind === 'oidc' && settings.issuer !== before.settings.issuer;
    if (isMoved) await findProvider(ctx, settings);
    return { metadata, keys: await makeMissingKeys(ctx, before, settings) };
  });
}

/** What no settings are made of, and so is nobody else's to refuse. */
function assertKind({ kind }: Connection, body: RevisionBody): void {
  const foreign = kind === 'saml' ? 'client_secret' : 'metadata_xml';
  if (body[foreign] !== undefined)
    throw new Failure('invalid_input', { fields: { [foreign]: 'is not known' } });
}

interface Change {
  readonly body: RevisionBody;
  readonly metadata: IdpMetadata | undefined;
}

/** The patch laid over what stands now. New metadata comes with its entity id, and with its address or without one. */
function settingsAfter(
  { config }: Pick<Context, 'config'>,
  { settings: before }: Connection,
  { body, metadata }: Change,
): ConnectionSettings {
  const { issuer, client_id, settings } = body;
  const source = metadata
    ? { entity_id: metadata.entityId, metadata_url: body.metadata_url ?? null }
    : { entity_id: body.entity_id, metadata_url: body.metadata_url };
  const shown = before.kind === 'saml' ? showSaml(before) : showOidc(before);
  const merged = mergePatch(shown, { ...source, issuer, client_id, settings });
  return parseSettings(settingsFromWire(before.kind, merged), config);
}

/** Failures `not_found` and `invalid_input`. */
export async function writeRevision(
  tx: Tx,
  params: ConnectionParams,
  { body, prepared }: { readonly body: RevisionBody; readonly prepared: Prepared },
): Promise<void> {
  const { metadata, keys } = prepared;
  await inWireWords(async () => {
    const before = await getLockedConnection(tx, refOf(params));
    const settings = settingsAfter(tx, before, { body, metadata });
    const mapping = body.mapping && mappingAfter(before, body.mapping);
    await assertReferences(tx.db, params.account_id, { before, after: { settings, mapping } });
    const isNewSource = body.metadata_url !== undefined || metadata !== undefined;
    await reviseConnection(tx, {
      ...refOf(params),
      settings,
      keys,
      ...given({ label: body.label, secret: body.client_secret, mapping, published: metadata?.published }),
      ...(isNewSource && { refreshAt: nextRefresh(tx, settings) }),
    });
  });
}

function mappingAfter({ mapping }: Connection, patch: JsonMembers): Mapping {
  return parseMapping(mappingFromWire(mergePatch(showMapping(mapping), patch)));
}

function nextRefresh({ now }: Pick<Context, 'now'>, settings: ConnectionSettings): Date | null {
  return settings.kind === 'saml' && settings.metadataUrl !== null ? addSeconds(now(), day) : null;
}
