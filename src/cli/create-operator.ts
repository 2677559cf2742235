import { createOperatorClient } from '../core/clients/clients.ts';
import type { Command } from './command.ts';

export const createOperator: Command = {
  usage: 'client create-operator <name>',
  about: 'Makes an operator client; its secret is printed once.',
  async run({ ctx }, args) {
    const name = args.join(' ').trim();
    if (name === '' || name.length > 200) throw new Error('usage: doorward client create-operator <name>');
    const { clientId, secret } = await createOperatorClient(ctx, name);
    return `client_id: ${clientId}\nclient_secret: ${secret}\n\nThe secret is not stored readable and not shown again.`;
  },
};
