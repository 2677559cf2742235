/**
 * The engine's tables. Keys of bearer values are SHA-256; dates decide by the context's clock, never by now(). Reads bring
 * what the thing rests on along (standing.ts); writes are statements that are written together (statement.ts).
 */
import { sql } from 'kysely';
import type { Tx } from '../context.ts';
import type { Evidence } from '../core/credentials/credentials.ts';
import type { AccountId, UserId } from '../kernel/ids.ts';
import type { Db } from '../db/connect.ts';
import type { Payload } from './copy-json.ts';
import { asBytea, asTable, type Placed, shareStatement } from '../db/together.ts';
import { joinStanding, standingColumns, type StandingColumns } from './standing-queries.ts';
import type { Statement } from './statement.ts';

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
  readonly model: ArtifactModel;
  readonly payload: Payload;
  readonly grantId: string | null;
  readonly consumedAt: Date | null;
  readonly expiresAt: Date;
}

export interface ArtifactKeys {
  /** One of any of these; no id is of two. */
  readonly models: readonly ArtifactModel[];
  readonly idHash: Buffer;
}

/** By primary key. */
export const findArtifact = shareStatement(async (db, keys: readonly ArtifactKeys[], now) => {
  const table = asTable(keys.map(({ models, idHash }) => ({ models, id_hash: asBytea(idHash) })));
  const result = await sql<ArtifactRow & StandingColumns & Placed>`
    select asked.place, token.model, token.payload, token.grant_id, token.consumed_at, token.expires_at,
      ${standingColumns}
    from json_to_recordset(${table}) as asked (place int, models text[], id_hash bytea)
    cross join lateral (select * from artifacts
      where model = any(asked.models) and id_hash = asked.id_hash limit 1) token
    ${joinStanding(now)} where token.expires_at > ${now}`.execute(db);
  return result.rows;
});

export interface NewArtifact extends ArtifactKey {
  readonly grantId: string | null;
  readonly payload: Payload;
  readonly expiresAt: Date;
}

/** Nothing when there is one already: so a replayed proof is refused. An expired one counts as gone. */
export function insertArtifact({ payload, ...artifact }: NewArtifact, now: Date): Statement {
  return sql`
    insert into artifacts (model, id_hash, grant_id, payload, expires_at) values (${artifact.model},
      ${artifact.idHash}, ${artifact.grantId}, ${JSON.stringify(payload)}, ${artifact.expiresAt})
    on conflict (model, id_hash) do update set payload = excluded.payload, grant_id = excluded.grant_id,
      consumed_at = null, expires_at = excluded.expires_at
    where artifacts.expires_at <= ${now} returning '' as answer`;
}

/** Single use in one statement: of any number of callers on any number of replicas one gets an answer. */
export function consumeArtifact({ model, idHash }: ArtifactKey, now: Date): Statement {
  return sql`
    update artifacts set consumed_at = ${now} where model = ${model} and id_hash = ${idHash}
      and consumed_at is null and expires_at > ${now} returning '' as answer`;
}

