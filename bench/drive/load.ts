/** The two ways to put load on a server: as fast as it answers, or by the clock. */
import { setTimeout as rest } from 'node:timers/promises';

/** One whole flow. No two at once have the same slot. Throws when what comes back is not right. */
export type Operation = (slot: number) => Promise<void>;

export interface Load {
  readonly done: number;
  readonly ms: number;
  /** Of each that was done. */
  readonly latenciesMs: readonly number[];
  readonly failed: number;
  readonly firstFailure?: string;
}

/** How many flows are under way at most, in either way. */
export const slots = 256;

export interface ClosedLoop {
  readonly clients: number;
  readonly ms: number;
  /**
   * Whether this process keeps its core while nothing is answered. Whoever answers pays for waking it otherwise: 45 µs in a
   * virtual machine, paid by a slow side alone, since a fast one never lets it sleep.
   */
  readonly isAwake?: boolean | undefined;
}

/** Each client begins its next flow when its last one is done. Tells what flows cost, not how long people wait. */
export async function closedLoop(
  operation: Operation,
  { clients, ms, isAwake = false }: ClosedLoop,
): Promise<Load> {
  const tally = createTally(operation);
  let turning = isAwake;
  const turn = (): void => {
    if (turning) setImmediate(turn);
  };
  turn();
  const began = performance.now();
  const work = async (slot: number): Promise<void> => {
    do await tally.run(slot, performance.now());
    while (performance.now() - began < ms);
  };
  await Promise.all(Array.from({ length: clients }, (_, slot) => work(slot)));
  turning = false;
  return tally.result(performance.now() - began);
}

/**
 * Flows begin by the clock, whether those before are done or not, and latency counts from the moment a flow should have
 * begun: a server that stands still for a second has kept everybody waiting who came in it ("coordinated omission").
 */
export async function openLoop(
  operation: Operation,
  { perSecond, ms }: { readonly perSecond: number; readonly ms: number },
): Promise<Load> {
  const tally = createTally(operation);
  const free = Array.from({ length: slots }, (_, slot) => slots - 1 - slot);
  const due: number[] = [];
  const running = new Set<Promise<void>>();
  const total = Math.max(1, Math.round((perSecond * ms) / 1000));
  const began = performance.now();

  const startDue = (): void => {
    while (due.length > 0 && free.length > 0) {
      const slot = free.pop() ?? 0;
      const flow = tally.run(slot, due.shift() ?? 0).then(() => {
        free.push(slot);
        running.delete(flow);
        startDue();
      });
      running.add(flow);
    }
  };
  for (let number = 0; number < total;) {
    const now = performance.now();
    while (number < total && began + (number * 1000) / perSecond <= now) {
      due.push(began + (number * 1000) / perSecond);
      number += 1;
    }
    startDue();
    await rest(1);
  }
  while (running.size > 0) await Promise.all(running);
  return tally.result(performance.now() - began);
}

function createTally(operation: Operation) {
  const latenciesMs: number[] = [];
  let failed = 0;
  let firstFailure: string | undefined;
  return {
    async run(slot: number, since: number): Promise<void> {
      try {
        await operation(slot);
        latenciesMs.push(performance.now() - since);
      } catch (error) {
        failed += 1;
        firstFailure ??= error instanceof Error ? error.message : String(error);
      }
    },
    result: (ms: number): Load => ({
      done: latenciesMs.length,
      ms,
      latenciesMs,
      failed,
      ...(firstFailure !== undefined && { firstFailure }),
    }),
  };
}
