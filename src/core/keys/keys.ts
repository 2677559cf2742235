/**
 * Signing keys: next → current → retired, by the clock. ES256 signs by default; an RS256 key is always there for
 * clients that ask for it. The private half is sealed and bound to its row. Of an algorithm one key is current, and one
 * at most is next; a retired key signs no more and stays published until nothing it has signed counts any more.
 * Changed by an operator, and by the job that replaces old keys.
 */
import { type Context, inTransaction } from '../../context.ts';
import type { Db } from '../../db/connect.ts';
import { addKey, announceKeyChange, generateSigningKey } from './make.ts';
import { listRows, lockKeys, type SigningAlg, signingAlgs } from './queries.ts';

export { accessTokenLife, publishedKeysMaxAge, sessionLife } from './lifetimes.ts';
export {
  type KeyDescription,
  type KeyState,
  listKeys,
  listSigningKeys,
  nextKeyChange,
  rotationDueAt,
  type SigningKey,
} from './list.ts';
export { announceKeyChange, keysChangedChannel } from './make.ts';
export { type KeyTimes, type SigningAlg, signingAlgs } from './queries.ts';
export { retireSigningKey } from './retire.ts';
export { prepareRotation, replaceOldKeys, rotateSigningKeys, rotateTo } from './rotate.ts';

/**
 * Makes the first key of each algorithm where there is none. Of replicas that start at once one makes them: keys are
 * generated before the transaction (a 3072-bit RSA key takes a second), and thrown away when another was first.
 */
export async function ensureSigningKeys(ctx: Context): Promise<void> {
  const missing = await listMissing(ctx.db, ctx.now());
  if (missing.length === 0) return;
  const made = await Promise.all(missing.map(generateSigningKey));
  await inTransaction(ctx, async (tx) => {
    await lockKeys(tx);
    const now = tx.now();
    const stillMissing = await listMissing(tx.db, now);
    const times = { publishAt: now, activateAt: now };
    for (const key of made) if (stillMissing.includes(key.alg)) await addKey(tx, key, times);
    await announceKeyChange(tx);
  });
}

async function listMissing(db: Db, now: Date): Promise<SigningAlg[]> {
  const present = new Set((await listRows(db, now)).map(({ alg }) => alg));
  return signingAlgs.filter((alg) => !present.has(alg));
}
