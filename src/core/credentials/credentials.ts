/**
 * What a person proves themself with; a password for now. Verifying answers with evidence: how it was proven and
 * when. `amr`, `acr` and `auth_time` come from evidence alone, never from what somebody sent.
 */
import { type Context, inTransaction } from '../../context.ts';
import type { EmailAddress } from '../../kernel/email-address.ts';
import type { UserId } from '../../kernel/ids.ts';
import { hashPassword, isOutdated, verifyPassword } from './password.ts';
import { findPasswordByEmail, updateHashParameters } from './queries.ts';

export { hashPassword } from './password.ts';
export { updatePassword } from './queries.ts';

/** One factor that was verified. `at` is RFC 3339, so that evidence survives being stored as JSON. */
export interface Evidence {
  readonly method: 'pwd';
  readonly at: string;
}

export interface Proof {
  readonly userId: UserId;
  readonly evidence: readonly Evidence[];
}

/**
 * Verifies an email and a password; undefined when they do not belong together, whatever the reason. The same
 * number of statements and of hashes for everyone (the user's state is not even read here). `userId` is who was
 * meant, for the audit trail only.
 */
export async function provePassword(
  ctx: Context,
  { email, password }: { email: EmailAddress; password: string },
): Promise<{ proof: Proof | undefined; userId: UserId | undefined }> {
  const stored = await findPasswordByEmail(ctx.db, email);
  const hash = stored?.hash ?? undefined;
  const matches = await verifyPassword(ctx, hash, password);
  if (!matches || !stored || !hash) return { proof: undefined, userId: stored?.userId };
  if (isOutdated(hash)) await rehash(ctx, { userId: stored.userId, hash }, password);
  const evidence: Evidence[] = [{ method: 'pwd', at: ctx.now().toISOString() }];
  return { proof: { userId: stored.userId, evidence }, userId: stored.userId };
}

async function rehash(ctx: Context, old: { userId: UserId; hash: string }, password: string): Promise<void> {
  const hash = await hashPassword(ctx, password); // before the transaction: a hash must not hold a connection
  await inTransaction(ctx, (tx) => updateHashParameters(tx, old, hash));
}
