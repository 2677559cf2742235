/** A connection as it is shown: what was decided, what its identity provider publishes, and what its IT has to know of us. */
import { z } from 'zod';
import type { Context, Tx } from '../../context.ts';
import {
  type BoundDomain,
  type Connection,
  getConnection,
  getLockedConnection,
  isTested,
  listBindings,
  type OidcConnection,
  type SamlConnection,
} from '../../core/connections/connections.ts';
import { redirectUriOf } from '../../federation/oidc/oidc.ts';
import { serviceProviderOf } from '../../federation/saml/saml.ts';
import type { AccountId } from '../../kernel/ids.ts';
import { accountParams } from './accounts.ts';
import { mappingMembers, oidcMembers, oidcSource, samlMembers, samlSource } from './connection-members.ts';
import { showMapping, showOidc, showSaml } from './connection-settings.ts';
import { email, idOf, shownId, shownTime, shownTimeOrNull, time } from './schemas.ts';

export const connectionUrl = '/accounts/{account_id}/connections/{connection_id}';
export const connectionParams = accountParams.extend({ connection_id: idOf('con') });
export type ConnectionParams = z.output<typeof connectionParams>;

/** A connection of the account in the address, and of no other. */
export function refOf({ account_id: accountId, connection_id: connectionId }: ConnectionParams) {
  return { accountId, connectionId } as const;
}

const address = z.string().meta({ examples: ['https://idp.acme.com/sso'] });
const ours = (path: string) =>
  z.string().meta({
    examples: [`https://id.vendor.com/federation/con_01k0c3v7e8t9w2x4y6z8a0b2c4/${path}`],
  });

const refresh = z
  .strictObject({
    last_at: time.nullable(),
    next_at: time.nullable(),
    error: z
      .string()
      .nullable()
      .meta({
        description: 'Why the last one failed; what was published before is still used.',
        examples: [null],
      }),
  })
  .meta({ description: 'When what the identity provider publishes was fetched.' });

const common = {
  id: shownId('con'),
  account_id: shownId('acc'),
  label: z.string().meta({ description: 'What people choose by.', examples: ['Acme'] }),
  state: z.enum(['draft', 'tested', 'pilot', 'enabled', 'required', 'disabled']),
  tested: z.boolean().meta({ description: 'A test has passed for exactly what it is now.' }),
  tested_at: time.nullable().meta({ description: 'When a test last passed.' }),
  mapping: z.strictObject(mappingMembers),
  refresh,
  domains: z.array(
    z.strictObject({
      domain_id: shownId('dom'),
      name: z.string().meta({ examples: ['acme.com'] }),
      state: z.enum(['pending', 'verified', 'stale', 'disputed']),
      priority: z.int().meta({ description: 'Lower comes first.', examples: [0] }),
      addresses: z
        .array(email)
        .nullable()
        .meta({ description: 'Only these go this way; null for everybody.', examples: [null] }),
    }),
  ),
  pilot_emails: z.array(email),
  created_at: time,
  updated_at: time,
};

const samlConnection = z
  .strictObject({
    ...common,
    kind: z.literal('saml'),
    ...samlSource,
    settings: z.strictObject(samlMembers),
    identity_provider: z.strictObject({
      sso_url: address,
      binding: z.enum(['redirect', 'post']),
      certificates: z.array(
        z.strictObject({
          fingerprint: z.string().meta({ description: 'SHA-256, hex.', examples: ['9f'.repeat(32)] }),
          expires_at: time,
          retiring_since: time.nullable().meta({
            description: 'Since when the metadata does not name it any more; it is taken for seven days.',
          }),
        }),
      ),
      valid_until: time.nullable().meta({ description: 'When the metadata ends.' }),
    }),
    service_provider: z
      .strictObject({ metadata_url: ours('metadata'), entity_id: ours('metadata'), acs_url: ours('acs') })
      .meta({ description: 'What the company’s IT needs to know of us.' }),
  })
  .meta({ id: 'SamlConnection' });

const oidcConnection = z
  .strictObject({
    ...common,
    kind: z.literal('oidc'),
    ...oidcSource,
    has_client_secret: z.boolean().meta({ description: 'It is never shown.' }),
    settings: z.strictObject(oidcMembers),
    identity_provider: z
      .strictObject({
        authorization_endpoint: address.nullable(),
        token_endpoint: address.nullable(),
        jwks_uri: address.nullable(),
      })
      .meta({ description: 'null until it was first asked.' }),
    service_provider: z
      .strictObject({
        metadata_url: ours('metadata'),
        redirect_uri: ours('callback'),
        backchannel_logout_uri: ours('backchannel-logout'),
      })
      .meta({ description: 'What the company’s IT needs to know of us.' }),
  })
  .meta({ id: 'OidcConnection' });

