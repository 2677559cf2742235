import { sql } from 'kysely';
import type { Tx } from '../../context.ts';
import type { Db } from '../../db/connect.ts';
import type { AccountId, ConnectionId, UserId } from '../../kernel/ids.ts';
import type { Evidence } from '../credentials/credentials.ts';

/** What the protocol engine keeps of each client that was entered with a session. */
type Authorizations = Record<string, { sid?: string; grantId?: string; persistsLogout?: boolean }>;

export interface EndedSession {
  readonly authorizations: Authorizations | null;
}

export interface SessionOfUser extends EndedSession {
  readonly uid: string;
  readonly accountId: AccountId | null;
  readonly evidence: readonly Evidence[] | null;
  readonly createdAt: Date;
  readonly expiresAt: Date;
}

const authorizations = sql<Authorizations | null>`payload->'authorizations'`.as('authorizations');

/** By sessions_user_id_idx. */
export async function selectSessionsOfUser(db: Db, userId: UserId, now: Date): Promise<SessionOfUser[]> {
  const rows = await db
    .selectFrom('sessions')
    .select(['uid', 'accountId', 'evidence', 'createdAt', 'expiresAt', authorizations])
    .where('userId', '=', userId)
    .where('expiresAt', '>', now)
    .orderBy('createdAt', 'desc')
    .orderBy('uid')
    .execute();
  return rows as unknown as SessionOfUser[];
}

/** By sessions_user_id_idx; answers what they held. */
export async function deleteSessionsOfUser(tx: Tx, userId: UserId): Promise<EndedSession[]> {
  return tx.db.deleteFrom('sessions').where('userId', '=', userId).returning(authorizations).execute();
}

/** Those that were begun for an account. By sessions_user_id_idx; answers what they held. */
export async function deleteSessionsInAccount(
  tx: Tx,
  { accountId, userId }: { readonly accountId: AccountId; readonly userId: UserId },
): Promise<(EndedSession & { readonly userId: UserId | null })[]> {
  return tx.db
    .deleteFrom('sessions')
    .where('userId', '=', userId)
    .where('accountId', '=', accountId)
    .returning(['userId', authorizations])
    .execute();
}

/**
 * Those that rest on a proof with these members: of one user, or of everybody. By sessions_evidence_idx.
 */
export async function deleteSessionsResting(
  tx: Tx,
  { userId, on }: { readonly userId?: UserId | undefined; readonly on: Readonly<Record<string, string>> },
): Promise<(EndedSession & { readonly userId: UserId | null })[]> {
  const proof = JSON.stringify([on]);
  const result = await sql<EndedSession & { userId: UserId | null }>`
    delete from sessions where evidence @> ${proof}::jsonb and (${userId ?? null}::text is null or user_id = ${userId ?? null})
    returning user_id, payload->'authorizations' as authorizations`.execute(tx.db);
  return result.rows;
}

export interface CompanySessions {
  readonly connectionId: ConnectionId;
  readonly userId?: UserId | undefined;
  /** The identity provider's name for it. */
  readonly sessionId?: string | undefined;
}

/** By sessions_uid_key, and only if it is this user's. */
export async function deleteSession(
  tx: Tx,
  { userId, uid }: { userId: UserId; uid: string },
): Promise<EndedSession | undefined> {
  return tx.db
    .deleteFrom('sessions')
    .where('uid', '=', uid)
    .where('userId', '=', userId)
    .returning(authorizations)
    .executeTakeFirst();
}

/** The grants by grants_user_id_idx, and what rests on them; answers how many grants there were. */
export async function deleteGrantsOfUser(tx: Tx, userId: UserId): Promise<number> {
  const grants = await tx.db.selectFrom('grants').select('id').where('userId', '=', userId).execute();
  await deleteGrants(
    tx,
    grants.map(({ id }) => id),
  );
  return grants.length;
}

/** Grants with their codes, tokens and refresh families. */
export async function deleteGrants(tx: Tx, ids: readonly string[]): Promise<void> {
  await sql`
    with families as (delete from refresh_families where grant_id = any(${ids}::text[])),
      tokens as (delete from artifacts where grant_id = any(${ids}::text[]))
    delete from grants where id = any(${ids}::text[])`.execute(tx.db);
}
