/** My Company ID: where an address leads, and who has come back. Decided by the domain alone until somebody is proven. */
import { type Context, inTransaction, type Tx } from '../../context.ts';
import { domainOf, type EmailAddress, parseEmail } from '../../kernel/email-address.ts';
import { Failure } from '../../kernel/failures.ts';
import { type ConnectionId, newCaseId } from '../../kernel/ids.ts';
import { networkOf } from '../../kernel/network.ts';
import { minute } from '../../kernel/time.ts';
import { noteProgress, type Refusal, refuseAttempt } from '../attempts/attempts.ts';
import {
  type Connection,
  findHome,
  findHomeOfDomain,
  findLiveConnection,
  listLiveConnections,
} from '../connections/connections.ts';
import { type Budget, type CompanyEvidence, takeFromBudget } from '../credentials/credentials.ts';
import { resolveCompanyIdentity } from '../provisioning/provisioning.ts';
import type { PendingIdentity } from '../linking/linking.ts';
import { enter } from './enter.ts';
import { failedToLink, proveForLink } from './link.ts';
import type { SignIn, StepProblem } from './state.ts';
import { type Leaving, stateAt, type Transition, typedEmail, waitingIn } from './transition.ts';

export interface Asked {
  readonly email?: string | undefined;
  /** One of those that were shown. */
  readonly connection?: string | undefined;
}

/** So often one network may ask where addresses lead; the answers are public facts, but not a list to be had. */
const lookups: Budget = { name: 'company look-ups of a network', limit: 60, windowSeconds: minute };

/**
 * Home-realm discovery. Without an address it leads to the page that asks for one. The same answer for every address of a
 * domain, whether it has a user or not; but for those that an admin has listed for a pilot.
 */
export async function askForCompany(
  ctx: Context,
  signIn: SignIn,
  { email: typed = '', connection }: Asked,
): Promise<Transition | Leaving> {
  const { state } = signIn;
  const isRemedy = state.at === 'denied' && state.denial.code === 'sso_required';
  if (!isRemedy && !['identify', 'company', 'choose_connection', 'sign_in_to_link'].includes(state.at))
    throw new Failure('action_not_available');
  if (connection !== undefined && connection !== '') return takeShown(signIn, connection);
  if (typed.trim() === '') return { state: { at: 'company', ...waitingIn(signIn), ...hintOf(signIn) } };
  const email = parseEmail(typed);
  if (!email)
    return failed(signIn, typed, { code: 'invalid_input', fields: { email: 'is not an email address' } });
  const retryAfter = await inTransaction(ctx, (tx) => takeFromBudget(tx, lookups, networkOf(ctx.origin.ip)));
  if (retryAfter !== undefined) return failed(signIn, typed, { code: 'throttled', retryAfter });
  const { connections } = await findHome(ctx.db, email, { connectionId: hintedBy(signIn) });
  const [only] = connections;
  if (!only) {
    const problem: StepProblem = { code: 'company_not_found' };
    const { pending } = waitingIn(signIn);
    return pending ? failedToLink(pending, problem) : { state: { at: 'identify', email, problem }, problem };
  }
  if (connections.length > 1)
    return { state: { at: 'choose_connection', email, connections, ...waitingIn(signIn) } };
  return { leaveBy: only.id, email };
}

function takeShown(signIn: SignIn, connection: string): Leaving {
  const { state, remembered } = signIn;
  const shown = state.at === 'choose_connection' ? state.connections : remembered ? [remembered] : [];
  const chosen = shown.find(({ id }) => id === connection);
  if (!chosen)
    throw new Failure('invalid_input', { fields: { connection: 'is not one of the companies offered' } });
  return { leaveBy: chosen.id, ...(state.at === 'choose_connection' && { email: state.email }) };
}

function hintOf({ loginHint, state }: SignIn): { email?: string } {
  const email = ('email' in state ? state.email : undefined) ?? loginHint;
  return email === undefined ? {} : { email };
}

/** A client of somebody else may not say by which door people come in. */
function hintedBy({ connectionHint, client }: SignIn): ConnectionId | undefined {
  return client.firstParty ? connectionHint : undefined;
}

/**
 * Where a new sign-in goes without a question, because the client has said which company is meant: by `connection`, by
 * `domain_hint`, or by an `account` whose only way in it is. Undefined where the person has to be asked.
 */
export async function findAskedWay(ctx: Context, signIn: SignIn): Promise<Leaving | undefined> {
  if (!signIn.isNew || signIn.state.at !== 'identify') return undefined;
  const email = parseEmail(signIn.loginHint);
  const connectionId = hintedBy(signIn);
  const named = connectionId && (await findLiveConnection(ctx.db, connectionId));
  if (named && isOpenTo(named, email)) return { leaveBy: named.id, email };
  const domain = signIn.domainHint;
  if (domain !== undefined) {
    const isOfDomain = email && domainOf(email) === domain;
    const home = isOfDomain ? await findHome(ctx.db, email) : await findHomeOfDomain(ctx.db, domain);
    const [only, other] = home.connections;
    return only && !other ? { leaveBy: only.id, email: isOfDomain ? email : undefined } : undefined;
  }
  return signIn.account === undefined ? undefined : findAccountsWay(ctx, signIn, signIn.account);
}

