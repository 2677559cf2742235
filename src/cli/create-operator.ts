import { createOperatorClient } from '../core/clients/clients.ts';
import { secretOf } from './client-show.ts';
import type { Command } from './command.ts';
import { readName } from './given.ts';

export const createOperator: Command = {
  words: '<name>…',
  about: 'Makes an operator client; its secret is printed once.',
  example: 'client create-operator "My own hands"',
  async run(ctx, { words }) {
    const name = readName(words.join(' '));
    const { clientId, secret } = await createOperatorClient(ctx, name);
    return { text: secretOf(clientId, secret), data: { client_id: clientId, client_secret: secret, name } };
  },
};
