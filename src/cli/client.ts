/** doorward client …: the apps and services that ask for tokens, as an operator makes and ends them. */
import { type Context, inTransaction } from '../context.ts';
import {
  hasSecret,
  listClients,
  maxOverlapSeconds,
  removeClient,
  rotateClientSecret,
} from '../core/clients/clients.ts';
import { answerRows, printable } from './answer.ts';
import { changeClientCommand } from './client-change.ts';
import { createClientCommand } from './client-create.ts';
import { cellsOf, describe, withSecret } from './client-show.ts';
import type { Answer, Command } from './command.ts';
import { confirm } from './confirm.ts';
import { createOperator } from './create-operator.ts';
import { getClientById, getProductIdBySlug } from './find.ts';
import { type Given, limitOf, numberOf, WrongUse } from './given.ts';

export const clientCommands: Readonly<Record<string, Command>> = {
  'client create-operator': createOperator,
  'client create': createClientCommand,
  'client list': {
    options: { product: '<slug>', limit: '<n>' },
    about: 'Lists the clients, in the order of their ids.',
    example: 'client list --product assist --json',
    async run({ db }, given) {
      const slug = given.one('product');
      const productId = slug === undefined ? undefined : await getProductIdBySlug(db, slug);
      return answerRows(await listClients(db, { productId, limit: limitOf(given) }), cellsOf);
    },
  },
  'client show': {
    words: '<client-id>',
    about: 'Shows what is set of a client; never its secret.',
    example: 'client show assist-web',
    run: async ({ db }, { words: [id] }) => describe(db, await getClientById(db, id)),
  },
  'client change': changeClientCommand,
  'client rotate-secret': {
    words: '<client-id>',
    options: { 'overlap-seconds': '<n>' },
    required: ['overlap-seconds'],
    flags: ['yes'],
    about:
      'Gives a client another secret, printed once; the one before works beside it for that long: 0 where it has leaked.',
    example: 'client rotate-secret assist-web --overlap-seconds 86400 --yes',
    run: rotateSecret,
  },
  'client delete': {
    words: '<client-id>',
    flags: ['yes'],
    about: 'Deletes a client, with everything that was granted to it.',
    example: 'client delete assist-web --yes',
    run: remove,
  },
};

async function rotateSecret(ctx: Context, given: Given): Promise<Answer> {
  const overlapSeconds = numberOf(given, 'overlap-seconds', { from: 0, to: maxOverlapSeconds });
  if (overlapSeconds === undefined) throw new WrongUse('--overlap-seconds is missing');
  const client = await getClientById(ctx.db, given.words[0]);
  const { clientId, name } = client;
  if (!hasSecret(client)) throw new Error(`${clientId} has no secret`);
  const end = overlapSeconds === 0 ? 'at once' : `in ${overlapSeconds} seconds`;
  await confirm(`The secret that ${printable(name)} has now ends ${end}, any one before it at once.`, given);
  const rotated = await inTransaction(ctx, (tx) => rotateClientSecret(tx, clientId, { overlapSeconds }));
  const until = rotated.client.previousSecretUntil;
  const before = until === null ? 'does not work any more' : `works until ${until.toISOString()}`;
  return withSecret(rotated, `The one before ${before}.`);
}

async function remove(ctx: Context, given: Given): Promise<Answer> {
  const { clientId, name } = await getClientById(ctx.db, given.words[0]);
  await confirm(`${printable(name)} and everything that was granted to it will be gone.`, given);
  await inTransaction(ctx, (tx) => removeClient(tx, clientId));
  return { text: `${clientId} is deleted.`, data: { client_id: clientId, state: 'deleted' } };
}
