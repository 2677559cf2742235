import { parseArgs } from 'node:util';
import { inTransaction, type Tx } from '../context.ts';
import { findAccountBySlug } from '../core/accounts/accounts.ts';
import { findClient } from '../core/clients/clients.ts';
import { createInvitation, type NewInvitation } from '../core/invitations/invitations.ts';
import { findProductBySlug } from '../core/products/products.ts';
import { parseEmail } from '../kernel/email-address.ts';
import { Failure, type FailureCode } from '../kernel/failures.ts';
import type { ProductId } from '../kernel/ids.ts';
import type { Command } from './command.ts';

const usage = 'invite <account> <email> [--role admin|agent] [--product <slug>]… [--client <id>]';

export const invite: Command = {
  usage,
  about: 'Invites a person, keeps their seats, and mails the link.',
  async run({ ctx }, args) {
    const { account: slug, email: text, role, products: slugs, clientId } = parseInvitation(args);
    const email = parseEmail(text);
    if (!email) throw new Error(`${text} is not an email address`);
    return inTransaction(ctx, async (tx) => {
      const account = await findAccountBySlug(tx.db, slug);
      if (!account) throw new Error(`there is no account ${slug}`);
      if (clientId !== undefined && !(await findClient(tx.db, clientId)))
        throw new Error(`there is no client ${clientId}`);
      const products = await productsOf(tx, slugs);
      const id = await createOrSayWhyNot(tx, { accountId: account.id, email, role, products, clientId });
      return `Invited ${email} to ${account.name} (${id}); the mail is on its way.`;
    });
  },
};

function parseInvitation(args: readonly string[]) {
  const { positionals, values } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      role: { type: 'string', default: 'agent' },
      product: { type: 'string', multiple: true, default: [] },
      client: { type: 'string' },
    },
  });
  const [account, email] = positionals;
  const { role, product: products, client: clientId } = values;
  if (!account || !email || positionals.length > 2 || (role !== 'admin' && role !== 'agent'))
    throw new Error(`usage: doorward ${usage}`);
  return { account, email, role, products, clientId } as const;
}

async function productsOf(tx: Tx, slugs: readonly string[]): Promise<ProductId[]> {
  const ids: ProductId[] = [];
  for (const slug of slugs) {
    const product = await findProductBySlug(tx.db, slug);
    if (!product) throw new Error(`there is no product ${slug}`);
    ids.push(product.id);
  }
  return ids;
}

const refusals: Partial<Record<FailureCode, string>> = {
  already_exists: 'this person is a member of the account, or invited to it already',
  not_found: 'the account has no subscription to one of these products',
  no_free_seat: 'every seat on one of these products is taken, or kept for somebody who is invited',
};

async function createOrSayWhyNot(tx: Tx, invitation: NewInvitation): Promise<string> {
  try {
    return await createInvitation(tx, invitation);
  } catch (error) {
    const refusal = error instanceof Failure ? refusals[error.code] : undefined;
    throw refusal === undefined ? error : new Error(refusal);
  }
}
