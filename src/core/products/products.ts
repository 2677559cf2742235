/** Something the vendor sells; one or more clients belong to it. Operators change it. Its resource is the audience of its tokens. */
import type { Tx } from '../../context.ts';
import type { Db } from '../../db/connect.ts';
import { Failure } from '../../kernel/failures.ts';
import { newId, type ProductId } from '../../kernel/ids.ts';
import { changesBetween, recordEvent } from '../audit/audit.ts';
import type { NewProduct, Product } from './product.ts';
import {
  deleteProductRow,
  findProduct,
  findProductUse,
  insertProduct,
  lockProduct,
  type ProductChanges,
  updateProduct,
} from './queries.ts';

export { holdProduct, listProducts, type ProductFilter } from './queries.ts';
export { type NewProduct, type Product, scopePattern } from './product.ts';
export { resourceProblem } from './resource.ts';

/** Failure `already_exists` for a slug or a resource that is taken. */
export async function createProduct(tx: Tx, product: NewProduct): Promise<ProductId> {
  const id = newId('prd', tx.now());
  await insertProduct(tx, id, product);
  const { slug, name, resource = null, scopes = [] } = product;
  await recordEvent(tx, {
    type: 'product.created',
    details: { product_id: id, slug, name, resource, scopes },
  });
  return id;
}

/** Failure `not_found`. */
export async function getProduct(db: Db, id: ProductId): Promise<Product> {
  const product = await findProduct(db, id);
  if (!product) throw new Failure('not_found');
  return product;
}

/** The product, held until the transaction ends: nobody begins to point at it meanwhile. Failure `not_found`. */
export async function getLockedProduct(tx: Tx, id: ProductId): Promise<Product> {
  const product = await lockProduct(tx, id);
  if (!product) throw new Failure('not_found');
  return product;
}

/**
 * Changes what is said of a product. A resource or a scope that a client has is not taken from under it: failure
 * `in_use`. Failures `not_found`, `already_exists`.
 */
export async function reviseProduct(tx: Tx, id: ProductId, changes: ProductChanges): Promise<Product> {
  const before = await getLockedProduct(tx, id);
  const use = await findProductUse(tx.db, before);
  if (changes.resource !== undefined && changes.resource !== before.resource && use.resourceClients > 0)
    throw new Failure('in_use', { fields: { resource: 'clients ask for tokens for it' } });
  const { scopes = before.scopes } = changes;
  const missed = use.scopes.filter((scope) => before.scopes.includes(scope) && !scopes.includes(scope));
  if (missed.length > 0)
    throw new Failure('in_use', { fields: { scopes: `clients have ${missed.join(' ')}` } });
  const after = await updateProduct(tx, id, changes);
  const changed = changesBetween(before, after);
  if (changed)
    await recordEvent(tx, { type: 'product.changed', details: { product_id: id, changes: changed } });
  return after;
}

/** Failures `not_found`, and `in_use` while an account has subscribed to it, or a client belongs to it or asks for its resource. */
export async function deleteProduct(tx: Tx, id: ProductId): Promise<void> {
  const product = await getLockedProduct(tx, id);
  const { subscriptions, clients, resourceClients } = await findProductUse(tx.db, product);
  if (subscriptions + clients + resourceClients > 0) throw new Failure('in_use');
  await deleteProductRow(tx, id);
  const { slug, name } = product;
  await recordEvent(tx, { type: 'product.deleted', details: { product_id: id, slug, name } });
}

/** By products_slug_key. */
export async function findProductBySlug(
  db: Db,
  slug: string,
): Promise<{ readonly id: ProductId; readonly name: string } | undefined> {
  return db.selectFrom('products').select(['id', 'name']).where('slug', '=', slug).executeTakeFirst();
}
