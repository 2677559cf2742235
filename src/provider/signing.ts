/** How the engine signs: with ES256 at once, in this thread, through its hook for keys it does not hold itself. */
import { createPrivateKey, createPublicKey, type KeyObject, sign } from 'node:crypto';
import type { JWK, JSONWebKeySet } from 'jose';
import { ExternalSigningKey, type JWKS } from 'oidc-provider';
import type { SigningKey } from '../core/keys/keys.ts';

/**
 * The keys for an engine, in the order of listSigningKeys: the first of an algorithm signs, the others only verify. The
 * engine's own way waits in the thread pool behind the hashing of passwords; a signature of ES256 takes less time than the way
 * there and back. One of RS256 takes twenty times as long, and would hold up every other request: it stays in the pool.
 */
export function signingKeysOf(keys: readonly SigningKey[]): JWKS {
  return {
    keys: keys.map((key) => {
      if (key.alg !== 'ES256') return key.privateJwk;
      return new Es256Key(key.privateJwk, keys.find(({ alg }) => alg === key.alg) === key);
    }),
  };
}

/** What verifies what they have signed. */
export function publicKeysOf(keys: readonly SigningKey[]): JSONWebKeySet {
  return { keys: keys.map(({ privateJwk: { d, p, q, dp, dq, qi, ...publicJwk } }) => publicJwk) };
}

/** The engine demands a class. */
class Es256Key extends ExternalSigningKey {
  readonly #public: KeyObject;
  /** Only of the one that signs. */
  readonly #private: KeyObject | undefined;

  constructor(jwk: JWK, signs: boolean) {
    super();
    this.#public = createPublicKey({ key: jwk, format: 'jwk' });
    this.#private = signs ? createPrivateKey({ key: jwk, format: 'jwk' }) : undefined;
    Object.assign(this, { kid: jwk.kid, alg: jwk.alg });
  }

  override keyObject(): KeyObject {
    return this.#public;
  }

  /** In DER, and then made what RFC 7518 asks for: Node.js takes as long again to do both. */
  override sign(data: Uint8Array): Uint8Array {
    if (!this.#private) throw new Error('this key only verifies');
    return sideBySide(sign('sha256', data, this.#private));
  }
}

/**
 * An ES256 signature with its two numbers side by side, of 32 bytes each (RFC 7518 §3.4), from the DER that OpenSSL makes: a
 * sequence of two integers, each with a length of one byte, without zeros in front but for one where it would be negative.
 */
export function sideBySide(der: Buffer): Buffer {
  const both = Buffer.alloc(64);
  let at = 2;
  for (const end of [32, 64]) {
    const [from, length] = [at + 2, der[at + 1] ?? 0];
    const zeros = Math.max(0, length - 32);
    der.copy(both, end - (length - zeros), from + zeros, from + length);
    at = from + length;
  }
  return both;
}
