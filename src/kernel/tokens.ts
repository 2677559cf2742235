import { hash, randomBytes, timingSafeEqual } from 'node:crypto';

/** A single-use secret of 256 bits: the token goes to its person, only the hash is stored. */
export function newToken(): { token: string; hash: Buffer } {
  const token = randomBytes(32).toString('base64url');
  return { token, hash: hashToken(token) };
}

/** SHA-256: enough for values of high entropy, and the only form in which they are stored. */
export function hashToken(token: string): Buffer {
  return hash('sha256', token, 'buffer');
}

/** Compares in constant time; lengths may differ and then never match. */
export function isSameHash(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}
