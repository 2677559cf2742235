import type { Command } from './command.ts';

export const seed: Command = {
  about: 'Makes the demo world; refused in production.',
  example: 'seed',
  async run(ctx) {
    if (ctx.config.production)
      throw new Error('the demo world has passwords that everybody knows: not in production');
    const { prepareDatabase } = await import('../db/grants.ts');
    const { seedDemoWorld } = await import('../demo/world.ts');
    await prepareDatabase(ctx.db, ctx.config);
    await seedDemoWorld(ctx);
    return { text: 'The demo world is there.', data: { seeded: true } };
  },
};
