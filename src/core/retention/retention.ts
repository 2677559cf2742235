/**
 * What is deleted by itself, and when: one table of rules (rules.ts), which the job, the command and docs/retention.md
 * read. Nothing depends on it: a row that is over counts for nothing, deleted or not. Any number of replicas may prune at
 * once.
 */
import { type Context, inTransaction } from '../../context.ts';
import type { Db } from '../../db/connect.ts';
import { addSeconds } from '../../kernel/time.ts';
import { countOver, deleteBatch, hasOver } from './queries.ts';
import { type Retention, retentions } from './rules.ts';

export { kept } from './kept.ts';
export { type Retention, retentions, tableName } from './rules.ts';

/** So few that whoever waits for one of them does not wait for long: a batch is one short transaction. */
const batchSize = 500;

/** Deletes one batch of what is over by this rule, past rows that somebody holds; answers how many. */
export function pruneBatch(ctx: Context, rule: Retention): Promise<number> {
  return inTransaction(ctx, (tx) => deleteBatch(tx, rule, batchSize));
}

/**
 * Deletes one batch by each rule; answers how many rows: none when there is nothing left. One that fails holds up no other:
 * it is told of when they are done.
 */
export async function prune(ctx: Context): Promise<number> {
  const failures: unknown[] = [];
  let deleted = 0;
  for (const rule of retentions) {
    try {
      deleted += await pruneBatch(ctx, rule);
    } catch (error) {
      failures.push(error);
    }
  }
  if (deleted === 0 && failures.length > 0)
    throw new AggregateError(failures, 'not everything that is over was deleted');
  return deleted;
}

/** How many rows are over by this rule. */
export function countPrunable(db: Db, rule: Retention, now: Date): Promise<number> {
  return countOver(db, rule, now);
}

/** The rules whose rows have been over for so long that nobody can be pruning. */
export async function listOverdue(
  db: Db,
  { now, bySeconds }: { readonly now: Date; readonly bySeconds: number },
): Promise<Retention[]> {
  const overdue: Retention[] = [];
  for (const rule of retentions) if (await hasOver(db, rule, addSeconds(now, -bySeconds))) overdue.push(rule);
  return overdue;
}
