import { parseArgs } from 'node:util';
import { type Context, inTransaction } from '../context.ts';
import {
  type KeyDescription,
  listKeys,
  retireSigningKey,
  rotateSigningKeys,
  type SigningAlg,
  signingAlgs,
} from '../core/keys/keys.ts';
import type { Command } from './command.ts';
import { sayWhyNot } from './failure-text.ts';

/** What there is to do with the keys that sign tokens. */
export const keyCommands: Readonly<Record<string, Command>> = {
  'keys list': {
    usage: 'keys list',
    about: 'Lists the published signing keys.',
    async run({ ctx }) {
      const keys = await listKeys(ctx.db, ctx.now());
      return keys.map(lineOf).join('\n');
    },
  },
  'keys rotate': {
    usage: `keys rotate [--alg ${signingAlgs.join('|')}] [--now]`,
    about: 'Publishes the next keys; they sign in a day, or now.',
    run: ({ ctx }, args) => rotate(ctx, args).catch(sayWhyNot),
  },
  'keys retire': {
    usage: 'keys retire <kid>',
    about: 'Takes a key out: what it has signed is refused.',
    run: ({ ctx }, args) => retire(ctx, args).catch(sayWhyNot),
  },
};

async function rotate(ctx: Context, args: readonly string[]): Promise<string> {
  const { values } = parseArgs({
    args: [...args],
    options: { alg: { type: 'string' }, now: { type: 'boolean' } },
  });
  const alg = values.alg === undefined ? undefined : readAlg(values.alg);
  const keys = await rotateSigningKeys(ctx, { alg, now: values.now });
  return keys.map(lineOf).join('\n');
}

function readAlg(text: string): SigningAlg {
  const alg = signingAlgs.find((one) => one === text);
  if (!alg) throw new Error(`${text} is not one of ${signingAlgs.join(', ')}`);
  return alg;
}

async function retire(ctx: Context, args: readonly string[]): Promise<string> {
  const [kid] = args; // which may begin with a dash, like an option
  if (kid === undefined || args.length !== 1) throw new Error('usage: doorward keys retire <kid>');
  await inTransaction(ctx, (tx) => retireSigningKey(tx, kid));
  return `${kid} is published no more, and what it has signed is refused.`;
}

function lineOf({ kid, alg, state, activateAt, retireAt }: KeyDescription): string {
  const times: Record<typeof state, string> = {
    next: `signs from ${activateAt.toISOString()}`,
    current: `signs since ${activateAt.toISOString()}`,
    retired: `published until ${retireAt?.toISOString() ?? 'it is retired'}`,
  };
  return `${kid}  ${alg}  ${state.padEnd(7)}  ${times[state]}`;
}
