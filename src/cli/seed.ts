import type { Command } from './command.ts';

export const seed: Command = {
  usage: 'seed',
  about: 'Makes the demo world; refused in production.',
  async run({ ctx }) {
    if (ctx.config.production)
      throw new Error('the demo world has passwords that everybody knows: not in production');
    const { migrateToLatest } = await import('../db/migrate.ts');
    const { seedDemoWorld } = await import('../demo/world.ts');
    await migrateToLatest(ctx.db);
    await seedDemoWorld(ctx);
    return 'The demo world is there.';
  },
};
