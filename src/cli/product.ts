/** doorward product …: what the vendor sells, as an operator sets it up. */
import { type Context, inTransaction } from '../context.ts';
import { announceProductChange, reservedScopes } from '../core/clients/clients.ts';
import {
  createProduct,
  deleteProduct,
  getProduct,
  listProducts,
  type Product,
  resourceProblem,
  reviseProduct,
  scopePattern,
} from '../core/products/products.ts';
import { answerRow, answerRows } from './answer.ts';
import type { Answer, Command } from './command.ts';
import { confirm } from './confirm.ts';
import { getProductIdBySlug } from './find.ts';
import {
  type Given,
  limitOf,
  listOf,
  readName,
  readSlug,
  valueOf,
  withoutUndefined,
  WrongUse,
} from './given.ts';

const settingOptions = { resource: '<uri>', scope: '<scope>…' };

export const productCommands: Readonly<Record<string, Command>> = {
  'product list': {
    options: { limit: '<n>' },
    about: 'Lists the products, the newest first.',
    example: 'product list --json',
    run: async ({ db }, given) => answerRows(await listProducts(db, { limit: limitOf(given) }), cellsOf),
  },
  'product create': {
    words: '<slug> <name>',
    options: settingOptions,
    about: 'Makes a product, with the resource (RFC 8707) and the scopes of its interface where it has one.',
    example: "product create assist 'Assist' --resource https://api.assist.example --scope assist:read",
    run: create,
  },
  'product change': {
    words: '<slug>',
    options: { slug: '<slug>', name: '<name>', ...settingOptions },
    about:
      'Changes what is given of a product. The scopes are given as a whole; an empty value sets none. What a client has is taken from the client first.',
    example: 'product change assist --scope assist:read --scope assist:write',
    run: change,
  },
  'product delete': {
    words: '<slug>',
    flags: ['yes'],
    about: 'Deletes a product that no account has subscribed to, and no client is for.',
    example: 'product delete assist --yes',
    run: remove,
  },
};

async function create(ctx: Context, given: Given): Promise<Answer> {
  const [slug, name] = given.words;
  const product = { slug: readSlug(slug), name: readName(name), ...settingsOf(ctx, given) };
  const made = await inTransaction(ctx, async (tx) => getProduct(tx.db, await createProduct(tx, product)));
  return answerRow(made, cellsOf);
}

async function change(ctx: Context, given: Given): Promise<Answer> {
  const [slug, name] = [given.one('slug'), given.one('name')];
  const changes = {
    ...(slug !== undefined && { slug: readSlug(slug) }),
    ...(name !== undefined && { name: readName(name) }),
    ...settingsOf(ctx, given),
  };
  if (Object.keys(changes).length === 0) throw new WrongUse('there is nothing to change');
  const id = await getProductIdBySlug(ctx.db, given.words[0]);
  const revised = await inTransaction(ctx, async (tx) => {
    const product = await reviseProduct(tx, id, changes);
    await announceProductChange(tx, id);
    return product;
  });
  return answerRow(revised, cellsOf);
}

async function remove(ctx: Context, given: Given): Promise<Answer> {
  const [slug = ''] = given.words;
  const id = await getProductIdBySlug(ctx.db, slug);
  await confirm(`The product ${slug} will be gone.`, given);
  await inTransaction(ctx, (tx) => deleteProduct(tx, id));
  return { text: `${slug} is deleted.`, data: { slug, state: 'deleted' } };
}

function settingsOf({ config }: Context, given: Given) {
  const resource = valueOf(given, 'resource');
  const problem = typeof resource === 'string' ? resourceProblem(resource, config.issuer) : undefined;
  if (problem !== undefined) throw new WrongUse(`--resource ${problem}`);
  const scopes = listOf(given, 'scope');
  const isScope = (text: string) =>
    text.length <= 100 && scopePattern.test(text) && !reservedScopes.has(text);
  const wrong = scopes?.find((text) => !isScope(text));
  if (wrong !== undefined) throw new WrongUse(`${wrong} is no scope, or one of this service`);
  return withoutUndefined({ resource, scopes });
}

function cellsOf({ slug, name, resource, scopes }: Product): (string | null)[] {
  return [slug, name, resource, scopes.join(' ')];
}
