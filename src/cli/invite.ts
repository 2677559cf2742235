import { inTransaction, type Tx } from '../context.ts';
import { createInvitation, type NewInvitation } from '../core/invitations/invitations.ts';
import { Failure, type FailureCode } from '../kernel/failures.ts';
import type { ProductId } from '../kernel/ids.ts';
import type { Command } from './command.ts';
import { getAccountBySlug, getClientById, getProductIdBySlug } from './find.ts';
import { choiceOf, readEmail } from './given.ts';

export const invite: Command = {
  words: '<account> <email>',
  options: { role: 'admin|agent', product: '<slug>…', client: '<id>' },
  about: 'Invites a person, keeps their seats, and mails the link.',
  example: 'invite acme ada@acme.example --role admin --product assist',
  async run(ctx, given) {
    const [slug, text] = given.words;
    const [email, clientId] = [readEmail(text), given.one('client')];
    const role = choiceOf(given, 'role', ['admin', 'agent']) ?? 'agent';
    return inTransaction(ctx, async (tx) => {
      const account = await getAccountBySlug(tx.db, slug);
      if (clientId !== undefined) await getClientById(tx.db, clientId);
      const products = await productsOf(tx, given.many('product'));
      const id = await createOrSayWhyNot(tx, { accountId: account.id, email, role, products, clientId });
      return {
        text: `Invited ${email} to ${account.name} (${id}); the mail is on its way.`,
        data: { id, email, role, account_id: account.id, products },
      };
    });
  },
};

async function productsOf(tx: Tx, slugs: readonly string[]): Promise<ProductId[]> {
  const ids: ProductId[] = [];
  for (const slug of slugs) ids.push(await getProductIdBySlug(tx.db, slug));
  return ids;
}

const refusals: Partial<Record<FailureCode, string>> = {
  already_exists: 'this person is a member of the account, or invited to it already',
  not_found: 'the account has no subscription to one of these products',
  no_free_seat: 'every seat on one of these products is taken, or kept for somebody who is invited',
  throttled: 'the account has mailed this person an invitation within the minute; try again in another',
};

async function createOrSayWhyNot(tx: Tx, invitation: NewInvitation): Promise<string> {
  try {
    return await createInvitation(tx, invitation);
  } catch (error) {
    const refusal = error instanceof Failure ? refusals[error.code] : undefined;
    throw refusal === undefined ? error : new Error(refusal);
  }
}
