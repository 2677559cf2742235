import { once } from 'node:events';
import { open } from 'node:fs/promises';
import {
  type ImportFormat,
  importFormats,
  type ImportSummary,
  importUsers,
  type Outcome,
  type RowOutcome,
} from '../core/imports/imports.ts';
import { Failure } from '../kernel/failures.ts';
import type { Answer, Command } from './command.ts';
import { textOf } from './failure-text.ts';
import { getAccountBySlug } from './find.ts';
import { choiceOf, type Given, WrongUse } from './given.ts';
import { withProgress } from './progress.ts';

export const importCommand: Command = {
  words: '<account> <file|->',
  options: { format: importFormats.join('|') },
  flags: ['dry-run', 'progress'],
  about:
    'Makes members of the people in a file; says which rows were refused. With --json a line for each row, and one at the end.',
  example: 'import acme people.csv --dry-run',
  endsWith1: 'when rows were refused',
  async run(ctx, given) {
    const [slug, path = ''] = given.words;
    const format = formatOf(given, path);
    const [dryRun, json] = [given.has('dry-run'), given.has('json')];
    const account = await getAccountBySlug(ctx.db, slug);
    const source = await openSource(path);
    return withProgress(given, async (say) => {
      let rows = 0;
      const destination = { accountId: account.id, mayVouch: true };
      for await (const line of importUsers(ctx, { ...destination, format, source, dryRun })) {
        if (!('row' in line)) return answer(line, json);
        rows += 1;
        say(`${rows} rows`);
        if (json) await print(jsonOf(line));
        else if (line.outcome === 'refused') await print(refusalOf(line));
      }
      throw new Error('the import ended without a summary');
    });
  },
};

/** As JSON a line like those before it, which are printed already. */
function answer(summary: ImportSummary, json: boolean): Answer {
  const text = json ? jsonOf(summary) : summaryOf(summary);
  return { text, data: undefined, exitCode: summary.counts.refused > 0 ? 1 : 0 };
}

function formatOf(given: Given, path: string): ImportFormat {
  const format = choiceOf(given, 'format', importFormats) ?? formatOfName(path);
  if (!format) throw new WrongUse('which --format is it?');
  return format;
}

function formatOfName(path: string): ImportFormat | undefined {
  if (/\.csv$/i.test(path)) return 'csv';
  return /\.(jsonl|ndjson)$/i.test(path) ? 'jsonl' : undefined;
}

async function openSource(path: string): Promise<AsyncIterable<Buffer>> {
  if (path === '-') return process.stdin;
  const file = await open(path).catch(() => {
    throw new WrongUse(`${path} cannot be read`);
  });
  return file.createReadStream() as AsyncIterable<Buffer>;
}

/** No faster than it is read: an import may have more to say than fits into memory. */
async function print(line: string): Promise<void> {
  if (!process.stdout.write(`${line}\n`)) await once(process.stdout, 'drain');
}

function jsonOf(line: RowOutcome | ImportSummary): string {
  if ('row' in line) return JSON.stringify(line);
  const { rows, counts, dryRun } = line;
  return JSON.stringify({ rows, counts, dry_run: dryRun });
}

function refusalOf({ row, email, code = 'invalid_input', fields = {} }: RowOutcome): string {
  return `row ${row} (${email ?? 'no address'}): ${textOf(new Failure(code, { fields }))}`;
}

function summaryOf({ rows, counts, dryRun }: ImportSummary): string {
  const parts = (Object.entries(counts) as [Outcome, number][])
    .filter(([, count]) => count > 0)
    .map(([outcome, count]) => `${count} ${outcome}`);
  const what = [`${rows} rows`, ...parts].join(', ');
  return dryRun ? `${what}. It was a dry run: nothing was written.` : `${what}.`;
}
