import type { Tx } from '../../context.ts';
import type { EmailAddress } from '../../kernel/email-address.ts';
import { Failure } from '../../kernel/failures.ts';
import type { AccountId, ConnectionId, UserId } from '../../kernel/ids.ts';
import type { ConnectionChoice } from '../connections/connections.ts';
import type { SocialProvider } from '../identities/identities.ts';
import type { PendingIdentity } from '../linking/linking.ts';
import type { Evidence } from '../credentials/credentials.ts';
import type { SignIn, SignInState, StepProblem } from './state.ts';

/** The browser is to leave for a connection, or for a provider. */
export interface Leaving {
  readonly leaveBy: ConnectionId | SocialProvider;
  readonly email?: EmailAddress | undefined;
}

/** The social identity that waits for somebody to sign in, where one does; as a part of the state that goes on waiting. */
export function waitingIn({ state }: SignIn): { readonly pending?: PendingIdentity } {
  const waits = state.at === 'company' || state.at === 'choose_connection' || state.at === 'sign_in_to_link';
  return waits && state.pending ? { pending: state.pending } : {};
}

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
  /** The connection by which somebody was let in: this browser may be offered it next time. */
  readonly cameBy?: ConnectionChoice;
  /** Somebody else is to sign in: the company of before is not offered to them. */
  readonly forgetsCompany?: true;
  /** Where the browser is sent when the state is written; the step that stands is the one to come back to. */
  readonly leaveFor?: string;
}

/**
 * Keeps what was typed for the form, without what cannot be stored (NUL, half a surrogate pair). What has no @ in it is
 * not kept: people type their password into the wrong field.
 */
export function typedEmail(typed: string): { email?: string } {
  const text = typed
    .slice(0, 254)
    .toWellFormed()
    .replaceAll(/\p{Cc}/gu, '');
  return text.includes('@') ? { email: text } : {};
}

/** Nobody is proven: the first step again, with what went wrong. */
export function failed(typed: string, problem: StepProblem): Transition {
  return { state: { at: 'identify', ...typedEmail(typed), problem }, problem };
}

/** The state, if the sign-in stands where the action belongs. Failure `action_not_available` elsewhere. */
export function stateAt<At extends SignInState['at']>(
  { state }: SignIn,
  at: At,
): Extract<SignInState, { at: At }> {
  if (state.at !== at) throw new Failure('action_not_available');
  return state as Extract<SignInState, { at: At }>;
}
