/**
 * The sign-in journey: identify → (choose_account | denied) → done, with consent as a journey of its own. Each
 * operation takes where a sign-in stands and answers with the transition: the next state, what is written with it,
 * and what the engine is told when it is over. Nothing here redirects, and no step knows another.
 */
import type { Context, Tx } from '../../context.ts';
import { type EmailAddress, parseEmail } from '../../kernel/email-address.ts';
import { Failure } from '../../kernel/failures.ts';
import { newCaseId, type AccountId, type UserId } from '../../kernel/ids.ts';
import { describeDenial, explainDenial, findAccess, type AccessAnswer } from '../access/access.ts';
import { recordEvent } from '../audit/audit.ts';
import { type Evidence, provePassword } from '../credentials/credentials.ts';
import { resendInvitationOf } from '../invitations/invitations.ts';
import { requestSeat as storeSeatRequest } from '../seats/seats.ts';
import type { SignIn, SignInState, StepProblem, Subject } from './state.ts';

export { nextStep } from './next-step.ts';
export type { SignIn, SignInClient, SignInState, StoredDenial } from './state.ts';
export type { Action, ExpiredStep, Field, Step, StepClient } from './step.ts';

/** What the protocol engine is told when a sign-in is over. */
export type Outcome =
  | {
      readonly kind: 'signed_in';
      readonly userId: UserId;
      readonly evidence: readonly Evidence[];
      readonly account: AccountId;
    }
  | { readonly kind: 'account_chosen'; readonly account: AccountId }
  | { readonly kind: 'consented' }
  | { readonly kind: 'refused'; readonly description: string };

export interface Transition {
  readonly state: SignInState;
  /** Written in the transaction that stores the state, or not at all. */
  readonly write?: (tx: Tx) => Promise<unknown>;
  /** Present when nothing is left to ask. */
  readonly outcome?: Outcome;
  /** The action failed; the state still moves, so that the page can show why. */
  readonly problem?: StepProblem;
  /** The address whose password was right: this browser is no stranger to it from now on. */
  readonly provenEmail?: EmailAddress;
}

/**
 * Identifies a person by password. Whoever fails learns one thing only, whatever the reason: the same answer, the
 * same number of statements and of hashes for known, unknown, deactivated and not activated users. Too many wrong ones
 * in a row are `throttled`, for all of them alike.
 */
export async function signInWithPassword(
  ctx: Context,
  signIn: SignIn,
  typed: { readonly email: string; readonly password: string },
): Promise<Transition> {
  stateAt(signIn, 'identify');
  const email = parseEmail(typed.email);
  if (!email)
    return failed(typed.email, { code: 'invalid_input', fields: { email: 'is not an email address' } });
  const { proof, userId, retryAfter } = await provePassword(ctx, { email, password: typed.password });
  if (proof) return { ...(await enter(ctx, signIn, proof)), provenEmail: email };
  if (retryAfter !== undefined) return failed(typed.email, { code: 'throttled', retryAfter });
  const caseId = newCaseId();
  return {
    ...failed(typed.email, { code: 'invalid_credentials', caseId }),
    write: (tx) =>
      recordEvent(tx, {
        type: 'sign_in.failed',
        userId,
        clientId: signIn.client.clientId,
        caseId,
        details: { method: 'pwd' },
      }),
  };
}

/** Takes one of the accounts that were offered. Failure `invalid_input` for any other. */
export async function chooseAccount(ctx: Context, signIn: SignIn, chosen: string): Promise<Transition> {
  const { subject, accounts } = stateAt(signIn, 'choose_account');
  if (!accounts.some(({ id }) => id === chosen)) {
    throw new Failure('invalid_input', { fields: { account: 'is not one of the accounts offered' } });
  }
  return enter(ctx, { ...signIn, account: chosen }, subject);
}

/** Stores the wish for a seat and mails the account's admins; pressing twice is one request. */
export async function askForSeat(ctx: Context, signIn: SignIn): Promise<Transition> {
  const state = stateAt(signIn, 'denied');
  const { account, caseId, code } = state.denial;
  const { clientId } = signIn.client;
  const answer = await findAccess(ctx.db, {
    userId: state.subject.userId,
    clientId,
    account: account?.id,
    now: ctx.now(),
  });
  const product = answer?.facts.client.product;
  if (code !== 'no_seat' || state.seatRequested || !answer || !account || !product) {
    throw new Failure('action_not_available');
  }
  const { user } = answer.facts;
  return {
    state: { ...state, seatRequested: true },
    write: (tx) => storeSeatRequest(tx, { user, account, product, clientId, caseId }),
  };
}

