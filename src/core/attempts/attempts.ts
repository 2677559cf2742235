/**
 * Attempts: every sign-in by a connection, how far it came and what stopped it. Written as it goes, so that an account's
 * admin sees at which stage their people fail and why, under the case id that the person was shown.
 */
import type { Tx } from '../../context.ts';
import { type ConnectionId, newId } from '../../kernel/ids.ts';
import { recordEvent } from '../audit/audit.ts';
import type { NewAttempt, Progress, Refusal, Stage } from './attempt.ts';
import { insertAttempt, updateAttempt } from './queries.ts';

export {
  type NewAttempt,
  type Progress,
  type Purpose,
  type Refusal,
  type RefusalCode,
  refusalCodes,
  type Stage,
} from './attempt.ts';
export { listAttempts, findAttempt, type AttemptRow } from './queries.ts';

export async function startAttempt(tx: Tx, attempt: NewAttempt): Promise<string> {
  const id = newId('att', tx.now());
  await insertAttempt(tx, { ...attempt, id });
  return id;
}

/** Notes how far an attempt came; what is left out stays as it was. One that has passed stays as it is. */
export async function noteProgress(tx: Tx, id: string, progress: Progress): Promise<void> {
  await updateAttempt(tx, id, progress);
}

export interface RefusedAttempt {
  readonly attemptId: string;
  readonly connectionId: ConnectionId;
  readonly stage: Stage;
  readonly refusal: Refusal;
  readonly caseId: string;
  readonly clientId?: string | undefined;
  readonly claims?: Readonly<Record<string, unknown>>;
}

/** The end of an attempt that was refused, and its event: under the case id that the person is shown. */
export async function refuseAttempt(tx: Tx, refused: RefusedAttempt): Promise<void> {
  const { attemptId, connectionId, stage, refusal, caseId, clientId, claims } = refused;
  const accountId = await updateAttempt(tx, attemptId, {
    stage,
    outcome: 'refused',
    code: refusal.refused,
    caseId,
    ...(claims && { claims }),
  });
  await recordEvent(tx, {
    type: 'sign_in.refused',
    accountId,
    clientId,
    caseId,
    details: { connection_id: connectionId, code: refusal.refused, stage },
  });
}
