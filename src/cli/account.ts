/** doorward account …: customers, as an operator lets them in and shuts them out. */
import { type Context, inTransaction } from '../context.ts';
import {
  type Account,
  createAccount,
  findAccountBySlug,
  getAccount,
  listAccounts,
  renewAccount,
  shutAccount,
} from '../core/accounts/accounts.ts';
import type { Command } from './command.ts';
import { confirm } from './confirm.ts';
import { sayWhyNot } from './failure-text.ts';
import { type Given, readGiven } from './given.ts';
import { choiceOf, limitOf, printable, printRows } from './list.ts';

const statuses = ['active', 'lapsed', 'suspended', 'closed'] as const;

export const accountCommands: Readonly<Record<string, Command>> = {
  'account list': {
    usage: `account list [--status ${statuses.join('|')}] [--limit <n>] [--json]`,
    about: 'Lists the accounts, the newest first.',
    example: 'account list --status lapsed --json',
    async run({ ctx }, args) {
      const given = readGiven(args, ['status', 'limit'], ['json']);
      expectWords(given, 0, 'account list');
      const status = choiceOf(given, 'status', statuses);
      const accounts = await listAccounts(ctx.db, { status, limit: limitOf(given) });
      return printRows(accounts, given, cellsOf);
    },
  },
  'account create': {
    usage: 'account create <slug> <name> [--until <date>] [--grace-days <n>]',
    about: 'Makes an account; then sell it something and invite its first admin.',
    example: "account create acme 'Acme Inc.' --until 2027-12-31 --grace-days 14",
    run: ({ ctx }, args) => create(ctx, args).catch(sayWhyNot),
  },
  'account lapse': shutting('lapse', 'lapsed', 'Shuts an account out that was not renewed.'),
  'account suspend': shutting('suspend', 'suspended', 'Shuts an account out, until it is renewed.'),
  'account close': shutting('close', 'closed', 'Shuts an account out for good.'),
  'account renew': {
    usage: 'account renew <slug> --until <date>|never [--grace-days <n>]',
    about: 'Lets an account in again.',
    example: 'account renew acme --until 2028-12-31',
    run: ({ ctx }, args) => renew(ctx, args).catch(sayWhyNot),
  },
};

function shutting(verb: string, status: 'lapsed' | 'suspended' | 'closed', about: string): Command {
  return {
    usage: `account ${verb} <slug> [--yes]`,
    about: `${about} Every session and token of it ends.`,
    example: `account ${verb} acme --yes`,
    async run({ ctx }, args) {
      const given = readGiven(args, [], ['yes']);
      expectWords(given, 1, `account ${verb} <slug> [--yes]`);
      const { id, name } = await accountOf(ctx, given.words[0]);
      await confirm(`The people of ${printable(name)} will be signed out.`, given.has('yes'));
      const account = await inTransaction(ctx, (tx) => shutAccount(tx, id, status)).catch(sayWhyNot);
      return lineOf(account);
    },
  };
}

async function create(ctx: Context, args: readonly string[]): Promise<string> {
  const given = readGiven(args, ['until', 'grace-days']);
  expectWords(given, 2, 'account create <slug> <name> [--until <date>] [--grace-days <n>]');
  const [slug = '', name = ''] = given.words;
  if (!/^[a-z0-9][a-z0-9-]{0,62}$/.test(slug))
    throw new Error('a slug has lower-case letters, digits and dashes, 63 at most');
  if (name.trim() === '' || name.length > 200 || /[\p{Cc}\p{Cs}]/u.test(name))
    throw new Error('a name has 1 to 200 characters');
  const account = { slug, name: name.trim(), expiresAt: untilOf(given) ?? null, ...graceOf(given) };
  const made = await inTransaction(ctx, async (tx) => getAccount(tx.db, await createAccount(tx, account)));
  return lineOf(made);
}

async function renew(ctx: Context, args: readonly string[]): Promise<string> {
  const given = readGiven(args, ['until', 'grace-days']);
  const expiresAt = untilOf(given);
  if (given.words.length !== 1 || expiresAt === undefined)
    throw new Error('usage: doorward account renew <slug> --until <date>|never [--grace-days <n>]');
  const { id } = await accountOf(ctx, given.words[0]);
  return lineOf(await inTransaction(ctx, (tx) => renewAccount(tx, id, { expiresAt, ...graceOf(given) })));
}

async function accountOf(ctx: Context, slug = '') {
  const account = await findAccountBySlug(ctx.db, slug);
  if (!account) throw new Error(`there is no account ${slug}`);
  return account;
}

/** A date, or a moment with its offset; null for never, undefined when it was left out. */
function untilOf(given: Given): Date | null | undefined {
  const text = given.one('until');
  if (text === undefined || text === 'never') return text && null;
  const isDate = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d))?$/.test(text);
  const date = new Date(text);
  if (!isDate || Number.isNaN(date.getTime())) throw new Error('--until must be a date such as 2027-12-31');
  return date;
}

function graceOf(given: Given): { graceDays?: number } {
  const text = given.one('grace-days');
  if (text === undefined) return {};
  const graceDays = Number(text);
  if (!/^\d{1,3}$/.test(text) || graceDays > 366) throw new Error('--grace-days must be from 0 to 366');
  return { graceDays };
}

function expectWords({ words }: Given, howMany: number, usage: string): void {
  if (words.length !== howMany) throw new Error(`usage: doorward ${usage}`);
}

function cellsOf({ id, slug, status, expiresAt, name }: Account): string[] {
  const until = expiresAt === null ? 'for good' : `until ${expiresAt.toISOString()}`;
  return [id, slug, status, until, name];
}

function lineOf(account: Account): string {
  return cellsOf(account).map(printable).join('\t');
}
