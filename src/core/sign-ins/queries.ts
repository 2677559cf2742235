import { sql } from 'kysely';
import type { Db } from '../../db/connect.ts';
import type { AccountId, ConnectionId, UserId } from '../../kernel/ids.ts';

export interface SignInEvent {
  readonly id: string;
  readonly type: string;
  readonly at: Date;
  readonly userId: UserId | null;
  readonly email: string | null;
  readonly name: string | null;
  readonly clientId: string | null;
  readonly caseId: string | null;
  readonly ip: string | null;
  readonly connectionLabel: string | null;
  /** As written by who records sign-ins. */
  readonly details: {
    readonly code?: string;
    readonly stage?: string;
    readonly at?: string;
    readonly methods?: readonly string[];
    readonly connection_id?: ConnectionId;
    readonly provider?: string;
  };
}

interface Asked {
  readonly accountId: AccountId;
  readonly userId?: UserId | undefined;
  readonly types: readonly string[];
  readonly after?: string | undefined;
  readonly limit: number;
}

/**
 * The account's own by events_account_id_idx, and of each member the newest without an account by events_user_id_idx:
 * what a person did before they were a member is nobody's business there.
 */
export async function listSignInEvents(db: Db, asked: Asked): Promise<SignInEvent[]> {
  const { accountId, userId, types, after, limit } = asked;
  const older = after === undefined ? sql`true` : sql`events.id < ${after}`;
  const of = userId === undefined ? sql`true` : sql`events.user_id = ${userId}`;
  const columns = sql`events.id, type, occurred_at, events.user_id, client_id, case_id, ip, details`;
  const newest = sql`${of} and ${older} and type = any(${types}) order by events.id desc limit ${limit}`;
  const result = await sql<SignInEvent>`
    select e.id, e.type, e.occurred_at as at, e.user_id, e.client_id, e.case_id, e.ip, e.details, users.email, users.name,
      connections.label as connection_label
    from (
      (select ${columns} from events where account_id = ${accountId} and ${newest})
      union all
      (select missed.id, type, occurred_at, missed.user_id, client_id, case_id, ip, details from memberships m cross join lateral (
        select ${columns} from events where user_id = m.user_id and account_id is null and occurred_at >= m.created_at and ${newest}
      ) missed where m.account_id = ${accountId})
    ) e
    left join memberships m on m.account_id = ${accountId} and m.user_id = e.user_id
    left join users on users.id = m.user_id
    left join connections on connections.account_id = ${accountId} and connections.id = e.details->>'connection_id'
    order by e.id desc limit ${limit}`.execute(db);
  return result.rows;
}
