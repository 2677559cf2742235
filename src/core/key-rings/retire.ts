/** The end of a secret key: what it has sealed is sealed anew, or given up. */
import { type Context, inTransaction } from '../../context.ts';
import { isNeeded, lingersUntil, usedIn } from './needed.ts';
import { type KeyUse, listKeyUses, updateEmptied } from './queries.ts';
import { resealAll, type ResealProgress } from './reseal.ts';

/**
 * Seals anew what older keys have sealed, and notes of which of them nothing is left; answers how many values it were.
 * Does nothing where no older key is needed: it works right after another key came into use, and once more when the last
 * one who began with the old one is done. For any number of replicas.
 */
export async function emptyKeys(ctx: Context): Promise<number> {
  const now = ctx.now();
  const isDue = ({ usedUntil, emptiedAt }: KeyUse): boolean =>
    emptiedAt === null || (usedUntil !== null && now >= lingersUntil(usedUntil));
  const due = (await listKeyUses(ctx.db)).some((use) => isNeeded(use) && isDue(use));
  return due ? (await resealNow(ctx)).resealed : 0;
}

export interface Resealed {
  readonly resealed: number;
  /** What nobody can open: its key is not there, or it is not what was sealed. */
  readonly unreadable: number;
}

/**
 * The same at once, whether it is due or not. Nothing is noted where the key that was sealed with is not the one that is
 * used, or is so no more: by that key nobody can tell what is left of the others.
 */
export async function resealNow(
  ctx: Context,
  onProgress?: (progress: ResealProgress) => void,
): Promise<Resealed> {
  const [{ id: sealedWith }] = ctx.config.secretKeys;
  const { resealed, left, unreadable } = await resealAll(ctx, onProgress);
  await inTransaction(ctx, async (tx) => {
    const uses = await listKeyUses(tx.db);
    if (usedIn(uses, 'secret') !== sealedWith || tx.config.secretKeys[0].id !== sealedWith) return;
    const older = uses.filter(isNeeded);
    for (const { keyId } of older) if (!left.has(keyId)) await updateEmptied(tx, keyId, tx.now());
  });
  if (unreadable > 0) ctx.log.error({ unreadable }, 'sealed values cannot be opened with SECRET_KEYS');
  return { resealed, unreadable };
}
