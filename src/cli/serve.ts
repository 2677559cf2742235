import type { LoneCommand } from './command.ts';

export const serve: LoneCommand = {
  about: 'Runs the service, as `npm start` does, until it is told to stop (SIGTERM).',
  example: 'serve',
  async runAlone() {
    await import('../main.ts');
    return undefined;
  },
};
