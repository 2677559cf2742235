import type { Config } from '../../../config/load.ts';
import { Failure } from '../../kernel/failures.ts';

const nouns = [
  'accounts',
  'clients',
  'connections',
  'domains',
  'events',
  'invitations',
  'keys',
  'outbox',
  'products',
  'seats',
  'sign_ins',
  'subscriptions',
  'users',
] as const;

/** What an operator may be allowed: reading and writing each kind of thing. */
export const operatorScopes: readonly string[] = nouns.flatMap((noun) => [
  `admin:${noun}:read`,
  `admin:${noun}:write`,
]);

/** What a person's token may be allowed on our own interface. */
export const personScopes: readonly string[] = ['account:manage', 'self'];

/** What no product may call a scope of its own: it would be taken for ours, or for one of OpenID Connect. */
export const reservedScopes: ReadonlySet<string> = new Set([
  ...operatorScopes,
  ...personScopes,
  'openid',
  'profile',
  'email',
  'offline_access',
]);

/**
 * Nobody hands on more than they have: a client with scopes of operators is made, changed and given a secret by an
 * operator who has each of them. Failure `insufficient_scope`.
 */
export function assertNoMorePower(
  granter: readonly string[],
  ...granted: readonly (readonly string[])[]
): void {
  const more = granted.flat().filter((scope) => operatorScopes.includes(scope) && !granter.includes(scope));
  if (more.length === 0) return;
  const detail = `The caller has not itself what the client has: ${[...new Set(more)].join(' ')}`;
  throw new Failure('insufficient_scope', { detail });
}

/** Our own interface as a resource (RFC 8707). */
export function ownResource(config: Pick<Config, 'issuer'>): { resource: string; scopes: readonly string[] } {
  return { resource: `${config.issuer}/api/v1`, scopes: [...operatorScopes, ...personScopes] };
}
