import { sql } from 'kysely';
import type { Tx } from '../../context.ts';
import type { Db } from '../../db/connect.ts';
import type { AccountId, ConnectionId, DomainId, UserId } from '../../kernel/ids.ts';
import type { DomainState } from '../domains/domains.ts';
import type { ConnectionState } from './queries.ts';
import type { ConnectionSettings, Mapping, OidcPublished, SamlPublished } from './settings.ts';

export interface ConnectionChanges {
  readonly label?: string;
  readonly state?: ConnectionState;
  readonly settings?: ConnectionSettings;
  readonly mapping?: Mapping;
  readonly settingsHash?: Buffer;
  readonly secretSealed?: string | null;
  readonly published?: SamlPublished | OidcPublished;
  readonly refreshAt?: Date | null;
  readonly refreshError?: null;
  readonly pilotEmails?: readonly string[];
  readonly testedHash?: Buffer;
  readonly testedAt?: Date;
  /** Ends the sign-ins that are under way: they left under other rules. */
  readonly revision?: number;
}

/** What is undefined stays as it is. By primary key. */
export async function updateConnection(
  tx: Tx,
  id: ConnectionId,
  { settings, mapping, published, pilotEmails, ...plain }: ConnectionChanges,
): Promise<void> {
  await tx.db
    .updateTable('connections')
    .set({
      ...plain,
      ...(settings && { settings: JSON.stringify(settings) }),
      ...(mapping && { mapping: JSON.stringify(mapping) }),
      ...(published && { published: JSON.stringify(published) }),
      ...(pilotEmails && { pilotEmails: [...pilotEmails] }),
      updatedAt: tx.now(),
    })
    .where('id', '=', id)
    .execute();
}

/** Everything of it goes along: identities, keys, bindings, attempts, ways there and back. */
export async function deleteConnectionRow(tx: Tx, id: ConnectionId): Promise<void> {
  await tx.db.deleteFrom('connections').where('id', '=', id).execute();
}

/** By identities_external_key. */
export async function countIdentities(db: Db, connectionId: ConnectionId): Promise<number> {
  const row = await db
    .selectFrom('identities')
    .select((select) => select.fn.countAll().as('count'))
    .where('connectionId', '=', connectionId)
    .executeTakeFirstOrThrow();
  return Number(row.count);
}

/** Whether an admin of the account, as things are now, has come in by the connection. By connection_attempts_connection_idx. */
export async function hasAdminSignedIn(
  db: Db,
  { connectionId, since }: { readonly connectionId: ConnectionId; readonly since: Date },
): Promise<boolean> {
  const row = await db
    .selectFrom('connectionAttempts as a')
    .innerJoin('memberships as m', (join) =>
      join.onRef('m.accountId', '=', 'a.accountId').onRef('m.userId', '=', 'a.userId'),
    )
    .innerJoin('users as u', 'u.id', 'm.userId')
    .select('a.id')
    .where('a.connectionId', '=', connectionId)
    .where('a.purpose', '=', 'sign_in')
    .where('a.outcome', '=', 'passed')
    .where('a.updatedAt', '>', since)
    .where('m.role', '=', 'admin')
    .where('m.deactivatedAt', 'is', null)
    .where('u.state', '=', 'active')
    .limit(1)
    .executeTakeFirst();
  return row !== undefined;
}

/** Those of the users who can break the glass: active admins of the account with a password. Locked. By primary keys. */
export async function lockBreakGlassCandidates(
  tx: Tx,
  accountId: AccountId,
  userIds: readonly UserId[],
): Promise<UserId[]> {
  const rows = await tx.db
    .selectFrom('memberships as m')
    .innerJoin('users as u', 'u.id', 'm.userId')
    .innerJoin('passwords as p', 'p.userId', 'm.userId')
    .select('m.userId')
    .where('m.accountId', '=', accountId)
    .where('m.userId', 'in', userIds)
    .where('m.role', '=', 'admin')
    .where('m.deactivatedAt', 'is', null)
    .where('u.state', '=', 'active')
    .orderBy('m.userId')
    .forUpdate('m')
    .execute();
  return rows.map(({ userId }) => userId);
}

