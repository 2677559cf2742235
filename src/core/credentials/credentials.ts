/**
 * What a person proves themself with; a password for now. Verifying answers with evidence: how it was proven and
 * when. `amr`, `acr` and `auth_time` come from evidence alone, never from what somebody sent.
 */
import { type Context, inTransaction, type Tx } from '../../context.ts';
import type { EmailAddress } from '../../kernel/email-address.ts';
import { Failure } from '../../kernel/failures.ts';
import type { UserId } from '../../kernel/ids.ts';
import { recordEvent } from '../audit/audit.ts';
import type { Evidence } from './evidence.ts';
import { parseForeignHash } from './foreign-hash.ts';
import { recogniseBrowser } from './known-browser.ts';
import { assertRoomToHash, hashPassword, isOutdated, verifyPassword } from './password.ts';
import { findPasswordByEmail, updateHashParameters, updatePassword } from './queries.ts';
import { countTry, forgiveTry, giveBackTry } from './throttle.ts';

export {
  amrOf,
  authTimeOf,
  type CompanyEvidence,
  endOf,
  type Evidence,
  mergeEvidence,
  wayOf,
} from './evidence.ts';
export { assertRoomToHash, hashPassword } from './password.ts';
export { judgePassword, type PasswordContext, type PasswordProblem } from './password-policy.ts';
export { knownBrowserSeconds, rememberBrowser } from './known-browser.ts';
export { deletePassword, hasPassword, holdPasswordOf, updatePassword } from './queries.ts';
export {
  type Budget,
  clearThrottle,
  findThrottleState,
  takeFromBudget,
  type ThrottleState,
} from './throttle.ts';

export interface Proof {
  readonly userId: UserId;
  readonly evidence: readonly Evidence[];
}

export interface PasswordAnswer {
  /** Present when the email and the password belong together. */
  readonly proof?: Proof;
  /** Who was meant, for the audit trail only. */
  readonly userId: UserId | undefined;
  /** Present when the password was not looked at, because too many were wrong: whole seconds until one will be. */
  readonly retryAfter?: number;
}

/**
 * Verifies an email and a password; the answer is the same when they do not belong together, whatever the reason. The
 * same number of statements and of hashes for everyone (the user's state is not even read here), and a try is counted
 * before it is evaluated: see throttle.ts. Failure `overloaded` when too many are hashing; that try does not count.
 */
export async function provePassword(
  ctx: Context,
  { email, password }: { email: EmailAddress; password: string },
): Promise<PasswordAnswer> {
  await assertRoomToHash(ctx);
  const at = ctx.now().toISOString();
  const stored = await findPasswordByEmail(ctx.db, email);
  const userId = stored?.userId;
  const claim = { email, passwordSetAt: stored?.changedAt ?? undefined, now: ctx.now() };
  const browser = recogniseBrowser(ctx.config, ctx.origin.knownBrowser, claim);
  const counted = await countTry(ctx, { email, browser, userId });
  if (counted.retryAfter !== undefined) return { userId, retryAfter: counted.retryAfter };
  const hash = stored?.hash ?? undefined;
  const matches = await verifyPassword(ctx, hash, password).catch(async (error: unknown) => {
    await giveBackTry(ctx, counted);
    throw error;
  });
  if (!matches || !userId || !hash) return { userId };
  await forgiveTry(ctx, counted);
  if (isOutdated(hash)) await rehash(ctx, { userId, hash }, password);
  const passwordSetAt = stored.changedAt?.toISOString();
  const evidence: Evidence[] = [{ method: 'pwd', at, ...(passwordSetAt !== undefined && { passwordSetAt }) }];
  return { proof: { userId, evidence }, userId };
}

async function rehash(ctx: Context, old: { userId: UserId; hash: string }, password: string): Promise<void> {
  const hash = await hashPassword(ctx, password); // before the transaction: a hash must not hold a connection
  await inTransaction(ctx, async (tx) => {
    if (!(await updateHashParameters(tx, old, hash))) return;
    const { userId } = old;
    await recordEvent(tx, { type: 'password.rehashed', userId, details: { from: schemeOf(old.hash) } });
  });
}

/**
 * Gives a user the password that another system knows as this hash: bcrypt, scrypt or PBKDF2, as foreign-hash.ts reads
 * them. It is replaced by one of ours when the person first signs in. Failure `invalid_input` for other formats, and for
 * costs that nobody should pay.
 */
export async function importPasswordHash(tx: Tx, userId: UserId, hash: string): Promise<void> {
  if (!parseForeignHash(hash)) {
    const problem = 'is not a bcrypt, scrypt or PBKDF2 hash of acceptable cost';
    throw new Failure('invalid_input', { fields: { password_hash: problem } });
  }
  await updatePassword(tx, userId, hash);
  await recordEvent(tx, { type: 'password.imported', userId, details: { from: schemeOf(hash) } });
}

/** Whether `importPasswordHash` would take it. */
export function isForeignHash(hash: string): boolean {
  return parseForeignHash(hash) !== undefined;
}

/** The name between the first two "$". */
function schemeOf(hash: string): string {
  return hash.split('$', 2)[1] ?? '';
}
