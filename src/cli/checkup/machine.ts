/** How long a password takes to hash here: people wait for it, and so does whoever guesses. */
import type { Context } from '../../context.ts';
import { hashPassword } from '../../core/credentials/credentials.ts';
import { type Check, failed, type Finding, passed, warning } from './finding.ts';

/** A sign-in hashes once: above the first it feels slow, above the second a few at once are refused. */
const [slowMs, tooSlowMs] = [300, 1000];

export const machineChecks: readonly Check[] = [
  { name: 'argon2', needsDatabase: false, look: lookAtHashing },
];

async function lookAtHashing(ctx: Context): Promise<Finding[]> {
  const times: number[] = [];
  for (let run = 0; run < 5; run += 1) {
    const began = performance.now();
    await hashPassword(ctx, 'as long as a password is');
    times.push(performance.now() - began);
  }
  const [, , median = 0] = times.toSorted((one, other) => one - other);
  const found = `a password takes ${Math.round(median)} ms on this machine`;
  const remedy = 'Give it more of a processor: is its CPU limit below one?';
  if (median > tooSlowMs) return [failed('argon2', found, remedy)];
  return [median > slowMs ? warning('argon2', found, remedy) : passed('argon2', found)];
}
