import { sql } from 'kysely';
import type { Tx } from '../../context.ts';
import type { Db } from '../../db/connect.ts';
import { namesAbove } from '../../kernel/domain-name.ts';
import type { AccountId, ConnectionId } from '../../kernel/ids.ts';
import type { Window } from '../../kernel/page.ts';
import type {
  ConnectionSettings,
  Mapping,
  OidcPublished,
  OidcSettings,
  SamlPublished,
  SamlSettings,
} from './settings.ts';

/** Which connection; where somebody acts for an account, only if it is that one's. */
export interface ConnectionRef {
  readonly connectionId: ConnectionId;
  readonly accountId?: AccountId | undefined;
}

/** draft → tested → pilot → enabled → required, and disabled. */
export type ConnectionState = 'draft' | 'tested' | 'pilot' | 'enabled' | 'required' | 'disabled';

interface Common {
  readonly id: ConnectionId;
  readonly accountId: AccountId;
  /** What people are shown when they choose among several. */
  readonly label: string;
  readonly state: ConnectionState;
  readonly mapping: Mapping;
  /** SHA-256 of settings, mapping and secret: what a test passes for. */
  readonly settingsHash: Buffer;
  /** `settingsHash` as it was when a test passed; another one now means untested. */
  readonly testedHash: Buffer | null;
  readonly testedAt: Date | null;
  /** Canonical addresses that are routed while the connection is a pilot. */
  readonly pilotEmails: readonly string[];
  /** Grows with every change, whoever makes it. */
  readonly revision: number;
  readonly secretSealed: string | null;
  readonly refreshAt: Date | null;
  /** Why the last refresh of what is published failed; the last good one is still used. */
  readonly refreshError: string | null;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

export interface SamlConnection extends Common {
  readonly kind: 'saml';
  readonly settings: SamlSettings;
  readonly published: SamlPublished;
}

export interface OidcConnection extends Common {
  readonly kind: 'oidc';
  readonly settings: OidcSettings;
  readonly published: OidcPublished;
}

export type Connection = SamlConnection | OidcConnection;

export const columns = [
  'id',
  'accountId',
  'kind',
  'label',
  'state',
  'settings',
  'mapping',
  'settingsHash',
  'testedHash',
  'testedAt',
  'pilotEmails',
  'revision',
  'secretSealed',
  'published',
  'refreshAt',
  'refreshError',
  'createdAt',
  'updatedAt',
] as const;

/** By primary key, whatever its state. */
export async function findConnection(db: Db, id: ConnectionId): Promise<Connection | undefined> {
  const query = db.selectFrom('connections').select(columns).where('id', '=', id);
  return (await query.executeTakeFirst()) as Connection | undefined;
}

/** By primary key; another account's is as good as none. */
export async function findConnectionOf(
  db: Db,
  accountId: AccountId,
  id: ConnectionId,
): Promise<Connection | undefined> {
  const query = db.selectFrom('connections').select(columns).where('id', '=', id);
  return (await query.where('accountId', '=', accountId).executeTakeFirst()) as Connection | undefined;
}

/** By connections_account_id_idx, newest first; all of them where there is no window. */
export async function listConnections(
  db: Db,
  accountId: AccountId,
  { after, limit }: Partial<Window> = {},
): Promise<Connection[]> {
  let query = db.selectFrom('connections').select(columns).where('accountId', '=', accountId);
  if (after !== undefined) query = query.where('id', '<', after as ConnectionId);
  if (limit !== undefined) query = query.limit(limit);
  return (await query.orderBy('id', 'desc').execute()) as unknown[] as Connection[];
}

/** By primary key; where an account is named another one's is as good as none. */
export async function lockConnection(
  tx: Tx,
  { connectionId, accountId }: ConnectionRef,
): Promise<Connection | undefined> {
  let query = tx.db.selectFrom('connections').select(columns).where('id', '=', connectionId).forUpdate();
  if (accountId !== undefined) query = query.where('accountId', '=', accountId);
  return (await query.executeTakeFirst()) as Connection | undefined;
}

export interface ConnectionRow {
  readonly id: ConnectionId;
  readonly accountId: AccountId;
  readonly label: string;
  readonly settings: ConnectionSettings;
  readonly mapping: Mapping;
  readonly settingsHash: Buffer;
  readonly secretSealed: string | null;
  readonly published: SamlPublished | OidcPublished;
  readonly refreshAt: Date | null;
}

export async function insertConnection(
  tx: Tx,
  { settings, mapping, published, ...row }: ConnectionRow,
): Promise<void> {
  const now = tx.now();
  await tx.db
    .insertInto('connections')
    .values({
      ...row,
      kind: settings.kind,
      settings: JSON.stringify(settings),
      mapping: JSON.stringify(mapping),
      published: JSON.stringify(published),
      createdAt: now,
      updatedAt: now,
    })
    .execute();
}

/** Those people may come by of an account, by id or slug, as far as the client's product is sold to it. */
export async function listLiveConnections(
  db: Db,
  { account, clientId }: { readonly account: string; readonly clientId: string },
): Promise<Pick<Connection, 'id' | 'state'>[]> {
  const result = await sql<Pick<Connection, 'id' | 'state'>>`
    select n.id, n.state from accounts a join connections n on n.account_id = a.id
    join clients c on c.client_id = ${clientId}
    where (a.id = ${account} or a.slug = ${account}) and n.state in ('pilot', 'enabled', 'required')
      and (c.product_id is null or exists (
        select from subscriptions s where s.account_id = a.id and s.product_id = c.product_id))`.execute(db);
  return result.rows;
}

/** What a SAML identity provider publishes, and how asking for it went: no edit, so nothing under way ends. By primary key. */
export async function updatePublished(
  tx: Tx,
  id: ConnectionId,
  asked: {
    readonly published?: SamlPublished;
    readonly refreshAt: Date | null;
    readonly refreshError: string | null;
  },
): Promise<void> {
  const { published, refreshAt, refreshError } = asked;
  await tx.db
    .updateTable('connections')
    .set({
      ...(published && { published: JSON.stringify(published) }),
      refreshAt,
      refreshError: refreshError?.slice(0, 500) ?? null,
      updatedAt: tx.now(),
    })
    .where('id', '=', id)
    .execute();
}

export interface RouteRow {
  readonly connectionId: ConnectionId;
  readonly accountId: AccountId;
  readonly account: string;
  readonly label: string;
  readonly state: ConnectionState;
  readonly pilotEmails: readonly string[];
  readonly priority: number;
  /** Only these addresses go this way; null for all. */
  readonly addresses: readonly string[] | null;
}

/**
 * The live connections that an email domain leads to. The most specific proven name decides: a domain that has proven
 * itself is not its parent's any more. By domains_owner_key.
 */
export async function selectRoutes(db: Db, domain: string): Promise<RouteRow[]> {
  const result = await sql<RouteRow>`
    with owner as (
      select id, account_id from domains
      where state in ('verified', 'stale') and name = any(${namesAbove(domain)}::text[])
        and (name = ${domain} or include_subdomains)
      order by length(name) desc limit 1)
    select c.id as connection_id, c.account_id, a.name as account, c.label, c.state, c.pilot_emails, cd.priority,
      cd.addresses
    from owner o
    join connection_domains cd on cd.account_id = o.account_id and cd.domain_id = o.id
    join connections c on c.id = cd.connection_id
    join accounts a on a.id = c.account_id
    where c.state in ('pilot', 'enabled', 'required')
    order by cd.priority, c.id`.execute(db);
  return result.rows;
}
