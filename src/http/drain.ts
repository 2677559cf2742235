/** Leaving without that anybody notices: first not ready, then no connection is kept, then nothing new, then nothing. */
import { setTimeout as rest } from 'node:timers/promises';
import type { FastifyInstance } from 'fastify';
import type { Probe } from '../db/health.ts';

export interface Drain {
  /** Whether requests may be sent to this process. */
  isReady(): Promise<boolean>;
  /** From now on it is not ready; for so long it serves as before, and keeps no connection alive. */
  begin(seconds: number): Promise<void>;
}

export function registerDrain(server: FastifyInstance, probe: Pick<Probe, 'trouble'>): Drain {
  let hasBegun = false;
  let isClosing = false;
  server.addHook('preClose', async () => {
    hasBegun = true;
    isClosing = true;
  });
  server.addHook('onRequest', (_request, reply, done) => {
    if (hasBegun) void reply.header('connection', 'close');
    done();
  });
  server.addHook('onSend', async (_request, reply) => {
    if (hasBegun) void reply.header('connection', 'close');
  });
  // without this, closing waits for every kept-alive connection that has just served a request: over a minute
  server.addHook('onResponse', (_request, _reply, done) => {
    if (isClosing) setImmediate(() => server.server.closeIdleConnections());
    done();
  });
  return {
    // draining may begin while the database is asked
    isReady: async () => !hasBegun && (await probe.trouble()) === undefined && !hasBegun,
    begin: async (seconds) => {
      hasBegun = true;
      await rest(seconds * 1000);
    },
  };
}
