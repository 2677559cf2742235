import { z } from 'zod';
import type { Context } from '../../context.ts';
import {
  type Import,
  type ImportFormat,
  importUsers,
  type ImportSummary,
  type RowOutcome,
} from '../../core/imports/imports.ts';
import { getSelf } from '../../core/own-account/own-account.ts';
import { accountParams } from './accounts.ts';
import type { Caller } from './caller.ts';
import { type AnyOperation, streaming } from './operation.ts';
import { email } from './schemas.ts';

const outcomes = ['created', 'joined', 'invited', 'updated', 'unchanged', 'refused'] as const;

const importedRow = z
  .strictObject({
    row: z.int().meta({ description: 'As an editor or a spreadsheet counts.', examples: [2] }),
    email: email.nullable().meta({ description: 'null where there is no valid address.' }),
    outcome: z.enum(outcomes),
    code: z
      .string()
      .optional()
      .meta({ description: 'Why it was refused.', examples: ['no_free_seat'] }),
    fields: z.record(z.string(), z.string()).optional(),
  })
  .meta({ id: 'ImportedRow' });

const summary = z
  .strictObject({
    rows: z.int(),
    counts: z.strictObject({
      created: z.int(),
      joined: z.int(),
      invited: z.int(),
      updated: z.int(),
      unchanged: z.int(),
      refused: z.int(),
    }),
    dry_run: z.boolean(),
  })
  .meta({ id: 'ImportSummary' });

const formats: Readonly<Record<string, ImportFormat>> = {
  'application/jsonl': 'jsonl',
  'application/x-ndjson': 'jsonl',
  'text/csv': 'csv',
};

const jsonLines = [
  { email: 'ada@acme.test', name: 'Ada Lovelace', role: 'admin' },
  { email: 'alan@acme.test', products: ['assist'] },
]
  .map((line) => `${JSON.stringify(line)}\n`)
  .join('');

const fileBytes = 16 * 1024 * 1024;

export const importOperations: readonly AnyOperation[] = [
  streaming({
    id: 'importUsers',
    method: 'POST',
    url: '/accounts/{account_id}/users/import',
    tag: 'Users',
    summary: 'Import people, row by row',
    description:
      'A file of at most 16 MiB, JSON lines or CSV with a header. Answers with JSON lines as it goes: one for each row, and a summary at the end; what stops it half-way is a last line with the member `problem`. Each row is done as a whole or refused, and the same file again changes nothing. An admin’s people are invited; operators may also bring password hashes of another system (bcrypt, scrypt, PBKDF2) and say that an address was proven. Nothing personal of people who are here already is changed.',
    access: { operator: 'admin:users:write', admin: true },
    params: accountParams,
    query: z.strictObject({
      dry_run: z
        .enum(['true', 'false'])
        .default('false')
        .transform((text) => text === 'true'),
    }),
    takes: {
      'application/jsonl': jsonLines,
      'application/x-ndjson': jsonLines,
      'text/csv': 'email,name,role,products\nada@acme.test,Ada Lovelace,admin,assist\n',
    },
    limit: fileBytes,
    failures: ['import_stopped'],
    line: z.union([importedRow, summary]),
    lines: async function* (ctx, { params, query, file: { type, bytes } }, { caller }) {
      const given = {
        accountId: params.account_id,
        format: formats[type] ?? 'jsonl',
        source: chunksOf(bytes),
        dryRun: query.dry_run,
        ...(await authorityOf(ctx, caller)),
      };
      for await (const line of importUsers(ctx, given)) yield show(line);
    },
  }),
];

/** Operators answer for what they bring; an admin invites in their own name. */
async function authorityOf(ctx: Context, caller: Caller): Promise<Pick<Import, 'mayVouch' | 'inviter'>> {
  if (caller.kind === 'operator') return { mayVouch: true };
  const { id, name, email } = await getSelf(ctx.db, caller.userId);
  return { mayVouch: false, inviter: { id, name: name ?? email } };
}

function show(line: RowOutcome | ImportSummary): z.output<typeof importedRow> | z.output<typeof summary> {
  if (!('row' in line)) return { rows: line.rows, counts: { ...line.counts }, dry_run: line.dryRun };
  const { row, email, outcome, code, fields } = line;
  return { row, email: email ?? null, outcome, ...(code && { code }), ...(fields && { fields }) };
}

/** In pieces, so that the file is not decoded as one text. */
async function* chunksOf(bytes: Buffer): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 65_536) yield bytes.subarray(at, at + 65_536);
}
