import { addSeconds, hour } from '../../kernel/time.ts';
import type { KeyUse, Ring } from './queries.ts';

/**
 * For so long, in seconds, a key opens what was made with it and stands in no table of ours: cookies of a reset, addresses
 * of lists, mailed codes. And somebody who began with it may write for a moment after its use has ended.
 */
const lingersFor = hour;

/** From when on a look that finds nothing sealed by the key is the last one. */
export function lingersUntil(usedUntil: Date): Date {
  return addSeconds(usedUntil, lingersFor);
}

/** Whether something may still be sealed by a key that is used no more. */
export function isNeeded({ ring, usedUntil, emptiedAt }: KeyUse): boolean {
  if (ring !== 'secret' || usedUntil === null) return false;
  return emptiedAt === null || emptiedAt < lingersUntil(usedUntil);
}

/** The id of the key that all replicas use; undefined before the first of them has started. */
export function usedIn(uses: readonly KeyUse[], ring: Ring): string | undefined {
  return uses.find((use) => use.ring === ring && use.usedUntil === null)?.keyId;
}
