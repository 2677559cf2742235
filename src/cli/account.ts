/** doorward account …: customers, as an operator lets them in and shuts them out. */
import { type Context, inTransaction } from '../context.ts';
import {
  type Account,
  createAccount,
  getAccount,
  listAccounts,
  renewAccount,
  shutAccount,
} from '../core/accounts/accounts.ts';
import { answerRow, answerRows, printable } from './answer.ts';
import type { Answer, Command } from './command.ts';
import { confirm } from './confirm.ts';
import { getAccountBySlug } from './find.ts';
import { choiceOf, type Given, limitOf, numberOf, readName, readSlug, WrongUse } from './given.ts';

const statuses = ['active', 'lapsed', 'suspended', 'closed'] as const;
const term = { until: '<date>|never', 'grace-days': '<n>' };

export const accountCommands: Readonly<Record<string, Command>> = {
  'account list': {
    options: { status: statuses.join('|'), limit: '<n>' },
    about: 'Lists the accounts, the newest first.',
    example: 'account list --status lapsed --json',
    async run({ db }, given) {
      const status = choiceOf(given, 'status', statuses);
      return answerRows(await listAccounts(db, { status, limit: limitOf(given) }), cellsOf);
    },
  },
  'account create': {
    words: '<slug> <name>',
    options: term,
    about: 'Makes an account; then sell it something and invite its first admin.',
    example: "account create acme 'Acme Inc.' --until 2027-12-31 --grace-days 14",
    run: create,
  },
  'account lapse': shutting('lapse', 'lapsed', 'Shuts an account out that was not renewed.'),
  'account suspend': shutting('suspend', 'suspended', 'Shuts an account out, until it is renewed.'),
  'account close': shutting('close', 'closed', 'Shuts an account out for good.'),
  'account renew': {
    words: '<slug>',
    options: term,
    required: ['until'],
    about: 'Lets an account in again.',
    example: 'account renew acme --until 2028-12-31',
    run: renew,
  },
};

function shutting(verb: string, status: 'lapsed' | 'suspended' | 'closed', about: string): Command {
  return {
    words: '<slug>',
    flags: ['yes'],
    about: `${about} Every session and token of it ends.`,
    example: `account ${verb} acme --yes`,
    async run(ctx, given) {
      const { id, name } = await getAccountBySlug(ctx.db, given.words[0]);
      await confirm(`The people of ${printable(name)} will be signed out.`, given);
      return answerRow(await inTransaction(ctx, (tx) => shutAccount(tx, id, status)), cellsOf);
    },
  };
}

async function create(ctx: Context, given: Given): Promise<Answer> {
  const [slug, name] = given.words;
  const account = {
    slug: readSlug(slug),
    name: readName(name),
    expiresAt: untilOf(given),
    ...graceOf(given),
  };
  const made = await inTransaction(ctx, async (tx) => getAccount(tx.db, await createAccount(tx, account)));
  return answerRow(made, cellsOf);
}

async function renew(ctx: Context, given: Given): Promise<Answer> {
  const renewal = { expiresAt: untilOf(given), ...graceOf(given) };
  const { id } = await getAccountBySlug(ctx.db, given.words[0]);
  return answerRow(await inTransaction(ctx, (tx) => renewAccount(tx, id, renewal)), cellsOf);
}

/** A date, or a moment with its offset; null for never, which it also is when it was left out. */
function untilOf(given: Given): Date | null {
  const text = given.one('until') ?? 'never';
  if (text === 'never') return null;
  const isDate = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d))?$/.test(text);
  const date = new Date(text);
  if (!isDate || Number.isNaN(date.getTime()))
    throw new WrongUse('--until must be a date such as 2027-12-31, or never');
  return date;
}

function graceOf(given: Given): { graceDays?: number } {
  const graceDays = numberOf(given, 'grace-days', { from: 0, to: 366 });
  return graceDays === undefined ? {} : { graceDays };
}

function cellsOf({ id, slug, status, expiresAt, name }: Account): string[] {
  const until = expiresAt === null ? 'for good' : `until ${expiresAt.toISOString()}`;
  return [id, slug, status, until, name];
}
