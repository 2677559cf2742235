/** Sessions and interactions: the rows that belong to a browser. */
import { sql } from 'kysely';
import type { Tx } from '../context.ts';
import type { Evidence } from '../core/credentials/credentials.ts';
import type { AccountId, UserId } from '../kernel/ids.ts';
import type { Db } from '../db/connect.ts';
import { selectAccessFacts } from '../core/access/access.ts';

import type { Payload } from './copy-json.ts';
import { asBytea, asTable, type Placed, shareStatement } from '../db/together.ts';
import type { Statement } from './statement.ts';
import { type GrantColumns, joinSessionStanding, sessionStanding } from './standing-queries.ts';

export interface SessionRow {
  readonly idHash: Buffer;
  readonly uid: string;
  readonly accountId: AccountId | null;
  readonly evidence: readonly Evidence[] | null;
  readonly payload: Payload;
}

export interface SessionStanding extends GrantColumns {
  readonly userId: UserId | null;
  readonly grantId: string | null;
}

export interface SessionKey {
  readonly idHash: Buffer;
  /** Who asks for an authorization, where somebody does. */
  readonly clientId?: string | undefined;
}

/** With what an authorization by this client rests on; of nobody knows whom, without. By sessions_pkey. */
export const findSession = shareStatement(async (db, keys: readonly SessionKey[], now) => {
  const table = asTable(
    keys.map(({ idHash, clientId }) => ({ id_hash: asBytea(idHash), client_id: clientId })),
  );
  const result = await sql<SessionRow & SessionStanding & Placed>`
    select asked.place, browser.id_hash, browser.uid, browser.account_id, browser.evidence, browser.payload,
      browser.user_id, ${sessionStanding}
    from json_to_recordset(${table}) as asked (place int, id_hash bytea, client_id text)
    cross join lateral (select * from sessions where id_hash = asked.id_hash limit 1) browser
    ${joinSessionStanding(now)} where browser.expires_at > ${now}`.execute(db);
  return result.rows;
});

