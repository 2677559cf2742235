import type { Tx } from '../../context.ts';
import type { Db } from '../../db/connect.ts';
import type { EmailAddress } from '../../kernel/email-address.ts';
import type { AccountId, ProductId, UserId } from '../../kernel/ids.ts';
import type { Window } from '../../kernel/page.ts';

/** A seat and who sits on it. */
export interface Seat {
  readonly id: string;
  readonly accountId: AccountId;
  readonly userId: UserId;
  readonly email: EmailAddress;
  readonly name: string | null;
  readonly productId: ProductId;
  /** Slug. */
  readonly product: string;
  readonly startsAt: Date;
  readonly endsAt: Date | null;
  readonly createdAt: Date;
}

/** A seat by its id, or by who has it on what; always as its account knows it: another account's is not there. */
export type SeatRef =
  | { readonly accountId: AccountId; readonly seatId: string }
  | { readonly accountId: AccountId; readonly productId: ProductId; readonly userId: UserId };

export interface SeatFilter extends Window {
  readonly accountId: AccountId;
  readonly productId?: ProductId | undefined;
  readonly userId?: UserId | undefined;
}

function selectSeats(db: Db, accountId: AccountId) {
  return db
    .selectFrom('seats')
    .innerJoin('users', 'users.id', 'seats.userId')
    .innerJoin('products', 'products.id', 'seats.productId')
    .select(['seats.id', 'seats.accountId', 'seats.userId', 'users.email', 'users.name'])
    .select(['seats.productId', 'products.slug as product'])
    .select(['seats.startsAt', 'seats.endsAt', 'seats.createdAt'])
    .where('seats.accountId', '=', accountId);
}

function selectSeat(db: Db, ref: SeatRef) {
  const query = selectSeats(db, ref.accountId);
  return 'seatId' in ref
    ? query.where('seats.id', '=', ref.seatId)
    : query.where('seats.productId', '=', ref.productId).where('seats.userId', '=', ref.userId);
}

/** The newest first, those that have ended among them; by seats_holder_key or seats_membership_idx. */
export async function listSeats(
  db: Db,
  { accountId, productId, userId, after, limit }: SeatFilter,
): Promise<Seat[]> {
  let query = selectSeats(db, accountId);
  if (productId !== undefined) query = query.where('seats.productId', '=', productId);
  if (userId !== undefined) query = query.where('seats.userId', '=', userId);
  if (after !== undefined) query = query.where('seats.id', '<', after);
  const rows = await query.orderBy('seats.id', 'desc').limit(limit).execute();
  return rows as Seat[];
}

/** By seats_pkey or seats_holder_key. */
export async function findSeat(db: Db, ref: SeatRef): Promise<Seat | undefined> {
  return (await selectSeat(db, ref).executeTakeFirst()) as Seat | undefined;
}

/** The same, held until the transaction ends. */
export async function lockSeat(tx: Tx, ref: SeatRef): Promise<Seat | undefined> {
  return (await selectSeat(tx.db, ref).forUpdate('seats').executeTakeFirst()) as Seat | undefined;
}

/** By seats_pkey. */
export async function updateSeatEnd(tx: Tx, id: string, endsAt: Date): Promise<void> {
  await tx.db.updateTable('seats').set({ endsAt }).where('id', '=', id).execute();
}

/** By seats_pkey. */
export async function deleteSeat(tx: Tx, id: string): Promise<void> {
  await tx.db.deleteFrom('seats').where('id', '=', id).execute();
}

/** A seat that is kept for somebody who was invited. */
export interface SeatReservation {
  readonly userId: UserId;
  readonly email: EmailAddress;
  readonly productId: ProductId;
  /** Slug. */
  readonly product: string;
  readonly until: Date;
}

/** What the account keeps at this moment, so that its seats add up. By seat_reservations_pkey. */
export async function listSeatReservations(
  db: Db,
  { accountId, now }: { readonly accountId: AccountId; readonly now: Date },
): Promise<SeatReservation[]> {
  const rows = await db
    .selectFrom('seatReservations')
    .innerJoin('users', 'users.id', 'seatReservations.userId')
    .innerJoin('products', 'products.id', 'seatReservations.productId')
    .select(['userId', 'users.email', 'productId', 'products.slug as product', 'until'])
    .where('seatReservations.accountId', '=', accountId)
    .where('until', '>', now)
    .orderBy('userId', 'desc')
    .orderBy('productId')
    .execute();
  return rows as SeatReservation[];
}
