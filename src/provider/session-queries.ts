/** Sessions and interactions: the rows that belong to a browser. */
import { sql } from 'kysely';
import type { Tx } from '../context.ts';
import type { Evidence } from '../core/credentials/credentials.ts';
import type { AccountId, UserId } from '../kernel/ids.ts';
import type { Db } from '../db/connect.ts';
import type { Payload } from './queries.ts';

export interface SessionRow {
  readonly idHash: Buffer;
  readonly uid: string;
  readonly accountId: AccountId | null;
  readonly evidence: readonly Evidence[] | null;
  readonly payload: Payload;
}

const sessionColumns = ['idHash', 'uid', 'accountId', 'evidence', 'payload'] as const;

export async function findSession(db: Db, idHash: Buffer, now: Date): Promise<SessionRow | undefined> {
  const query = db.selectFrom('sessions').select(sessionColumns).where('expiresAt', '>', now);
  return (await query.where('idHash', '=', idHash).executeTakeFirst()) as SessionRow | undefined;
}

/** By sessions_uid_key. */
export async function findSessionByUid(db: Db, uid: string, now: Date): Promise<SessionRow | undefined> {
  const query = db.selectFrom('sessions').select(sessionColumns).where('expiresAt', '>', now);
  return (await query.where('uid', '=', uid).executeTakeFirst()) as SessionRow | undefined;
}

export interface SessionWrite {
  readonly idHash: Buffer;
  readonly uid: string;
  readonly userId: UserId | null;
  /** Left as they are when undefined. */
  readonly accountId: AccountId | undefined;
  readonly evidence: unknown;
  readonly payload: Payload;
  readonly expiresAt: Date;
}

export async function insertSession(tx: Tx, { payload, evidence, ...session }: SessionWrite): Promise<void> {
  await tx.db
    .insertInto('sessions')
    .values({
      ...session,
      accountId: session.accountId ?? null,
      evidence: evidence === undefined ? null : JSON.stringify(evidence),
      payload: JSON.stringify(payload),
      createdAt: tx.now(),
    })
    .execute();
}

export interface SessionChange extends SessionWrite {
  /** Whether the browser gets a new session id in this answer. */
  readonly rotated: boolean;
  /** The clients whose authorization this request took out. */
  readonly removedClients: readonly string[];
}

/**
 * Writes an existing session; false when it has ended meanwhile, for an ended session must stay ended. Authorizations
 * are merged client by client, since the engine writes the whole document and two tabs would lose each other's; a
 * request that did not rotate the id cannot roll a rotation back.
 */
export async function updateSession(tx: Tx, change: SessionChange): Promise<boolean> {
  const { authorizations, ...payload } = change.payload;
  const evidence = change.evidence === undefined ? null : JSON.stringify(change.evidence);
  const result = await sql`
    update sessions set
      id_hash = case when ${change.rotated}::boolean then ${change.idHash}::bytea else id_hash end,
      user_id = ${change.userId}, expires_at = ${change.expiresAt},
      account_id = coalesce(${change.accountId ?? null}::text, account_id),
      evidence = coalesce(${evidence}::jsonb, evidence),
      payload = ${JSON.stringify(payload)}::jsonb || jsonb_build_object('authorizations',
        (case when user_id is not distinct from ${change.userId}::text
           then coalesce(payload->'authorizations', '{}') else '{}' end - ${[...change.removedClients]}::text[])
        || ${JSON.stringify(authorizations ?? {})}::jsonb)
    where uid = ${change.uid}`.execute(tx.db);
  return result.numAffectedRows === 1n;
}

/** False when it had ended already. By sessions_uid_key. */
export async function deleteSession(tx: Tx, uid: string): Promise<boolean> {
  const result = await tx.db.deleteFrom('sessions').where('uid', '=', uid).executeTakeFirst();
  return result.numDeletedRows === 1n;
}

export interface InteractionRow {
  readonly payload: Payload;
  readonly clientId: string | null;
  readonly state: unknown;
  readonly version: number;
  readonly finishedAt: Date | null;
  readonly expiresAt: Date;
}

/** A finished interaction is found too, emptied. */
export async function findInteraction(
  db: Db,
  idHash: Buffer,
  now: Date,
): Promise<InteractionRow | undefined> {
  const row = await db
    .selectFrom('interactions')
    .select(['payload', 'clientId', 'state', 'version', 'finishedAt', 'expiresAt'])
    .where('idHash', '=', idHash)
    .where('expiresAt', '>', now)
    .executeTakeFirst();
  return row as InteractionRow | undefined;
}

/** Whose sign-in it was, also after its hour: for as long as the row is there, its page can say where to start again. */
export async function findInteractionClient(db: Db, idHash: Buffer): Promise<string | undefined> {
  const query = db.selectFrom('interactions').select('clientId').where('idHash', '=', idHash);
  return (await query.executeTakeFirst())?.clientId ?? undefined;
}

export interface InteractionWrite {
  readonly idHash: Buffer;
  readonly clientId: string | null;
  readonly payload: Payload;
  readonly expiresAt: Date;
}

/** Inserts or updates; one that has finished stays finished. */
export async function insertInteraction(
  tx: Tx,
  { payload, ...interaction }: InteractionWrite,
): Promise<void> {
  const json = JSON.stringify(payload);
  await tx.db
    .insertInto('interactions')
    .values({ ...interaction, payload: json })
    .onConflict((conflict) =>
      conflict
        .column('idHash')
        .doUpdateSet({ payload: json, expiresAt: interaction.expiresAt })
        .where('interactions.finishedAt', 'is', null),
    )
    .execute();
}

/** Finishes an interaction, once: false when another request did. What it held is wiped. */
export async function consumeInteraction(tx: Tx, idHash: Buffer): Promise<boolean> {
  const result = await tx.db
    .updateTable('interactions')
    .set({ finishedAt: tx.now(), payload: '{}', state: null })
    .where('idHash', '=', idHash)
    .where('finishedAt', 'is', null)
    .executeTakeFirst();
  return result.numUpdatedRows === 1n;
}

/** Writes where a sign-in stands; false when it has moved on since `version` was read, and then nothing is written. */
export async function updateSignInState(
  tx: Tx,
  { idHash, version, state }: { idHash: Buffer; version: number; state: unknown },
): Promise<boolean> {
  const result = await tx.db
    .updateTable('interactions')
    .set({ state: JSON.stringify(state), version: version + 1 })
    .where('idHash', '=', idHash)
    .where('version', '=', version)
    .where('finishedAt', 'is', null)
    .executeTakeFirst();
  return result.numUpdatedRows === 1n;
}
