import { type Context, inTransaction } from '../context.ts';
import { reviseClient } from '../core/clients/clients.ts';
import type { Db } from '../db/connect.ts';
import type { ProductId } from '../kernel/ids.ts';
import { printable } from './answer.ts';
import { settingOptions, settingsOf } from './client-settings.ts';
import { describe, secretOf } from './client-show.ts';
import type { Answer, Command } from './command.ts';
import { confirm } from './confirm.ts';
import { getClientById, getProductIdBySlug } from './find.ts';
import { type Given, readName, valueOf, withoutUndefined, WrongUse } from './given.ts';

export const changeClientCommand: Command = {
  words: '<client-id>',
  options: { name: '<name>', ...settingOptions },
  flags: ['first-party', 'third-party', 'yes'],
  about:
    'Changes what is given of a client. A list is given as a whole; an empty value sets none. Another --auth-method asks first: what the client proves itself by now ends.',
  example:
    'client change assist-web --redirect-uri https://assist.example/callback --redirect-uri https://assist.example/back',
  run: change,
};

async function change(ctx: Context, given: Given): Promise<Answer> {
  const { clientId, name, authMethod } = await getClientById(ctx.db, given.words[0]);
  const settings = { ...settingsOf(given), ...identityOf(given) };
  const productSlug = valueOf(given, 'product');
  if (Object.keys(settings).length === 0 && productSlug === undefined)
    throw new WrongUse('there is nothing to change');
  if (settings.authMethod !== undefined && settings.authMethod !== authMethod)
    await confirm(`What ${printable(name)} proves itself by now will count no more.`, given);
  const revised = await inTransaction(ctx, async (tx) => {
    const productId = await productIdOf(tx.db, productSlug);
    return reviseClient(tx, clientId, { ...settings, ...withoutUndefined({ productId }) });
  });
  const { text, data } = await describe(ctx.db, revised.client);
  const { secret } = revised;
  return {
    text: secret === null ? text : `${secretOf(clientId, secret)}\n\n${text}`,
    data: { ...(data as object), client_secret: secret },
  };
}

/** What people are shown of it, and whether they are asked for consent. */
function identityOf(given: Given): { readonly name?: string; readonly firstParty?: boolean } {
  const [isFirst, isThird] = [given.has('first-party'), given.has('third-party')];
  if (isFirst && isThird) throw new WrongUse('--first-party or --third-party');
  const name = given.one('name');
  return {
    ...(name !== undefined && { name: readName(name) }),
    ...((isFirst || isThird) && { firstParty: isFirst }),
  };
}

async function productIdOf(db: Db, slug: string | null | undefined): Promise<ProductId | null | undefined> {
  return slug === null || slug === undefined ? slug : getProductIdBySlug(db, slug);
}
