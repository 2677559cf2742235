import { parseArgs } from 'node:util';
import { inTransaction, type Tx } from '../context.ts';
import { findAccountBySlug } from '../core/accounts/accounts.ts';
import { createInvitation } from '../core/invitations/invitations.ts';
import { findProductBySlug } from '../core/products/products.ts';
import { parseEmail } from '../kernel/email-address.ts';
import type { ProductId } from '../kernel/ids.ts';
import type { Command } from './command.ts';

const usage = 'invite <account> <email> [--role admin|agent] [--product <slug>]… [--client <id>]';

export const invite: Command = {
  usage,
  about: 'Invites a person, keeps their seats, and mails the link.',
  async run({ ctx }, args) {
    const { positionals, values } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        role: { type: 'string', default: 'agent' },
        product: { type: 'string', multiple: true, default: [] },
        client: { type: 'string' },
      },
    });
    const [slug, text] = positionals;
    const { role, product: slugs, client: clientId } = values;
    if (!slug || !text || positionals.length > 2 || (role !== 'admin' && role !== 'agent'))
      throw new Error(`usage: doorward ${usage}`);
    const email = parseEmail(text);
    if (!email) throw new Error(`${text} is not an email address`);
    return inTransaction(ctx, async (tx) => {
      const account = await findAccountBySlug(tx.db, slug);
      if (!account) throw new Error(`there is no account ${slug}`);
      const products = await productsOf(tx, slugs);
      const id = await createInvitation(tx, { accountId: account.id, email, role, products, clientId });
      return `Invited ${email} to ${account.name} (${id}); the mail is on its way.`;
    });
  },
};

async function productsOf(tx: Tx, slugs: readonly string[]): Promise<ProductId[]> {
  const ids: ProductId[] = [];
  for (const slug of slugs) {
    const product = await findProductBySlug(tx.db, slug);
    if (!product) throw new Error(`there is no product ${slug}`);
    ids.push(product.id);
  }
  return ids;
}
