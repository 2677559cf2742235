/** What a reset keeps of whom it was asked for. */
import { createHmac } from 'node:crypto';
import type { EmailAddress } from '../../kernel/email-address.ts';
import { deriveKey, type SealingKeys } from '../../kernel/seal.ts';

/** The name under which an address is counted: who reads the table does not learn who was asked for. */
export function hashRecipient([key]: SealingKeys, email: EmailAddress): Buffer {
  return createHmac('sha256', deriveKey(key, 'password reset recipients')).update(email).digest();
}
