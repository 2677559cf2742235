/** How a client is described on the command line: by the members of the admin interface, as options. */
import { type Context, inTransaction } from '../context.ts';
import {
  applicationTypes,
  authMethods,
  clientIdPattern,
  grantTypes,
  type NewClientSettings,
  registerClient,
} from '../core/clients/clients.ts';
import { withSecret } from './client-show.ts';
import type { Answer, Command } from './command.ts';
import { getProductIdBySlug } from './find.ts';
import { choiceOf, choicesOf, type Given, readName, WrongUse } from './given.ts';

export const createClientCommand: Command = {
  words: '<client-id> <name>',
  options: {
    'auth-method': authMethods.join('|'),
    'grant-type': `${grantTypes.join('|')}…`,
    'application-type': applicationTypes.join('|'),
    product: '<slug>',
    'redirect-uri': '<uri>…',
    'post-logout-redirect-uri': '<uri>…',
    'backchannel-logout-uri': '<uri>',
    'initiate-login-uri': '<uri>',
    'home-uri': '<uri>',
    'jwks-uri': '<uri>',
    resource: '<uri>…',
    scope: '<scope>…',
  },
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
  const slug = given.one('product');
  const settings = { clientId, name: readName(name), ...settingsOf(given) };
  const made = await inTransaction(ctx, async (tx) => {
    const productId = slug === undefined ? null : await getProductIdBySlug(tx.db, slug);
    return registerClient(tx, { ...settings, productId });
  });
  return withSecret(made);
}

function settingsOf(given: Given): Omit<NewClientSettings, 'name'> {
  const authMethod = choiceOf(given, 'auth-method', authMethods);
  if (authMethod === undefined) throw new WrongUse('--auth-method is missing');
  const all = (option: string) => [...new Set(given.many(option))];
  return {
    authMethod,
    firstParty: given.has('first-party'),
    applicationType: choiceOf(given, 'application-type', applicationTypes) ?? 'web',
    grantTypes: choicesOf(given, 'grant-type', grantTypes),
    redirectUris: all('redirect-uri'),
    postLogoutRedirectUris: all('post-logout-redirect-uri'),
    backchannelLogoutUri: given.one('backchannel-logout-uri') ?? null,
    initiateLoginUri: given.one('initiate-login-uri') ?? null,
    homeUri: given.one('home-uri') ?? null,
    jwksUri: given.one('jwks-uri') ?? null,
    resources: all('resource'),
    scopes: all('scope'),
  };
}
