/** The next key: published long before it signs, so that whoever verifies knows it by then. */
import { type Context, inTransaction, type Tx } from '../../context.ts';
import { addSeconds } from '../../kernel/time.ts';
import { recordEvent } from '../audit/audit.ts';
import { momentAfter, publishedAfter, publishedBefore, rememberedFor, signsFor } from './lifetimes.ts';
import { type KeyDescription, keyThatIs, listKeys } from './list.ts';
import { addKey, announceKeyChange, generateSigningKey, type MadeKey } from './make.ts';
import {
  deleteKey,
  deleteRetiredKeys,
  lockKeys,
  type SigningAlg,
  signingAlgs,
  updateRetireAt,
} from './queries.ts';

export interface Rotation {
  /** Of this algorithm alone; by default of each. */
  readonly alg?: SigningAlg | undefined;
  /**
   * Signs at once: for when the current key must not sign any longer. Whoever keeps the published keys and does not ask
   * again for a key it does not know refuses what is signed until its copy is over.
   */
  readonly now?: boolean | undefined;
}

/**
 * Gives each algorithm its next key; it takes the current one's place in a day, and the current one verifies for as long
 * as anything it signs may count. Nothing is made where there is a next key; with `now` that key is withdrawn. Of callers
 * at once one makes the key. Answers the keys that sign next, with `now` those that sign.
 */
export async function rotateSigningKeys(ctx: Context, rotation: Rotation = {}): Promise<KeyDescription[]> {
  const prepared = await prepareRotation(ctx, rotation);
  return inTransaction(ctx, (tx) => rotateTo(tx, prepared));
}

export interface PreparedRotation {
  readonly algs: readonly SigningAlg[];
  readonly made: readonly MadeKey[];
  readonly circumstances: Circumstances;
}

/** Makes the keys: a second of work for RSA, which holds no transaction open. */
export async function prepareRotation(
  ctx: Context,
  { alg, now: atOnce = false }: Rotation,
): Promise<PreparedRotation> {
  const algs = signingAlgs.filter((each) => alg === undefined || alg === each);
  const before = await listKeys(ctx.db, ctx.now());
  const due = algs.filter((each) => atOnce || !keyThatIs('next', { keys: before, alg: each }));
  const made = await Promise.all(due.map(generateSigningKey));
  return { algs, made, circumstances: { before, atOnce } };
}

/** Rotates to the keys that were made: see `rotateSigningKeys`. */
export async function rotateTo(
  tx: Tx,
  { algs, made, circumstances }: PreparedRotation,
): Promise<KeyDescription[]> {
  await lockKeys(tx);
  for (const key of made) await succeed(tx, key, circumstances);
  const keys = await listKeys(tx.db, tx.now());
  return algs.flatMap(
    (each) => keyThatIs('next', { keys, alg: each }) ?? keyThatIs('current', { keys, alg: each }) ?? [],
  );
}

interface Circumstances {
  /** The keys when this one was made. */
  readonly before: readonly KeyDescription[];
  readonly atOnce: boolean;
}

/** Does nothing when another has rotated since. */
async function succeed(tx: Tx, made: MadeKey, { before, atOnce }: Circumstances): Promise<void> {
  const { alg, kid } = made;
  const now = tx.now();
  const keys = await listKeys(tx.db, now);
  const current = keyThatIs('current', { keys, alg });
  const next = keyThatIs('next', { keys, alg });
  if (current?.kid !== keyThatIs('current', { keys: before, alg })?.kid || (next && !atOnce)) return;
  if (next) await deleteKey(tx, next.kid);
  const activateAt =
    atOnce || !current ? momentAfter(current?.activateAt, now) : addSeconds(now, publishedBefore);
  if (current) await updateRetireAt(tx, current.kid, addSeconds(activateAt, publishedAfter));
  await addKey(tx, made, { publishAt: now, activateAt });
  const details = { alg, kid, previous_kid: current?.kid, activates_at: activateAt.toISOString() };
  await recordEvent(tx, { type: 'signing_key.rotated', details });
  await announceKeyChange(tx);
}

/** Gives every key that will be old in a day its successor; answers how many there were. Safe on any number of replicas. */
export async function replaceOldKeys(ctx: Context): Promise<number> {
  const keys = await listKeys(ctx.db, ctx.now());
  const due = keys.filter(
    ({ alg, state, activateAt }) =>
      state === 'current' &&
      addSeconds(activateAt, signsFor - publishedBefore) <= ctx.now() &&
      !keyThatIs('next', { keys, alg }),
  );
  for (const { alg } of due) await rotateSigningKeys(ctx, { alg });
  await inTransaction(ctx, (tx) => deleteRetiredKeys(tx, addSeconds(tx.now(), -rememberedFor)));
  return due.length;
}
