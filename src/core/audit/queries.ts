import { sql } from 'kysely';
import type { Tx } from '../../context.ts';
import type { Db } from '../../db/connect.ts';
import { type AccountId, firstIdAt, type UserId } from '../../kernel/ids.ts';
import type { Window } from '../../kernel/page.ts';
import type { EventText, Seal } from './chain.ts';

export interface EventRow {
  readonly id: string;
  readonly type: string;
  readonly occurredAt: Date;
  /** A user's id or a client's; null for the service itself. */
  readonly actorId: string | null;
  /** Their name, or a user's address where they have none; null when they are gone, or not the account's to know. */
  readonly actorName: string | null;
  readonly userId: UserId | null;
  readonly userName: string | null;
  readonly accountId: AccountId | null;
  readonly clientId: string | null;
  readonly caseId: string | null;
  readonly requestId: string | null;
  readonly ip: string | null;
  readonly details: Readonly<Record<string, unknown>>;
}

export interface EventFilter extends Window {
  /** Of this account alone, whatever else is asked for. */
  readonly accountId?: AccountId | undefined;
  /** For an operator, who may know everybody. An account knows its members alone. */
  readonly ofEverybody?: boolean | undefined;
  /** Whom it is about; not who did it. */
  readonly userId?: UserId | undefined;
  readonly type?: string | undefined;
  readonly caseId?: string | undefined;
  readonly requestId?: string | undefined;
  /** This moment and later. */
  readonly from?: Date | undefined;
  /** Before this moment. */
  readonly to?: Date | undefined;
}

/** About whoever has the address that an admin typed, who has agreed to nothing yet. */
const isHiddenSubject = sql<boolean>`(subject_member.user_id is null
  and events.type in ('invitation.created', 'invitation.resent', 'invitation.revoked'))`;

/**
 * Newest first, by event id. An account knows its members alone: an admin may invite any address, and would read who is
 * behind it; by an id too, whose time says whether its user was there before the invitation. By events_account_id_idx,
 * events_user_id_idx, events_type_idx, events_case_id_idx or events_request_id_idx; ids are ordered by time, so that the
 * primary key serves the rest.
 */
export async function listEvents(db: Db, filter: EventFilter): Promise<EventRow[]> {
  const { accountId, userId, type, caseId, requestId, from, to, after } = filter;
  const isWhole = accountId === undefined || filter.ofEverybody === true;
  const isHidden = isWhole ? sql<boolean>`false` : isHiddenSubject;
  let query = db
    .selectFrom('events')
    .leftJoin('memberships as actorMember', (join) =>
      join
        .onRef('actorMember.accountId', '=', 'events.accountId')
        .onRef('actorMember.userId', '=', 'events.actorId'),
    )
    .leftJoin('memberships as subjectMember', (join) =>
      join
        .onRef('subjectMember.accountId', '=', 'events.accountId')
        .onRef('subjectMember.userId', '=', 'events.userId'),
    )
    .leftJoin('users as actor', 'actor.id', isWhole ? 'events.actorId' : 'actorMember.userId')
    .leftJoin('clients', 'clients.clientId', 'events.actorId')
    .leftJoin('users as subject', 'subject.id', isWhole ? 'events.userId' : 'subjectMember.userId')
    .select(['events.id', 'events.type', 'events.occurredAt', 'events.actorId'])
    .select(sql<UserId | null>`case when ${isHidden} then null else events.user_id end`.as('userId'))
    .select(['events.accountId', 'events.clientId', 'events.caseId', 'events.requestId', 'events.ip'])
    .select('events.details')
    .select(sql<string | null>`coalesce(actor.name, actor.email, clients.name)`.as('actorName'))
    .select(sql<string | null>`coalesce(subject.name, subject.email)`.as('userName'))
    .orderBy('events.id', 'desc')
    .limit(filter.limit);
  if (accountId !== undefined) query = query.where('events.accountId', '=', accountId);
  if (userId !== undefined) query = query.where('events.userId', '=', userId).where(isHidden, '=', false);
  if (type !== undefined) query = query.where('events.type', '=', type);
  if (caseId !== undefined) query = query.where('events.caseId', '=', caseId);
  if (requestId !== undefined) query = query.where('events.requestId', '=', requestId);
  if (from) query = query.where('events.id', '>=', firstIdAt('evt', from));
  if (to) query = query.where('events.id', '<', firstIdAt('evt', to));
  if (after !== undefined) query = query.where('events.id', '<', after);
  return (await query.execute()) as EventRow[];
}

export interface EventRange {
  /** Exclusive; from the first event where there is none. */
  readonly afterId?: string | undefined;
  /** Inclusive; to the last event where there is none. */
  readonly upToId?: string | undefined;
  readonly limit: number;
}

/**
 * Every column of the events of a range, in the order of their ids, as text that does not depend on the session's
 * settings. By the primary key.
 */
export async function listEventTexts(
  db: Db,
  { afterId, upToId, limit }: EventRange,
): Promise<readonly { readonly id: string; readonly text: EventText }[]> {
  const at = sql`to_char(occurred_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US')`;
  const result = await sql<{ id: string; text: EventText }>`
    select id, array[id, type, ${at}, actor_id, user_id, account_id, client_id, case_id, request_id, ip::text, details::text]
      as text from events
    where id > ${afterId ?? ''} ${upToId === undefined ? sql`` : sql`and id <= ${upToId}`}
    order by id limit ${limit}`.execute(db);
  return result.rows;
}

/** By the primary key. */
export async function countEventsAfter(db: Db, afterId: string): Promise<number> {
  const { count } = await db
    .selectFrom('events')
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .where('id', '>', afterId)
    .executeTakeFirstOrThrow();
  return count;
}

/**
 * Whether somebody's transaction has been writing for longer than that. Both times are the database's own: nothing of
 * ours is compared with them. Only the transactions of one's own role are seen, which is who writes events.
 */
export async function isWritingForLong(db: Db, seconds: number): Promise<boolean> {
  const result = await sql<{ isWriting: boolean }>`
    select exists (select from pg_stat_activity where datname = current_database() and backend_xid is not null
      and xact_start < clock_timestamp() - make_interval(secs => ${seconds})) as is_writing`.execute(db);
  return result.rows[0]?.isWriting === true;
}

const sealColumns = ['number', 'upToId', 'eventCount', 'lastEventId', 'sealedAt', 'hash'] as const;

export async function findLastSeal(db: Db): Promise<Seal | undefined> {
  return db
    .selectFrom('eventSeals')
    .select(sealColumns)
    .orderBy('number', 'desc')
    .limit(1)
    .executeTakeFirst();
}

/** The oldest first. */
export async function listSeals(db: Db, after: number, limit: number): Promise<Seal[]> {
  return db
    .selectFrom('eventSeals')
    .select(sealColumns)
    .where('number', '>', after)
    .orderBy('number')
    .limit(limit)
    .execute();
}

/** False when another replica was first. */
export async function insertSeal(tx: Tx, seal: Seal): Promise<boolean> {
  const inserted = await tx.db
    .insertInto('eventSeals')
    .values(seal)
    .onConflict((conflict) => conflict.column('number').doNothing())
    .returning('number')
    .executeTakeFirst();
  return inserted !== undefined;
}
