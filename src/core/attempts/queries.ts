import { sql } from 'kysely';
import type { Tx } from '../../context.ts';
import type { Db } from '../../db/connect.ts';
import type { AccountId, ConnectionId, UserId } from '../../kernel/ids.ts';
import type { Window } from '../../kernel/page.ts';
import type { NewAttempt, Progress, Purpose, RefusalCode, Stage } from './attempt.ts';

export async function insertAttempt(
  tx: Tx,
  { stage = 'departure', clientId, ...attempt }: NewAttempt & { readonly id: string },
): Promise<void> {
  const now = tx.now();
  await tx.db
    .insertInto('connectionAttempts')
    .values({
      ...attempt,
      stage,
      clientId: clientId ?? null,
      ip: tx.origin.ip ?? null,
      startedAt: now,
      updatedAt: now,
    })
    .execute();
}

/** What is undefined stays as it was; answers whose attempt it is. A refusal may be followed by the right response; what has passed is history. */
export async function updateAttempt(tx: Tx, id: string, progress: Progress): Promise<AccountId | undefined> {
  const { stage, outcome = 'pending', code, caseId, userId, claims } = progress;
  const result = await sql<{ accountId: AccountId }>`
    with progress as (update connection_attempts set stage = ${stage}, outcome = ${outcome}, code = ${code ?? null},
      case_id = coalesce(${caseId ?? null}, case_id), user_id = coalesce(${userId ?? null}, user_id),
      claims = coalesce(${claims ? JSON.stringify(claims) : null}::jsonb, claims), updated_at = ${tx.now()}
    where id = ${id} and outcome <> 'passed')
    select account_id from connection_attempts where id = ${id}`.execute(tx.db);
  return result.rows[0]?.accountId;
}

export interface AttemptRow {
  readonly id: string;
  readonly connectionId: ConnectionId;
  readonly purpose: Purpose;
  readonly stage: Stage;
  readonly outcome: 'pending' | 'passed' | 'refused';
  readonly code: RefusalCode | null;
  readonly caseId: string | null;
  readonly clientId: string | null;
  readonly userId: UserId | null;
  readonly claims: unknown;
  readonly startedAt: Date;
  readonly updatedAt: Date;
}

const columns = [
  'id',
  'connectionId',
  'purpose',
  'stage',
  'outcome',
  'code',
  'caseId',
  'clientId',
  'userId',
  'claims',
  'startedAt',
  'updatedAt',
] as const;

export interface AttemptFilter extends Window {
  readonly accountId: AccountId;
  readonly connectionId?: ConnectionId | undefined;
}

/**
 * An account's, newest first; of one connection where it is named. The key of a window is an id. By
 * connection_attempts_account_idx or connection_attempts_connection_idx.
 */
export async function listAttempts(
  db: Db,
  { accountId, connectionId, after, limit }: AttemptFilter,
): Promise<AttemptRow[]> {
  let query = db
    .selectFrom('connectionAttempts')
    .select(columns)
    .where('accountId', '=', accountId)
    .orderBy('startedAt', 'desc')
    .orderBy('id', 'desc')
    .limit(limit);
  if (connectionId !== undefined) query = query.where('connectionId', '=', connectionId);
  if (after !== undefined)
    query = query.where(
      sql<boolean>`(started_at, id) < (select started_at, id from connection_attempts where id = ${after})`,
    );
  return (await query.execute()) as AttemptRow[];
}

export async function findAttempt(db: Db, id: string): Promise<AttemptRow | undefined> {
  const query = db.selectFrom('connectionAttempts').select(columns).where('id', '=', id);
  return (await query.executeTakeFirst()) as AttemptRow | undefined;
}
