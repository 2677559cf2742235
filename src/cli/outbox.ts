/** doorward outbox …: what mail waits or was given up, and another try. Never what a mail says. */
import { inTransaction } from '../context.ts';
import { listMail, type MailRow, retryMail } from '../core/outbox/outbox.ts';
import { answerRow, answerRows } from './answer.ts';
import type { Command } from './command.ts';
import { choiceOf, limitOf } from './given.ts';

const states = ['pending', 'sent', 'dead'] as const;

export const outboxCommands: Readonly<Record<string, Command>> = {
  'outbox list': {
    options: { state: states.join('|'), limit: '<n>' },
    about: 'Lists mails, the newest first, with what kept them.',
    example: 'outbox list --state dead',
    async run({ db }, given) {
      const filter = { state: choiceOf(given, 'state', states), limit: limitOf(given) };
      return answerRows(await listMail(db, filter), cellsOf);
    },
  },
  'outbox retry': {
    words: '<id>',
    about: 'Has a mail tried again now. One with a link that was given up has to be asked for again.',
    example: 'outbox retry mail_01kc8x4q7n0000000000000000',
    async run(ctx, { words: [id = ''] }) {
      return answerRow(await inTransaction(ctx, (tx) => retryMail(tx, id)), cellsOf);
    },
  },
};

function cellsOf({ id, createdAt, state, attempts, template, recipient, lastError }: MailRow) {
  return [id, createdAt.toISOString(), state, `${attempts} tries`, template, recipient, lastError];
}
