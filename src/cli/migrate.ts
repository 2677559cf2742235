import { prepareDatabase } from '../db/grants.ts';
import type { Command } from './command.ts';
import { withProgress } from './progress.ts';

export const migrate: Command = {
  about: 'Brings the database to the newest schema.',
  example: 'migrate',
  flags: ['progress'],
  async run({ db, config }, given) {
    const applied = await withProgress(given, (say) => prepareDatabase(db, config, say));
    const text = applied.length === 0 ? 'The schema is up to date.' : `Applied: ${applied.join(', ')}`;
    return { text, data: { applied } };
  },
};
