import { sql } from 'kysely';
import type { Tx } from '../../context.ts';
import type { Db } from '../../db/connect.ts';
import type { AccountId, ProductId, UserId } from '../../kernel/ids.ts';

/** Whose access to what: everything that rests on an account, or less. */
export interface AccessScope {
  readonly accountId: AccountId;
  /** Of this user only. */
  readonly userId?: UserId | undefined;
  /** At the clients of this product only. */
  readonly productId?: ProductId | undefined;
  /** At the clients that require a role only. */
  readonly adminClientsOnly?: boolean | undefined;
}

export interface RestingGrant {
  readonly id: string;
  readonly userId: UserId;
}

/**
 * The grants that rest on it. By grants_user_id_idx, person by person: whoever has one is a member of the account, or is
 * named because they have just been one.
 */
export async function selectGrantsResting(
  db: Db,
  { accountId, userId, productId, adminClientsOnly = false }: AccessScope,
): Promise<RestingGrant[]> {
  const everyClient = productId === undefined && !adminClientsOnly;
  const result = await sql<RestingGrant>`
    select g.id, g.user_id from grants g left join clients c on c.client_id = g.client_id
    where g.account_id = ${accountId} and (g.user_id = ${userId ?? null}
        or (${userId ?? null}::text is null and g.user_id in (select user_id from memberships where account_id = ${accountId})))
      and (${everyClient} or ((${productId ?? null}::text is null or c.product_id = ${productId ?? null})
        and (not ${adminClientsOnly}::boolean or c.required_role is not null)))`.execute(db);
  return result.rows;
}

export interface LeftClient {
  readonly uid: string;
  readonly userId: UserId;
  readonly clientId: string;
  /** The client's name for the session; null for one that was never given any. */
  readonly sid: string | null;
}

/**
 * Takes the clients of these grants out of the sessions in which they were entered, and answers which: who enters again
 * gets another `sid` than the one whose end the client is told. By sessions_user_id_idx.
 */
export async function leaveClients(tx: Tx, grants: readonly RestingGrant[]): Promise<LeftClient[]> {
  const userIds = [...new Set(grants.map(({ userId }) => userId))];
  const ids = grants.map(({ id }) => id);
  const result = await sql<LeftClient>`
    with entered as (
      select s.uid, s.user_id, e.client_id, e.entry->>'sid' as sid
      from sessions s cross join lateral jsonb_each(s.payload->'authorizations') e(client_id, entry)
      where s.user_id = any(${userIds}::text[]) and s.expires_at > ${tx.now()} and e.entry->>'grantId' = any(${ids}::text[])
    ), updated as (
      update sessions s
      set payload = jsonb_set(s.payload, '{authorizations}', (s.payload->'authorizations') - l.client_ids)
      from (select uid, array_agg(client_id) as client_ids from entered group by uid) l where s.uid = l.uid
    )
    select uid, user_id, client_id, sid from entered`.execute(tx.db);
  return result.rows;
}

/** Whether any account lets this user in still. By memberships_user_id_idx. */
export async function hasLiveMembership(db: Db, userId: UserId): Promise<boolean> {
  const row = await db
    .selectFrom('memberships')
    .select('userId')
    .where('userId', '=', userId)
    .where('deactivatedAt', 'is', null)
    .limit(1)
    .executeTakeFirst();
  return row !== undefined;
}
