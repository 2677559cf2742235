import { sql } from 'kysely';
import type { Tx } from '../../context.ts';
import type { Db } from '../../db/connect.ts';
import type { EmailAddress } from '../../kernel/email-address.ts';
import type { AccountId, ProductId, UserId } from '../../kernel/ids.ts';
import type { Window } from '../../kernel/page.ts';
import type { SeatPlace } from './queries.ts';

export type SeatRequestState = 'open' | 'granted' | 'refused';

export interface SeatRequest {
  readonly id: string;
  readonly state: SeatRequestState;
  /** Of the denial at which the person asked. */
  readonly caseId: string;
  /** Where the person came from; null for one that is older than this was noted. */
  readonly clientId: string | null;
  readonly requestedAt: Date;
  readonly decidedAt: Date | null;
  readonly account: { readonly id: AccountId; readonly name: string };
  readonly product: { readonly id: ProductId; readonly slug: string; readonly name: string };
  readonly user: {
    readonly id: UserId;
    readonly email: EmailAddress;
    readonly name: string | null;
    readonly locale: string | null;
  };
}

/** A request, as its account knows it: another account's is not there. */
export interface SeatRequestRef {
  readonly accountId: AccountId;
  readonly id: string;
}

export interface SeatRequestFilter extends Window {
  readonly accountId: AccountId;
  readonly state?: SeatRequestState | undefined;
}

function selectRequests(db: Db) {
  return db
    .selectFrom('seatRequests')
    .innerJoin('accounts', 'accounts.id', 'seatRequests.accountId')
    .innerJoin('products', 'products.id', 'seatRequests.productId')
    .innerJoin('users', 'users.id', 'seatRequests.userId')
    .select(['seatRequests.id', 'seatRequests.state', 'caseId', 'clientId', 'requestedAt', 'decidedAt'])
    .select(['accounts.id as accountId', 'accounts.name as account'])
    .select(['products.id as productId', 'products.slug', 'products.name as product'])
    .select(['users.id as userId', 'users.email', 'users.name', 'users.locale']);
}

type Row = Awaited<ReturnType<ReturnType<typeof selectRequests>['executeTakeFirstOrThrow']>>;

function toRequest(row: Row): SeatRequest {
  const { id, caseId, clientId, requestedAt, decidedAt, name, locale } = row;
  return {
    ...{ id, caseId, clientId, requestedAt, decidedAt },
    state: row.state as SeatRequestState,
    account: { id: row.accountId, name: row.account },
    product: { id: row.productId, slug: row.slug, name: row.product },
    user: { id: row.userId, email: row.email as EmailAddress, name, locale },
  };
}

/** Newest first, by seat_requests_account_id_key. */
export async function listSeatRequests(
  db: Db,
  { accountId, state, after, limit }: SeatRequestFilter,
): Promise<SeatRequest[]> {
  let query = selectRequests(db).where('seatRequests.accountId', '=', accountId);
  if (state !== undefined) query = query.where('seatRequests.state', '=', state);
  if (after !== undefined) query = query.where('seatRequests.id', '<', after);
  const rows = await query.orderBy('seatRequests.id', 'desc').limit(limit).execute();
  return rows.map(toRequest);
}

/** By seat_requests_account_id_key. */
export async function findSeatRequest(
  db: Db,
  { accountId, id }: SeatRequestRef,
): Promise<SeatRequest | undefined> {
  const query = selectRequests(db).where('seatRequests.accountId', '=', accountId);
  const row = await query.where('seatRequests.id', '=', id).executeTakeFirst();
  return row && toRequest(row);
}

/**
 * The same, held until the end of the transaction. The membership first and then the request, as a removal of the
 * member does, or the two could wait for each other.
 */
