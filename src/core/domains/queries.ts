import { sql } from 'kysely';
import type { Tx } from '../../context.ts';
import type { Db } from '../../db/connect.ts';
import { namesAbove } from '../../kernel/domain-name.ts';
import type { AccountId, ConnectionId, DomainId } from '../../kernel/ids.ts';
import type { Window } from '../../kernel/page.ts';
import type { DomainName } from './name.ts';

/** pending → verified ⇄ stale → released; disputed while another account has it. */
export type DomainState = 'pending' | 'verified' | 'stale' | 'disputed' | 'released';

export interface Domain {
  readonly id: DomainId;
  readonly accountId: AccountId;
  readonly name: DomainName;
  readonly state: DomainState;
  /** What the record in the DNS must say; public, and this account's and this claim's own. */
  readonly challenge: string;
  readonly includeSubdomains: boolean;
  readonly verifiedAt: Date | null;
  readonly lastSeenAt: Date | null;
  readonly firstMissedAt: Date | null;
  /** How often in a row the record was missing. */
  readonly misses: number;
  /** Since a transfer, until an operator lifts it. */
  readonly linkingSuspendedAt: Date | null;
  /** null for one that is not looked up by itself. */
  readonly nextCheckAt: Date | null;
  readonly createdAt: Date;
}

const columns = [
  'id',
  'accountId',
  'name',
  'state',
  'challenge',
  'includeSubdomains',
  'verifiedAt',
  'lastSeenAt',
  'firstMissedAt',
  'misses',
  'linkingSuspendedAt',
  'nextCheckAt',
  'createdAt',
] as const;

export interface DomainKey {
  readonly accountId: AccountId;
  readonly id: DomainId;
}

/** By primary key; only of this account, and not when it was released. */
export async function findDomain(db: Db, { accountId, id }: DomainKey): Promise<Domain | undefined> {
  const query = db.selectFrom('domains').select(columns).where('id', '=', id);
  const held = query.where('accountId', '=', accountId).where('state', '<>', 'released');
  return (await held.executeTakeFirst()) as Domain | undefined;
}

/** By domains_claim_key. */
export async function findClaim(
  db: Db,
  { accountId, name }: { readonly accountId: AccountId; readonly name: DomainName },
): Promise<Domain | undefined> {
  const query = db.selectFrom('domains').select(columns).where('accountId', '=', accountId);
  const held = query.where('name', '=', name).where('state', '<>', 'released');
  return (await held.executeTakeFirst()) as Domain | undefined;
}

/** By domains_claim_key, in alphabetical order; all of them where there is no window. */
export async function selectDomainsOf(
  db: Db,
  accountId: AccountId,
  { after, limit }: Partial<Window>,
): Promise<Domain[]> {
  let query = db.selectFrom('domains').select(columns).where('accountId', '=', accountId);
  if (after !== undefined) query = query.where('name', '>', after);
  if (limit !== undefined) query = query.limit(limit);
  return (await query.where('state', '<>', 'released').orderBy('name').execute()) as Domain[];
}

export interface NewClaim {
  readonly id: DomainId;
  readonly accountId: AccountId;
  readonly name: DomainName;
  readonly challenge: string;
}

/** False where the account claims the name already: domains_claim_key decides between two at once. */
export async function insertClaim(tx: Tx, claim: NewClaim): Promise<boolean> {
  const now = tx.now();
  const inserted = await tx.db
    .insertInto('domains')
    .values({ ...claim, state: 'pending', createdAt: now, updatedAt: now })
    .onConflict((conflict) =>
      // written out: a parameter matches no index as soon as the statement has a plan for all values
      conflict.columns(['accountId', 'name']).where('state', '<>', sql.lit('released')).doNothing(),
    )
    .returning('id')
    .executeTakeFirst();
  return inserted !== undefined;
}

/** Whoever wants to own a name waits here for whoever else does: one after the other, whichever rows they hold. */
export async function lockName(tx: Tx, name: DomainName): Promise<void> {
  await sql`select pg_advisory_xact_lock(hashtext(${`doorward domain ${name}`}))`.execute(tx.db);
}

/** By primary key; only of this account, and not when it was released. */
export async function lockDomain(tx: Tx, { accountId, id }: DomainKey): Promise<Domain | undefined> {
  const query = tx.db.selectFrom('domains').select(columns).where('id', '=', id);
  const held = query.where('accountId', '=', accountId).where('state', '<>', 'released');
  return (await held.forUpdate().executeTakeFirst()) as Domain | undefined;
}

/** Whose the name is now. By domains_owner_key. */
export async function lockOwner(tx: Tx, name: DomainName): Promise<Domain | undefined> {
  const query = tx.db.selectFrom('domains').select(columns).where('name', '=', name);
  const owned = query.where('state', 'in', ['verified', 'stale']).forUpdate();
  return (await owned.executeTakeFirst()) as Domain | undefined;
}

export type DomainChanges = Partial<Omit<Domain, 'id' | 'accountId' | 'name' | 'challenge' | 'createdAt'>>;

/** By primary key. */
export async function updateDomain(tx: Tx, id: DomainId, changes: DomainChanges): Promise<Domain> {
  const query = tx.db.updateTable('domains').set({ ...changes, updatedAt: tx.now() });
  const updated = query.where('id', '=', id).returning(columns);
  return (await updated.executeTakeFirstOrThrow()) as Domain;
}

/** One statement: of any number of replicas one gets each domain, until `leaseUntil`. By domains_next_check_idx. */
export async function claimDueChecks(
  tx: Tx,
  { limit, leaseUntil }: { readonly limit: number; readonly leaseUntil: Date },
): Promise<Domain[]> {
  const rows = await tx.db
    .updateTable('domains')
    .set({ nextCheckAt: leaseUntil })
    .where('id', 'in', (due) =>
      due
        .selectFrom('domains')
        .select('id')
        .where('state', 'in', ['verified', 'stale'])
        .where('nextCheckAt', '<=', tx.now())
        .orderBy('nextCheckAt')
        .limit(limit)
        .forUpdate()
        .skipLocked(),
    )
    .returning(columns)
    .execute();
  return rows as Domain[];
}

export interface Ownership {
  readonly id: DomainId;
  readonly accountId: AccountId;
  /** `stale` also for a domain that changed hands and whose new owner is not trusted with people yet. */
  readonly state: 'verified' | 'stale';
}

/** The most specific proven name decides, as in the routes of core/connections. By domains_owner_key. */
export async function selectOwner(db: Db, emailDomain: string): Promise<Ownership | undefined> {
  const result = await sql<Ownership>`
    select id, account_id, case when linking_suspended_at is null then state else 'stale' end as state
    from domains
    where state in ('verified', 'stale') and name = any(${namesAbove(emailDomain)}::text[])
      and (name = ${emailDomain} or include_subdomains)
    order by length(name) desc limit 1`.execute(db);
  return result.rows[0];
}

/** By connection_domains_pkey. */
export async function isBound(
  db: Db,
  { connectionId, domainId }: { readonly connectionId: ConnectionId; readonly domainId: DomainId },
): Promise<boolean> {
  const query = db
    .selectFrom('connectionDomains')
    .select('domainId')
    .where('connectionId', '=', connectionId);
  return (await query.where('domainId', '=', domainId).executeTakeFirst()) !== undefined;
}
