/** What one flow does to the database: so many of them one after another, less what the service does anyway meanwhile. */
import { setTimeout as rest } from 'node:timers/promises';
import type { Operation } from '../drive/load.ts';
import type { Alone } from '../findings.ts';
import { addedRows, connectTo, countStatements, countStored, type DatabaseCount } from './database.ts';

export async function measureAlone(
  databaseUrl: string,
  operation: Operation,
  { flows, idleMs }: { readonly flows: number; readonly idleMs: number },
): Promise<Alone> {
  const client = await connectTo(databaseUrl);
  try {
    await operation(0);
    const idle = await during(() => rest(idleMs));
    const before = await countStored(client);
    const busy = await during(async () => {
      for (let flow = 0; flow < flows; flow += 1) await operation(flow);
    });
    const after = await countStored(client);
    const perFlow = (name: keyof DatabaseCount): number =>
      Math.max(0, busy.count[name] - (idle.count[name] / idle.ms) * busy.ms) / flows;
    const rows = Object.entries(addedRows(before, after)).map(([table, added]) => [table, added / flows]);
    return {
      statements: perFlow('statements'),
      boundaries: perFlow('boundaries'),
      logBytes: perFlow('logBytes'),
      rows: Object.fromEntries(rows) as Record<string, number>,
      bytes: (after.bytes - before.bytes) / flows,
    };
  } finally {
    await client.end();
  }

  async function during(work: () => Promise<unknown>): Promise<{ count: DatabaseCount; ms: number }> {
    const before = await countStatements(client);
    const began = performance.now();
    await work();
    const ms = performance.now() - began;
    const after = await countStatements(client);
    const less = (name: keyof DatabaseCount): number => after[name] - before[name];
    return {
      ms,
      count: {
        statements: less('statements'),
        boundaries: less('boundaries'),
        logBytes: less('logBytes'),
      },
    };
  }
}
