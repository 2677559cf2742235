/**
 * Refresh tokens come in families: the first 22 characters name the family, the rest is the secret. The successor of
 * a token is derived from it, so that presenting one token twice (a lost reply, two tabs) yields one successor and
 * never a second lineage.
 */
import { createHmac } from 'node:crypto';
import { deriveKey, type SealingKey, type SealingKeys } from '../kernel/seal.ts';
import { hashToken, isSameHash } from '../kernel/tokens.ts';

const familyLength = 22; // 132 bits
/** Of a token the engine makes: 64 characters, of which 42 (252 bits) are the secret. */
export const refreshTokenBits = 384;
/** How long after its rotation a token still leads to its successor. */
export const graceSeconds = 10;

/** What the row of a token's family is found by; undefined for what cannot be a refresh token. */
export function familyHash(token: string): Buffer | undefined {
  return /^[\w-]{64,65}$/.test(token) ? hashToken(token.slice(0, familyLength)) : undefined;
}

/** The successor under the newest key. */
export function successorOf(token: string, keys: SealingKeys): string {
  return derive(token, keys[0]);
}

/**
 * The successor whose hash is stored: another replica may have derived it under another key while keys are changed.
 * Undefined when that key is gone.
 */
export function storedSuccessorOf(token: string, stored: Buffer, keys: SealingKeys): string | undefined {
  return keys.map((key) => derive(token, key)).find((successor) => isSameHash(hashToken(successor), stored));
}

function derive(token: string, key: SealingKey): string {
  const secret = createHmac('sha256', deriveKey(key, 'refresh token successor'))
    .update(token)
    .digest('base64url');
  return `${token.slice(0, familyLength)}${secret}`;
}