/** Mails a person who was invited their invitation again; once a minute at most, however often the button is pressed. */
export function resendActivation(signIn: SignIn): Transition {
  const state = stateAt(signIn, 'denied');
  if (state.denial.code !== 'user_not_activated' || state.activationResent)
    throw new Failure('action_not_available');
  return {
    state: { ...state, activationResent: true },
    write: (tx) => resendInvitationOf(tx, state.subject.userId),
  };
}

/** The person's answer to a third-party client. */
export function answerConsent(signIn: SignIn, granted: boolean): Transition {
  stateAt(signIn, 'consent');
  if (!granted) return abort(signIn);
  return { state: { at: 'done' }, outcome: { kind: 'consented' } };
}

/** Starts over as someone else: what was proven is forgotten. */
export function restart(signIn: SignIn): Transition {
  if (signIn.state.at === 'identify' || signIn.state.at === 'done') throw new Failure('action_not_available');
  return { state: { at: 'identify' } };
}

/** Goes back to the client, which is told the reason of a denial, or that the person left. */
export function abort(signIn: SignIn): Transition {
  const { state, client } = signIn;
  if (state.at === 'done') throw new Failure('action_not_available');
  const userId = 'subject' in state ? state.subject.userId : undefined;
  const event = { type: 'sign_in.aborted', actorId: userId, userId, clientId: client.clientId } as const;
  return {
    state: { at: 'done' },
    outcome: { kind: 'refused', description: refusalOf(signIn) },
    write: (tx) => recordEvent(tx, { ...event, details: { at: state.at } }),
  };
}

function refusalOf({ state, client }: SignIn): string {
  if (state.at !== 'denied') return 'the person went back without signing in';
  const { code, caseId, account } = state.denial;
  return describeDenial(code, explainDenial(code, { client, account }).text, caseId);
}

/** Asks the access decision for somebody who is proven, and moves to where it leads. No session before it allows. */
async function enter(ctx: Context, signIn: SignIn, subject: Subject): Promise<Transition> {
  const { client, account, session } = signIn;
  const answer = await findAccess(ctx.db, {
    userId: subject.userId,
    clientId: client.clientId,
    account,
    preferred: session?.userId === subject.userId ? session.accountId : undefined,
    now: ctx.now(),
  });
  // gone between the proof and the question: the browser starts again
  if (!answer) throw new Failure('interaction_expired');
  const { decision } = answer;
  switch (decision.outcome) {
    case 'choose':
      return { state: { at: 'choose_account', subject, accounts: decision.accounts } };
    case 'deny':
      return denied(signIn, subject, answer);
    case 'allow': {
      const { id } = decision.entitlement.account;
      return { state: { at: 'done' }, outcome: outcomeOf(subject, id) };
    }
  }
}

function outcomeOf({ userId, evidence }: Subject, account: AccountId): Outcome {
  return evidence ? { kind: 'signed_in', userId, evidence, account } : { kind: 'account_chosen', account };
}

function denied(signIn: SignIn, subject: Subject, { decision }: AccessAnswer): Transition {
  if (decision.outcome !== 'deny') throw new Error('only a denial leads to the step denied');
  const { code, account } = decision;
  const caseId = newCaseId();
  const { userId } = subject;
  const { clientId } = signIn.client;
  return {
    state: {
      at: 'denied',
      subject,
      denial: { code, caseId, ...(account && { account }) },
      seatRequested: false,
    },
    write: (tx) =>
      recordEvent(tx, {
        type: 'sign_in.denied',
        actorId: userId,
        userId,
        accountId: account?.id,
        clientId,
        caseId,
        details: { code },
      }),
  };
}

/**
 * Keeps what was typed for the form, without what cannot be stored (NUL, half a surrogate pair). What has no @ in it is
 * not kept: people type their password into the wrong field.
 */
function failed(typed: string, problem: StepProblem): Transition {
  const text = typed
    .slice(0, 254)
    .toWellFormed()
    .replaceAll(/\p{Cc}/gu, '');
  const email = text.includes('@') && { email: text };
  return { state: { at: 'identify', ...email, problem }, problem };
}

/** The state, if the sign-in stands where the action belongs. Failure `action_not_available` elsewhere. */
function stateAt<At extends SignInState['at']>({ state }: SignIn, at: At): Extract<SignInState, { at: At }> {
  if (state.at !== at) throw new Failure('action_not_available');
  return state as Extract<SignInState, { at: At }>;
}
