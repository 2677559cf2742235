/** A secret key that is lost for good. */
import { sql } from 'kysely';
import { type Context, inTransaction, type Tx } from '../../context.ts';
import { Failure } from '../../kernel/failures.ts';
import { addSeconds } from '../../kernel/time.ts';
import { recordEvent } from '../audit/audit.ts';
import { listKeys, retireSigningKey, rotateSigningKeys, signingAlgs } from '../keys/keys.ts';
import { lingersUntil, usedIn } from './needed.ts';
import { withUsedKeys } from './rings.ts';
import { isOf, type SealedPlace, sealedPlaces, valueOf } from './places.ts';
import {
  deleteLapsedHolders,
  endUse,
  listKeyUses,
  listWishes,
  lockKeyRings,
  updateEmptied,
  upsertUse,
} from './queries.ts';

export interface Forgotten {
  /** The signing keys that were replaced and withdrawn: what they have signed is refused. */
  readonly signingKeys: readonly string[];
  /** What was under way and has to be begun again: rows deleted. */
  readonly deleted: number;
  /** The connections that need their secret, or new keys of ours. */
  readonly connections: readonly string[];
}

/**
 * Gives up what a lost key has sealed, so that the service starts without it: signing keys are replaced at once and
 * withdrawn, what was under way ends. Failures: `not_found` for a key that has sealed nothing, `action_not_available` for
 * one that these settings have, or that a running replica uses.
 */
export async function forgetKey(ctx: Context, keyId: string): Promise<Forgotten> {
  const use = (await listKeyUses(ctx.db)).find((one) => one.ring === 'secret' && one.keyId === keyId);
  if (!use) throw new Failure('not_found');
  if (ctx.config.secretKeys.some(({ id }) => id === keyId)) throw new Failure('action_not_available');
  await inTransaction(ctx, (tx) => giveUp(tx, keyId));
  // by what is used, and not by a key that these settings have in front of it
  const used = { ...ctx, config: await withUsedKeys(ctx.db, ctx.config) };
  const signingKeys = await replaceSigningKeys(used, keyId);
  const rest = await inTransaction(ctx, (tx) => clearPlaces(tx, keyId));
  return { signingKeys, ...rest };
}

async function giveUp(tx: Tx, keyId: string): Promise<void> {
  await lockKeyRings(tx);
  await deleteLapsedHolders(tx);
  const isUsed = usedIn(await listKeyUses(tx.db), 'secret') === keyId;
  if (isUsed && (await listWishes(tx.db)).length > 0) throw new Failure('action_not_available');
  await endUse(tx, 'secret', keyId);
  if (isUsed) await upsertUse(tx, 'secret', tx.config.secretKeys[0].id);
  await updateEmptied(tx, keyId, addSeconds(lingersUntil(tx.now()), 1));
  await recordEvent(tx, { type: 'sealing_key.forgotten', details: { key_id: keyId } });
}

async function replaceSigningKeys(ctx: Context, keyId: string): Promise<string[]> {
  const lost = new Set(await listSigningKeysSealedBy(ctx, keyId));
  const keys = await listKeys(ctx.db, ctx.now());
  for (const alg of signingAlgs)
    if (keys.some((key) => key.alg === alg && key.state !== 'retired' && lost.has(key.kid)))
      await rotateSigningKeys(ctx, { alg, now: true });
  const published = (await listKeys(ctx.db, ctx.now())).filter(({ kid }) => lost.has(kid));
  await inTransaction(ctx, async (tx) => {
    for (const { kid } of published) await retireSigningKey(tx, kid);
  });
  return [...lost];
}

async function listSigningKeysSealedBy({ db }: Context, keyId: string): Promise<string[]> {
  const { rows } = await sql<{ kid: string }>`
    select kid from signing_keys where starts_with(private_key_sealed, ${`${keyId}.`}) order by kid`.execute(
    db,
  );
  return rows.map(({ kid }) => kid);
}

async function clearPlaces(
  tx: Tx,
  keyId: string,
): Promise<{ readonly deleted: number; readonly connections: readonly string[] }> {
  let deleted = 0;
  for (const place of sealedPlaces)
    if (place.whenLost === 'delete') deleted += await deleteSealed(tx, place, keyId);
  const { rows } = await sql<{ id: string }>`
    select id from connections where starts_with(secret_sealed, ${`${keyId}.`}) union
    select connection_id from connection_keys where starts_with(private_key_sealed, ${`${keyId}.`})
    order by id`.execute(tx.db);
  return { deleted, connections: rows.map(({ id }) => id) };
}

async function deleteSealed(tx: Tx, place: SealedPlace, keyId: string): Promise<number> {
  const result = await sql`delete from ${sql.table(place.table)}
    where ${isOf(place)} and starts_with(${valueOf(place)}, ${`${keyId}.`})`.execute(tx.db);
  return Number(result.numAffectedRows ?? 0);
}
