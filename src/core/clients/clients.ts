/**
 * OAuth clients (RFC 6749 §2): product apps, services, the admin centre. Operators change them; every change is
 * announced to all replicas, which keep clients in memory.
 */
import { randomBytes } from 'node:crypto';
import { sql } from 'kysely';
import type { Config } from '../../../config/load.ts';
import { type Context, inTransaction } from '../../context.ts';
import type { Db } from '../../db/connect.ts';
import { recordEvent } from '../audit/audit.ts';
import type { Client } from './client.ts';
import { operatorScopes, ownResource } from './scopes.ts';
import { createClient } from './store.ts';

export {
  applicationTypes,
  type AuthMethod,
  authMethods,
  type Client,
  clientIdPattern,
  type GrantType,
  grantTypes,
} from './client.ts';
export {
  announceClientChange,
  announceProductChange,
  clientChangedChannel,
  createClient,
  deleteClient,
  type NewClient,
} from './store.ts';
export { ownResource, assertNoMorePower, operatorScopes, personScopes, reservedScopes } from './scopes.ts';
export {
  type ClientWithSecret,
  getClient,
  getLockedClient,
  type NewClientSettings,
  registerClient,
  removeClient,
  reviseClient,
} from './manage.ts';
export { maxOverlapSeconds, rotateClientSecret } from './secret.ts';
export { type ClientFilter, type ClientRow, findClientRow, listClients } from './queries.ts';
export { type ClientSettings, hasSecret } from './settings.ts';

export async function findClient(db: Db, clientId: string): Promise<Client | undefined> {
  const row = await db
    .selectFrom('clients')
    .leftJoin('products', 'products.id', 'clients.productId')
    .select([
      'clients.clientId',
      'clients.name',
      'clients.requiredRole',
      'clients.firstParty',
      'clients.applicationType',
      'clients.authMethod',
      'clients.secretHash',
      'clients.previousSecretHash',
      'clients.previousSecretUntil',
      'clients.jwks',
      'clients.jwksUri',
      'clients.grantTypes',
      'clients.redirectUris',
      'clients.postLogoutRedirectUris',
      'clients.backchannelLogoutUri',
      'clients.initiateLoginUri',
      'clients.homeUri',
      'clients.signUpUri',
      'clients.logoUri',
      'clients.scopes',
      'clients.resources',
      'clients.idTokenSignedResponseAlg',
      'clients.requirePushedAuthorizationRequests',
      'clients.dpopBoundAccessTokens',
      'clients.pkceWaived',
      'products.slug',
      'products.name as productName',
      'products.resource',
      scopesByResource,
    ])
    .where('clients.clientId', '=', clientId)
    .executeTakeFirst();
  if (!row) return undefined;
  const { slug, productName, resource, ...client } = row;
  const product = slug === null ? null : { slug, name: productName ?? slug, resource };
  return { ...client, product } as Client;
}

/** The scopes known behind each of its resources and its product's. By products_resource_key and products_pkey. */
const scopesByResource = sql<Readonly<Record<string, readonly string[]>>>`coalesce((
  select jsonb_object_agg(known.resource, known.scopes) from products known
  where known.resource is not null
    and (known.resource = any(clients.resources) or known.id = clients.product_id)), '{}')`.as(
  'scopesByResource',
);

/** Where a person begins at a client: its own sign-in, else its home. */
export async function findStartUrl(db: Db, clientId: string): Promise<string | undefined> {
  const query = db
    .selectFrom('clients')
    .select(['initiateLoginUri', 'homeUri'])
    .where('clientId', '=', clientId);
  const client = await query.executeTakeFirst();
  return client?.initiateLoginUri ?? client?.homeUri ?? undefined;
}

/** The scopes the interface behind one of the client's resources knows; undefined when there is no such interface. */
export function scopesOf(
  config: Pick<Config, 'issuer'>,
  { scopesByResource: known }: Pick<Client, 'scopesByResource'>,
  resource: string,
): readonly string[] | undefined {
  const own = ownResource(config);
  return resource === own.resource ? own.scopes : known[resource];
}

/**
 * Makes the client an operator works with: client credentials for our own interface with every operator scope. The
 * secret is answered once and never again.
 */
export async function createOperatorClient(
  ctx: Context,
  name: string,
): Promise<{ clientId: string; secret: string }> {
  const clientId = `operator-${randomBytes(6).toString('hex')}`;
  const secret = randomBytes(32).toString('base64url');
  await inTransaction(ctx, async (tx) => {
    await createClient(tx, {
      clientId,
      name,
      secret,
      firstParty: true,
      applicationType: 'web',
      authMethod: 'client_secret_basic',
      grantTypes: ['client_credentials'],
      scopes: operatorScopes,
      resources: [ownResource(ctx.config).resource],
    });
    await recordEvent(tx, { type: 'client.operator_created', clientId, details: { name } });
  });
  return { clientId, secret };
}
