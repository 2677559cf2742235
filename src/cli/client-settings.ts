/** What is set of a client, on the command line: the members of the admin interface, as options. */
import { applicationTypes, authMethods, type ClientSettings, grantTypes } from '../core/clients/clients.ts';
import { choiceOf, choicesOf, type Given, listOf, valueOf, withoutUndefined } from './given.ts';

export const settingOptions = {
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
} as const;

type Settings = Partial<Omit<ClientSettings, 'name' | 'productId' | 'firstParty'>>;

/** What was given, and no more of it: a list is given as a whole, and an empty value sets none. */
export function settingsOf(given: Given): Settings {
  const grants = choicesOf(given, 'grant-type', grantTypes);
  const settings: { [Name in keyof Settings]: Settings[Name] | undefined } = {
    authMethod: choiceOf(given, 'auth-method', authMethods),
    applicationType: choiceOf(given, 'application-type', applicationTypes),
    grantTypes: grants.length > 0 ? grants : undefined,
    redirectUris: listOf(given, 'redirect-uri'),
    postLogoutRedirectUris: listOf(given, 'post-logout-redirect-uri'),
    backchannelLogoutUri: valueOf(given, 'backchannel-logout-uri'),
    initiateLoginUri: valueOf(given, 'initiate-login-uri'),
    homeUri: valueOf(given, 'home-uri'),
    jwksUri: valueOf(given, 'jwks-uri'),
    resources: listOf(given, 'resource'),
    scopes: listOf(given, 'scope'),
  };
  return withoutUndefined(settings);
}
