import { inTransaction } from '../context.ts';
import { listOwnIdentities, providerNames } from '../core/identities/identities.ts';
import { removeIdentity } from '../core/linking/linking.ts';
import { answerRows } from './answer.ts';
import type { Command } from './command.ts';
import { confirm } from './confirm.ts';
import { getUserByEmail } from './find.ts';

/** What there is to do with the identities that people have brought themselves. */
export const identityCommands: Readonly<Record<string, Command>> = {
  'identity list': {
    words: '<email>',
    about: 'Lists the social identities of a person.',
    example: 'identity list ada@acme.example',
    async run({ db }, { words: [text] }) {
      const { id: userId } = await getUserByEmail(db, text);
      return answerRows(await listOwnIdentities(db, userId), ({ id, provider, email, name }) => [
        id,
        providerNames[provider],
        email ?? name ?? '',
      ]);
    },
  },
  'identity remove': {
    words: '<email> <id>',
    flags: ['yes'],
    about: 'Takes a link away that should not be; its person is mailed.',
    example: 'identity remove ada@acme.example idn_01kc8x4q7n0000000000000000 --yes',
    async run(ctx, given) {
      const [text, identityId = ''] = given.words;
      const { id: userId, email } = await getUserByEmail(ctx.db, text);
      await confirm(`${email} will not come in by ${identityId} any more.`, given);
      await inTransaction(ctx, (tx) => removeIdentity(tx, { userId, identityId }));
      return {
        text: `${identityId} is not linked any more; its person was mailed`,
        data: { id: identityId, user_id: userId, linked: false },
      };
    },
  },
};
