import { z } from 'zod';
import type { Tx } from '../../context.ts';
import { announceProductChange, reservedScopes } from '../../core/clients/clients.ts';
import {
  createProduct,
  deleteProduct,
  getLockedProduct,
  getProduct,
  listProducts,
  type Product,
  resourceProblem,
  reviseProduct,
  scopePattern,
} from '../../core/products/products.ts';
import { Failure } from '../../kernel/failures.ts';
import { type AnyOperation, changing, reading } from './operation.ts';
import { listPage, pageOf, pageQuery } from './paging.ts';
import { given, idOf, name, shownId, shownTime, slug, time } from './schemas.ts';

const tag = 'Products';
const productParams = z.object({ product_id: idOf('prd') });
const read = { operator: 'admin:products:read' } as const;
const write = { operator: 'admin:products:write' } as const;

const resource = z
  .string()
  .min(1)
  .max(500)
  .nullable()
  .meta({
    description:
      'The resource indicator (RFC 8707) of its interface: an absolute URI without a fragment, the audience of access tokens for it.',
    examples: ['https://api.assist.test'],
  });

const scope = z
  .string()
  .max(100)
  .regex(scopePattern)
  .refine((name) => !reservedScopes.has(name), 'is a scope of this service')
  .meta({ examples: ['assist:read'] });

const scopes = z
  .array(scope)
  .max(200)
  .transform((names) => [...new Set(names)])
  .meta({ description: 'What clients may ask for at its interface.', examples: [['assist:read']] });

const product = z
  .strictObject({
    id: shownId('prd'),
    slug,
    name,
    resource,
    scopes: z.array(z.string()).meta({ examples: [['assist:read']] }),
    created_at: time,
    updated_at: time,
  })
  .meta({ id: 'Product' });

function show({ id, slug, name, resource, scopes, ...row }: Product): z.output<typeof product> {
  return {
    id,
    slug,
    name,
    resource,
    scopes: [...scopes],
    created_at: shownTime(row.createdAt),
    updated_at: shownTime(row.updatedAt),
  };
}

const current = async (tx: Tx, { params }: { params: z.output<typeof productParams> }) =>
  show(await getLockedProduct(tx, params.product_id));

function assertResource(tx: Tx, resource: string | null | undefined): void {
  const problem = resource ? resourceProblem(resource, tx.config.issuer) : undefined;
  if (problem !== undefined) throw new Failure('invalid_input', { fields: { resource: problem } });
}

export const productOperations: readonly AnyOperation[] = [
  reading({
    id: 'listProducts',
    method: 'GET',
    url: '/products',
    tag,
    summary: 'List the products, newest first',
    access: read,
    query: pageQuery.extend({ slug: slug.optional() }),
    answer: pageOf(product),
    handler: (ctx, { query: { slug } }, call) =>
      listPage(ctx, call, {
        rows: (window) => listProducts(ctx.db, { ...window, slug }),
        keyOf: ({ id }) => id,
        show,
      }),
  }),
  changing({
    id: 'createProduct',
    method: 'POST',
    url: '/products',
    tag,
    summary: 'Create a product',
    access: write,
    body: z.strictObject({ slug, name, resource: resource.optional(), scopes: scopes.optional() }),
    status: 201,
    answer: product,
    failures: ['already_exists'],
    location: ({ id }) => `/products/${id}`,
    change: async (tx, { body: { slug, name, resource, scopes } }) => {
      assertResource(tx, resource);
      const id = await createProduct(tx, { slug, name, ...given({ resource, scopes }) });
      return show(await getProduct(tx.db, id));
    },
  }),
  reading({
    id: 'getProduct',
    method: 'GET',
    url: '/products/{product_id}',
    tag,
    summary: 'Get a product',
    access: read,
    params: productParams,
    answer: product,
    handler: async (ctx, { params }) => show(await getProduct(ctx.db, params.product_id)),
  }),
  changing({
    id: 'updateProduct',
    method: 'PATCH',
    url: '/products/{product_id}',
    tag,
    summary: 'Change a product',
    description: 'A resource or a scope that a client has is taken from the client first: `in_use`.',
    access: write,
    params: productParams,
    body: z.strictObject({
      slug: slug.optional(),
      name: name.optional(),
      resource: resource.optional(),
      scopes: scopes.optional(),
    }),
    answer: product,
    failures: ['already_exists', 'in_use'],
    current,
    change: async (tx, { params, body: { slug, name, resource, scopes } }) => {
      assertResource(tx, resource);
      const changes = given({ slug, name, resource, scopes });
      const revised = await reviseProduct(tx, params.product_id, changes);
      await announceProductChange(tx, revised.id);
      return show(revised);
    },
  }),
  changing({
    id: 'deleteProduct',
    method: 'DELETE',
    url: '/products/{product_id}',
    tag,
    summary: 'Delete a product that nothing needs any more',
    description: 'While an account has a subscription to it, or a client is for it, it stays: `in_use`.',
    access: write,
    params: productParams,
    status: 204,
    failures: ['in_use'],
    current,
    change: (tx, { params }) => deleteProduct(tx, params.product_id),
  }),
];
