/** The engine's tables. Keys of bearer values are SHA-256; dates decide by the context's clock, never by now(). */
import { sql } from 'kysely';
import type { Tx } from '../context.ts';
import type { Evidence } from '../core/credentials/credentials.ts';
import type { AccountId, UserId } from '../kernel/ids.ts';
import type { Db } from '../db/connect.ts';

export type Payload = Record<string, unknown>;

export type ArtifactModel =
  | 'AccessToken'
  | 'AuthorizationCode'
  | 'ClientCredentials'
  | 'PushedAuthorizationRequest'
  | 'ReplayDetection'
  | 'RevokedAccessToken';

export interface ArtifactKey {
  readonly model: ArtifactModel;
  readonly idHash: Buffer;
}

export interface ArtifactRow {
  readonly payload: Payload;
  readonly grantId: string | null;
  readonly consumedAt: Date | null;
  readonly expiresAt: Date;
}

/** By primary key. */
export async function findArtifact(db: Db, { model, idHash }: ArtifactKey, now: Date) {
  const row = await db
    .selectFrom('artifacts')
    .select(['payload', 'grantId', 'consumedAt', 'expiresAt'])
    .where('model', '=', model)
    .where('idHash', '=', idHash)
    .where('expiresAt', '>', now)
    .executeTakeFirst();
  return row as ArtifactRow | undefined;
}

export interface NewArtifact extends ArtifactKey {
  readonly grantId: string | null;
  readonly payload: Payload;
  readonly expiresAt: Date;
}

/** False when there is one already: so a replayed proof is refused. An expired one counts as gone. */
export async function insertArtifact(tx: Tx, { payload, ...artifact }: NewArtifact): Promise<boolean> {
  const json = JSON.stringify(payload);
  const result = await tx.db
    .insertInto('artifacts')
    .values({ ...artifact, payload: json })
    .onConflict((conflict) =>
      conflict
        .columns(['model', 'idHash'])
        .doUpdateSet({
          payload: json,
          grantId: artifact.grantId,
          consumedAt: null,
          expiresAt: artifact.expiresAt,
        })
        .where('artifacts.expiresAt', '<=', tx.now()),
    )
    .executeTakeFirst();
  return result.numInsertedOrUpdatedRows === 1n;
}

/** Single use in one statement: of any number of callers on any number of replicas one gets true. */
export async function consumeArtifact(tx: Tx, { model, idHash }: ArtifactKey): Promise<boolean> {
  const result = await tx.db
    .updateTable('artifacts')
    .set({ consumedAt: tx.now() })
    .where('model', '=', model)
    .where('idHash', '=', idHash)
    .where('consumedAt', 'is', null)
    .where('expiresAt', '>', tx.now())
    .executeTakeFirst();
  return result.numUpdatedRows === 1n;
}

export async function deleteArtifact(tx: Tx, { model, idHash }: ArtifactKey): Promise<void> {
  await tx.db.deleteFrom('artifacts').where('model', '=', model).where('idHash', '=', idHash).execute();
}

export interface GrantRow {
  readonly payload: Payload;
  readonly accountId: AccountId | null;
  /** How it was proven who the person is, when the grant was last used at an authorization. */
  readonly evidence: readonly Evidence[] | null;
}

export async function findGrant(db: Db, id: string, now: Date): Promise<GrantRow | undefined> {
  const row = await db
    .selectFrom('grants')
    .select(['payload', 'accountId', 'evidence'])
    .where('id', '=', id)
    .where('expiresAt', '>', now)
    .executeTakeFirst();
  return row as GrantRow | undefined;
}

export interface NewGrant {
  readonly id: string;
  readonly userId: UserId;
  readonly clientId: string;
  readonly accountId: AccountId | null;
  readonly evidence: readonly Evidence[];
  readonly payload: Payload;
  readonly expiresAt: Date;
}

export async function insertGrant(tx: Tx, { payload, evidence, ...grant }: NewGrant): Promise<void> {
  await tx.db
    .insertInto('grants')
    .values({ ...grant, payload: JSON.stringify(payload), evidence: JSON.stringify(evidence) })
    .execute();
}

