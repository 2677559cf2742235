/**
 * The sign-in journey: identify → (choose_account | denied) → done, with consent as a journey of its own. Each
 * operation takes where a sign-in stands and answers with the transition: the next state, what is written with it,
 * and what the engine is told when it is over. Nothing here redirects, and no step knows another.
 */
import type { Context, Tx } from '../../context.ts';
import { parseEmail } from '../../kernel/email-address.ts';
import { Failure } from '../../kernel/failures.ts';
import { newCaseId } from '../../kernel/ids.ts';
import { describeDenial, explainDenial, findAccess } from '../access/access.ts';
import { recordEvent } from '../audit/audit.ts';
import { findHome } from '../connections/connections.ts';
import { provePassword, wayOf } from '../credentials/credentials.ts';
import { resendInvitationOf } from '../invitations/invitations.ts';
import { alarmAdmins, type BreakGlass, findBreakGlass } from '../memberships/memberships.ts';
import { requestSeat as storeSeatRequest } from '../seats/seats.ts';
import { enter } from './enter.ts';
import { failedToLink, proveForLink } from './link.ts';
import { refusalOfPassword } from './password-door.ts';
import type { SignIn, StepProblem } from './state.ts';
import { failed, stateAt, type Transition } from './transition.ts';

export { admitReturned, askForCompany, companyFailed, findAskedWay } from './company.ts';
export { nextStep, redirectStep } from './next-step.ts';
export { refusalOfPassword } from './password-door.ts';
export type { SignIn, SignInClient, SignInState, StoredDenial } from './state.ts';
export { admitSocial, answerCode, askForSocial, confirmLink, socialFailed } from './link.ts';
export { type Leaving, type Outcome, type Transition, waitingIn } from './transition.ts';
export type { Action, ExpiredStep, Field, Step, StepClient } from './step.ts';

/**
 * Identifies a person by password. Whoever fails learns one thing only, whatever the reason: the same answer, the
 * same number of statements and of hashes for known, unknown, deactivated and not activated users. Too many wrong ones
 * in a row are `throttled`, for all of them alike. Where the domain requires its company's sign-in, no password does,
 * `sso_required`, but for the admins who break the glass.
 */
export async function signInWithPassword(
  ctx: Context,
  signIn: SignIn,
  typed: { readonly email: string; readonly password: string },
): Promise<Transition> {
  const pending = signIn.state.at === 'sign_in_to_link' ? signIn.state.pending : undefined;
  if (!pending) stateAt(signIn, 'identify');
  const fail = (problem: StepProblem): Transition =>
    pending ? failedToLink(pending, problem) : failed(typed.email, problem);
  const email = parseEmail(typed.email);
  if (!email) return fail({ code: 'invalid_input', fields: { email: 'is not an email address' } });
  // for everybody and before the password: what is said of a company depends on the domain alone
  const home = await findHome(ctx.db, email);
  const { proof, userId, retryAfter } = await provePassword(ctx, { email, password: typed.password });
  if (retryAfter !== undefined) return fail({ code: 'throttled', retryAfter });
  const glass = proof && home.requiredBy && (await findBreakGlass(ctx.db, proof.userId, home.requiredBy));
  const refusal = refusalOfPassword(home, {
    isProven: proof !== undefined,
    breaksGlass: glass !== undefined,
  });
  if (proof && !refusal) {
    const next = pending ? proveForLink(ctx, { pending, ...proof }) : enter(ctx, signIn, proof);
    const entered = { ...(await next), provenEmail: email };
    return glass ? { ...entered, write: alarmed(entered, glass) } : entered;
  }
  const caseId = newCaseId();
  const code = refusal ?? 'invalid_credentials';
  const companySignIn = home.connections.length > 0 && ({ companySignIn: true } as const);
  return {
    ...fail({ code, caseId, ...companySignIn }),
    write: (tx) =>
      recordEvent(tx, {
        type: 'sign_in.failed',
        userId,
        clientId: signIn.client.clientId,
        caseId,
        details: { method: 'pwd', ...(home.requiredBy && { code }) },
      }),
  };
}

/** Whoever comes in past the company's sign-in is seen by all of its admins. */
function alarmed({ write }: Transition, glass: BreakGlass): (tx: Tx) => Promise<unknown> {
  return async (tx) => {
    await write?.(tx);
    await alarmAdmins(tx, glass);
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
    evidence: state.subject.evidence ?? signIn.session?.evidence ?? [],
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
export function restart({ state }: SignIn): Transition {
  if (state.at === 'identify' || isOnItsWay(state)) throw new Failure('action_not_available');
  // from the company's page it only means "with my own address"
  const isCompany = state.at === 'company' || state.at === 'choose_connection';
  const email = isCompany && state.email !== undefined && { email: state.email };
  return { state: { at: 'identify', ...email }, ...(!isCompany && { forgetsCompany: true }) };
}

/** Goes back to the client, which is told the reason of a denial, or that the person left. */
export function abort(signIn: SignIn): Transition {
  const { state, client } = signIn;
  if (isOnItsWay(state)) throw new Failure('action_not_available');
  const subject = 'subject' in state ? state.subject : undefined;
  const denial = state.at === 'denied' ? state.denial : undefined;
  return {
    state: { at: 'done' },
    outcome: { kind: 'refused', description: refusalOf(signIn) },
    write: (tx) =>
      recordEvent(tx, {
        type: 'sign_in.aborted',
        actorId: subject?.userId,
        userId: subject?.userId,
        accountId: denial?.account?.id,
        clientId: client.clientId,
        caseId: denial?.caseId,
        details: {
          at: state.at,
          ...(denial && { code: denial.code }),
          ...(subject?.evidence && wayOf(subject.evidence)),
        },
      }),
  };
}

/** The browser has something to bring or to take; there is nothing to be asked. */
function isOnItsWay({ at }: SignIn['state']): boolean {
  return at === 'done' || at === 'returned' || at === 'returned_social';
}

function refusalOf({ state, client }: SignIn): string {
  if (state.at !== 'denied') return 'the person went back without signing in';
  const { code, caseId, account } = state.denial;
  return describeDenial(code, explainDenial(code, { client, account }).text, caseId);
}
