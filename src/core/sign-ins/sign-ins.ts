/**
 * Sign-ins: every attempt of an account's people to get in, whichever way they took and however it ended. Read from the
 * audit trail, so that nothing is kept twice; nobody changes them.
 */
import type { Db } from '../../db/connect.ts';
import type { AccountId, ConnectionId, UserId } from '../../kernel/ids.ts';
import type { Window } from '../../kernel/page.ts';
import { listSignInEvents, type SignInEvent } from './queries.ts';

export const signInOutcomes = ['signed_in', 'denied', 'refused', 'failed', 'throttled', 'aborted'] as const;
export type SignInOutcome = (typeof signInOutcomes)[number];

/** Which way a person took. */
export type Way =
  | { readonly method: 'password' }
  /** The label is null when the connection is gone. */
  | { readonly method: 'connection'; readonly connectionId: ConnectionId; readonly label: string | null }
  | { readonly method: 'social'; readonly provider: string };

export interface SignInAttempt {
  /** Of its event. */
  readonly id: string;
  readonly at: Date;
  readonly outcome: SignInOutcome;
  /** Why not; null where there is nothing to say. */
  readonly code: string | null;
  /** How far it came. */
  readonly stage: string;
  /** Null when nothing was proven anew: a session was there, or the person went back before. */
  readonly way: Way | null;
  /** Null when it is not known who it was. */
  readonly userId: UserId | null;
  /** Of members only: the account's trail may name people who were never its own. */
  readonly email: string | null;
  readonly name: string | null;
  readonly clientId: string | null;
  readonly caseId: string | null;
  readonly ip: string | null;
}

export interface SignInFilter extends Window {
  readonly accountId: AccountId;
  readonly userId?: UserId | undefined;
  readonly outcome?: SignInOutcome | undefined;
}

/**
 * Of this account, and of its members where no account was reached (a wrong password), since they are members. Newest
 * first, by event id; what the same people do in other accounts is not among it.
 */
export async function listSignIns(db: Db, filter: SignInFilter): Promise<SignInAttempt[]> {
  const outcomes = filter.outcome ? [filter.outcome] : signInOutcomes;
  const rows = await listSignInEvents(db, { ...filter, types: outcomes.map(typeOf) });
  return rows.map(attemptOf);
}

function typeOf(outcome: SignInOutcome): string {
  return outcome === 'signed_in' ? 'user.signed_in' : `sign_in.${outcome}`;
}

function attemptOf({ details, type, connectionLabel, ...row }: SignInEvent): SignInAttempt {
  const outcome = signInOutcomes.find((candidate) => typeOf(candidate) === type) ?? 'failed';
  return {
    ...row,
    outcome,
    code: details.code ?? codes[outcome] ?? null,
    stage: details.stage ?? details.at ?? stages[outcome],
    way: wayOf(outcome, details, connectionLabel),
  };
}

const codes: Partial<Record<SignInOutcome, string>> = {
  failed: 'invalid_credentials',
  throttled: 'throttled',
};
const stages: Readonly<Record<SignInOutcome, string>> = {
  signed_in: 'done',
  denied: 'access',
  refused: 'response',
  failed: 'identify',
  throttled: 'identify',
  aborted: 'identify',
};

function wayOf(outcome: SignInOutcome, details: SignInEvent['details'], label: string | null): Way | null {
  const { connection_id: connectionId, provider, methods = [] } = details;
  if (connectionId !== undefined) return { method: 'connection', connectionId, label };
  if (provider !== undefined) return { method: 'social', provider };
  const isPassword = outcome === 'failed' || outcome === 'throttled' || methods.includes('pwd');
  return isPassword ? { method: 'password' } : null;
}
