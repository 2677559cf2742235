import type { Config } from '../../../config/load.ts';

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

/** Our own interface as a resource (RFC 8707). */
export function ownResource(config: Pick<Config, 'issuer'>): { resource: string; scopes: readonly string[] } {
  return { resource: `${config.issuer}/api/v1`, scopes: [...operatorScopes, ...personScopes] };
}