/** Exactly these from now on; answers whose flag has changed. By memberships_pkey. */
export async function updateBreakGlass(
  tx: Tx,
  accountId: AccountId,
  userIds: readonly UserId[],
): Promise<{ readonly userId: UserId; readonly breakGlass: boolean }[]> {
  return tx.db
    .updateTable('memberships')
    .set({ breakGlass: sql<boolean>`user_id = any(${userIds}::text[])` })
    .where('accountId', '=', accountId)
    .where(sql<boolean>`break_glass <> (user_id = any(${userIds}::text[]))`)
    .returning(['userId', 'breakGlass'])
    .execute();
}

export interface Binding {
  readonly connectionId: ConnectionId;
  readonly domainId: DomainId;
  readonly priority: number;
  readonly addresses: readonly string[] | null;
}

/** False when the account has no such domain; another account's is as good as none. By connection_domains_pkey. */
export async function upsertBinding(tx: Tx, accountId: AccountId, binding: Binding): Promise<boolean> {
  const { connectionId, domainId, priority, addresses } = binding;
  const result = await sql`
    insert into connection_domains (account_id, connection_id, domain_id, priority, addresses)
    select account_id, ${connectionId}, id, ${priority}, ${addresses}::text[] from domains
    where account_id = ${accountId} and id = ${domainId} and state <> 'released'
    on conflict on constraint connection_domains_pkey
      do update set priority = excluded.priority, addresses = excluded.addresses`.execute(tx.db);
  return result.numAffectedRows === 1n;
}

/** Whether it stands there already, as it is; by connection_domains_pkey and domains_pkey. Ask under the connection's lock. */
export async function isBoundSo(db: Db, binding: Binding): Promise<boolean> {
  const { connectionId, domainId, priority, addresses } = binding;
  const { rows } = await sql`
    select from connection_domains b join domains d on d.id = b.domain_id and d.state <> 'released'
    where b.connection_id = ${connectionId} and b.domain_id = ${domainId}
      and b.priority = ${priority} and b.addresses is not distinct from ${addresses}::text[]`.execute(db);
  return rows.length > 0;
}

/** By connection_domains_pkey. */
export async function deleteBinding(
  tx: Tx,
  accountId: AccountId,
  { connectionId, domainId }: Pick<Binding, 'connectionId' | 'domainId'>,
): Promise<boolean> {
  const result = await tx.db
    .deleteFrom('connectionDomains')
    .where('accountId', '=', accountId)
    .where('connectionId', '=', connectionId)
    .where('domainId', '=', domainId)
    .executeTakeFirst();
  return result.numDeletedRows === 1n;
}

export interface BoundDomain extends Omit<Binding, 'connectionId'> {
  readonly name: string;
  readonly state: DomainState;
}

/** The domains that lead to connections of an account, but for those it has given up. By connection_domains_pkey. */
export async function listBindings(
  db: Db,
  accountId: AccountId,
  connectionIds: readonly ConnectionId[],
): Promise<(BoundDomain & Pick<Binding, 'connectionId'>)[]> {
  if (connectionIds.length === 0) return [];
  const rows = await db
    .selectFrom('connectionDomains as b')
    .innerJoin('domains as d', 'd.id', 'b.domainId')
    .select(['b.connectionId', 'b.domainId', 'b.priority', 'b.addresses', 'd.name', 'd.state'])
    .where('b.accountId', '=', accountId)
    .where('b.connectionId', 'in', connectionIds)
    .where('d.state', '<>', 'released')
    .orderBy('d.name')
    .execute();
  return rows as (BoundDomain & Pick<Binding, 'connectionId'>)[];
}

/** The domains that lead to a connection. By connection_domains_pkey. */
export async function listBoundDomains(db: Db, connectionId: ConnectionId): Promise<BoundDomain[]> {
  const rows = await db
    .selectFrom('connectionDomains as b')
    .innerJoin('domains as d', 'd.id', 'b.domainId')
    .select(['b.domainId', 'b.priority', 'b.addresses', 'd.name', 'd.state'])
    .where('b.connectionId', '=', connectionId)
    .orderBy('d.name')
    .execute();
  return rows as BoundDomain[];
}