/** Widens a grant, or rests it on newer evidence. Its account is set once; and a grant revoked meanwhile is not brought back. */
export async function updateGrant(
  tx: Tx,
  { id, payload, evidence }: Pick<NewGrant, 'id' | 'payload' | 'evidence'>,
): Promise<void> {
  await tx.db
    .updateTable('grants')
    .set({ payload: JSON.stringify(payload), evidence: JSON.stringify(evidence) })
    .where('id', '=', id)
    .execute();
}

/** Ends a grant with everything that was issued on it: codes, tokens, the refresh family. */
export async function deleteGrant(tx: Tx, id: string): Promise<void> {
  await deleteGrantTokens(tx, id);
  await tx.db.deleteFrom('grants').where('id', '=', id).execute();
}

/** By artifacts_grant_id_idx and refresh_families_grant_id_idx. */
export async function deleteGrantTokens(tx: Tx, grantId: string): Promise<void> {
  await tx.db.deleteFrom('artifacts').where('grantId', '=', grantId).execute();
  await tx.db.deleteFrom('refreshFamilies').where('grantId', '=', grantId).execute();
}

export interface FamilyRow {
  readonly payload: Payload;
  readonly grantId: string;
  readonly currentHash: Buffer;
  readonly previousHash: Buffer | null;
  readonly previousUntil: Date | null;
}

export async function findFamily(db: Db, familyHash: Buffer, now: Date): Promise<FamilyRow | undefined> {
  const row = await db
    .selectFrom('refreshFamilies')
    .select(['payload', 'grantId', 'currentHash', 'previousHash', 'previousUntil'])
    .where('familyHash', '=', familyHash)
    .where('expiresAt', '>', now)
    .executeTakeFirst();
  return row as FamilyRow | undefined;
}

export interface NewFamily {
  readonly familyHash: Buffer;
  readonly grantId: string;
  readonly currentHash: Buffer;
  readonly payload: Payload;
  readonly expiresAt: Date;
}

export async function insertFamily(tx: Tx, { payload, ...family }: NewFamily): Promise<void> {
  await tx.db
    .insertInto('refreshFamilies')
    .values({ ...family, generation: 1, payload: JSON.stringify(payload) })
    .execute();
}

export interface Rotation {
  readonly familyHash: Buffer;
  readonly presentedHash: Buffer;
  readonly successorHash: Buffer;
  readonly graceUntil: Date;
  readonly payload: Payload;
  readonly expiresAt: Date;
}

/**
 * Rotates, in one statement: from the current token to its successor, or, within the grace, nowhere (it has been
 * rotated by another request already). Answers the hash of the token that is current now; undefined for any other
 * token, which is a replay.
 */
export async function consumeRefreshToken(tx: Tx, rotation: Rotation): Promise<Buffer | undefined> {
  const { familyHash, presentedHash, successorHash, graceUntil, expiresAt } = rotation;
  const first = sql`current_hash = ${presentedHash}`;
  const result = await sql<{ currentHash: Buffer }>`
    update refresh_families set
      current_hash = case when ${first} then ${successorHash}::bytea else current_hash end,
      previous_hash = case when ${first} then current_hash else previous_hash end,
      previous_until = case when ${first} then ${graceUntil}::timestamptz else previous_until end,
      generation = generation + case when ${first} then 1 else 0 end,
      payload = case when ${first} then ${JSON.stringify(rotation.payload)}::jsonb else payload end,
      expires_at = case when ${first} then ${expiresAt}::timestamptz else expires_at end
    where family_hash = ${familyHash}
      and (${first} or (previous_hash = ${presentedHash} and previous_until > ${tx.now()}))
    returning current_hash`.execute(tx.db);
  return result.rows[0]?.currentHash;
}

/** Moves the end of a family whose token has just been used; in the row and in the engine's own document. */
export async function updateFamilyExpiry(
  tx: Tx,
  {
    familyHash,
    currentHash,
    expiresAt,
    exp,
  }: Pick<NewFamily, 'familyHash' | 'currentHash' | 'expiresAt'> & { exp: number },
): Promise<void> {
  await tx.db
    .updateTable('refreshFamilies')
    .set({ expiresAt, payload: sql`jsonb_set(payload, '{exp}', ${exp}::text::jsonb)` })
    .where('familyHash', '=', familyHash)
    .where('currentHash', '=', currentHash)
    .execute();
}

export async function deleteFamily(tx: Tx, familyHash: Buffer): Promise<void> {
  await tx.db.deleteFrom('refreshFamilies').where('familyHash', '=', familyHash).execute();
}
