/** How a request for a seat is decided: by its id within the account, or by the link that one admin was mailed. */
import type { Context, Tx } from '../../context.ts';
import { Failure } from '../../kernel/failures.ts';
import { hashToken } from '../../kernel/tokens.ts';
import { recordEvent } from '../audit/audit.ts';
import { findClient } from '../clients/clients.ts';
import { enqueueMail } from '../outbox/outbox.ts';
import { countFreeSeats } from './queries.ts';
import {
  consumeOpenRequest,
  findLink,
  findSeatRequest,
  lockSeatRequest,
  type SeatRequest,
  type SeatRequestRef,
} from './request-queries.ts';
import { ensureSeat } from './take-seat.ts';

export interface SeatGrant extends SeatRequestRef {
  /** Now, unless said. */
  readonly startsAt?: Date;
  readonly endsAt?: Date | null;
}

/**
 * Assigns the seat, closes the request and mails the person, all in the caller's transaction: once, on any number of
 * replicas. Somebody who has got a seat meanwhile keeps the one they have. Failures `not_found`, `already_decided`,
 * `no_free_seat` (then the request stays open).
 */
export async function grantSeatRequest(
  tx: Tx,
  { startsAt, endsAt, ...ref }: SeatGrant,
): Promise<SeatRequest> {
  const request = await close(tx, ref, 'granted');
  const { account, product, user } = request;
  const dates = { ...(startsAt && { startsAt }), ...(endsAt !== undefined && { endsAt }) };
  const seat = { accountId: account.id, productId: product.id, userId: user.id, ...dates };
  const isNew = await ensureSeat(tx, seat);
  const isLater = isNew && startsAt !== undefined && startsAt > tx.now();
  await enqueueMail(tx, {
    template: 'seat_granted',
    ...recipientOf(request),
    data: {
      product: product.name,
      account: account.name,
      from: isLater ? startsAt.toISOString().slice(0, 10) : null,
      url: await findStart(tx, request),
    },
  });
  return request;
}

/** Closes the request and mails the person, together and once. Failures `not_found`, `already_decided`. */
export async function refuseSeatRequest(tx: Tx, ref: SeatRequestRef): Promise<SeatRequest> {
  const request = await close(tx, ref, 'refused');
  const { account, product } = request;
  const data = { product: product.name, account: account.name };
  await enqueueMail(tx, { template: 'seat_refused', ...recipientOf(request), data });
  return request;
}

/** Answers the request as it is from now on. */
async function close(tx: Tx, ref: SeatRequestRef, state: 'granted' | 'refused'): Promise<SeatRequest> {
  const request = await lockSeatRequest(tx, ref);
  if (!request) throw new Failure('not_found');
  const decidedAt = await consumeOpenRequest(tx, ref, state);
  if (!decidedAt) throw new Failure('already_decided');
  const { id, account, product, user, clientId, caseId } = request;
  await recordEvent(tx, {
    type: `seat_request.${state}`,
    ...{ userId: user.id, accountId: account.id, clientId: clientId ?? undefined, caseId },
    details: { product_id: product.id, request_id: id },
  });
  return { ...request, state, decidedAt };
}

function recipientOf({ user: { email, locale } }: SeatRequest) {
  return { recipient: email, locale: locale ?? 'en' };
}

/** Where the person starts a sign-in, with the address filled in (OpenID Connect Core §4). */
async function findStart(tx: Tx, { clientId, user }: SeatRequest): Promise<string | null> {
  const client = clientId === null ? undefined : await findClient(tx.db, clientId);
  const start = client?.initiateLoginUri ?? client?.homeUri;
  if (!start) return null;
  const url = new URL(start);
  url.searchParams.set('login_hint', user.email);
  return url.href;
}

export interface LinkedSeatRequest extends SeatRequest {
  /** Until when the link works. */
  readonly expiresAt: Date;
  /** Seats of the subscription that this person could have. */
  readonly freeSeats: number;
}

/** What a mailed link is for, decided or not; undefined when it is dead, or its holder is no admin any more. Consumes nothing. */
export async function findLinkedSeatRequest(
  ctx: Context,
  token: string,
): Promise<LinkedSeatRequest | undefined> {
  const link = await findLink(ctx.db, hashToken(token), ctx.now());
  const request = link && (await findSeatRequest(ctx.db, link));
  if (!request) return undefined;
  const place = { accountId: request.account.id, productId: request.product.id, userId: request.user.id };
  return { ...request, expiresAt: link.expiresAt, freeSeats: await countFreeSeats(ctx.db, place, ctx.now()) };
}

export type SeatDecision = 'grant' | 'refuse';

/**
 * Decides by a mailed link, in the name of the admin it was mailed to. Failures `link_expired` (it is dead, its holder is
 * no admin any more, or somebody has decided already) and `no_free_seat`; nothing is consumed then.
 */
export async function decideLinkedSeatRequest(
  tx: Tx,
  { token, decision }: { readonly token: string; readonly decision: SeatDecision },
): Promise<SeatRequest> {
  const link = await findLink(tx.db, hashToken(token), tx.now());
  const request = link && (await lockSeatRequest(tx, link));
  if (!link || request?.state !== 'open') throw new Failure('link_expired');
  const { accountId, id, adminId } = link;
  const acting: Tx = { ...tx, origin: { ...tx.origin, actorId: adminId } };
  const decide = decision === 'grant' ? grantSeatRequest : refuseSeatRequest;
  return decide(acting, { accountId, id });
}
