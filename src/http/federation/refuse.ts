/** Refusals of what comes from an identity provider: the person hears one sentence and a case id, the admins hear why. */
import { type Context, inTransaction, type Tx } from '../../context.ts';
import { type Refusal, refuseAttempt, type Stage, startAttempt } from '../../core/attempts/attempts.ts';
import type { Connection } from '../../core/connections/connections.ts';
import { departureSeconds } from '../../core/departures/departures.ts';
import type { SocialProvider } from '../../core/identities/identities.ts';
import { type Budget, takeFromBudget } from '../../core/credentials/credentials.ts';
import { Failure } from '../../kernel/failures.ts';
import { newCaseId } from '../../kernel/ids.ts';
import { networkOf } from '../../kernel/network.ts';
import { minute } from '../../kernel/time.ts';
import { hashToken } from '../../kernel/tokens.ts';

/** What belongs to no departure is anybody's to send: so much of it is written down. */
const strangers: Budget = { name: 'unexpected responses of a network', limit: 30, windowSeconds: minute };

/**
 * What is refused consumes no departure, so one could be answered without end, and each answer would take the thread that
 * all tenants share, and write an event into the trail of the account. Counted for each departure and not for a network: a
 * company behind one address comes back all at once. Whoever knows a request's id can use up its answers; the person
 * begins again.
 */
const answers: Budget = { name: 'answers to a departure', limit: 5, windowSeconds: departureSeconds };

/** Failure `throttled` for a network that sends too much that nobody has asked for. */
export async function countUnexpected(ctx: Context, by: Connection['id'] | SocialProvider): Promise<void> {
  await take(ctx, strangers, `${by} ${networkOf(ctx.origin.ip)}`);
}

/** Failure `throttled` for a departure that was answered too often: before anything of an answer is looked at. */
export async function countAnswer(ctx: Context, token: string): Promise<void> {
  await take(ctx, answers, hashToken(token).toString('base64url'));
}

async function take(ctx: Context, budget: Budget, key: string): Promise<void> {
  const retryAfter = await inTransaction(ctx, (tx) => takeFromBudget(tx, budget, key));
  if (retryAfter !== undefined) throw new Failure('throttled', { retryAfter });
}

interface Unexpected {
  readonly connection: Connection;
  readonly refusal: Refusal;
  readonly purpose?: 'sign_in' | 'unsolicited';
}

/** A response that belongs to nothing we know: an attempt of its own. Answers the failure to throw. */
export async function refuseUnexpected(
  ctx: Context,
  { connection, refusal, purpose = 'sign_in' }: Unexpected,
): Promise<Failure> {
  const { id: connectionId, accountId } = connection;
  await countUnexpected(ctx, connectionId);
  const caseId = newCaseId();
  tell(ctx.log, { connectionId, caseId, refusal });
  await inTransaction(ctx, async (tx) => {
    const attemptId = await startAttempt(tx, { accountId, connectionId, purpose });
    await refuseAttempt(tx, { attemptId, connectionId, stage: 'response', refusal, caseId });
  });
  return new Failure('company_sign_in_failed', { caseId });
}

interface RefusedStep {
  readonly attemptId: string;
  readonly connectionId: Connection['id'];
  readonly stage: Stage;
  readonly refusal: Refusal;
}

/** Ends an attempt in the caller's transaction, and tells the log; answers the case under which it is known. */
export async function refuseIn(tx: Tx, log: Context['log'], refused: RefusedStep): Promise<string> {
  const caseId = newCaseId();
  tell(log, { ...refused, caseId });
  await refuseAttempt(tx, { ...refused, caseId });
  return caseId;
}

/** A response that was used before: an attempt of its own, since the one it belonged to is history. */
export async function refuseReplay(
  tx: Tx,
  log: Context['log'],
  { id: connectionId, accountId }: Pick<Connection, 'id' | 'accountId'>,
): Promise<string> {
  const attemptId = await startAttempt(tx, { accountId, connectionId, purpose: 'sign_in' });
  const refusal = { refused: 'response_replayed' } as const;
  return refuseIn(tx, log, { attemptId, connectionId, stage: 'response', refusal });
}

/** Ends an attempt in a transaction of its own, for a browser that is shown the failure here. */
export async function refuseHere(ctx: Context, refused: RefusedStep): Promise<Failure> {
  const { log } = ctx;
  const caseId = await inTransaction(ctx, (tx) => refuseIn(tx, log, refused));
  return new Failure('company_sign_in_failed', { caseId });
}

function tell(
  log: Context['log'],
  { connectionId, caseId, refusal }: Pick<RefusedStep, 'connectionId' | 'refusal'> & { caseId: string },
): void {
  log.info({ connectionId, caseId, ...refusal }, 'a sign-in by a connection was refused');
}