export function deleteArtifact({ model, idHash }: ArtifactKey): Statement {
  return sql`
    delete from artifacts where model = ${model} and id_hash = ${idHash} returning '' as answer`;
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

export function insertGrant({ payload, evidence, ...grant }: NewGrant): Statement {
  return sql`
    insert into grants (id, user_id, client_id, account_id, evidence, payload, expires_at) values (${grant.id},
      ${grant.userId}, ${grant.clientId}, ${grant.accountId}, ${JSON.stringify(evidence)},
      ${JSON.stringify(payload)}, ${grant.expiresAt}) returning '' as answer`;
}

export interface GrantChange extends Pick<NewGrant, 'id' | 'payload' | 'evidence'> {
  /** As it was read. */
  readonly before: Payload;
}

/**
 * Widens a grant, or rests it on newer evidence. Nothing when another has widened it since it was read, whose part would
 * be lost with the whole document. Its account is set once; and a grant revoked meanwhile is not brought back.
 */
export function updateGrant({ id, payload, evidence, before }: GrantChange): Statement {
  return sql`
    update grants set payload = ${JSON.stringify(payload)}, evidence = ${JSON.stringify(evidence)}
    where id = ${id} and payload = ${JSON.stringify(before)}::jsonb returning '' as answer`;
}

/** Ends a grant with everything that was issued on it: codes, tokens, the refresh family. */
export async function deleteGrant(tx: Tx, id: string): Promise<boolean> {
  await deleteGrantTokens(tx, id);
  const { numDeletedRows } = await tx.db.deleteFrom('grants').where('id', '=', id).executeTakeFirst();
  return numDeletedRows > 0n;
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

/** By primary key. */
export const findFamily = shareStatement(async (db, familyHashes: readonly Buffer[], now) => {
  const table = asTable(familyHashes.map((hash) => ({ family_hash: asBytea(hash) })));
  const result = await sql<FamilyRow & StandingColumns & Placed>`
    select asked.place, token.payload, token.grant_id, token.current_hash, token.previous_hash,
      token.previous_until, ${standingColumns}
    from json_to_recordset(${table}) as asked (place int, family_hash bytea)
    cross join lateral (select * from refresh_families where family_hash = asked.family_hash limit 1) token
    ${joinStanding(now)} where token.expires_at > ${now}`.execute(db);
  return result.rows;
});

export interface NewFamily {
  readonly familyHash: Buffer;
  readonly grantId: string;
  readonly currentHash: Buffer;
  readonly payload: Payload;
  readonly expiresAt: Date;
}

export function insertFamily({ payload, ...family }: NewFamily): Statement {
  return sql`
    insert into refresh_families (family_hash, grant_id, current_hash, generation, payload, expires_at)
    values (${family.familyHash}, ${family.grantId}, ${family.currentHash}, 1, ${JSON.stringify(payload)},
      ${family.expiresAt}) returning '' as answer`;
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
 * rotated by another request already). Answers the hash of the token that is current now, in hexadecimal; nothing for any
 * other token, which is a replay.
 */
export function consumeRefreshToken(rotation: Rotation, now: Date): Statement {
  const { familyHash, presentedHash, successorHash, graceUntil, expiresAt } = rotation;
  const first = sql`current_hash = ${presentedHash}`;
  return sql`
    update refresh_families set
      current_hash = case when ${first} then ${successorHash}::bytea else current_hash end,
      previous_hash = case when ${first} then current_hash else previous_hash end,
      previous_until = case when ${first} then ${graceUntil}::timestamptz else previous_until end,
      generation = generation + case when ${first} then 1 else 0 end,
      payload = case when ${first} then ${JSON.stringify(rotation.payload)}::jsonb else payload end,
      expires_at = case when ${first} then ${expiresAt}::timestamptz else expires_at end
    where family_hash = ${familyHash}
      and (${first} or (previous_hash = ${presentedHash} and previous_until > ${now}))
    returning encode(current_hash, 'hex') as answer`;
}

/**
 * The plain case of consumeRefreshToken for many at once: answers nothing for a token that is not the current one, whose
 * row is locked, or that is presented twice here. Whoever is not answered asks alone.
 */
export const rotateTogether = shareStatement(async (db, rotations: readonly Rotation[]) => {
  // the statement that decides costs less, where nobody shares
  if (rotations.length === 1) return [];
  const table = asTable(
    rotations.map((rotation) => ({
      family_hash: asBytea(rotation.familyHash),
      presented: asBytea(rotation.presentedHash),
      successor: asBytea(rotation.successorHash),
      grace_until: rotation.graceUntil,
      payload: rotation.payload,
      expires_at: rotation.expiresAt,
    })),
  );
  const result = await sql<Placed & { readonly answer: string }>`
    update refresh_families family set current_hash = asked.successor, previous_hash = family.current_hash,
      previous_until = asked.grace_until, generation = family.generation + 1, payload = asked.payload,
      expires_at = asked.expires_at
    from json_to_recordset(${table}) as asked (place int, family_hash bytea, presented bytea, successor bytea,
        grace_until timestamptz, payload jsonb, expires_at timestamptz)
      cross join lateral (select from refresh_families
        where family_hash = asked.family_hash limit 1 for update skip locked) held
    where family.family_hash = asked.family_hash and family.current_hash = asked.presented
    returning asked.place, encode(family.current_hash, 'hex') as answer`.execute(db);
  return result.rows;
});

/** Moves the end of a family whose token has just been used; in the row and in the engine's own document. */
export function updateFamilyExpiry({
  familyHash,
  currentHash,
  expiresAt,
  exp,
}: Pick<NewFamily, 'familyHash' | 'currentHash' | 'expiresAt'> & { exp: number }): Statement {
  return sql`
    update refresh_families set expires_at = ${expiresAt},
      payload = jsonb_set(payload, '{exp}', ${String(exp)}::text::jsonb)
    where family_hash = ${familyHash} and current_hash = ${currentHash} returning '' as answer`;
}

export function deleteFamily(familyHash: Buffer): Statement {
  return sql`delete from refresh_families where family_hash = ${familyHash} returning '' as answer`;
}
