/**
 * OAuth clients (RFC 6749 §2): product apps, services, the admin centre. Operators change them; every change is
 * announced to all replicas, which keep clients in memory.
 */
import { randomBytes } from 'node:crypto';
import { sql } from 'kysely';
import { type Context, inTransaction, type Tx } from '../../context.ts';
import type { Db } from '../../db/connect.ts';
import type { ProductId } from '../../kernel/ids.ts';
import { hashToken } from '../../kernel/tokens.ts';
import { recordEvent } from '../audit/audit.ts';
import { operatorScopes, ownResource } from './scopes.ts';

export { ownResource, operatorScopes, personScopes } from './scopes.ts';

/** The channel on which a changed client is announced; the payload is its id. */
export const clientChangedChannel = 'doorward_client_changed';

export type AuthMethod = 'none' | 'client_secret_basic' | 'client_secret_post' | 'private_key_jwt';
export type GrantType = 'authorization_code' | 'refresh_token' | 'client_credentials';

export interface Client {
  readonly clientId: string;
  readonly name: string;
  readonly product: { readonly slug: string; readonly name: string; readonly resource: string | null } | null;
  readonly requiredRole: 'admin' | null;
  /** Ours: no question of consent. */
  readonly firstParty: boolean;
  readonly applicationType: 'web' | 'native';
  readonly authMethod: AuthMethod;
  readonly secretHash: Buffer | null;
  readonly jwks: unknown;
  readonly jwksUri: string | null;
  readonly grantTypes: readonly GrantType[];
  readonly redirectUris: readonly string[];
  readonly postLogoutRedirectUris: readonly string[];
  readonly backchannelLogoutUri: string | null;
  readonly initiateLoginUri: string | null;
  readonly homeUri: string | null;
  readonly signUpUri: string | null;
  readonly logoUri: string | null;
  /** Beyond openid, profile and email: what it may ask for. */
  readonly scopes: readonly string[];
  /** The resources (RFC 8707) it may ask tokens for. */
  readonly resources: readonly string[];
  readonly idTokenSignedResponseAlg: 'ES256' | 'RS256';
  readonly requirePushedAuthorizationRequests: boolean;
  readonly dpopBoundAccessTokens: boolean;
  /** For interoperability runs of confidential clients only; the table refuses it for public ones. */
  readonly pkceWaived: boolean;
}

export type NewClient = Pick<Client, 'clientId' | 'name' | 'firstParty' | 'applicationType' | 'authMethod'> &
  Partial<Omit<Client, 'product' | 'secretHash'>> & {
    readonly productId?: ProductId | null;
    /** High entropy, at least 128 bits: stored as a plain SHA-256. */
    readonly secret?: string;
  };

export async function createClient(tx: Tx, { secret, jwks, ...client }: NewClient): Promise<void> {
  const now = tx.now();
  await tx.db
    .insertInto('clients')
    .values({
      ...client,
      grantTypes: [...(client.grantTypes ?? [])],
      redirectUris: [...(client.redirectUris ?? [])],
      postLogoutRedirectUris: [...(client.postLogoutRedirectUris ?? [])],
      scopes: [...(client.scopes ?? [])],
      resources: [...(client.resources ?? [])],
      jwks: jwks ? JSON.stringify(jwks) : null,
      secretHash: secret === undefined ? null : hashToken(secret),
      createdAt: now,
      updatedAt: now,
    })
    .execute();
  await announceClientChange(tx, client.clientId);
}

export async function deleteClient(tx: Tx, clientId: string): Promise<void> {
  await tx.db.deleteFrom('clients').where('clientId', '=', clientId).execute();
  await announceClientChange(tx, clientId);
}

/** Tells every replica, when the transaction commits, to forget what it remembers of the client. */
export async function announceClientChange(tx: Tx, clientId: string): Promise<void> {
  await sql`select pg_notify(${clientChangedChannel}, ${clientId})`.execute(tx.db);
}

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
    ])
    .where('clients.clientId', '=', clientId)
    .executeTakeFirst();
  if (!row) return undefined;
  const { slug, productName, resource, ...client } = row;
  const product = slug === null ? null : { slug, name: productName ?? slug, resource };
  return { ...client, product } as Client;
}

/** Where a person begins at a client: its own sign-in, else its home. */
export async function findStartUrl(db: Db, clientId: string): Promise<string | undefined> {
  const query = db
    .selectFrom('clients')
    .select(['initiateLoginUri', 'homeUri'])
    .where('clientId', '=', clientId);
  const client = await query.executeTakeFirst();
  return client?.initiateLoginUri ?? client?.homeUri ?? undefined;
}

/** The scopes the interface behind a resource knows; undefined when there is no such resource. */
export async function findResourceScopes(db: Db, resource: string): Promise<readonly string[] | undefined> {
  const product = await db
    .selectFrom('products')
    .select('scopes')
    .where('resource', '=', resource)
    .executeTakeFirst();
  return product?.scopes;
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
