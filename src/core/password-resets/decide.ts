/** What becomes of a request: decided by a job, away from the eyes of whoever asked. */
import { type Context, inTransaction, type Tx } from '../../context.ts';
import { parseEmail, type EmailAddress } from '../../kernel/email-address.ts';
import { newId } from '../../kernel/ids.ts';
import { hashCode, newCode } from '../../kernel/mail-codes.ts';
import { open } from '../../kernel/seal.ts';
import { addSeconds, minute } from '../../kernel/time.ts';
import { newToken } from '../../kernel/tokens.ts';
import { recordEvent } from '../audit/audit.ts';
import { findDoors } from '../connections/connections.ts';
import { resendInvitationOf } from '../invitations/invitations.ts';
import { enqueueMail } from '../outbox/outbox.ts';
import type { UserState } from '../users/users.ts';
import {
  findRecipient,
  insertReset,
  lockUndecidedRequest,
  type Recipient,
  updateDecided,
} from './queries.ts';

/** How long a mailed link and its code work. */
export const resetMinutes = 30;
export const resetSeconds = resetMinutes * minute;

/** At one go: whoever stops the service does not wait for a long queue. */
const batch = 100;

export interface ResetFacts {
  readonly state: UserState;
  /** The name of the account whose company sign-in is the only way in for this person. */
  readonly onlyCompanySignIn: string | undefined;
}

export type ResetMail =
  | { readonly mail: 'password_reset' }
  | { readonly mail: 'password_reset_by_company'; readonly account: string }
  | { readonly mail: 'invitation' };

/**
 * Which mail somebody gets who is said to have forgotten their password; undefined for none. Never a link to set a
 * password for somebody who is not active: a reset must not activate anybody, nor let anybody back in.
 */
export function resetMailFor({ state, onlyCompanySignIn }: ResetFacts): ResetMail | undefined {
  switch (state) {
    case 'deactivated':
      return undefined;
    case 'invited':
      return { mail: 'invitation' };
    case 'active':
      if (onlyCompanySignIn !== undefined)
        return { mail: 'password_reset_by_company', account: onlyCompanySignIn };
      return { mail: 'password_reset' };
  }
}

/** Decides what waits; answers how much it was. Each request in a transaction of its own, on one replica only. */
export async function decidePasswordResets(ctx: Context): Promise<number> {
  let decided = 0;
  while (decided < batch && (await decideNext(ctx))) decided += 1;
  return decided;
}

async function decideNext(ctx: Context): Promise<boolean> {
  return inTransaction(ctx, async (tx) => {
    const request = await lockUndecidedRequest(tx);
    if (!request) return false;
    // nobody waits any more for what was asked for that long ago
    const isLate = request.createdAt <= addSeconds(tx.now(), -resetSeconds);
    const email = isLate ? undefined : readEmail(tx, request, ctx.log);
    const recipient = email && (await findRecipient(tx.db, email));
    if (recipient) await answerRequest(tx, request, recipient);
    await updateDecided(tx, request.id);
    return true;
  });
}

/** Where a sealed address of a request stands. */
export const emailPlace = (requestId: string): string => `password_reset_requests/${requestId}`;

function readEmail(
  { config }: Tx,
  request: { readonly id: string; readonly emailSealed: string | null },
  log: Context['log'],
): EmailAddress | undefined {
  try {
    return parseEmail(open(config.secretKeys, request.emailSealed ?? '', emailPlace(request.id)));
  } catch (err) {
    // a key that is gone must not hold up everybody who asked later
    log.error({ err, request: request.id }, 'the address of a password reset cannot be read');
    return undefined;
  }
}

interface Request {
  readonly id: string;
  readonly clientId: string | null;
  readonly locale: string;
}

async function answerRequest(tx: Tx, request: Request, recipient: Recipient): Promise<void> {
  const { userId, email, state } = recipient;
  const answer = resetMailFor({ state, onlyCompanySignIn: await findOnlyCompany(tx, recipient) });
  const locale = recipient.locale ?? request.locale;
  switch (answer?.mail) {
    case undefined:
      return;
    case 'password_reset':
      await issueReset(tx, request, recipient);
      break;
    case 'password_reset_by_company': {
      const data = { account: answer.account };
      await enqueueMail(tx, { template: 'password_reset_by_company', recipient: email, locale, data });
      break;
    }
    case 'invitation':
      // somebody invited has no password to forget: what they miss is the invitation
      if (!(await resendInvitationOf(tx, userId))) return;
      return; // an event of the invitation's own says so
  }
  const details = { request_id: request.id, mail: answer.mail };
  await recordEvent(tx, {
    type: 'password_reset.issued',
    userId,
    clientId: request.clientId ?? undefined,
    details,
  });
}

/** Where the company's sign-in is required, and where it is offered and somebody has never had a password. */
async function findOnlyCompany(
  tx: Tx,
  { userId, email, hasPassword }: Recipient,
): Promise<string | undefined> {
  const { home, companyOnly } = await findDoors(tx.db, { email, userId });
  return companyOnly || !hasPassword ? home.account : undefined;
}

/** The link, its code and their mail: all in the caller's transaction, and good for as long as each other. */
async function issueReset(tx: Tx, request: Request, recipient: Recipient): Promise<void> {
  const { userId, email } = recipient;
  const id = newId('pwr', tx.now());
  const { token, hash: tokenHash } = newToken();
  const code = newCode();
  const codeHash = hashCode(tx.config.secretKeys, id, code);
  const expiresAt = addSeconds(tx.now(), resetSeconds);
  await insertReset(tx, { id, requestId: request.id, userId, tokenHash, codeHash, expiresAt });
  await enqueueMail(tx, {
    template: 'password_reset',
    recipient: email,
    locale: recipient.locale ?? request.locale,
    data: { minutes: resetMinutes },
    secrets: { token, code },
    expiresAt,
  });
}
