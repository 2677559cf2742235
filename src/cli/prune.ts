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
import { withProgress } from './progress.ts';

/** So that a database that has never been pruned has time for others. */
const restMs = 20;

interface Line {
  readonly table: string;
  readonly rows: string;
  readonly count: number;
}

export const pruneCommand: Command = {
  flags: ['dry-run', 'progress'],
  about:
    'Deletes what is over and counts for nothing any more, as the service does every hour, so it does not ask first: see docs/retention.md.',
  example: 'prune --dry-run',
  async run(ctx, given) {
    const isDry = given.has('dry-run');
    const tables = await withProgress(given, async (say) => {
      const lines: Line[] = [];
      for (const rule of retentions) {
        const table = tableName(rule.table);
        say(table);
        const count = isDry
          ? await countPrunable(ctx.db, rule, ctx.now())
          : await deleteAll(ctx, rule, (deleted) => say(`${table}: ${deleted} rows`));
        lines.push({ table, rows: rule.rows, count });
      }
      return lines;
    });
    return { text: textOf(tables, isDry), data: { dry_run: isDry, tables } };
  },
};

async function deleteAll(
  ctx: Context,
  rule: Retention,
  onProgress: (deleted: number) => void,
): Promise<number> {
  let deleted = 0;
  for (;;) {
    const rows = await pruneBatch(ctx, rule);
    if (rows === 0) return deleted;
    deleted += rows;
    onProgress(deleted);
    await rest(restMs);
  }
}

function textOf(lines: readonly Line[], isDry: boolean): string {
  const shown = lines.map(({ table, rows, count }) => `${String(count).padStart(9)}  ${table}: ${rows}`);
  const total = lines.reduce((sum, { count }) => sum + count, 0);
  const end = isDry ? `${total} rows are over. Nothing was deleted.` : `${total} rows were deleted.`;
  return [...shown, '', end].join('\n');
}
