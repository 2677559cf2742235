/**
 * What an operator sets of a client, and whether it fits together. Whatever the protocol engine would refuse later is
 * refused here: each client that is stored can be used.
 */
import type { ProductId } from '../../kernel/ids.ts';
import type { Client } from './client.ts';
import { keySetProblem } from './key-set.ts';
import { operatorScopes, personScopes } from './scopes.ts';
import { redirectProblem, type Surroundings as UriSurroundings, webProblem } from './uris.ts';

export type ClientSettings = Omit<
  Client,
  'clientId' | 'product' | 'scopesByResource' | 'secretHash' | 'previousSecretHash' | 'previousSecretUntil'
> & { readonly productId: ProductId | null };

export interface Surroundings extends UriSurroundings {
  /** Our own interface. */
  readonly ownResource: string;
  /** What there is, with the scopes each knows: of products, and our own. */
  readonly resources: ReadonlyMap<string, readonly string[]>;
  readonly hasProduct: boolean;
}

type Problems = Record<string, string>;

/** Whether it proves itself by a secret that it shares with us. */
export function hasSecret({ authMethod }: Pick<ClientSettings, 'authMethod'>): boolean {
  return authMethod === 'client_secret_basic' || authMethod === 'client_secret_post';
}

/** What is wrong with which member; empty when the client can be used as it is. */
export function clientProblems(client: ClientSettings, surroundings: Surroundings): Problems {
  return {
    ...(!surroundings.hasProduct && { product_id: 'is no product' }),
    ...grantProblems(client),
    ...keyProblems(client),
    ...redirectProblems(client, surroundings),
    ...webProblems(client, surroundings),
    ...resourceProblems(client, surroundings),
    ...scopeProblems(client, surroundings),
  };
}

function grantProblems({ grantTypes, authMethod, redirectUris, pkceWaived }: ClientSettings): Problems {
  const has = (grant: ClientSettings['grantTypes'][number]) => grantTypes.includes(grant);
  const problems: Problems = {};
  if (grantTypes.length === 0) problems['grant_types'] = 'names none';
  if (has('refresh_token') && !has('authorization_code'))
    problems['grant_types'] = 'refresh_token goes with authorization_code';
  if (has('client_credentials') && authMethod === 'none')
    problems['grant_types'] = 'a public client has no client_credentials';
  if (pkceWaived && authMethod === 'none') problems['pkce_waived'] = 'a public client has nothing but PKCE';
  if (has('authorization_code') !== redirectUris.length > 0)
    problems['redirect_uris'] = 'go with authorization_code, and it with them';
  return problems;
}

function keyProblems({ authMethod, jwks, jwksUri }: ClientSettings): Problems {
  const hasKeys = jwks !== null;
  const hasAddress = jwksUri !== null;
  if (hasKeys && hasAddress) return { jwks_uri: 'and jwks are two answers to one question' };
  if (authMethod !== 'private_key_jwt' && (hasKeys || hasAddress))
    return { [hasKeys ? 'jwks' : 'jwks_uri']: 'is for private_key_jwt' };
  if (authMethod === 'private_key_jwt' && !hasKeys && !hasAddress)
    return { jwks: 'or jwks_uri is what private_key_jwt needs' };
  const problem = hasKeys ? keySetProblem(jwks) : undefined;
  return problem === undefined ? {} : { jwks: problem };
}

function redirectProblems(client: ClientSettings, { production }: Surroundings): Problems {
  const { applicationType } = client;
  const check = (name: string, uris: readonly string[]) =>
    uris.map((uri, index) => [`${name}.${index}`, redirectProblem(uri, { applicationType, production })]);
  return found([
    ...check('redirect_uris', client.redirectUris),
    ...check('post_logout_redirect_uris', client.postLogoutRedirectUris),
  ]);
}

function webProblems(client: ClientSettings, { production }: Surroundings): Problems {
  const uris = {
    backchannel_logout_uri: client.backchannelLogoutUri,
    home_uri: client.homeUri,
    initiate_login_uri: client.initiateLoginUri,
    jwks_uri: client.jwksUri,
    logo_uri: client.logoUri,
    sign_up_uri: client.signUpUri,
  };
  return found(
    Object.entries(uris).map(([name, uri]) => [
      name,
      uri === null ? undefined : webProblem(uri, { production }),
    ]),
  );
}

function resourceProblems(client: ClientSettings, { resources, ownResource }: Surroundings): Problems {
  const unknown = client.resources.find((resource) => !resources.has(resource));
  if (unknown !== undefined) return { resources: `nothing here is ${unknown}` };
  // its access tokens would be bound to a key, and our own interface takes those of a bearer
  if (client.dpopBoundAccessTokens && client.resources.includes(ownResource))
    return { dpop_bound_access_tokens: 'does not go with the resource of this interface' };
  return {};
}

function scopeProblems(client: ClientSettings, { resources }: Surroundings): Problems {
  const { scopes, grantTypes, authMethod } = client;
  const known = new Set(client.resources.flatMap((resource) => resources.get(resource) ?? []));
  const unknown = scopes.find((scope) => scope !== 'offline_access' && !known.has(scope));
  if (unknown !== undefined) return { scopes: `none of its resources has ${unknown}` };
  if (scopes.includes('offline_access') && !grantTypes.includes('refresh_token'))
    return { scopes: 'offline_access goes with refresh_token' };
  if (scopes.some((scope) => personScopes.includes(scope)) && !grantTypes.includes('authorization_code'))
    return { scopes: `${personScopes.join(' and ')} are for people, by authorization_code` };
  const isService = authMethod !== 'none' && grantTypes.every((grant) => grant === 'client_credentials');
  if (scopes.some((scope) => operatorScopes.includes(scope)) && !isService)
    return { scopes: 'those of operators are for client_credentials alone' };
  return {};
}

function found(checked: readonly (readonly (string | undefined)[])[]): Problems {
  return Object.fromEntries(checked.filter(([, problem]) => problem !== undefined)) as Problems;
}
