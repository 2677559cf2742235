import { once } from 'node:events';
import { open } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { findAccountBySlug } from '../core/accounts/accounts.ts';
import {
  type ImportFormat,
  importFormats,
  type ImportSummary,
  importUsers,
  type Outcome,
  type RowOutcome,
} from '../core/imports/imports.ts';
import { Failure } from '../kernel/failures.ts';
import type { Command } from './command.ts';
import { sayWhyNot, textOf } from './failure-text.ts';

const usage = 'import <account> <file|-> [--format jsonl|csv] [--dry-run] [--json] [--progress]';

export const importCommand: Command = {
  usage,
  about: 'Makes members of the people in a file; says which rows were refused.',
  async run({ ctx }, args) {
    const { slug, path, format, dryRun, json, progress } = parseImport(args);
    const account = await findAccountBySlug(ctx.db, slug);
    if (!account) throw new Error(`there is no account ${slug}`);
    const source = await openSource(path);
    const shown = showProgress(progress);
    try {
      const destination = { accountId: account.id, mayVouch: true };
      for await (const line of importUsers(ctx, { ...destination, format, source, dryRun })) {
        if (!('row' in line)) {
          const exitCode = line.counts.refused > 0 ? 1 : 0;
          return { text: json ? jsonOf(line) : summaryOf(line), exitCode };
        }
        shown.count();
        if (json) await print(jsonOf(line));
        else if (line.outcome === 'refused') await print(refusalOf(line));
      }
      throw new Error('the import ended without a summary');
    } catch (error) {
      return sayWhyNot(error);
    } finally {
      shown.end();
    }
  },
};

function parseImport(args: readonly string[]) {
  const { positionals, values } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      format: { type: 'string' },
      'dry-run': { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      progress: { type: 'boolean', default: process.stderr.isTTY },
    },
  });
  const [slug, path, ...more] = positionals;
  if (!slug || !path || more.length > 0) throw new Error(`usage: doorward ${usage}`);
  const format = importFormats.find((known) => known === (values.format ?? formatOf(path)));
  if (!format) throw new Error(`which format? usage: doorward ${usage}`);
  return { slug, path, format, dryRun: values['dry-run'], json: values.json, progress: values.progress };
}

function formatOf(path: string): ImportFormat | undefined {
  if (/\.csv$/i.test(path)) return 'csv';
  return /\.(jsonl|ndjson)$/i.test(path) ? 'jsonl' : undefined;
}

async function openSource(path: string): Promise<AsyncIterable<Buffer>> {
  if (path === '-') return process.stdin;
  const file = await open(path).catch(() => {
    throw new Error(`${path} cannot be read`);
  });
  return file.createReadStream() as AsyncIterable<Buffer>;
}

/** How many rows are done, on stderr: every second, on one line of a terminal. */
function showProgress(isShown: boolean): { count(): void; end(): void } {
  let rows = 0;
  const show = (): void => {
    process.stderr.write(process.stderr.isTTY ? `\r${rows} rows` : `${rows} rows\n`);
  };
  const timer = isShown ? setInterval(show, 1000) : undefined;
  return {
    count: () => {
      rows += 1;
    },
    end: () => {
      clearInterval(timer);
      if (isShown) show();
      if (isShown && process.stderr.isTTY) process.stderr.write('\n');
    },
  };
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
