/**
 * Imports: many people from a file into one account. Read, judged and done row by row, each in a transaction of its own,
 * with memory that does not grow by what is read; a file that is imported again changes nothing. Operators import, and an
 * account's admins, who can only invite.
 */
import { type Context, inTransaction } from '../../context.ts';
import { type EmailAddress, parseEmail } from '../../kernel/email-address.ts';
import { Failure, type FailureCode } from '../../kernel/failures.ts';
import { getAccountName } from '../accounts/accounts.ts';
import { type Applied, applyRow, type Destination, type Outcome } from './apply-row.ts';
import { readCsv } from './csv.ts';
import { readJsonLines } from './json-lines.ts';
import { parseRow, type RowRules } from './parse-row.ts';
import { listSubscribed } from './queries.ts';
import { newRehearsal, type Rehearsal, rehearseRow } from './rehearsal.ts';
import type { ReadRow, Source } from './rows.ts';

export type { Outcome } from './apply-row.ts';

export const importFormats = ['jsonl', 'csv'] as const;
export type ImportFormat = (typeof importFormats)[number];

export interface Import extends Destination {
  readonly format: ImportFormat;
  /** UTF-8, or text in whole characters. */
  readonly source: Source;
  /** Answers exactly what would happen, and writes nothing. */
  readonly dryRun: boolean;
}

export interface RowOutcome {
  /** As an editor or a spreadsheet counts: from 1, blank rows and the header of a CSV file too. */
  readonly row: number;
  /** Undefined where there is no address in the row. */
  readonly email: EmailAddress | undefined;
  readonly outcome: Outcome;
  /** Why it was refused. */
  readonly code?: FailureCode;
  readonly fields?: Readonly<Record<string, string>>;
}

export interface ImportSummary {
  readonly rows: number;
  readonly counts: Readonly<Record<Outcome, number>>;
  readonly dryRun: boolean;
}

/** Their addresses are remembered, so that one that comes again is found. */
export const mostRows = 250_000;

/**
 * Answers each row's outcome once it is written, then the summary; reads on only when it is asked for more. Failures
 * `not_found` (no such account), and where it ends early, with how much is done: `invalid_input` (the file cannot be read
 * on), `payload_too_large` (too many rows), `import_stopped` (anything else).
 */
export async function* importUsers(
  ctx: Context,
  input: Import,
): AsyncGenerator<RowOutcome | ImportSummary, void, undefined> {
  const { format, source, mayVouch, dryRun } = input;
  await getAccountName(ctx.db, input.accountId);
  const rules = { mayVouch, products: await listSubscribed(ctx.db, input.accountId) };
  const counts = { created: 0, joined: 0, invited: 0, updated: 0, unchanged: 0, refused: 0 };
  const judge = judgeOf(ctx, { input, rules });
  let rows = 0;
  try {
    for await (const read of format === 'csv' ? readCsv(source) : readJsonLines(source)) {
      if (rows === mostRows) throw new Failure('payload_too_large');
      const outcome = await judge(read);
      rows += 1;
      counts[outcome.outcome] += 1;
      yield outcome;
    }
  } catch (error) {
    throw stopped(ctx, error, `${rows} rows ${dryRun ? 'were tried' : 'are done'}`);
  }
  yield { rows, counts, dryRun };
}

/** What is done stays; importing the same file again answers it as unchanged, and goes on from there. */
function stopped(ctx: Context, error: unknown, detail: string): Failure {
  if (!(error instanceof Failure)) {
    ctx.log.error({ err: error }, 'an import stopped');
    return new Failure('import_stopped', { detail, cause: error });
  }
  return new Failure(error.code, { detail, ...(error.fields && { fields: error.fields }) });
}

interface Judging {
  readonly input: Import;
  readonly rules: RowRules;
}

function judgeOf(ctx: Context, { input, rules }: Judging): (read: ReadRow) => Promise<RowOutcome> {
  const seen = new Set<EmailAddress>();
  const rehearsal = input.dryRun ? newRehearsal() : undefined;
  return async ({ row, members, problem }) => {
    const email = parseEmail(members?.['email']);
    try {
      if (!members) throw new Failure('invalid_input', { fields: { row: problem ?? 'is empty' } });
      if (email && seen.size === seen.add(email).size) throw new Failure('duplicate_row');
      const user = parseRow(members, rules);
      const { outcome } = await withRetries(() => apply(ctx, { destination: input, user, rehearsal }));
      return { row, email, outcome };
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      const { code, fields } = error;
      return { row, email, outcome: 'refused', code, ...(fields && { fields }) };
    }
  };
}

interface Applying {
  readonly destination: Destination;
  readonly user: ReturnType<typeof parseRow>;
  readonly rehearsal: Rehearsal | undefined;
}

function apply(ctx: Context, { destination, user, rehearsal }: Applying): Promise<Applied> {
  return rehearsal
    ? rehearseRow(ctx, rehearsal, { destination, user })
    : inTransaction(ctx, (tx) => applyRow(tx, destination, user));
}

/** Unique and foreign keys, serialization, deadlock: somebody else was first, and what they have made is found next time. */
const collisions: ReadonlySet<unknown> = new Set(['23503', '23505', '40001', '40P01']);

async function withRetries<Result>(work: () => Promise<Result>, tries = 3): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    if (tries === 1 || !collisions.has((error as { code?: unknown }).code)) throw error;
    return withRetries(work, tries - 1);
  }
}
