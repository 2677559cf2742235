/**
 * How long the database is asked on behalf of one request, and what became of it. Whoever works inside need not know:
 * the pool looks here before each statement.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { DatabaseTrouble } from './trouble.ts';

export interface Patience {
  /** From now on; when it is over, what is open is rolled back. */
  readonly seconds: number;
  /** Whether nobody waits any more: nothing new is begun for them, but what is open is finished. */
  readonly isGone: () => boolean;
}

interface Waiting {
  readonly until: number;
  readonly isGone: () => boolean;
  trouble: DatabaseTrouble | undefined;
}

const current = new AsyncLocalStorage<Waiting>();

/** Outside of it (jobs, commands, the start) patience has no end. */
export function withPatience<Result>({ seconds, isGone }: Patience, work: () => Result): Result {
  return current.run({ until: performance.now() + seconds * 1000, isGone, trouble: undefined }, work);
}

/** Before a connection is taken. */
export function assertSomebodyWaits(): void {
  const waiting = current.getStore();
  if (waiting?.isGone()) throw noteTrouble(new DatabaseTrouble('nobody_waits'));
  assertInTime();
}

/** Before a statement. */
export function assertInTime(): void {
  const waiting = current.getStore();
  if (waiting && performance.now() > waiting.until) throw noteTrouble(new DatabaseTrouble('out_of_time'));
}

export function noteTrouble(trouble: DatabaseTrouble): DatabaseTrouble {
  const waiting = current.getStore();
  if (waiting) waiting.trouble ??= trouble;
  return trouble;
}

/** The first trouble this request has met, even where a library took it for an answer. */
export function troubleMet(): DatabaseTrouble | undefined {
  return current.getStore()?.trouble;
}
