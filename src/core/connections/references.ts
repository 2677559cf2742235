/** What the settings and the mapping of a connection name beside the connection itself. */
import type { Db } from '../../db/connect.ts';
import { Failure } from '../../kernel/failures.ts';
import type { AccountId, ProductId } from '../../kernel/ids.ts';
import type { ConnectionSettings, Mapping } from './settings.ts';

/** What is looked at, as it was before and as it is to be; without `before` everything is new. */
export interface Naming {
  readonly settings?: ConnectionSettings | undefined;
  readonly mapping?: Mapping | undefined;
}

/**
 * Failure `invalid_input` where somebody who acts for an account newly names a product that is not sold to it, or a client
 * where nobody signs in. Whether such a thing exists for others is not told.
 */
export async function assertReferences(
  db: Db,
  accountId: AccountId,
  { before, after }: { readonly before?: Naming; readonly after: Naming },
): Promise<void> {
  const fields = {
    ...(await checkProducts(db, accountId, newOnes(productsOf(before?.mapping), productsOf(after.mapping)))),
    ...(await checkClients(db, newOnes(clientsOf(before?.settings), clientsOf(after.settings)))),
  };
  if (Object.keys(fields).length > 0) throw new Failure('invalid_input', { fields });
}

function newOnes<Name>(before: readonly Name[], after: readonly Name[]): Name[] {
  return [...new Set(after)].filter((name) => !before.includes(name));
}

function productsOf(mapping: Mapping | undefined): readonly ProductId[] {
  return mapping ? [...mapping.everybodysProducts, ...Object.values(mapping.products).flat()] : [];
}

function clientsOf(settings: ConnectionSettings | undefined): readonly string[] {
  return settings?.kind === 'saml' ? settings.idpInitiatedClients : [];
}

/** By subscriptions_pkey. */
async function checkProducts(db: Db, accountId: AccountId, named: readonly ProductId[]) {
  if (named.length === 0) return {};
  const query = db.selectFrom('subscriptions').select('productId').where('accountId', '=', accountId);
  const rows = await query.where('productId', 'in', named).execute();
  return rows.length < named.length && { products: 'names a product that the account has not subscribed to' };
}

/** By clients_pkey. */
async function checkClients(db: Db, named: readonly string[]) {
  if (named.length === 0) return {};
  const query = db.selectFrom('clients').select(['clientId', 'grantTypes']).where('clientId', 'in', named);
  const known = (await query.execute()).filter(({ grantTypes }) => grantTypes.includes('authorization_code'));
  return known.length < named.length && { idpInitiatedClients: 'names a client that is not known' };
}
