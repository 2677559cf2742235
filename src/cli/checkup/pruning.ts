import type { Context } from '../../context.ts';
import { listOverdue, tableName } from '../../core/retention/retention.ts';
import { hour } from '../../kernel/time.ts';
import { type Check, type Finding, passed, warning } from './finding.ts';

/** It is done about every hour. */
const lateHours = 3;

export const pruningChecks: readonly Check[] = [
  { name: 'pruning', needsDatabase: true, look: lookAtPruning },
];

async function lookAtPruning({ db, now }: Context): Promise<Finding[]> {
  const overdue = await listOverdue(db, { now: now(), bySeconds: lateHours * hour });
  if (overdue.length === 0) return [passed('pruning', 'what is over is deleted in time')];
  const tables = [...new Set(overdue.map(({ table }) => tableName(table)))];
  const found = `rows have been over for more than ${lateHours} hours: ${tables.join(', ')}`;
  return [warning('pruning', found, 'Is a replica running? Or run: doorward prune')];
}
