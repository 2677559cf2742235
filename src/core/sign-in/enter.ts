import type { Context } from '../../context.ts';
import { Failure } from '../../kernel/failures.ts';
import { type AccountId, newCaseId } from '../../kernel/ids.ts';
import { type AccessAnswer, findAccess } from '../access/access.ts';
import { recordEvent } from '../audit/audit.ts';
import { mergeEvidence, wayOf } from '../credentials/credentials.ts';
import type { SignIn, Subject } from './state.ts';
import { failed, type Outcome, type Transition } from './transition.ts';

/** Asks the access decision for somebody who is proven, and moves to where it leads. No session before it allows. */
export async function enter(ctx: Context, signIn: SignIn, subject: Subject): Promise<Transition> {
  const { client, account } = signIn;
  const session = signIn.session?.userId === subject.userId ? signIn.session : undefined;
  const answer = await findAccess(ctx.db, {
    userId: subject.userId,
    clientId: client.clientId,
    account,
    evidence: mergeEvidence(subject.evidence ?? [], session?.evidence ?? []),
    preferred: session?.accountId,
    now: ctx.now(),
  });
  // gone between the proof and the question: the browser starts again
  if (!answer) throw new Failure('interaction_expired');
  const { decision } = answer;
  switch (decision.outcome) {
    case 'choose':
      return { state: { at: 'choose_account', subject, accounts: decision.accounts } };
    case 'reauthenticate':
      return failed('', { code: 'another_proof_needed' });
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

function denied(signIn: SignIn, subject: Subject, { decision, facts }: AccessAnswer): Transition {
  if (decision.outcome !== 'deny') throw new Error('only a denial leads to the step denied');
  const { code, account } = decision;
  const caseId = newCaseId();
  const { userId, evidence } = subject;
  const { clientId } = signIn.client;
  return {
    state: {
      at: 'denied',
      subject,
      denial: {
        code,
        caseId,
        ...(account && { account }),
        ...(code === 'sso_required' && { email: facts.user.email }),
      },
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
        details: { code, ...(evidence && wayOf(evidence)) },
      }),
  };
}
