/** What provoking faults needs: how much of it, by which chance, under which load, and waiting for what comes of it. */
import path from 'node:path';
import type { Test } from 'tap';

/** How often, or how long: much in a whole run, little in CI, where each file has half a minute. */
export function amount({ whole, bounded }: { readonly whole: number; readonly bounded: number }): number {
  return process.env['RELIABILITY'] === 'whole' ? whole : bounded;
}

/** What the chance of this run comes from: printed, and given again by SEED. */
export function seed(t: Test): number {
  const value = Number(process.env['SEED'] ?? Math.floor(Math.random() * 2 ** 32));
  tell(t, `SEED=${value}`);
  return value;
}

/** What was measured, or drawn: for whoever reads the run, whether it succeeds or not. */
export function tell(t: Test, text: string): void {
  process.stderr.write(`  ${path.basename(process.argv[1] ?? '')} > ${t.name}: ${text}\n`);
}

export interface Chance {
  /** From 0 up to, and without, 1. */
  next(): number;
  /** A whole number from 0 up to, and without, `limit`. */
  below(limit: number): number;
  pick<Item>(items: readonly Item[]): Item;
}

/** The same chances for the same seed (mulberry32). */
export function random(from: number): Chance {
  let state = from >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const below = (limit: number): number => Math.floor(next() * limit);
  return { next, below, pick: (items) => items[below(items.length)] as (typeof items)[number] };
}

export interface Tally {
  /** How many answers of each kind: a status (`200`), or what went wrong with the wire (`ECONNRESET`). */
  readonly counts: Readonly<Record<string, number>>;
  readonly total: number;
  readonly slowestMs: number;
  /** What was thrown that is no trouble of the wire, or was asserted within; empty when all is well. */
  readonly failures: readonly string[];
}

export interface Load {
  /** Up to now. */
  readonly tally: Tally;
  /** Nothing new is sent; answers when all is answered. */
  stop(): Promise<Tally>;
}

export interface LoadOptions {
  readonly workers: number;
  /** One request of one worker; the next begins when it is answered. Answers its status, or a name for what came. */
  readonly send: (worker: number, round: number) => Promise<number | string>;
}

/** A closed loop: as many requests under way as there are workers, from now until it is stopped. */
export function startLoad({ workers, send }: LoadOptions): Load {
  const tally = { counts: {} as Record<string, number>, total: 0, slowestMs: 0, failures: [] as string[] };
  let isOver = false;
  const work = async (worker: number): Promise<void> => {
    for (let round = 0; !isOver; round += 1) {
      const begun = performance.now();
      const kind = await send(worker, round).catch((error: unknown) => kindOfError(error, tally.failures));
      tally.counts[kind] = (tally.counts[kind] ?? 0) + 1;
      tally.total += 1;
      tally.slowestMs = Math.max(tally.slowestMs, performance.now() - begun);
      // a wire that refuses at once would otherwise be asked without a pause
      if (typeof kind === 'string') await pause(20);
    }
  };
  const all = Promise.all(Array.from({ length: workers }, (_, worker) => work(worker)));
  return {
    tally,
    async stop() {
      isOver = true;
      await all;
      return tally;
    },
  };
}

/** fetch hides the code of what happened to the wire in its cause. */
function kindOfError(error: unknown, failures: string[]): string {
  const { code, cause } = error as { code?: string; cause?: { code?: string } };
  const wire = cause?.code ?? code;
  if (wire === undefined) failures.push(String(error));
  return wire ?? 'failure';
}

/** For giving way in a loop that waits for something; never for hoping that it has happened. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Waits until it is so; answers after how many milliseconds. Throws after `withinMs`: generous, the machine is busy. */
export async function until(
  isSo: () => Promise<boolean> | boolean,
  { what, withinMs = 30_000 }: { readonly what: string; readonly withinMs?: number },
): Promise<number> {
  const begun = performance.now();
  while (performance.now() - begun < withinMs) {
    if (await isSo()) return performance.now() - begun;
    await pause(20);
  }
  throw new Error(`in ${withinMs} ms it did not come to be that ${what}`);
}
