import { sql } from 'kysely';
import type { Tx } from '../../context.ts';
import type { Db } from '../../db/connect.ts';
import type { ProductId } from '../../kernel/ids.ts';
import type { Window } from '../../kernel/page.ts';
import type { ClientSettings } from './settings.ts';

/** A client as operators see it: never its secret, nor what is kept of that. */
export interface ClientRow extends ClientSettings {
  readonly clientId: string;
  /** Until when the secret before the last change works. */
  readonly previousSecretUntil: Date | null;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

const columns = [
  'clientId',
  'name',
  'productId',
  'requiredRole',
  'firstParty',
  'applicationType',
  'authMethod',
  'previousSecretUntil',
  'jwks',
  'jwksUri',
  'grantTypes',
  'redirectUris',
  'postLogoutRedirectUris',
  'backchannelLogoutUri',
  'initiateLoginUri',
  'homeUri',
  'signUpUri',
  'logoUri',
  'scopes',
  'resources',
  'idTokenSignedResponseAlg',
  'requirePushedAuthorizationRequests',
  'dpopBoundAccessTokens',
  'pkceWaived',
  'createdAt',
  'updatedAt',
] as const;

/** By clients_pkey. */
export async function findClientRow(db: Db, clientId: string): Promise<ClientRow | undefined> {
  const query = db.selectFrom('clients').select(columns).where('clientId', '=', clientId);
  return (await query.executeTakeFirst()) as ClientRow | undefined;
}

/** By clients_pkey. */
export async function lockClient(tx: Tx, clientId: string): Promise<ClientRow | undefined> {
  const query = tx.db.selectFrom('clients').select(columns).where('clientId', '=', clientId).forUpdate();
  return (await query.executeTakeFirst()) as ClientRow | undefined;
}

export interface ClientFilter extends Window {
  readonly productId?: ProductId | undefined;
}

/** In the order of their ids, by clients_pkey. */
export async function listClients(db: Db, { after, limit, productId }: ClientFilter): Promise<ClientRow[]> {
  let query = db.selectFrom('clients').select(columns).orderBy('clientId').limit(limit);
  if (after !== undefined) query = query.where('clientId', '>', after);
  if (productId !== undefined) query = query.where('productId', '=', productId);
  return (await query.execute()) as ClientRow[];
}

export interface SecretColumns {
  readonly secretHash?: Buffer | null;
  readonly previousSecretHash?: Buffer | null;
  readonly previousSecretUntil?: Date | null;
}

/** By clients_pkey. */
export async function updateClient(
  tx: Tx,
  clientId: string,
  { jwks, ...changes }: Partial<ClientSettings> & SecretColumns,
): Promise<ClientRow> {
  const { grantTypes, redirectUris, postLogoutRedirectUris, scopes, resources, ...plain } = changes;
  const lists = { grantTypes, redirectUris, postLogoutRedirectUris, scopes, resources };
  const given = Object.entries(lists).flatMap(([name, list]) => (list ? [[name, [...list]]] : []));
  const row = await tx.db
    .updateTable('clients')
    .set({
      ...plain,
      ...(Object.fromEntries(given) as Record<string, string[]>),
      ...(jwks !== undefined && { jwks: jwks === null ? null : JSON.stringify(jwks) }),
      updatedAt: tx.now(),
    })
    .where('clientId', '=', clientId)
    .returning(columns)
    .executeTakeFirstOrThrow();
  return row as ClientRow;
}

/** What the secret is now; the row is locked by who asks. By clients_pkey. */
export async function findSecretHash(tx: Tx, clientId: string): Promise<Buffer | null> {
  const query = tx.db.selectFrom('clients').select('secretHash').where('clientId', '=', clientId);
  return (await query.executeTakeFirstOrThrow()).secretHash;
}

/** Products by their resources, in one order, held like holdProduct does. By products_resource_key. */
export async function holdResources(
  tx: Tx,
  resources: readonly string[],
): Promise<{ readonly resource: string | null; readonly scopes: readonly string[] }[]> {
  if (resources.length === 0) return [];
  return tx.db
    .selectFrom('products')
    .select(['resource', 'scopes'])
    .where('resource', 'in', [...resources])
    .orderBy('id')
    .forShare()
    .execute();
}

/**
 * Ends what was granted to a client, with its codes and tokens, and forgets whom it was still to be told about; answers
 * how many grants there were. Grants have no index by client alone: it would cost every sign-in, for this.
 */
export async function deleteGrantsOfClient(tx: Tx, clientId: string): Promise<number> {
  const result = await sql<{ grants: number }>`
    with ended as (delete from grants where client_id = ${clientId} returning id),
      families as (delete from refresh_families where grant_id in (select id from ended)),
      tokens as (delete from artifacts where grant_id in (select id from ended)),
      notices as (delete from logout_notices where client_id = ${clientId} and state = 'pending')
    select count(*) as grants from ended`.execute(tx.db);
  return result.rows[0]?.grants ?? 0;
}
