import { type Context, inTransaction } from '../context.ts';
import {
  type Connection,
  establishConnection,
  makeMissingKeys,
  type Mapping,
  parseMapping,
  parseSettings,
  reviseConnection,
  type SamlPublished,
} from '../core/connections/connections.ts';
import { fetchMetadata } from '../federation/refresh.ts';
import { type IdpMetadata, parseSamlMetadata } from '../federation/saml/metadata.ts';
import type { AccountId, ConnectionId } from '../kernel/ids.ts';
import { addSeconds, day } from '../kernel/time.ts';
import { getAccountBySlug } from './find.ts';
import { type Given, readJsonFile, readTextFile, WrongUse } from './given.ts';

const files = { settings: '<file>', mapping: '<file>' };
export const samlOptions = {
  label: '<text>',
  'metadata-url': '<url>',
  'metadata-file': '<file>',
  'entity-id': '<id>',
  policy: '<policy>',
  ...files,
};
export const oidcOptions = {
  label: '<text>',
  issuer: '<url>',
  'client-id': '<id>',
  'secret-file': '<file>',
  'client-auth': '<method>',
  tenant: '<id>…',
  ...files,
};
export const changeOptions = {
  label: '<text>',
  'metadata-file': '<file>',
  'secret-file': '<file>',
  ...files,
};

/** From the identity provider's metadata, which is fetched again every day where it has an address. */
export async function createSaml(ctx: Context, given: Given): Promise<ConnectionId> {
  const url = given.one('metadata-url');
  const { entityId, published } = await readMetadata(ctx, given);
  const settings = parseSettings(
    withoutUndefined({
      ...(await readSettings(given)),
      kind: 'saml',
      entityId,
      metadataUrl: url,
      signaturePolicy: given.one('policy'),
    }),
    ctx.config,
  );
  if (settings.kind !== 'saml') throw new Error('not SAML');
  return establishConnection(ctx, {
    ...(await readCommon(ctx, given)),
    settings,
    published,
    refreshAt: url === undefined ? null : addSeconds(ctx.now(), day),
  });
}

async function readMetadata(ctx: Context, given: Given): Promise<IdpMetadata> {
  const [url, file, entityId] = [
    given.one('metadata-url'),
    given.one('metadata-file'),
    given.one('entity-id'),
  ];
  if (url !== undefined && file === undefined) return fetchMetadata(ctx, url, entityId);
  if (file !== undefined && url === undefined) return readMetadataFile(ctx, file, entityId);
  throw new WrongUse('say either --metadata-url or --metadata-file');
}

async function readMetadataFile(ctx: Context, file: string, entityId?: string): Promise<IdpMetadata> {
  const options = { now: ctx.now(), allowHttp: !ctx.config.production };
  const xml = await readTextFile(file);
  return parseSamlMetadata(xml, { ...options, ...(entityId !== undefined && { entityId }) });
}

export async function createOidc(ctx: Context, given: Given): Promise<ConnectionId> {
  const tenants = given.many('tenant');
  const secretFile = given.one('secret-file');
  const settings = parseSettings(
    withoutUndefined({
      ...(await readSettings(given)),
      kind: 'oidc',
      issuer: given.one('issuer'),
      clientId: given.one('client-id'),
      clientAuth: given.one('client-auth'),
      tenants: tenants.length > 0 ? tenants : undefined,
    }),
    ctx.config,
  );
  if (settings.kind !== 'oidc') throw new Error('not OpenID Connect');
  return establishConnection(ctx, {
    ...(await readCommon(ctx, given)),
    settings,
    ...(secretFile !== undefined && { secret: await readTextFile(secretFile) }),
  });
}

/** What is said of any connection. */
async function readCommon(
  ctx: Context,
  given: Given,
): Promise<{ accountId: AccountId; label: string; mapping?: Mapping }> {
  const [slug] = given.words;
  const account = await getAccountBySlug(ctx.db, slug);
  const mapping = given.one('mapping');
  return {
    accountId: account.id,
    label: readLabel(given) ?? account.name,
    ...(mapping !== undefined && { mapping: parseMapping(await readJsonFile(mapping)) }),
  };
}

function readLabel(given: Given): string | undefined {
  const label = given.one('label')?.trim();
  if (label !== undefined && (label === '' || label.length > 100 || /\p{Cc}/u.test(label)))
    throw new WrongUse('the label has to have 1 to 100 characters');
  return label;
}

/** Members of the settings for which there is no option. */
async function readSettings(given: Given): Promise<object> {
  const file = given.one('settings');
  return file === undefined ? {} : (Object(await readJsonFile(file)) as object);
}

/** What is left out of the files stays as it is; new metadata comes with its entity id. */
export async function change(ctx: Context, connection: Connection, given: Given): Promise<string> {
  const label = readLabel(given);
  const [mapping, file, secret] = [
    given.one('mapping'),
    given.one('metadata-file'),
    given.one('secret-file'),
  ];
  const metadata = file === undefined ? undefined : await readMetadataFile(ctx, file);
  const settings = parseSettings(
    {
      ...connection.settings,
      ...(await readSettings(given)),
      ...(metadata && { entityId: metadata.entityId }),
    },
    ctx.config,
  );
  const published: { published?: SamlPublished } = metadata ? { published: metadata.published } : {};
  const revision = {
    connectionId: connection.id,
    settings,
    ...published,
    keys: await makeMissingKeys(ctx, connection, settings),
    ...(label !== undefined && { label }),
    ...(mapping !== undefined && { mapping: parseMapping(await readJsonFile(mapping), connection.mapping) }),
    ...(secret !== undefined && { secret: await readTextFile(secret) }),
  };
  await inTransaction(ctx, (tx) => reviseConnection(tx, revision));
  return `${label ?? connection.label} is changed. Test it again: doorward connection test ${connection.id}`;
}

function withoutUndefined(members: object): object {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined));
}
