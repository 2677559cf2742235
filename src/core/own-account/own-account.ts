/** What people do about themselves once they have signed in: their name, their language, their password. */
import { type Context, inTransaction, type Tx } from '../../context.ts';
import type { Db } from '../../db/connect.ts';
import type { EmailAddress } from '../../kernel/email-address.ts';
import { Failure } from '../../kernel/failures.ts';
import type { UserId } from '../../kernel/ids.ts';
import { changesBetween, recordEvent } from '../audit/audit.ts';
import { findDoors } from '../connections/connections.ts';
import { type Evidence, hashPassword, provePassword } from '../credentials/credentials.ts';
import { assertFreshByThemself } from '../linking/linking.ts';
import { assertGoodPassword, replacePassword } from '../password-resets/password-resets.ts';
import { findSelf, lockSelf, type Self, updateSelf } from './queries.ts';

export type { Self } from './queries.ts';

/** Failure `not_found`. */
export async function getSelf(db: Db, userId: UserId): Promise<Self> {
  const self = await findSelf(db, userId);
  if (!self) throw new Failure('not_found');
  return self;
}

/** The same, held until the transaction ends. */
export async function getLockedSelf(tx: Tx, userId: UserId): Promise<Self> {
  await lockSelf(tx, userId);
  return getSelf(tx.db, userId);
}

/** What is left out stays as it is. */
export async function reviseSelf(
  tx: Tx,
  userId: UserId,
  changes: { readonly name?: string; readonly locale?: string | null },
): Promise<Self> {
  const before = await getLockedSelf(tx, userId);
  await updateSelf(tx, userId, changes);
  const after = await getSelf(tx.db, userId);
  const changed = changesBetween(before, after);
  if (changed)
    // which members, and not what is in them: a name may not stay for ever in the trail
    await recordEvent(tx, { type: 'user.changed', userId, details: { changed: Object.keys(changed) } });
  return after;
}

export interface PasswordChange {
  readonly userId: UserId;
  /** Of the session that asks. */
  readonly evidence: readonly Evidence[];
  /** The password of today; who has none must have signed in just now. */
  readonly current: string | undefined;
  readonly password: string;
}

/**
 * Sets a new password, against the old one or a fresh sign-in. Everything the person was signed in to ends, this session
 * too, and a notice is mailed. Failures `invalid_credentials`, `fresh_sign_in_required`, `sso_required`,
 * `password_refused`, `throttled`, `overloaded`.
 */
export async function changePassword(
  ctx: Context,
  { userId, evidence, current, password }: PasswordChange,
): Promise<void> {
  const { email, passwordChangedAt: provenOne } = await getSelf(ctx.db, userId);
  if ((await findDoors(ctx.db, { email, userId })).companyOnly) throw new Failure('sso_required');
  if (provenOne) await assertCurrent(ctx, email, current ?? '');
  else assertFreshByThemself(ctx, evidence);
  await assertGoodPassword(ctx.db, userId, password);
  const hash = await hashPassword(ctx, password);
  await inTransaction(ctx, async (tx) => {
    const { locale, passwordChangedAt } = await getLockedSelf(tx, userId);
    // what was proven is not theirs any more when a reset, or another change, came first: a thief must not undo that
    if (passwordChangedAt?.getTime() !== provenOne?.getTime()) throw new Failure('invalid_credentials');
    await replacePassword(tx, { userId, email, locale, hash, reason: 'password_changed' });
  });
}

async function assertCurrent(ctx: Context, email: EmailAddress, password: string): Promise<void> {
  const { proof, retryAfter } = await provePassword(ctx, { email, password });
  if (retryAfter !== undefined) throw new Failure('throttled', { retryAfter });
  if (!proof) throw new Failure('invalid_credentials');
}
