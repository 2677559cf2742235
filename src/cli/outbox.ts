/** doorward outbox …: what mail waits or was given up, and another try. Never what a mail says. */
import { inTransaction } from '../context.ts';
import { listMail, type MailRow, retryMail } from '../core/outbox/outbox.ts';
import type { Command } from './command.ts';
import { sayWhyNot } from './failure-text.ts';
import { readGiven } from './given.ts';
import { choiceOf, limitOf, printable, printRows } from './list.ts';

const states = ['pending', 'sent', 'dead'] as const;

export const outboxCommands: Readonly<Record<string, Command>> = {
  'outbox list': {
    usage: `outbox list [--state ${states.join('|')}] [--limit <n>] [--json]`,
    about: 'Lists mails, the newest first, with what kept them.',
    example: 'outbox list --state dead',
    async run({ ctx }, args) {
      const given = readGiven(args, ['state', 'limit'], ['json']);
      if (given.words.length > 0) throw new Error('usage: doorward outbox list [--state <state>]');
      const filter = { state: choiceOf(given, 'state', states), limit: limitOf(given) };
      return printRows(await listMail(ctx.db, filter), given, cellsOf);
    },
  },
  'outbox retry': {
    usage: 'outbox retry <id>',
    about: 'Has a mail tried again now. One with a link that was given up has to be asked for again.',
    example: 'outbox retry mail_01kc8x4q7n0000000000000000',
    async run({ ctx }, [id, ...more]) {
      if (id === undefined || more.length > 0) throw new Error('usage: doorward outbox retry <id>');
      const mail = await inTransaction(ctx, (tx) => retryMail(tx, id)).catch(sayWhyNot);
      return cellsOf(mail).map(printable).join('\t');
    },
  },
};

function cellsOf({ id, createdAt, state, attempts, template, recipient, lastError }: MailRow) {
  return [id, createdAt.toISOString(), state, `${attempts} tries`, template, recipient, lastError];
}
