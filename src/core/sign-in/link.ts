/**
 * Social sign-in, and how an identity that a person brings comes to their user: the steps around core/linking. What waits
 * for its proof stands in this sign-in's state alone: it is used once, by this browser, and is gone with it.
 */
import { randomUUID } from 'node:crypto';
import { type Context, inTransaction, type Tx } from '../../context.ts';
import { type EmailAddress, parseEmail } from '../../kernel/email-address.ts';
import { Failure } from '../../kernel/failures.ts';
import { newCaseId, type UserId } from '../../kernel/ids.ts';
import { hashCode, isCode, newCode } from '../../kernel/mail-codes.ts';
import { networkOf } from '../../kernel/network.ts';
import { addSeconds, hour, minute } from '../../kernel/time.ts';
import { recordEvent } from '../audit/audit.ts';
import { type Budget, type Evidence, holdPasswordOf, takeFromBudget } from '../credentials/credentials.ts';
import { isSocialProvider, providerNames, type SocialIdentity } from '../identities/identities.ts';
import {
  claimUser,
  createFromIdentity,
  findLinkDecision,
  linkPending,
  noteUse,
  pendingOf,
  type PendingIdentity,
} from '../linking/linking.ts';
import { enqueueMail } from '../outbox/outbox.ts';
import { findUserByEmail } from '../users/users.ts';
import { enter } from './enter.ts';
import type { SentCode, SignIn, StepProblem } from './state.ts';
import { type Leaving, stateAt, type Transition } from './transition.ts';

/** The browser leaves for a provider that is switched on. Failure `invalid_input` for any other. */
export function askForSocial(signIn: SignIn, { provider }: { readonly provider: string }): Leaving {
  stateAt(signIn, 'identify');
  const isOffered = isSocialProvider(provider) && signIn.providers.includes(provider);
  if (!isOffered)
    throw new Failure('invalid_input', { fields: { provider: 'is not one of the providers offered' } });
  return { leaveBy: provider };
}

/** The sign-in at the provider did not succeed, or the person has thought better of it. */
export function socialFailed(caseId: string): Transition {
  const problem: StepProblem = { code: 'social_sign_in_failed', caseId };
  return { state: { at: 'identify', problem }, problem };
}

/** Somebody has come back from a provider. */
export async function admitSocial(ctx: Context, signIn: SignIn): Promise<Transition> {
  const { identity } = stateAt(signIn, 'returned_social');
  return goOn(ctx, signIn, pendingOf(identity));
}

/** Does what the machine of account linking decides; once more, when another tab has made the user or the link meanwhile. */
async function goOn(ctx: Context, signIn: SignIn, pending: PendingIdentity): Promise<Transition> {
  return decideAndDo(ctx, signIn, pending).catch((error: unknown) => {
    const { code } = error as { code?: string };
    if (code !== '23505' && code !== 'identity_taken') throw error;
    return decideAndDo(ctx, signIn, pending);
  });
}

async function decideAndDo(ctx: Context, signIn: SignIn, pending: PendingIdentity): Promise<Transition> {
  const decision = await findLinkDecision(ctx, pending);
  const { identity, email } = pending;
  switch (decision.does) {
    case 'sign_in': {
      const entered = await enterAs(ctx, signIn, { userId: decision.userId, identity });
      return also(entered, (tx) => noteUse(tx, identity));
    }
    case 'go_to_company': {
      const problem: StepProblem = { code: 'sso_required', companySignIn: true };
      return { state: { at: 'company', ...(email !== undefined && { email }), problem }, problem };
    }
    case 'ask_for_email':
      return { state: { at: 'code', pending } };
    case 'prove_email':
      return sendCode(ctx, pending);
    case 'sign_in_to_link':
      return { state: { at: 'sign_in_to_link', pending } };
    case 'claim': {
      const { userId } = decision;
      const proof = { method: 'mail_code' } as const;
      await inTransaction(ctx, (tx) => claimUser(tx, userId, { pending, proof }));
      return enterAs(ctx, signIn, { userId, identity });
    }
    case 'create': {
      const userId = await inTransaction(ctx, (tx) => createFromIdentity(tx, pending));
      return enterAs(ctx, signIn, { userId, identity });
    }
    case 'refuse':
      return refuseUnknown(signIn, identity);
  }
}

