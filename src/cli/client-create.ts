import { type Context, inTransaction } from '../context.ts';
import { clientIdPattern, registerClient } from '../core/clients/clients.ts';
import { settingOptions, settingsOf } from './client-settings.ts';
import { withSecret } from './client-show.ts';
import type { Answer, Command } from './command.ts';
import { getProductIdBySlug } from './find.ts';
import { type Given, readName, WrongUse } from './given.ts';

export const createClientCommand: Command = {
  words: '<client-id> <name>',
  options: settingOptions,
  required: ['auth-method', 'grant-type'],
  flags: ['first-party'],
  about:
    'Makes a client, such as a product’s app; its secret, where it has one, is printed once. Without --first-party people are asked for consent.',
  example:
    "client create assist-web 'Assist' --product assist --first-party --auth-method client_secret_basic --grant-type authorization_code --grant-type refresh_token --redirect-uri https://assist.example/callback",
  run: create,
};

async function create(ctx: Context, given: Given): Promise<Answer> {
  const [clientId = '', name] = given.words;
  if (!clientIdPattern.test(clientId))
    throw new WrongUse(
      'a client id has letters, digits, dots, dashes and underscores, 100 at most, and is not like that of a person',
    );
  const { authMethod, grantTypes = [], applicationType = 'web', ...settings } = settingsOf(given);
  if (authMethod === undefined) throw new WrongUse('--auth-method is missing');
  const required = { authMethod, grantTypes, applicationType, firstParty: given.has('first-party') };
  const client = { clientId, name: readName(name), ...required, ...settings };
  const slug = given.one('product');
  const made = await inTransaction(ctx, async (tx) => {
    const productId = slug === undefined ? null : await getProductIdBySlug(tx.db, slug);
    return registerClient(tx, { ...client, productId });
  });
  return withSecret(made);
}
