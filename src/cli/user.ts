/** doorward user …: people, as an operator switches them off everywhere. */
import { type Context, inTransaction } from '../context.ts';
import {
  deactivateUser,
  findUserByEmail,
  listUsers,
  reactivateUser,
  type User,
} from '../core/users/users.ts';
import { type EmailAddress, parseEmail } from '../kernel/email-address.ts';
import type { UserId } from '../kernel/ids.ts';
import type { Command } from './command.ts';
import { confirm } from './confirm.ts';
import { sayWhyNot } from './failure-text.ts';
import { readGiven } from './given.ts';
import { choiceOf, limitOf, printable, printRows } from './list.ts';

const states = ['invited', 'active', 'deactivated'] as const;

export const userCommands: Readonly<Record<string, Command>> = {
  'user list': {
    usage: `user list [--email <email>] [--state ${states.join('|')}] [--limit <n>] [--json]`,
    about: 'Lists people, the newest first.',
    example: 'user list --email ada@acme.example --json',
    async run({ ctx }, args) {
      const given = readGiven(args, ['email', 'state', 'limit'], ['json']);
      if (given.words.length > 0) throw new Error('usage: doorward user list [--email <email>]');
      const text = given.one('email');
      const email = text === undefined ? undefined : readEmail(text);
      const filter = { email, state: choiceOf(given, 'state', states), limit: limitOf(given) };
      return printRows(await listUsers(ctx.db, filter), given, cellsOf);
    },
  },
  'user deactivate': {
    usage: 'user deactivate <email> [--yes]',
    about: 'Switches a person off in every account; every session and token ends.',
    example: 'user deactivate mallory@acme.example --yes',
    async run({ ctx }, args) {
      const given = readGiven(args, [], ['yes']);
      const id = await userOf(ctx, given.words, 'user deactivate <email> [--yes]');
      await confirm(`${given.words[0] ?? ''} will be signed out everywhere.`, given.has('yes'));
      return lineOf(await inTransaction(ctx, (tx) => deactivateUser(tx, id)).catch(sayWhyNot));
    },
  },
  'user reactivate': {
    usage: 'user reactivate <email>',
    about: 'Switches a person on again.',
    example: 'user reactivate ada@acme.example',
    async run({ ctx }, args) {
      const { words } = readGiven(args, []);
      const id = await userOf(ctx, words, 'user reactivate <email>');
      return lineOf(await inTransaction(ctx, (tx) => reactivateUser(tx, id)).catch(sayWhyNot));
    },
  },
};

async function userOf(ctx: Context, words: readonly string[], usage: string): Promise<UserId> {
  const [text, ...more] = words;
  if (text === undefined || more.length > 0) throw new Error(`usage: doorward ${usage}`);
  const user = await findUserByEmail(ctx.db, readEmail(text));
  if (!user) throw new Error(`there is no user ${text}`);
  return user.id;
}

function readEmail(text: string): EmailAddress {
  const email = parseEmail(text);
  if (!email) throw new Error(`${text} is not an email address`);
  return email;
}

function cellsOf({ id, email, state, name }: User): (string | null)[] {
  return [id, email, state, name];
}

function lineOf(user: User): string {
  return cellsOf(user).map(printable).join('\t');
}
