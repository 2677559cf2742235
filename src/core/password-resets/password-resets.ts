/**
 * Password resets: requested → decided (nothing, or issued) → consumed. Anybody may request one for any address; the job
 * decides whether it is somebody's; whoever has the mailed link, or typed the mail's code in the browser that asked, sets
 * a new password once. A reset is dead with any use of another, a change of the password or the address, deactivation,
 * or its expiry, and it never signs anybody in.
 */
import { type Context, inTransaction, type Tx } from '../../context.ts';
import { type EmailAddress, parseEmail } from '../../kernel/email-address.ts';
import { Failure } from '../../kernel/failures.ts';
import { newId } from '../../kernel/ids.ts';
import { isCode } from '../../kernel/mail-codes.ts';
import { seal } from '../../kernel/seal.ts';
import { addSeconds } from '../../kernel/time.ts';
import { hashToken, newToken } from '../../kernel/tokens.ts';
import { recordEvent } from '../audit/audit.ts';
import { hashPassword } from '../credentials/credentials.ts';
import { findDoors } from '../connections/connections.ts';
import { emailPlace, resetSeconds } from './decide.ts';
import { countCode, countMail, countRequest } from './limits.ts';
import {
  consumeReset,
  countCodeTry,
  findCompleted,
  findLiveReset,
  insertRequest,
  listLiveCodes,
  type LiveReset,
  lockUserOfReset,
  updateBrowserToken,
} from './queries.ts';
import { assertGoodPassword, replacePassword } from './replace.ts';
import { hashRecipient } from './secrets.ts';

export { decidePasswordResets, resetMailFor, resetSeconds } from './decide.ts';
export { resendAfterSeconds } from './limits.ts';
export type { LiveReset } from './queries.ts';
export { assertGoodPassword, replacePassword } from './replace.ts';

/** Of one mail's code; a code is a million, and this is what a guesser gets of it. */
const codeTries = 5;

export interface ResetRequest {
  readonly email: string;
  /** A secret of the browser that asks: the code can be typed there and nowhere else. */
  readonly handle: string;
  readonly clientId: string | undefined;
  readonly locale: string;
}

/**
 * Stores a request, for any address alike: the same statements, whether or not there is such a user. Answers the address
 * in its canonical form. Failures `invalid_input`, `throttled`.
 */
export async function requestPasswordReset(tx: Tx, request: ResetRequest): Promise<EmailAddress> {
  const email = parseEmail(request.email);
  if (!email) throw new Failure('invalid_input', { fields: { email: 'is not an email address' } });
  const { secretKeys } = tx.config;
  const id = newId('prr', tx.now());
  const recipientHash = hashRecipient(secretKeys, email);
  const sealed = seal(secretKeys, email, emailPlace(id));
  await countRequest(tx);
  const emailSealed = (await countMail(tx, recipientHash)) ? sealed : null;
  const handleHash = hashToken(request.handle);
  const { clientId = null, locale } = request;
  await insertRequest(tx, { id, handleHash, recipientHash, emailSealed, clientId, locale });
  const details = { request_id: id };
  await recordEvent(tx, { type: 'password_reset.requested', clientId: request.clientId, details });
  return email;
}

/**
 * Takes the code of a mail, typed in the browser that asked; answers a token that is as good as the link's. The try is
 * counted, and stays counted, before anything is compared. Failures `invalid_input` (wrong), `link_expired` (no tries
 * or no time left), `throttled`; none of them says whether there was a mail.
 */
export async function exchangeResetCode(
  ctx: Context,
  { handle, code }: { handle: string; code: string },
): Promise<string> {
  const { token, hash } = newToken();
  const digits = code.replaceAll(/[\s-]/g, '');
  // thrown outside the transaction: a refusal must not take the counted try back
  const failure = await inTransaction(ctx, async (tx) => {
    const requests = await countCodeTry(tx, hashToken(handle), {
      tries: codeTries,
      since: addSeconds(tx.now(), -resetSeconds),
    });
    if (requests.length === 0) return new Failure('link_expired');
    const counted = await countRecipients(tx, requests);
    if (counted.allowed.length === 0) return new Failure('throttled', { retryAfter: counted.retryAfter });
    const codes = await listLiveCodes(tx.db, counted.allowed, tx.now());
    const match = codes.find((reset) => isCode(tx.config.secretKeys, reset, digits));
    if (!match) return new Failure('invalid_input', { fields: { code: 'is not the code of the mail' } });
    await updateBrowserToken(tx, match.id, hash);
    return undefined;
  });
  if (failure) throw failure;
  return token;
}

/** A browser that asked several times has several requests; each recipient counts once. */
async function countRecipients(tx: Tx, requests: readonly { id: string; recipientHash: Buffer }[]) {
  const byRecipient = Map.groupBy(requests, ({ recipientHash }) => recipientHash.toString('hex'));
  const allowed: string[] = [];
  let retryAfter = 1;
  // in one order everywhere, or two browsers could wait for each other
  for (const [recipient, group] of [...byRecipient].sort()) {
    const wait = await countCode(tx, recipient);
    if (wait === undefined) allowed.push(...group.map(({ id }) => id));
    else retryAfter = Math.max(retryAfter, wait);
  }
  return { allowed, retryAfter };
}

/** The reset that a token stands for, while it lives. Consumes nothing. */
export function findPasswordReset(ctx: Context, token: string): Promise<LiveReset | undefined> {
  return findLiveReset(ctx.db, hashToken(token), ctx.now());
}

/** The client of a reset that was completed with this token. */
export function findCompletedReset(ctx: Context, token: string) {
  return findCompleted(ctx.db, hashToken(token), ctx.now());
}

/**
 * Sets the password and consumes the reset: once, on any number of replicas. Ends every session and refresh token, kills
 * the user's other resets and mails a notice, all in one transaction. Signs nobody in and changes no user's state.
 * Failures `link_expired`, `password_refused` and `sso_required` (nothing is consumed), `overloaded`.
 */
export async function completePasswordReset(
  ctx: Context,
  { token, password }: { token: string; password: string },
): Promise<LiveReset> {
  const reset = await findPasswordReset(ctx, token);
  // before any hashing: only who has a live link can make the processor work
  if (!reset) throw new Failure('link_expired');
  // required since the mail was sent: a new password would be no door any more
  if ((await findDoors(ctx.db, reset)).companyOnly) throw new Failure('sso_required');
  await assertGoodPassword(ctx.db, reset.userId, password);
  const hash = await hashPassword(ctx, password);
  await inTransaction(ctx, (tx) => setPassword(tx, { token, hash, clientId: reset.clientId }));
  return reset;
}

async function setPassword(
  tx: Tx,
  { token, hash, clientId }: { token: string; hash: string; clientId: string | null },
): Promise<void> {
  await lockUserOfReset(tx, hashToken(token));
  const consumed = await consumeReset(tx, hashToken(token));
  if (!consumed) throw new Failure('link_expired');
  const { userId, email, locale } = consumed;
  const details = { request_id: consumed.requestId };
  const client = clientId ?? undefined;
  const type = 'password_reset.completed';
  await recordEvent(tx, { type, actorId: userId, userId, clientId: client, details });
  const reason = 'password_reset';
  await replacePassword(tx, { userId, email, locale, hash, reason, clientId: client, details });
}