interface Known {
  readonly userId: UserId;
  readonly identity: SocialIdentity;
  /** What else was proven in this sign-in. */
  readonly evidence?: readonly Evidence[];
}

function enterAs(
  ctx: Context,
  signIn: SignIn,
  { userId, identity, evidence = [] }: Known,
): Promise<Transition> {
  return enter(ctx, signIn, { userId, evidence: [...evidence, socialEvidence(ctx, identity)] });
}

function socialEvidence(ctx: Context, { provider, authenticatedAt, amr }: SocialIdentity): Evidence {
  return {
    method: 'social',
    at: ctx.now().toISOString(),
    provider,
    amr: amr.filter((method) => /^[\w.:/-]{1,100}$/.test(method)).slice(0, 10),
    ...(authenticatedAt !== undefined && { authenticatedAt }),
  };
}

function also(transition: Transition, more: (tx: Tx) => Promise<unknown>): Transition {
  return {
    ...transition,
    write: async (tx) => {
      await more(tx);
      await transition.write?.(tx);
    },
  };
}

function refuseUnknown({ client }: SignIn, { provider }: SocialIdentity): Transition {
  const caseId = newCaseId();
  const problem: StepProblem = { code: 'identity_unknown', caseId };
  const event = { type: 'sign_in.refused', clientId: client.clientId, caseId } as const;
  return {
    state: { at: 'identify', problem },
    problem,
    write: (tx) =>
      recordEvent(tx, { ...event, details: { provider, code: 'identity_unknown', stage: 'match' } }),
  };
}

const codeMinutes = 10;
/** A minute between two mails to one address, and so many an hour, whoever asks; nobody's mailbox can be filled. */
const mailsAtOnce: Budget = { name: 'link codes at once', limit: 1, windowSeconds: minute };
const mails: Budget = { name: 'link codes', limit: 5, windowSeconds: hour };
const mailsOfNetwork: Budget = { name: 'link codes of a network', limit: 20, windowSeconds: hour };
/** Counted before a code is looked at, so that tries at once do not share one. */
const tries: Budget = { name: 'link code tries', limit: 5, windowSeconds: codeMinutes * minute };

/** A code for the mailbox; the mail is written with the state. Too many are `throttled`, whoever has the address. */
async function sendCode(ctx: Context, pending: PendingIdentity): Promise<Transition> {
  const { email, identity } = pending;
  if (email === undefined) throw new Error('there is no address to send a code to');
  const retryAfter = await countMail(ctx, email);
  if (retryAfter !== undefined) {
    const problem: StepProblem = { code: 'throttled', retryAfter };
    return { state: { at: 'code', pending: { ...pending, email: undefined }, problem }, problem };
  }
  const { sent, code } = newSentCode(ctx);
  const external = identity.email ?? identity.name ?? identity.subject;
  const data = { provider: providerNames[identity.provider], external, minutes: codeMinutes };
  const expiresAt = addSeconds(ctx.now(), codeMinutes * minute);
  return {
    state: { at: 'code', pending, sent },
    write: (tx) =>
      enqueueMail(tx, {
        template: 'link_code',
        recipient: email,
        locale: 'en',
        data,
        secrets: { code },
        expiresAt,
      }),
  };
}

function newSentCode({ config, now }: Context): { sent: SentCode; code: string } {
  const id = randomUUID();
  const code = newCode();
  const hash = hashCode(config.secretKeys, id, code).toString('base64url');
  return { sent: { id, hash, at: now().toISOString() }, code };
}

function countMail(ctx: Context, email: EmailAddress): Promise<number | undefined> {
  return inTransaction(
    ctx,
    async (tx) =>
      (await takeFromBudget(tx, mailsOfNetwork, networkOf(tx.origin.ip))) ??
      (await takeFromBudget(tx, mailsAtOnce, email)) ??
      (await takeFromBudget(tx, mails, email)),
  );
}

export interface Answer {
  readonly code?: string | undefined;
  /** Where the provider has told none. */
  readonly email?: string | undefined;
  /** Send another one. */
  readonly resend?: boolean | undefined;
}

