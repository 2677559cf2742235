/** Notices of ended sessions to their clients (OpenID Connect Back-Channel Logout): pending → delivered | dead. */
import { sql } from 'kysely';
import type { Tx } from '../../context.ts';
import type { Db } from '../../db/connect.ts';
import { newId, type UserId } from '../../kernel/ids.ts';
import { addSeconds, hour, minute } from '../../kernel/time.ts';

export interface NewLogoutNotice {
  readonly clientId: string;
  readonly userId: UserId;
  readonly sid: string;
}

export interface LogoutNotice extends NewLogoutNotice {
  readonly id: string;
  /** How often it was tried, this time included. */
  readonly attempts: number;
  /** Whoever has not begun by then leaves it to others: the process stood still, and they take it for dead. */
  readonly beginBy: Date;
}

/** So long a claimed notice is left alone by other replicas; far longer than a delivery may take. */
const leaseSeconds = 60;
/** A client that was not reached is left alone with everything else for so long at most. */
const restSeconds = minute;
/** Over about a day; whoever was not told by then has let the session expire. */
const maxAttempts = 30;

export function enqueueLogoutNotice(tx: Tx, notice: NewLogoutNotice): Promise<void> {
  return enqueueLogoutNotices(tx, [notice]);
}

/** Only for clients that have said where they want to be told. */
export async function enqueueLogoutNotices(tx: Tx, notices: readonly NewLogoutNotice[]): Promise<void> {
  if (notices.length === 0) return;
  const now = tx.now();
  const rows = notices.map((notice) => ({ id: newId('lgn', now), ...notice }));
  await sql`
    insert into logout_notices (id, client_id, user_id, sid, created_at, next_attempt_at)
    select n.id, n."clientId", n."userId", n.sid, ${now}::timestamptz, ${now}::timestamptz
    from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as n(id text, "clientId" text, "userId" text, sid text)
    join clients c on c.client_id = n."clientId" and c.backchannel_logout_uri is not null`.execute(tx.db);
}

/** Takes what is due, in one statement; of any number of replicas one gets each notice. By logout_notices_pending_idx. */
export async function claimLogoutNotices(tx: Tx, limit: number): Promise<LogoutNotice[]> {
  const now = tx.now();
  const claimed = await tx.db
    .updateTable('logoutNotices')
    .set((value) => ({
      attempts: value('attempts', '+', 1),
      nextAttemptAt: addSeconds(now, leaseSeconds),
    }))
    .where('id', 'in', (due) =>
      due
        .selectFrom('logoutNotices')
        .select('id')
        .where('state', '=', 'pending')
        .where('nextAttemptAt', '<=', now)
        .orderBy('nextAttemptAt')
        .limit(limit)
        .forUpdate()
        .skipLocked(),
    )
    .returning(['id', 'clientId', 'userId', 'sid', 'attempts'])
    .execute();
  return claimed.map((notice) => ({ ...notice, beginBy: addSeconds(now, leaseSeconds / 2) }));
}

export interface PendingNotices {
  readonly pending: number;
  readonly oldestAt: Date | null;
}

/** How many clients are still to be told. By logout_notices_pending_idx: what was delivered is not looked at. */
export async function countPendingLogoutNotices(db: Db): Promise<PendingNotices> {
  return db
    .selectFrom('logoutNotices')
    .select(({ fn }) => [
      fn.countAll<number>().as('pending'),
      fn.min<Date | null>('createdAt').as('oldestAt'),
    ])
    .where('state', '=', 'pending')
    .executeTakeFirstOrThrow();
}

/**
 * Writes how a delivery ended: delivered, or to be tried again later, or given up. What else a client that was not reached
 * is to be told waits as well: each would take its turn, and its time-out, from the others.
 */
export async function settleLogoutNotice(
  tx: Tx,
  { id, clientId, attempts }: Pick<LogoutNotice, 'id' | 'clientId' | 'attempts'>,
  problem?: string,
): Promise<void> {
  const now = tx.now();
  const pause = pauseSeconds(attempts);
  const outcome =
    problem === undefined
      ? { state: 'delivered', deliveredAt: now, lastError: null }
      : {
          state: attempts >= maxAttempts ? 'dead' : 'pending',
          nextAttemptAt: addSeconds(now, pause),
          lastError: problem.slice(0, 500),
        };
  await tx.db
    .updateTable('logoutNotices')
    .set(outcome)
    .where('id', '=', id)
    .where('attempts', '=', attempts)
    .execute();
  if (problem !== undefined) await putOff(tx, clientId, addSeconds(now, Math.min(pause, restSeconds)));
}

/** Past what others hold, or two who are done at once could wait for each other. By logout_notices_pending_idx. */
async function putOff(tx: Tx, clientId: string, nextAttemptAt: Date): Promise<void> {
  await tx.db
    .updateTable('logoutNotices')
    .set({ nextAttemptAt })
    .where('id', 'in', (due) =>
      due
        .selectFrom('logoutNotices')
        .select('id')
        .where('clientId', '=', clientId)
        .where('state', '=', 'pending')
        .where('nextAttemptAt', '<', nextAttemptAt)
        .forUpdate()
        .skipLocked(),
    )
    .execute();
}

/** Doubling from five seconds to an hour, with jitter: clients that went down together are not all asked together. */
function pauseSeconds(attempts: number): number {
  return Math.min(hour, 5 * 2 ** (attempts - 1)) * (0.75 + Math.random() / 2);
}
