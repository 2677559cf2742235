/** How operators make, change and remove clients. */
import { randomBytes } from 'node:crypto';
import type { Tx } from '../../context.ts';
import type { Db } from '../../db/connect.ts';
import { Failure } from '../../kernel/failures.ts';
import { newToken } from '../../kernel/tokens.ts';
import { changesBetween, recordEvent } from '../audit/audit.ts';
import { holdProduct } from '../products/products.ts';
import { announceClientChange, createClient, deleteClient } from './store.ts';
import {
  type ClientRow,
  deleteGrantsOfClient,
  findClientRow,
  holdResources,
  lockClient,
  type SecretColumns,
  updateClient,
} from './queries.ts';
import { ownResource } from './scopes.ts';
import { clientProblems, type ClientSettings, hasSecret } from './settings.ts';

/** A client, and the secret that was made for it just now: it is shown once and never again. */
export interface ClientWithSecret {
  readonly client: ClientRow;
  readonly secret: string | null;
}

export type NewClientSettings = Partial<ClientSettings> &
  Pick<ClientSettings, 'name' | 'firstParty' | 'applicationType' | 'authMethod' | 'grantTypes'>;

const defaults = {
  productId: null,
  requiredRole: null,
  jwks: null,
  jwksUri: null,
  redirectUris: [],
  postLogoutRedirectUris: [],
  backchannelLogoutUri: null,
  initiateLoginUri: null,
  homeUri: null,
  signUpUri: null,
  logoUri: null,
  scopes: [],
  resources: [],
  idTokenSignedResponseAlg: 'ES256',
  requirePushedAuthorizationRequests: false,
  dpopBoundAccessTokens: false,
  pkceWaived: false,
} as const satisfies Partial<ClientSettings>;

/**
 * Makes a client that can be used as it is; its secret, where it has one, is ours to make. Failures `already_exists`, and
 * `invalid_input` for what does not fit together.
 */
export async function registerClient(
  tx: Tx,
  {
    clientId = `client-${randomBytes(6).toString('hex')}`,
    ...given
  }: NewClientSettings & { clientId?: string },
): Promise<ClientWithSecret> {
  const settings = { ...defaults, ...given };
  await assertUsable(tx, settings);
  const secret = hasSecret(settings) ? newToken().token : null;
  await createClient(tx, { ...settings, clientId, ...(secret !== null && { secret }) });
  const client = await getClient(tx.db, clientId);
  const { name, productId, authMethod, grantTypes, redirectUris, scopes, resources } = client;
  await recordEvent(tx, {
    type: 'client.created',
    clientId,
    details: {
      name,
      product_id: productId,
      auth_method: authMethod,
      grant_types: grantTypes,
      redirect_uris: redirectUris,
      scopes,
      resources,
    },
  });
  return { client, secret };
}

/** Failure `not_found`. */
export async function getClient(db: Db, clientId: string): Promise<ClientRow> {
  const client = await findClientRow(db, clientId);
  if (!client) throw new Failure('not_found');
  return client;
}

/** The client, held until the transaction ends. Failure `not_found`. */
export async function getLockedClient(tx: Tx, clientId: string): Promise<ClientRow> {
  const client = await lockClient(tx, clientId);
  if (!client) throw new Failure('not_found');
  return client;
}

/**
 * Changes a client, on every replica. With another way to prove itself it loses what it proved itself by before, and a
 * secret is made where it had none. Failures `not_found`, `invalid_input`.
 */
export async function reviseClient(
  tx: Tx,
  clientId: string,
  changes: Partial<ClientSettings>,
): Promise<ClientWithSecret> {
  const before = await getLockedClient(tx, clientId);
  const wanted = { ...before, ...dropKeys(before, changes), ...changes };
  await assertUsable(tx, wanted);
  const { secret, columns } = secretFor(before, wanted);
  const { previousSecretUntil: _own, createdAt: _made, updatedAt: _at, clientId: _id, ...settings } = wanted;
  const after = await updateClient(tx, clientId, { ...settings, ...columns });
  await announceClientChange(tx, clientId);
  const changed = changesBetween(before, after);
  if (changed) await recordEvent(tx, { type: 'client.changed', clientId, details: { changes: changed } });
  return { client: after, secret };
}

function dropKeys(before: ClientRow, { authMethod = before.authMethod }: Partial<ClientSettings>) {
  return authMethod === before.authMethod ? {} : { jwks: null, jwksUri: null };
}

function secretFor(
  before: ClientRow,
  wanted: ClientSettings,
): { secret: string | null; columns: SecretColumns } {
  if (hasSecret(before) && hasSecret(wanted)) return { secret: null, columns: {} };
  const none = { previousSecretHash: null, previousSecretUntil: null };
  if (!hasSecret(wanted)) return { secret: null, columns: { ...none, secretHash: null } };
  const { token, hash } = newToken();
  return { secret: token, columns: { ...none, secretHash: hash } };
}

/** Everything granted to it ends with it, at once and on every replica. Failure `not_found`. */
export async function removeClient(tx: Tx, clientId: string): Promise<void> {
  const { name } = await getLockedClient(tx, clientId);
  const grants = await deleteGrantsOfClient(tx, clientId);
  await deleteClient(tx, clientId);
  await recordEvent(tx, { type: 'client.deleted', clientId, details: { name, grants } });
}

/** What it points at stays as it is until the transaction ends. */
async function assertUsable(tx: Tx, client: ClientSettings): Promise<void> {
  const own = ownResource(tx.config);
  const product = client.productId === null ? undefined : await holdProduct(tx, client.productId);
  const resources = new Map([[own.resource, own.scopes]]);
  for (const { resource, scopes } of await holdResources(tx, client.resources))
    if (resource !== null) resources.set(resource, scopes);
  const fields = clientProblems(client, {
    production: tx.config.production,
    ownResource: own.resource,
    resources,
    hasProduct: client.productId === null || product !== undefined,
  });
  if (Object.keys(fields).length > 0) throw new Failure('invalid_input', { fields });
}
