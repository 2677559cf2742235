import { inTransaction, type Context } from '../context.ts';
import { listOwnIdentities, providerNames } from '../core/identities/identities.ts';
import { removeIdentity } from '../core/linking/linking.ts';
import { findUserByEmail } from '../core/users/users.ts';
import { parseEmail } from '../kernel/email-address.ts';
import type { UserId } from '../kernel/ids.ts';
import type { Command } from './command.ts';
import { sayWhyNot } from './failure-text.ts';

/** What there is to do with the identities that people have brought themselves. */
export const identityCommands: Readonly<Record<string, Command>> = {
  'identity list': {
    usage: 'identity list <email>',
    about: 'Lists the social identities of a person.',
    async run({ ctx }, [email, ...more]) {
      const userId = await userOf(ctx, email, more.length === 0);
      const identities = await listOwnIdentities(ctx.db, userId);
      const lines = identities.map(({ id, provider, email: external, name }) =>
        [id, providerNames[provider], external ?? name ?? ''].join('\t'),
      );
      return lines.length > 0 ? lines.join('\n') : 'none';
    },
  },
  'identity remove': {
    usage: 'identity remove <email> <id>',
    about: 'Takes a link away that should not be.',
    async run({ ctx }, [email, identityId = '', ...more]) {
      const userId = await userOf(ctx, email, identityId !== '' && more.length === 0);
      await inTransaction(ctx, (tx) => removeIdentity(tx, { userId, identityId })).catch(sayWhyNot);
      return `${identityId} is not linked any more; its person was mailed`;
    },
  },
};

async function userOf(ctx: Context, email: string | undefined, isComplete: boolean): Promise<UserId> {
  const address = parseEmail(email);
  if (!address || !isComplete) throw new Error('usage: doorward identity list <email> | remove <email> <id>');
  const user = await findUserByEmail(ctx.db, address);
  if (!user) throw new Error(`there is no user ${address}`);
  return user.id;
}