export async function lockSeatRequest(
  tx: Tx,
  { accountId, id }: SeatRequestRef,
): Promise<SeatRequest | undefined> {
  const row = await selectRequests(tx.db)
    .innerJoin('memberships', (join) =>
      join
        .onRef('memberships.accountId', '=', 'seatRequests.accountId')
        .onRef('memberships.userId', '=', 'seatRequests.userId'),
    )
    .where('seatRequests.accountId', '=', accountId)
    .where('seatRequests.id', '=', id)
    .forKeyShare('memberships')
    .forUpdate('seatRequests')
    .executeTakeFirst();
  return row && toRequest(row);
}

/** Single use in one statement, by seat_requests_account_id_key; answers when, and undefined where it is not open any more. */
export async function consumeOpenRequest(
  tx: Tx,
  { accountId, id }: SeatRequestRef,
  state: Exclude<SeatRequestState, 'open'>,
): Promise<Date | undefined> {
  const row = await tx.db
    .updateTable('seatRequests')
    .set({ state, decidedAt: tx.now() })
    .where('accountId', '=', accountId)
    .where('id', '=', id)
    .where('state', '=', 'open')
    .returning('decidedAt')
    .executeTakeFirst();
  return row?.decidedAt ?? undefined;
}

export interface NewRequestRow extends SeatPlace {
  readonly id: string;
  readonly userId: UserId;
  readonly clientId: string;
  readonly caseId: string;
}

/**
 * Stores a request, or renews the one that is open and was made before `renewBefore`; answers which one it is, and
 * undefined when one is open that is younger. By seat_requests_open_key.
 */
export async function insertOrRenewRequest(
  tx: Tx,
  request: NewRequestRow,
  renewBefore: Date,
): Promise<string | undefined> {
  const { clientId, caseId } = request;
  const requestedAt = tx.now();
  const row = await tx.db
    .insertInto('seatRequests')
    .values({ ...request, requestedAt })
    .onConflict((conflict) =>
      conflict
        .columns(['accountId', 'productId', 'userId'])
        .where(sql<boolean>`state = 'open'`)
        .doUpdateSet({ clientId, caseId, requestedAt })
        .where('seatRequests.requestedAt', '<=', renewBefore),
    )
    .returning('id')
    .executeTakeFirst();
  return row?.id;
}

export interface NewLinkRow {
  readonly accountId: AccountId;
  readonly requestId: string;
  /** The admin. */
  readonly userId: UserId;
  readonly email: EmailAddress;
  readonly tokenHash: Buffer;
  readonly expiresAt: Date;
}

/** An admin has one link for a request; another one takes its place. By seat_request_links_pkey. */
export async function insertLink(tx: Tx, link: NewLinkRow): Promise<void> {
  const { email, tokenHash, expiresAt } = link;
  await tx.db
    .insertInto('seatRequestLinks')
    .values(link)
    .onConflict((conflict) =>
      conflict.constraint('seat_request_links_pkey').doUpdateSet({ email, tokenHash, expiresAt }),
    )
    .execute();
}

export interface LinkRow extends SeatRequestRef {
  readonly adminId: UserId;
  readonly expiresAt: Date;
}

/**
 * What a link is for, while it is in time and its holder is an active admin of the account at the address to which it
 * was mailed. By seat_request_links_token_hash_key.
 */
export async function findLink(db: Db, tokenHash: Buffer, now: Date): Promise<LinkRow | undefined> {
  return db
    .selectFrom('seatRequestLinks')
    .innerJoin('memberships', (join) =>
      join
        .onRef('memberships.accountId', '=', 'seatRequestLinks.accountId')
        .onRef('memberships.userId', '=', 'seatRequestLinks.userId'),
    )
    .innerJoin('users', (join) =>
      join
        .onRef('users.id', '=', 'seatRequestLinks.userId')
        .onRef('users.email', '=', 'seatRequestLinks.email'),
    )
    .select(['seatRequestLinks.accountId', 'requestId as id', 'expiresAt'])
    .select('seatRequestLinks.userId as adminId')
    .where('tokenHash', '=', tokenHash)
    .where('expiresAt', '>', now)
    .where('memberships.role', '=', 'admin')
    .where('memberships.deactivatedAt', 'is', null)
    .where('users.state', '=', 'active')
    .executeTakeFirst();
}