/** By sessions_uid_key. */
export async function findSessionByUid(db: Db, uid: string, now: Date): Promise<SessionRow | undefined> {
  const row = await db
    .selectFrom('sessions')
    .select(['idHash', 'uid', 'accountId', 'evidence', 'payload'])
    .where('expiresAt', '>', now)
    .where('uid', '=', uid)
    .executeTakeFirst();
  return row as SessionRow | undefined;
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

export function insertSession({ payload, evidence, ...session }: SessionWrite, now: Date): Statement {
  return sql`
    insert into sessions (id_hash, uid, user_id, account_id, evidence, payload, created_at, expires_at)
    values (${session.idHash}, ${session.uid}, ${session.userId}, ${session.accountId ?? null},
      ${evidence === undefined ? null : JSON.stringify(evidence)}, ${JSON.stringify(payload)}, ${now},
      ${session.expiresAt}) returning '' as answer`;
}

/** What the engine keeps of one client that was entered with a session. */
export interface Entry {
  readonly sid?: string;
  readonly grantId?: string;
  readonly persistsLogout?: boolean;
}

export interface EntryChange {
  readonly clientId: string;
  readonly entry: Entry;
  /** The grant of this client's entry when the session was read. */
  readonly grantBefore: string | undefined;
}

export interface SessionChange extends SessionWrite {
  /** Whether the browser gets a new session id in this answer. */
  readonly rotated: boolean;
  readonly changedEntries: readonly EntryChange[];
  /** The clients whose authorization this request took out. */
  readonly removedClients: readonly string[];
}

/**
 * Writes an existing session; nothing when it has ended meanwhile, for an ended session must stay ended. Of the
 * authorizations only what this request changed is written, since the engine writes the whole document and two tabs would
 * lose each other's; and nothing when another has entered the same client meanwhile, whose grant nobody would know of. A
 * request that did not rotate the id cannot roll a rotation back.
 */
export function updateSession(change: SessionChange): Statement {
  const { authorizations: _whole, ...payload } = change.payload;
  const changed = Object.fromEntries(change.changedEntries.map(({ clientId, entry }) => [clientId, entry]));
  const isAsRead = change.changedEntries.map(
    ({ clientId, grantBefore }) =>
      sql`and payload->'authorizations'->${clientId}::text->>'grantId' is not distinct from ${grantBefore ?? null}::text`,
  );
  const evidence = change.evidence === undefined ? null : JSON.stringify(change.evidence);
  return sql`
    update sessions set
      id_hash = case when ${change.rotated}::boolean then ${change.idHash}::bytea else id_hash end,
      user_id = ${change.userId}, expires_at = ${change.expiresAt},
      account_id = coalesce(${change.accountId ?? null}::text, account_id),
      evidence = coalesce(${evidence}::jsonb, evidence),
      payload = ${JSON.stringify(payload)}::jsonb || jsonb_build_object('authorizations',
        (case when user_id is not distinct from ${change.userId}::text
           then coalesce(payload->'authorizations', '{}') else '{}' end - ${[...change.removedClients]}::text[])
        || ${JSON.stringify(changed)}::jsonb)
    where uid = ${change.uid} ${sql.join(isAsRead, sql` `)} returning '' as answer`;
}

export interface EndedSession {
  readonly userId: UserId | null;
  readonly authorizations: Readonly<Record<string, Entry>> | null;
}

/** Answers what it held at last; nothing when it had ended already. By sessions_uid_key. */
export async function deleteSession(tx: Tx, uid: string): Promise<EndedSession | undefined> {
  const result = await sql<EndedSession>`
    delete from sessions where uid = ${uid}
    returning user_id, payload->'authorizations' as authorizations`.execute(tx.db);
  return result.rows[0];
}

export interface InteractionRow {
  readonly payload: Payload;
  readonly clientId: string | null;
  readonly state: unknown;
  readonly version: number;
  readonly finishedAt: Date | null;
  readonly expiresAt: Date;
}

export interface InteractionStanding {
  /** Who has signed in, once the interaction has a result. */
  readonly subject: string | null;
  readonly facts: string | null;
}

/** A finished interaction is found too, emptied; one that has a result with what an access decision on it rests on. */
export async function findInteraction(db: Db, idHash: Buffer, now: Date) {
  const subject = sql`visit.payload->'result'->'login'->>'accountId'`;
  const result = await sql<InteractionRow & InteractionStanding>`
    select visit.payload, visit.client_id, visit.state, visit.version, visit.finished_at, visit.expires_at,
      ${subject} as subject, ${selectAccessFacts(subject, sql`visit.client_id`)} as facts
    from interactions visit where visit.id_hash = ${idHash} and visit.expires_at > ${now}`.execute(db);
  return result.rows[0];
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
export function insertInteraction({ payload, ...interaction }: InteractionWrite): Statement {
  return sql`
    insert into interactions (id_hash, client_id, payload, expires_at) values (${interaction.idHash},
      ${interaction.clientId}, ${JSON.stringify(payload)}, ${interaction.expiresAt})
    on conflict (id_hash) do update set payload = excluded.payload, expires_at = excluded.expires_at
    where interactions.finished_at is null returning '' as answer`;
}

/** Finishes an interaction, once: nothing when another request did. What it held is wiped. */
export function consumeInteraction(idHash: Buffer, now: Date): Statement {
  return sql`
    update interactions set finished_at = ${now}, payload = '{}', state = null
    where id_hash = ${idHash} and finished_at is null returning '' as answer`;
}

export interface SignInMove {
  readonly idHash: Buffer;
  /** As it was read. */
  readonly version: number;
  readonly state: unknown;
  /** The engine's part, where that has changed too. */
  readonly written?: Pick<InteractionWrite, 'payload' | 'expiresAt'> | undefined;
}

/** Writes where a sign-in stands; nothing when it has moved on since `version` was read, and then nothing is written. */
export function updateSignIn({ idHash, version, state, written }: SignInMove): Statement {
  const engine =
    written && sql`, payload = ${JSON.stringify(written.payload)}, expires_at = ${written.expiresAt}`;
  return sql`
    update interactions set state = ${JSON.stringify(state)}, version = ${version + 1}${engine ?? sql``}
    where id_hash = ${idHash} and version = ${version} and finished_at is null returning '' as answer`;
}
