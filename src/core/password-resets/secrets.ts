/** What a reset keeps of its secrets: hashes only, keyed where there is little to guess. */
import { createHmac, randomInt } from 'node:crypto';
import type { EmailAddress } from '../../kernel/email-address.ts';
import { deriveKey, type SealingKeys } from '../../kernel/seal.ts';
import { isSameHash } from '../../kernel/tokens.ts';

/** Six digits, to be typed. */
export function newCode(): string {
  return String(randomInt(1_000_000)).padStart(6, '0');
}

/** Keyed and bound to its row: a dump without the keys does not let anybody try the million there are. */
export function hashCode([key]: SealingKeys, resetId: string, code: string): Buffer {
  return keyedHash(deriveKey(key, 'password reset codes'), `${resetId}.${code}`);
}

/** Constant time. Under every key, so that a new one does not make the codes on their way worthless. */
export function isCode(keys: SealingKeys, reset: { id: string; codeHash: Buffer }, code: string): boolean {
  return keys.some((key) => isSameHash(hashCode([key], reset.id, code), reset.codeHash));
}

/** The name under which an address is counted: who reads the table does not learn who was asked for. */
export function hashRecipient([key]: SealingKeys, email: EmailAddress): Buffer {
  return keyedHash(deriveKey(key, 'password reset recipients'), email);
}

function keyedHash(key: Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}
