import { createOperatorClient } from '../core/clients/clients.ts';
import type { Command } from './command.ts';
import { WrongUse } from './given.ts';

export const createOperator: Command = {
  words: '<name>…',
  about: 'Makes an operator client; its secret is printed once.',
  example: 'client create-operator "My own hands"',
  async run(ctx, { words }) {
    const name = words.join(' ').trim();
    if (name === '' || name.length > 200) throw new WrongUse('a name has 1 to 200 characters');
    const { clientId, secret } = await createOperatorClient(ctx, name);
    return {
      text: `client_id: ${clientId}\nclient_secret: ${secret}\n\nThe secret is not stored readable and not shown again.`,
      data: { client_id: clientId, client_secret: secret, name },
    };
  },
};
