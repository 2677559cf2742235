import argon2 from 'argon2';
import type { Context } from '../../context.ts';
import { Failure } from '../../kernel/failures.ts';
import { GateFull } from '../../kernel/gate.ts';
import { matchesForeignHash, parseForeignHash } from './foreign-hash.ts';

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
 * Verifies; always false without a hash. One argon2 verification either way, in the same queue: whoever is asking must
 * not be able to tell an unknown address from a wrong password by the clock. A hash of another system costs its own work
 * on top, until its person signs in: see docs/security.md.
 */
export async function verifyPassword(
  ctx: Context,
  hash: string | undefined,
  password: string,
): Promise<boolean> {
  const foreign = hash === undefined ? undefined : parseForeignHash(hash);
  return throughGate(ctx, async () => {
    const text = normalise(password);
    const matches = await argon2.verify(foreign || hash === undefined ? nobodysHash : hash, text);
    return foreign ? matchesForeignHash(foreign, text) : matches && hash !== undefined;
  });
}

/** Whether the hash was made with other parameters than today's, or by another system. */
export function isOutdated(hash: string): boolean {
  return parseForeignHash(hash) !== undefined || argon2.needsRehash(hash, parameters);
}

/** One form of letters that can be written in two ways (NIST SP 800-63B §3.1.1.2). */
function normalise(password: string): string {
  return password.normalize('NFC');
}

/**
 * Failure `overloaded` where a hash could not even wait for its turn. Asked before anything else is done: what a flood
 * brings would keep the database busy with counting tries and giving them back, and tokens would wait for a connection.
 */
export async function assertRoomToHash(ctx: Context): Promise<void> {
  await orOverloaded(() => {
    ctx.hashGate.assertRoom();
  });
}

function throughGate<Result>(ctx: Context, work: () => Promise<Result>): Promise<Result> {
  return orOverloaded(() => ctx.hashGate.run(work));
}

async function orOverloaded<Result>(work: () => Result | Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (cause) {
    throw cause instanceof GateFull ? new Failure('overloaded', { cause }) : cause;
  }
}
