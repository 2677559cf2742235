import argon2 from 'argon2';
import type { Context } from '../../context.ts';
import { Failure } from '../../kernel/failures.ts';
import { GateFull } from '../../kernel/gate.ts';

/** OWASP's first choice for argon2id; stored with every hash, so that growing them rehashes at the next sign-in. */
const parameters = { type: argon2.argon2id as 2, memoryCost: 19_456, timeCost: 2, parallelism: 1 };

/** The hash of a random secret nobody knows, made with the same parameters: what an unknown user is verified against. */
const nobodysHash =
  '$argon2id$v=19$m=19456,p=1,t=2$tgZ9x3UP3j/tJ893fw6e7A$NknsFYk46eFpH6LseIHsxAUIQJ0WbxiTX/4ByDQb/nY';

/** Hashes for storage, as a PHC string. Failure `overloaded` when too many are hashing. */
export function hashPassword(ctx: Context, password: string): Promise<string> {
  return throughGate(ctx, () => argon2.hash(normalise(password), parameters));
}

/**
 * Verifies; always false without a hash. Does the same work either way, in the same queue: whoever is asking must
 * not be able to tell an unknown address from a wrong password by the clock.
 */
export async function verifyPassword(
  ctx: Context,
  hash: string | undefined,
  password: string,
): Promise<boolean> {
  const matches = await throughGate(ctx, () => argon2.verify(hash ?? nobodysHash, normalise(password)));
  return matches && hash !== undefined;
}

/** Whether the hash was made with weaker parameters than today's. */
export function isOutdated(hash: string): boolean {
  return argon2.needsRehash(hash, parameters);
}

/** One form of letters that can be written in two ways (NIST SP 800-63B §3.1.1.2). */
function normalise(password: string): string {
  return password.normalize('NFC');
}

async function throughGate<Result>(ctx: Context, work: () => Promise<Result>): Promise<Result> {
  try {
    return await ctx.hashGate.run(work);
  } catch (cause) {
    throw cause instanceof GateFull ? new Failure('overloaded', { cause }) : cause;
  }
}
