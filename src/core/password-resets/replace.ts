/** A new password in the place of the old one, whichever way its person has proven themself. */
import type { Tx } from '../../context.ts';
import type { Db } from '../../db/connect.ts';
import type { EmailAddress } from '../../kernel/email-address.ts';
import { Failure } from '../../kernel/failures.ts';
import type { UserId } from '../../kernel/ids.ts';
import { recordEvent } from '../audit/audit.ts';
import { clearThrottle, judgePassword, updatePassword } from '../credentials/credentials.ts';
import { enqueueMail } from '../outbox/outbox.ts';
import { endSessionsOfUser } from '../sessions/sessions.ts';
import { deleteUnusedResets, listPasswordWords } from './queries.ts';

/** Failure `password_refused`, with the reason. */
export async function assertGoodPassword(db: Db, userId: UserId, password: string): Promise<void> {
  const words = await listPasswordWords(db, userId);
  const problem = await judgePassword(password, { words });
  if (problem) throw new Failure('password_refused', { fields: { password: problem } });
}

export interface Replacement {
  readonly userId: UserId;
  readonly email: EmailAddress;
  readonly locale: string | null;
  /** Made before the transaction. */
  readonly hash: string;
  readonly reason: 'password_reset' | 'password_changed';
  readonly clientId?: string | undefined;
  readonly details?: Readonly<Record<string, unknown>>;
}

/** Sets it, kills the user's open resets, ends every session and refresh token, and mails a notice. */
export async function replacePassword(tx: Tx, replacement: Replacement): Promise<void> {
  const { userId, email, locale, hash, reason, clientId, details } = replacement;
  await updatePassword(tx, userId, hash);
  await deleteUnusedResets(tx, userId);
  await clearThrottle(tx, email);
  await recordEvent(tx, {
    type: 'password.changed',
    actorId: userId,
    userId,
    clientId,
    ...(details && { details }),
  });
  await endSessionsOfUser(tx, userId, reason);
  await enqueueMail(tx, {
    template: 'password_changed',
    recipient: email,
    locale: locale ?? 'en',
    data: {},
  });
}
