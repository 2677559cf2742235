/** Imports for tests: a file in memory, brought in by the operation itself, and what it answered. */
import type { Context } from '../../src/context.ts';
import {
  type Import,
  type ImportSummary,
  importUsers,
  type RowOutcome,
} from '../../src/core/imports/imports.ts';
import type { AccountId } from '../../src/kernel/ids.ts';

export interface Imported {
  readonly rows: readonly RowOutcome[];
  readonly summary: ImportSummary;
}

export type Given = Partial<Import> & { readonly accountId: AccountId };

/** By an operator, as JSON lines, and for good, unless said. */
export async function importAll(ctx: Context, file: string | Buffer, given: Given): Promise<Imported> {
  const whole = { format: 'jsonl', mayVouch: true, dryRun: false, source: chunksOf(file), ...given } as const;
  const rows: RowOutcome[] = [];
  for await (const line of importUsers(ctx, whole)) {
    if (!('row' in line)) return { rows, summary: line };
    rows.push(line);
  }
  throw new Error('the import ended without a summary');
}

/** In pieces that end anywhere, as they come over a network. */
export async function* chunksOf(file: string | Buffer, size = 1000): AsyncGenerator<Buffer> {
  const bytes = Buffer.from(file);
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

export function jsonLines(rows: readonly object[]): string {
  return rows.map((row) => `${JSON.stringify(row)}\n`).join('');
}

/** Row by row in one word: the outcome, or why it was refused. */
export function words({ rows }: Imported): string[] {
  return rows.map(({ outcome, code }) => code ?? outcome);
}
