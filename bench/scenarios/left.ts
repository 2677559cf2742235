/** What sign-ins leave behind when everything of theirs has expired; and how much room a live one takes. */
import type { Context } from '../../src/context.ts';
import { prune } from '../../src/core/retention/retention.ts';
import { addSeconds, day } from '../../src/kernel/time.ts';
import { signInByPassword } from '../drive/flows.ts';
import type { LeftFinding } from '../findings.ts';
import { addedRows, bytesPerRow, connectTo, countStored } from '../measure/database.ts';
import type { Scenario } from '../scenario.ts';
import { arrange } from '../world/service.ts';
import { openWorld } from '../world/world.ts';

export const leftScenario: Scenario = {
  name: 'left',
  async run(bench): Promise<LeftFinding[]> {
    const signIns = bench.options.smoke ? 3 : 50;
    const few = await openWorld(bench.postgres, { name: 'left', count: signIns });
    const client = await connectTo(few.databaseUrl);
    try {
      // what the seeded people hold is over as well in a year, and would hide what is left
      await arrange(few.databaseUrl, pruneInAYear);
      const before = await countStored(client);
      for (let person = 0; person < signIns; person += 1) await signInByPassword(few.target, person);
      await arrange(few.databaseUrl, pruneInAYear);
      const added = addedRows(before, await countStored(client));
      const rows = Object.entries(added).map(([table, count]) => [table, count / signIns]);
      return [
        {
          kind: 'left',
          signIns,
          rows: Object.fromEntries(rows) as Record<string, number>,
          sessionBytes: await measureSession((await bench.crowd()).databaseUrl),
        },
      ];
    } finally {
      await client.end();
      await few.close();
    }
  },
};

async function pruneInAYear(ctx: Context): Promise<void> {
  const later = { ...ctx, now: () => addSeconds(ctx.now(), 366 * day) };
  while ((await prune(later)) > 0);
}

/** Where everybody has one session, and one refresh token in one grant; they have two grants there. */
async function measureSession(databaseUrl: string): Promise<Record<string, number>> {
  const client = await connectTo(databaseUrl);
  try {
    const bytes: Record<string, number> = {};
    for (const table of ['sessions', 'grants', 'refresh_families'])
      bytes[table] = await bytesPerRow(client, table);
    return bytes;
  } finally {
    await client.end();
  }
}
