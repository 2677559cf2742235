import { migrateToLatest } from '../db/migrate.ts';
import type { Command } from './command.ts';

export const migrate: Command = {
  usage: 'migrate',
  about: 'Brings the database to the newest schema.',
  async run({ ctx }) {
    const applied = await migrateToLatest(ctx.db);
    return applied.length === 0 ? 'The schema is up to date.' : `Applied: ${applied.join(', ')}`;
  },
};
