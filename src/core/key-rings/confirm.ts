/** One process's look at the key rings: it says what it has, and learns which keys are used. */
import { type Context, inTransaction, type Tx } from '../../context.ts';
import { recordEvent } from '../audit/audit.ts';
import { announceKeyChange } from '../keys/keys.ts';
import { isNeeded, usedIn } from './needed.ts';
import { listSealers } from './places.ts';
import {
  deleteHolder,
  deleteLapsedHolders,
  endUse,
  insertPastUse,
  type KeyUse,
  listKeyUses,
  listWishes,
  lockKeyRings,
  tryLockKeyRings,
  type Ring,
  upsertHolder,
  upsertUse,
  type Wish,
} from './queries.ts';

export interface Holding {
  readonly wish: Wish;
  /** Others may have stopped waiting for it, or never have. */
  readonly isNew: boolean;
  /** The ids of every secret key that this process could open with. */
  readonly secretIds: readonly string[];
}

/** What is so for every replica. */
export interface Standing {
  /** The id of the key that is used. */
  readonly used: Readonly<Record<Ring, string>>;
  /** Of the secret keys that are used no more, those that something may still be sealed by. */
  readonly needed: readonly string[];
}

/**
 * Says which keys this process would use, and learns which all use. The first of a list is used from the moment at which
 * it stands first on every replica: until then one of them could not read what it makes. Whoever stood still for longer
 * than others wait is not waited for, and must come as one who is new.
 */
export async function confirmKeyRings<Result>(
  ctx: Context,
  holding: Holding,
  /** What to make of it; when it throws, a process that is new has said nothing. */
  hold: (standing: Standing) => Result,
): Promise<Result> {
  if (holding.isNew) return decide(ctx, holding, hold);
  await inTransaction(ctx, (tx) => upsertHolder(tx, holding.wish));
  const look = { uses: await listKeyUses(ctx.db), wishes: await listWishes(ctx.db), holding };
  const standing = standingOf(look.uses);
  const isToMove = rings.some((ring) => mayMove({ ...look, ring }));
  return standing && !isToMove ? hold(standing) : decide(ctx, holding, hold);
}

/**
 * Under a lock, so that nobody comes unseen while another key comes into use. Who is new waits for it, but nobody who
 * serves: a process that is stopped while it holds the lock must not stop the others.
 */
function decide<Result>(
  ctx: Context,
  holding: Holding,
  hold: (standing: Standing) => Result,
): Promise<Result> {
  return inTransaction(ctx, async (tx) => {
    const isMine = holding.isNew ? await lockKeyRings(tx) : await tryLockKeyRings(tx);
    await upsertHolder(tx, holding.wish);
    if (isMine) await moveRings(tx, holding);
    const standing = standingOf(await listKeyUses(tx.db));
    if (!standing) throw new Error('no key is used');
    return hold(standing);
  });
}

async function moveRings(tx: Tx, holding: Holding): Promise<void> {
  await deleteLapsedHolders(tx);
  const look = { uses: await listKeyUses(tx.db), wishes: await listWishes(tx.db), holding };
  for (const ring of rings) if (mayMove({ ...look, ring })) await move(tx, { ...look, ring });
}

/** When the process ends: nobody waits for it any more. */
export function leaveKeyRings(ctx: Context, id: string): Promise<void> {
  return inTransaction(ctx, (tx) => deleteHolder(tx, id));
}

const rings: readonly Ring[] = ['secret', 'cookie'];

interface Look {
  readonly ring: Ring;
  readonly uses: readonly KeyUse[];
  readonly wishes: readonly Wish[];
  readonly holding: Holding;
}

function standingOf(uses: readonly KeyUse[]): Standing | undefined {
  const [secret, cookie] = [usedIn(uses, 'secret'), usedIn(uses, 'cookie')];
  if (secret === undefined || cookie === undefined) return undefined;
  return { used: { secret, cookie }, needed: uses.filter(isNeeded).map(({ keyId }) => keyId) };
}

function mayMove({ ring, uses, wishes, holding }: Look): boolean {
  const wished = holding.wish[ring];
  const used = usedIn(uses, ring);
  if (used === undefined) return true;
  // without the key that has sealed what there is, nobody may go on as if nothing was lost: see forgetKey
  const isKnown = ring === 'cookie' || holding.secretIds.includes(used);
  return used !== wished && isKnown && wishes.every((wish) => wish[ring] === wished);
}

async function move(tx: Tx, { ring, uses, holding }: Look): Promise<void> {
  const wished = holding.wish[ring];
  const used = usedIn(uses, ring);
  if (used !== undefined) {
    await endUse(tx, ring, used);
    const details = { ring, key_id: wished, previous_key_id: used };
    await recordEvent(tx, { type: 'key_ring.rotated', details });
  } else if (ring === 'secret') await notePastUses(tx, wished);
  await upsertUse(tx, ring, wished);
  await announceKeyChange(tx);
}

/** At the first start that keeps account: what was sealed before by other keys. */
async function notePastUses(tx: Tx, wished: string): Promise<void> {
  for (const keyId of await listSealers(tx.db)) if (keyId !== wished) await insertPastUse(tx, keyId);
}
