/** A client as a row: made and deleted as it is given, and announced. What may be given is for manage.ts to say. */
import { sql } from 'kysely';
import type { Tx } from '../../context.ts';
import { Failure } from '../../kernel/failures.ts';
import type { ProductId } from '../../kernel/ids.ts';
import { hashToken } from '../../kernel/tokens.ts';
import type { Client } from './client.ts';

/** The channel on which a changed client is announced; the payload is its id. */
export const clientChangedChannel = 'doorward_client_changed';

export type NewClient = Pick<Client, 'clientId' | 'name' | 'firstParty' | 'applicationType' | 'authMethod'> &
  Partial<
    Omit<Client, 'product' | 'scopesByResource' | 'secretHash' | 'previousSecretHash' | 'previousSecretUntil'>
  > & {
    readonly productId?: ProductId | null;
    /** High entropy, at least 128 bits: stored as a plain SHA-256. */
    readonly secret?: string;
  };

/** As it is given: see registerClient. Failure `already_exists` for an id that is taken (clients_pkey). */
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
    .execute()
    .catch(refuseTaken);
  await announceClientChange(tx, client.clientId);
}

function refuseTaken(error: unknown): never {
  const isTaken = (error as { constraint?: string }).constraint === 'clients_pkey';
  throw isTaken ? new Failure('already_exists', { fields: { client_id: 'is taken' } }) : error;
}

/** The row alone: see removeClient. */
export async function deleteClient(tx: Tx, clientId: string): Promise<void> {
  await tx.db.deleteFrom('clients').where('clientId', '=', clientId).execute();
  await announceClientChange(tx, clientId);
}

/** Tells every replica, when the transaction commits, to forget what it remembers of the client. */
export async function announceClientChange(tx: Tx, clientId: string): Promise<void> {
  await sql`select pg_notify(${clientChangedChannel}, ${clientId})`.execute(tx.db);
}

/** The same for every client of a product, and for those that call its interface: each replica remembers something of it too. */
export async function announceProductChange(tx: Tx, productId: ProductId): Promise<void> {
  await sql`
    select pg_notify(${clientChangedChannel}, client_id) from clients where product_id = ${productId}
      or (select resource from products where id = ${productId}) = any(resources)`.execute(tx.db);
}
