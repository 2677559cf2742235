import { setTimeout as rest } from 'node:timers/promises';
import {
  countPrunable,
  pruneBatch,
  type Retention,
  retentions,
  tableName,
} from '../core/retention/retention.ts';
import type { Context } from '../context.ts';
import type { Command } from './command.ts';

/** So that a database that has never been pruned has time for others. */
const restMs = 20;

interface Line {
  readonly table: string;
  readonly rows: string;
  readonly count: number;
}

export const pruneCommand: Command = {
  flags: ['dry-run'],
  about:
    'Deletes what is over and counts for nothing any more, as the service does every hour, so it does not ask first: see docs/retention.md.',
  example: 'prune --dry-run',
  async run(ctx, given) {
    const isDry = given.has('dry-run');
    const tables: Line[] = [];
    for (const rule of retentions) {
      const count = isDry ? await countPrunable(ctx.db, rule, ctx.now()) : await deleteAll(ctx, rule);
      tables.push({ table: tableName(rule.table), rows: rule.rows, count });
    }
    return { text: textOf(tables, isDry), data: { dry_run: isDry, tables } };
  },
};

/** Says on stderr how far it is, once in ten thousand rows: there may be millions. */
async function deleteAll(ctx: Context, rule: Retention): Promise<number> {
  let [deleted, told] = [0, 0];
  for (;;) {
    const rows = await pruneBatch(ctx, rule);
    if (rows === 0) return deleted;
    deleted += rows;
    if (deleted - told >= 10_000) {
      process.stderr.write(`${tableName(rule.table)}: ${deleted} rows\n`);
      told = deleted;
    }
    await rest(restMs);
  }
}

function textOf(lines: readonly Line[], isDry: boolean): string {
  const shown = lines.map(({ table, rows, count }) => `${String(count).padStart(9)}  ${table}: ${rows}`);
  const total = lines.reduce((sum, { count }) => sum + count, 0);
  const end = isDry ? `${total} rows are over. Nothing was deleted.` : `${total} rows were deleted.`;
  return [...shown, '', end].join('\n');
}
