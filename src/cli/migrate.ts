import { prepareDatabase } from '../db/grants.ts';
import type { Command } from './command.ts';

export const migrate: Command = {
  usage: 'migrate',
  about: 'Brings the database to the newest schema.',
  async run({ ctx }) {
    const applied = await prepareDatabase(ctx.db, ctx.config);
    return applied.length === 0 ? 'The schema is up to date.' : `Applied: ${applied.join(', ')}`;
  },
};
