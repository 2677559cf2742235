/** doorward user …: people, as an operator switches them off everywhere. */
import { inTransaction } from '../context.ts';
import { deactivateUser, listUsers, reactivateUser, type User } from '../core/users/users.ts';
import { answerRow, answerRows } from './answer.ts';
import type { Command } from './command.ts';
import { confirm } from './confirm.ts';
import { getUserByEmail } from './find.ts';
import { choiceOf, limitOf, readEmail } from './given.ts';

const states = ['invited', 'active', 'deactivated'] as const;

export const userCommands: Readonly<Record<string, Command>> = {
  'user list': {
    options: { email: '<email>', state: states.join('|'), limit: '<n>' },
    about: 'Lists people, the newest first.',
    example: 'user list --email ada@acme.example --json',
    async run({ db }, given) {
      const text = given.one('email');
      const email = text === undefined ? undefined : readEmail(text);
      const filter = { email, state: choiceOf(given, 'state', states), limit: limitOf(given) };
      return answerRows(await listUsers(db, filter), cellsOf);
    },
  },
  'user deactivate': {
    words: '<email>',
    flags: ['yes'],
    about: 'Switches a person off in every account; every session and token ends.',
    example: 'user deactivate mallory@acme.example --yes',
    async run(ctx, given) {
      const { id, email } = await getUserByEmail(ctx.db, given.words[0]);
      await confirm(`${email} will be signed out everywhere.`, given);
      return answerRow(await inTransaction(ctx, (tx) => deactivateUser(tx, id)), cellsOf);
    },
  },
  'user reactivate': {
    words: '<email>',
    about: 'Switches a person on again.',
    example: 'user reactivate ada@acme.example',
    async run(ctx, { words: [text] }) {
      const { id } = await getUserByEmail(ctx.db, text);
      return answerRow(await inTransaction(ctx, (tx) => reactivateUser(tx, id)), cellsOf);
    },
  },
};

function cellsOf({ id, email, state, name }: User): (string | null)[] {
  return [id, email, state, name];
}
