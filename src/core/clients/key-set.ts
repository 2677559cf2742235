/** The public keys of a client that proves itself by private_key_jwt (RFC 7523). */
import { createPublicKey, type JsonWebKey, type KeyObject } from 'node:crypto';

const minRsaBits = 2048;

/** What each kind of key could have signed with, of what the engine takes. */
const algorithms: Readonly<Record<string, readonly string[]>> = {
  rsa: ['RS256', 'PS256'],
  ec: ['ES256'],
  ed25519: ['EdDSA'],
};

/** Why a key of the set, by its place there, cannot be used; undefined when each can. */
export function keySetProblem(jwks: unknown): string | undefined {
  const { keys } = jwks as { keys: readonly JsonWebKey[] };
  for (const [index, jwk] of keys.entries()) {
    const problem = keyProblem(jwk);
    if (problem !== undefined) return `key ${index} ${problem}`;
  }
  return undefined;
}

function keyProblem(jwk: JsonWebKey): string | undefined {
  const key = read(jwk);
  const type = key?.asymmetricKeyType ?? '';
  const usable = algorithms[type];
  if (!key || !usable) return 'is no public key of RSA, P-256 or Ed25519';
  const { modulusLength = 0, namedCurve } = key.asymmetricKeyDetails ?? {};
  if (type === 'rsa' && modulusLength < minRsaBits) return `has less than ${minRsaBits} bits`;
  if (type === 'ec' && namedCurve !== 'prime256v1') return 'is no public key of RSA, P-256 or Ed25519';
  const { alg, use } = jwk as { alg?: string; use?: string };
  if (use !== undefined && use !== 'sig') return 'is not for signatures';
  return alg === undefined || usable.includes(alg) ? undefined : `is not for ${usable.join(' or ')}`;
}

function read(jwk: JsonWebKey): KeyObject | undefined {
  try {
    return createPublicKey({ key: jwk, format: 'jwk' });
  } catch {
    return undefined;
  }
}
