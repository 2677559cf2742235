import { sql } from 'kysely';
import type { Tx } from '../../context.ts';
import type { Db } from '../../db/connect.ts';
import { Failure } from '../../kernel/failures.ts';
import type { ProductId } from '../../kernel/ids.ts';
import type { Window } from '../../kernel/page.ts';
import type { NewProduct, Product } from './product.ts';

const columns = ['id', 'slug', 'name', 'resource', 'scopes', 'createdAt', 'updatedAt'] as const;

export async function insertProduct(
  tx: Tx,
  id: ProductId,
  { scopes = [], ...product }: NewProduct,
): Promise<void> {
  const now = tx.now();
  await tx.db
    .insertInto('products')
    .values({ ...product, scopes: [...scopes], id, createdAt: now, updatedAt: now })
    .execute()
    .catch(refuseTaken);
}

const unique: Readonly<Record<string, string>> = {
  products_slug_key: 'slug',
  products_resource_key: 'resource',
};

function refuseTaken(error: unknown): never {
  const field = unique[(error as { constraint?: string }).constraint ?? ''];
  throw field === undefined ? error : new Failure('already_exists', { fields: { [field]: 'is taken' } });
}

/** By products_pkey. */
export async function findProduct(db: Db, id: ProductId): Promise<Product | undefined> {
  return db.selectFrom('products').select(columns).where('id', '=', id).executeTakeFirst();
}

/** By products_pkey. */
export async function lockProduct(tx: Tx, id: ProductId): Promise<Product | undefined> {
  return tx.db.selectFrom('products').select(columns).where('id', '=', id).forUpdate().executeTakeFirst();
}

/** Keeps a product from being changed or deleted while something begins to point at it; undefined when it is not there. */
export async function holdProduct(tx: Tx, id: ProductId): Promise<Product | undefined> {
  return tx.db.selectFrom('products').select(columns).where('id', '=', id).forShare().executeTakeFirst();
}

export interface ProductFilter extends Window {
  readonly slug?: string | undefined;
}

/** Newest first, by products_pkey. */
export async function listProducts(db: Db, { after, limit, slug }: ProductFilter): Promise<Product[]> {
  let query = db.selectFrom('products').select(columns).orderBy('id', 'desc').limit(limit);
  if (after !== undefined) query = query.where('id', '<', after as ProductId);
  if (slug !== undefined) query = query.where('slug', '=', slug);
  return query.execute();
}

export type ProductChanges = Partial<Pick<Product, 'slug' | 'name' | 'resource' | 'scopes'>>;

/** By products_pkey. */
export async function updateProduct(
  tx: Tx,
  id: ProductId,
  { scopes, ...changes }: ProductChanges,
): Promise<Product> {
  return tx.db
    .updateTable('products')
    .set({ ...changes, ...(scopes && { scopes: [...scopes] }), updatedAt: tx.now() })
    .where('id', '=', id)
    .returning(columns)
    .executeTakeFirstOrThrow()
    .catch(refuseTaken);
}

/** By products_pkey. */
export async function deleteProductRow(tx: Tx, id: ProductId): Promise<void> {
  await tx.db.deleteFrom('products').where('id', '=', id).execute();
}

export interface ProductUse {
  readonly subscriptions: number;
  /** Clients that belong to it. */
  readonly clients: number;
  /** Clients that may ask for tokens for its resource, whoever they belong to. */
  readonly resourceClients: number;
  /** What those have for scopes. */
  readonly scopes: readonly string[];
}

/** What points at a product. Subscriptions by subscriptions_product_id_idx; of clients there are few. */
export async function findProductUse(
  db: Db,
  { id, resource }: Pick<Product, 'id' | 'resource'>,
): Promise<ProductUse> {
  const result = await sql<ProductUse>`
    select (select count(*) from (select from subscriptions where product_id = ${id} limit 1) s) as subscriptions,
      count(*) filter (where product_id = ${id}) as clients,
      count(*) filter (where ${resource}::text = any(resources)) as resource_clients,
      coalesce((select array_agg(distinct scope) from clients, unnest(scopes) scope
        where ${resource}::text = any(resources)), '{}') as scopes
    from clients`.execute(db);
  return result.rows[0] ?? { subscriptions: 0, clients: 0, resourceClients: 0, scopes: [] };
}
