/** A TCP proxy before the database, whose wire can be slow, swallow everything, or break. */
import type { Socket } from 'node:net';
import type { Test } from 'tap';
import { startRelay } from './relay.ts';

export interface WireFault {
  /** Each piece is held back for so long, in either direction. */
  readonly delayMs?: number;
  /** And for up to so much longer; the order is kept. */
  readonly jitterMs?: number;
  /** Swallows what is sent to the server, or by it; connections stay open, and new ones come about. */
  readonly swallows?: 'requests' | 'answers' | 'both';
  /** New connections are cut off at once. */
  readonly refuses?: boolean;
}

export interface FaultyWire {
  readonly port: number;
  /** From now on it is like this; without anything it is a good one. What was swallowed does not come again. */
  become(fault: WireFault): void;
  /** Both ends of every connection are reset. */
  reset(): void;
}

export async function startFaultyWire(
  t: Test,
  { port, chance = Math.random }: { readonly port: number; readonly chance?: () => number },
): Promise<FaultyWire> {
  let fault: WireFault = {};
  const relay = await startRelay(t, {
    target: () => ({ port }),
    refuses: () => fault.refuses === true,
    join(near, far) {
      carry(near, far, 'requests');
      carry(far, near, 'answers');
    },
  });

  function carry(from: Socket, to: Socket, what: 'requests' | 'answers'): void {
    let notBefore = 0;
    from.on('data', (bytes) => {
      if (fault.swallows === what || fault.swallows === 'both') return;
      const { delayMs = 0, jitterMs = 0 } = fault;
      const now = performance.now();
      notBefore = Math.max(notBefore, now + delayMs + chance() * jitterMs);
      if (notBefore <= now) to.write(bytes);
      else setTimeout(() => to.destroyed || to.write(bytes), notBefore - now);
    });
  }

  return {
    port: relay.port,
    become: (next) => {
      fault = next;
    },
    reset: () => {
      for (const socket of [...relay.sockets]) socket.resetAndDestroy();
    },
  };
}
