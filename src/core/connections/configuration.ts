/** What an admin decides about a connection: hashed as a whole, and the secret of it sealed. */
import { createHash } from 'node:crypto';
import type { Config } from '../../../config/load.ts';
import { Failure } from '../../kernel/failures.ts';
import type { ConnectionId } from '../../kernel/ids.ts';
import { open, seal } from '../../kernel/seal.ts';
import type { Connection } from './queries.ts';
import type { ConnectionSettings, Mapping } from './settings.ts';

/**
 * What a test passes for, and no longer after an edit. Of the secret only the sealed form goes in: a plain hash beside
 * it would let a thief of the database try out weak secrets.
 */
export function hashSettings(parts: {
  readonly settings: ConnectionSettings;
  readonly mapping: Mapping;
  readonly secretSealed: string | null;
}): Buffer {
  const { settings, mapping, secretSealed } = parts;
  return createHash('sha256')
    .update(JSON.stringify(sorted({ settings, mapping, secretSealed })))
    .digest();
}

/** The same text whatever order the members came in: JSON in the database has an order of its own. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([name, member]) => [name, sorted(member)]));
}

/** The client secret as it is stored, bound to its connection. */
export function sealClientSecret(
  { secretKeys }: Pick<Config, 'secretKeys'>,
  id: ConnectionId,
  secret: string,
): string {
  return seal(secretKeys, secret, secretPlace(id));
}

/** The client secret, where there is one. */
export function openClientSecret(
  { secretKeys }: Pick<Config, 'secretKeys'>,
  { id, secretSealed }: Pick<Connection, 'id' | 'secretSealed'>,
): string | undefined {
  return secretSealed === null ? undefined : open(secretKeys, secretSealed, secretPlace(id));
}

/** Failure `invalid_input` when these settings are nothing without a client secret. */
export function needSecret(settings: ConnectionSettings, hasSecret: boolean): void {
  const isNeeded = settings.kind === 'oidc' && settings.clientAuth !== 'private_key_jwt';
  if (isNeeded && !hasSecret) throw new Failure('invalid_input', { fields: { secret: 'is missing' } });
}

function secretPlace(id: ConnectionId): string {
  return `connections/${id}`;
}
