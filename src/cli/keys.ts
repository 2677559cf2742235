import { inTransaction } from '../context.ts';
import {
  type KeyDescription,
  listKeys,
  retireSigningKey,
  rotateSigningKeys,
  signingAlgs,
} from '../core/keys/keys.ts';
import { answerRows } from './answer.ts';
import type { Command } from './command.ts';
import { confirm } from './confirm.ts';
import { choiceOf } from './given.ts';

/** What there is to do with the keys that sign tokens. */
export const keyCommands: Readonly<Record<string, Command>> = {
  'keys list': {
    about: 'Lists the published signing keys.',
    example: 'keys list',
    run: async ({ db, now }) => answerRows(await listKeys(db, now()), cellsOf),
  },
  'keys rotate': {
    options: { alg: signingAlgs.join('|') },
    flags: ['now', 'yes'],
    about: 'Publishes the next keys; they sign in a day, or now.',
    example: 'keys rotate --alg ES256',
    async run(ctx, given) {
      const alg = choiceOf(given, 'alg', signingAlgs);
      const now = given.has('now');
      // a day is what lets everybody have read the next key before it signs
      if (now)
        await confirm('Whoever keeps a copy of the published keys refuses what the new ones sign.', given);
      return answerRows(await rotateSigningKeys(ctx, { alg, now }), cellsOf);
    },
  },
  'keys retire': {
    words: '<kid>',
    flags: ['yes'],
    about: 'Takes a key out: what it has signed is refused.',
    example: 'keys retire pV2mT8qN0sX4 --yes',
    async run(ctx, given) {
      const [kid = ''] = given.words;
      await confirm(`Every token that ${kid} has signed will be refused.`, given);
      await inTransaction(ctx, (tx) => retireSigningKey(tx, kid));
      const text = `${kid} is published no more, and what it has signed is refused.`;
      return { text, data: { kid, published: false } };
    },
  },
};

function cellsOf({ kid, alg, state, activateAt, retireAt }: KeyDescription): string[] {
  const times: Record<typeof state, string> = {
    next: `signs from ${activateAt.toISOString()}`,
    current: `signs since ${activateAt.toISOString()}`,
    retired: `published until ${retireAt?.toISOString() ?? 'it is retired'}`,
  };
  return [kid, alg, state, times[state]];
}
