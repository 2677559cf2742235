import type { Tx } from '../../context.ts';
import type { Db } from '../../db/connect.ts';
import type { EmailAddress } from '../../kernel/email-address.ts';

export interface ClaimedRow {
  readonly id: string;
  readonly template: string;
  readonly recipient: EmailAddress;
  readonly locale: string;
  readonly data: unknown;
  readonly secretsSealed: string | null;
  readonly attempts: number;
  readonly createdAt: Date;
}

/**
 * One statement: of any number of replicas one gets each mail. While it is tried it has no error: that of the last try is
 * of one that has ended. By mail_outbox_pending_idx.
 */
export async function claimDue(
  tx: Tx,
  { limit, leaseUntil }: { limit: number; leaseUntil: Date },
): Promise<ClaimedRow[]> {
  const rows = await tx.db
    .updateTable('mailOutbox')
    .set((row) => ({ attempts: row('attempts', '+', 1), nextAttemptAt: leaseUntil, lastError: null }))
    .where('id', 'in', (due) =>
      due
        .selectFrom('mailOutbox')
        .select('id')
        .where('state', '=', 'pending')
        .where('nextAttemptAt', '<=', tx.now())
        .where((row) => row.or([row('expiresAt', 'is', null), row('expiresAt', '>', tx.now())]))
        .orderBy('nextAttemptAt')
        .limit(limit)
        .forUpdate()
        .skipLocked(),
    )
    .returning(['id', 'template', 'recipient', 'locale', 'data', 'secretsSealed', 'attempts', 'createdAt'])
    .execute();
  return rows as ClaimedRow[];
}

/** Gives up what must not be sent any more: a link that has died. By mail_outbox_pending_idx. */
export async function expireLate(tx: Tx): Promise<void> {
  await tx.db
    .updateTable('mailOutbox')
    .set({ state: 'dead', secretsSealed: null, lastError: 'expired' })
    .where('id', 'in', (late) =>
      late
        .selectFrom('mailOutbox')
        .select('id')
        .where('state', '=', 'pending')
        .where('nextAttemptAt', '<=', tx.now())
        .where('expiresAt', '<=', tx.now())
        .forUpdate()
        .skipLocked(),
    )
    .execute();
}

export interface PendingMail {
  readonly untried: number;
  readonly tried: number;
  readonly oldestAt: Date | null;
}

/** How much waits. By mail_outbox_pending_idx: what has gone is not looked at. */
export async function countPendingMail(db: Db): Promise<PendingMail> {
  return db
    .selectFrom('mailOutbox')
    .select(({ fn }) => [
      fn.countAll<number>().filterWhere('attempts', '=', 0).as('untried'),
      fn.countAll<number>().filterWhere('attempts', '>', 0).as('tried'),
      fn.min<Date | null>('createdAt').as('oldestAt'),
    ])
    .where('state', '=', 'pending')
    .executeTakeFirstOrThrow();
}

interface Outcome {
  readonly state?: 'sent' | 'dead';
  readonly sentAt?: Date;
  readonly nextAttemptAt?: Date;
  readonly secretsSealed?: null;
  readonly lastError: string | null;
}

/** Only while the claim holds: `attempts` says whose it is. By primary key. */
export async function updateOutcome(
  tx: Tx,
  { id, attempts }: { id: string; attempts: number },
  outcome: Outcome,
): Promise<void> {
  await tx.db
    .updateTable('mailOutbox')
    .set(outcome)
    .where('id', '=', id)
    .where('attempts', '=', attempts)
    .where('state', '=', 'pending')
    .execute();
}