export const connection = z
  .discriminatedUnion('kind', [samlConnection, oidcConnection])
  .meta({ id: 'Connection' });
export type ShownConnection = z.output<typeof connection>;

/** A connection with the domains that lead to it. */
export interface Routed {
  readonly connection: Connection;
  readonly domains: readonly BoundDomain[];
}

type Place = Pick<Context, 'config' | 'db'>;

export async function withDomains(
  { db }: Place,
  accountId: AccountId,
  connections: readonly Connection[],
): Promise<Routed[]> {
  const bindings = await listBindings(
    db,
    accountId,
    connections.map(({ id }) => id),
  );
  return connections.map((connection) => ({
    connection,
    domains: bindings.filter(({ connectionId }) => connectionId === connection.id),
  }));
}

/** As it is now. Failure `not_found`. */
export async function showNow(place: Place, params: ConnectionParams): Promise<ShownConnection> {
  return showOne(place, await getConnection(place.db, refOf(params)));
}

/** The same, held until the transaction ends. */
export async function current(
  tx: Tx,
  { params }: { readonly params: ConnectionParams },
): Promise<ShownConnection> {
  return showOne(tx, await getLockedConnection(tx, refOf(params)));
}

async function showOne(place: Place, connection: Connection): Promise<ShownConnection> {
  const [routed = { connection, domains: [] }] = await withDomains(place, connection.accountId, [connection]);
  return show(place, routed);
}

export function show(place: Pick<Context, 'config'>, { connection, domains }: Routed): ShownConnection {
  const shared = showCommon(connection, domains);
  return connection.kind === 'saml'
    ? { ...shared, ...showSamlFacts(place, connection) }
    : { ...shared, ...showOidcFacts(place, connection) };
}

function showCommon(connection: Connection, domains: readonly BoundDomain[]) {
  const { id, accountId, label, state, testedAt, mapping, pilotEmails, createdAt, updatedAt } = connection;
  return {
    id,
    account_id: accountId,
    label,
    state,
    tested: isTested(connection),
    tested_at: shownTimeOrNull(testedAt),
    mapping: showMapping(mapping),
    domains: domains.flatMap(({ domainId, name, state: proof, priority, addresses }) =>
      proof === 'released'
        ? []
        : { domain_id: domainId, name, state: proof, priority, addresses: addresses && [...addresses] },
    ),
    pilot_emails: [...pilotEmails],
    created_at: shownTime(createdAt),
    updated_at: shownTime(updatedAt),
  };
}

function showSamlFacts({ config }: Pick<Context, 'config'>, connection: SamlConnection) {
  const { id, settings, published, refreshAt, refreshError } = connection;
  const { entityId, acsUrl } = serviceProviderOf(config.issuer, id);
  return {
    kind: 'saml' as const,
    ...showSaml(settings),
    identity_provider: {
      sso_url: published.ssoUrl,
      binding: published.binding,
      certificates: published.certificates.map(({ fingerprint, notAfter, retiringSince }) => ({
        fingerprint,
        expires_at: notAfter,
        retiring_since: retiringSince,
      })),
      valid_until: published.validUntil,
    },
    refresh: {
      last_at: published.triedAt ?? null,
      next_at: shownTimeOrNull(refreshAt),
      error: refreshError,
    },
    service_provider: { metadata_url: entityId, entity_id: entityId, acs_url: acsUrl },
  };
}

function showOidcFacts({ config }: Pick<Context, 'config'>, connection: OidcConnection) {
  const { id, settings, published, refreshError, secretSealed } = connection;
  const base = `${config.issuer}/federation/${id}`;
  const endpoint = (name: string) => {
    const value = published.metadata?.[name];
    return typeof value === 'string' ? value : null;
  };
  return {
    kind: 'oidc' as const,
    ...showOidc(settings),
    has_client_secret: secretSealed !== null,
    identity_provider: {
      authorization_endpoint: endpoint('authorization_endpoint'),
      token_endpoint: endpoint('token_endpoint'),
      jwks_uri: endpoint('jwks_uri'),
    },
    refresh: { last_at: published.metadataAt, next_at: null, error: refreshError },
    service_provider: {
      metadata_url: `${base}/metadata`,
      redirect_uri: redirectUriOf({ config }, connection),
      backchannel_logout_uri: `${base}/backchannel-logout`,
    },
  };
}