/** What the person types at the step `code`: the address, the code, or the wish for another one. */
export async function answerCode(ctx: Context, signIn: SignIn, answer: Answer): Promise<Transition> {
  const state = stateAt(signIn, 'code');
  const { pending, sent } = state;
  if (!sent) return takeAddress(ctx, signIn, { pending, typed: answer.email ?? '' });
  if (answer.resend) {
    const again = await sendCode(ctx, pending);
    return again.problem ? { ...again, state: { ...state, problem: again.problem } } : again;
  }
  const retryAfter = await inTransaction(ctx, (tx) => takeFromBudget(tx, tries, sent.id));
  if (retryAfter !== undefined) return stay(state, { code: 'throttled', retryAfter });
  if (!isRight(ctx, sent, answer.code ?? ''))
    return stay(state, { code: 'invalid_input', fields: { code: 'is not the code of the mail' } });
  return goOn(ctx, signIn, { ...pending, emailProven: true });
}

interface Typed {
  readonly pending: PendingIdentity;
  readonly typed: string;
}

/** The machine is asked again with the address; it belongs to nobody until the code has been typed. */
async function takeAddress(ctx: Context, signIn: SignIn, { pending, typed }: Typed): Promise<Transition> {
  const email = parseEmail(typed);
  if (!email) {
    const problem: StepProblem = { code: 'invalid_input', fields: { email: 'is not an email address' } };
    return stay({ at: 'code', pending }, problem);
  }
  const identity = { ...pending.identity, emailTrust: 'none' } as const;
  return goOn(ctx, signIn, { identity, email, emailProven: false });
}

function isRight({ config, now }: Context, { id, hash, at }: SentCode, typed: string): boolean {
  const isLate = addSeconds(new Date(at), codeMinutes * minute) <= now();
  const codeHash = Buffer.from(hash, 'base64url');
  return !isLate && isCode(config.secretKeys, { id, codeHash }, typed.replace(/\s/g, ''));
}

function stay(state: Extract<SignIn['state'], { at: 'code' }>, problem: StepProblem): Transition {
  return { state: { ...state, problem }, problem };
}

interface Proven {
  readonly pending: PendingIdentity;
  readonly userId: UserId;
  readonly evidence: readonly Evidence[];
}

/** Somebody has signed in by their existing way: the one whose address it is is asked to confirm, anybody else links nothing. */
export async function proveForLink(ctx: Context, { pending, userId, evidence }: Proven): Promise<Transition> {
  const owner = pending.email && (await findUserByEmail(ctx.db, pending.email));
  if (owner?.id !== userId) {
    const problem: StepProblem = { code: 'link_mismatch' };
    return { state: { at: 'sign_in_to_link', pending, problem }, problem };
  }
  return { state: { at: 'confirm_link', pending, subject: { userId, evidence } } };
}

/** The person says yes: linked once, with the event and the mail, and signed in. Failure `identity_taken`. */
export async function confirmLink(ctx: Context, signIn: SignIn): Promise<Transition> {
  const { pending, subject } = stateAt(signIn, 'confirm_link');
  const { userId, evidence = [] } = subject;
  const methods = evidence.map(({ method }) => method);
  const entered = await enterAs(ctx, signIn, { userId, identity: pending.identity, evidence });
  return also(entered, async (tx) => {
    await holdProof(tx, userId, evidence);
    await linkPending(tx, { userId, pending, proof: { method: 'sign_in', evidence: methods } });
  });
}

/** A password that has been reset since it was proven is a thief's: it must not leave another way in behind. */
async function holdProof(tx: Tx, userId: UserId, evidence: readonly Evidence[]): Promise<void> {
  const password = evidence.find((proof) => proof.method === 'pwd');
  if (!password) return;
  const { rows } = await holdPasswordOf(userId, password).execute(tx.db);
  if (rows.length === 0) throw new Failure('interaction_expired');
}

/** What was typed at the step that waits for an existing user, with what went wrong. */
export function failedToLink(pending: PendingIdentity, problem: StepProblem): Transition {
  return { state: { at: 'sign_in_to_link', pending, problem }, problem };
}
