import { sql } from 'kysely';
import type { Tx } from '../../context.ts';
import type { Db } from '../../db/connect.ts';

export interface KeyRow {
  readonly requestHash: Buffer;
  readonly answerSealed: string | null;
}

export interface KeyPlace {
  readonly caller: string;
  readonly key: string;
}

/** Takes the place of a key; false while it is taken. Waits for another transaction that has just taken it. */
export async function insertKey(
  tx: Tx,
  { caller, key }: KeyPlace,
  { requestHash, expiresAt }: { readonly requestHash: Buffer; readonly expiresAt: Date },
): Promise<boolean> {
  const row = { caller, key, requestHash, answerSealed: null, expiresAt };
  const inserted = await tx.db
    .insertInto('idempotencyKeys')
    .values(row)
    .onConflict((conflict) =>
      conflict
        .columns(['caller', 'key'])
        .doUpdateSet({ requestHash, answerSealed: null, expiresAt })
        .where(sql<boolean>`idempotency_keys.expires_at <= ${tx.now()}`),
    )
    .returning('key')
    .executeTakeFirst();
  return inserted !== undefined;
}

/** By idempotency_keys_pkey. */
export async function findKey(db: Db, { caller, key }: KeyPlace, now: Date): Promise<KeyRow | undefined> {
  return db
    .selectFrom('idempotencyKeys')
    .select(['requestHash', 'answerSealed'])
    .where('caller', '=', caller)
    .where('key', '=', key)
    .where('expiresAt', '>', now)
    .executeTakeFirst();
}

export async function updateAnswer(tx: Tx, { caller, key }: KeyPlace, answerSealed: string): Promise<void> {
  await tx.db
    .updateTable('idempotencyKeys')
    .set({ answerSealed })
    .where('caller', '=', caller)
    .where('key', '=', key)
    .execute();
}
