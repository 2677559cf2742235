/** Something the vendor sells; one or more clients belong to it. Its resource is the audience of its tokens. */
import type { Tx } from '../../context.ts';
import type { Db } from '../../db/connect.ts';
import { newId, type ProductId } from '../../kernel/ids.ts';

export interface NewProduct {
  readonly slug: string;
  readonly name: string;
  /** The resource indicator (RFC 8707) of the product's interface: the audience of access tokens for it. */
  readonly resource?: string | null;
  /** The scopes that interface knows. */
  readonly scopes?: string[];
}

export async function createProduct(tx: Tx, product: NewProduct): Promise<ProductId> {
  const now = tx.now();
  const id = newId('prd', now);
  await tx.db
    .insertInto('products')
    .values({ ...product, id, createdAt: now, updatedAt: now })
    .execute();
  return id;
}

/** By products_slug_key. */
export async function findProductBySlug(
  db: Db,
  slug: string,
): Promise<{ readonly id: ProductId; readonly name: string } | undefined> {
  return db.selectFrom('products').select(['id', 'name']).where('slug', '=', slug).executeTakeFirst();
}
