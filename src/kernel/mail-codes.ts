/** Codes of six digits that go by mail and are typed: kept as keyed hashes only, since there is little to guess. */
import { createHmac, randomInt } from 'node:crypto';
import { deriveKey, type SealingKeys } from './seal.ts';
import { isSameHash } from './tokens.ts';

/** Six digits, to be typed. */
export function newCode(): string {
  return String(randomInt(1_000_000)).padStart(6, '0');
}

/** Keyed and bound to what it is for: a dump without the keys does not let anybody try the million there are. */
export function hashCode([key]: SealingKeys, purpose: string, code: string): Buffer {
  return createHmac('sha256', deriveKey(key, 'mail codes')).update(`${purpose}.${code}`).digest();
}

/** Constant time. Under every key, so that a new one does not make the codes on their way worthless. */
export function isCode(
  keys: SealingKeys,
  { id, codeHash }: { id: string; codeHash: Buffer },
  code: string,
): boolean {
  return keys.some((key) => isSameHash(hashCode([key], id, code), codeHash));
}
