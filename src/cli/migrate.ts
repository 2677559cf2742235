import { prepareDatabase } from '../db/grants.ts';
import type { Command } from './command.ts';

export const migrate: Command = {
  about: 'Brings the database to the newest schema.',
  example: 'migrate',
  async run({ db, config }) {
    const applied = await prepareDatabase(db, config);
    const text = applied.length === 0 ? 'The schema is up to date.' : `Applied: ${applied.join(', ')}`;
    return { text, data: { applied } };
  },
};