async function findAccountsWay(
  ctx: Context,
  { client }: SignIn,
  account: string,
): Promise<Leaving | undefined> {
  const of = { account, clientId: client.clientId };
  const required = (await listLiveConnections(ctx.db, of)).filter(({ state }) => state === 'required');
  const [only, other] = required;
  return only && !other ? { leaveBy: only.id } : undefined;
}

function isOpenTo({ state, pilotEmails }: Connection, email: EmailAddress | undefined): boolean {
  return state !== 'pilot' || (email !== undefined && pilotEmails.includes(email));
}

/** The sign-in by the company did not succeed: one answer, whatever the reason, under a case id. */
export function companyFailed(
  caseId: string,
  {
    email,
    pending,
  }: { readonly email?: string | undefined; readonly pending?: PendingIdentity | undefined } = {},
): Transition {
  const problem: StepProblem = { code: 'company_sign_in_failed', caseId };
  const kept = { ...(email !== undefined && { email }), ...(pending && { pending }) };
  return { state: { at: 'company', ...kept, problem }, problem };
}

/**
 * Finds out who has come back, and lets them in or not: identity → user → access decision. The connection is looked at
 * again: one that was switched off or changed while the person was away lets nobody in. Otherwise an identity that waits
 * here would outlive the identity provider that an admin has just cut off, and be let in once another one is on.
 */
export async function admitReturned(ctx: Context, signIn: SignIn): Promise<Transition> {
  const { connectionId, attemptId, identity, revision, pending } = stateAt(signIn, 'returned');
  const connection = await findLiveConnection(ctx.db, connectionId);
  // the version before stores no revision, perhaps beside this one: then being live is enough, for the hour that it takes
  const isSame = revision === undefined || revision === connection?.revision;
  if (!connection || !isSame) return refused(ctx, signIn, { refused: 'connection_not_available' });
  const answer = await resolveCompanyIdentity(ctx, { connection, identity, attemptId });
  if ('refused' in answer) return refused(ctx, signIn, answer);
  const { userId } = answer;
  const evidence = [evidenceOf(ctx, connection, identity)];
  const transition = pending
    ? await proveForLink(ctx, { pending, userId, evidence })
    : await enter(ctx, signIn, { userId, evidence });
  const note = async (tx: Tx): Promise<void> => {
    await transition.write?.(tx);
    await (transition.state.at === 'denied'
      ? noteProgress(tx, attemptId, {
          stage: 'access',
          outcome: 'refused',
          code: 'access_denied',
          caseId: transition.state.denial.caseId,
          userId,
        })
      : noteProgress(tx, attemptId, { stage: 'done', outcome: 'passed', userId }));
  };
  return { ...transition, write: note, ...(transition.state.at !== 'denied' && { cameBy: connection }) };
}

function refused({ log }: Context, signIn: SignIn, refusal: Refusal): Transition {
  const { connectionId, attemptId, email = signIn.loginHint, pending } = stateAt(signIn, 'returned');
  const caseId = newCaseId();
  log.info({ connectionId, caseId, ...refusal }, 'a sign-in by a connection was refused');
  return {
    ...companyFailed(caseId, { email, pending }),
    write: async (tx) => {
      const { clientId } = signIn.client;
      await refuseAttempt(tx, { attemptId, connectionId, stage: 'match', refusal, caseId, clientId });
    },
  };
}

/** What others say of how and when, bounded: it ends up in tokens. */
function evidenceOf(
  ctx: Context,
  { id: connectionId, accountId }: Connection,
  identity: Extract<SignIn['state'], { at: 'returned' }>['identity'],
): CompanyEvidence {
  const { authenticatedAt, amr, acr, sessionId, sessionEndsAt: endsAt } = identity;
  return {
    method: 'fed',
    at: ctx.now().toISOString(),
    accountId,
    connectionId,
    amr: amr.filter((method) => /^[\w.:/-]{1,100}$/.test(method)).slice(0, 10),
    ...(authenticatedAt !== undefined && { authenticatedAt }),
    ...(acr !== undefined && { acr }),
    ...(sessionId !== undefined && { sessionId }),
    ...(endsAt !== undefined && { endsAt }),
  };
}

function failed(signIn: SignIn, typed: string, problem: StepProblem): Transition {
  return { state: { at: 'company', ...waitingIn(signIn), ...typedEmail(typed), problem }, problem };
}
