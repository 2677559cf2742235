import type { Tx } from '../../context.ts';
import type { UserId } from '../../kernel/ids.ts';
import { recordEvent } from '../audit/audit.ts';
import { type AccessScope, hasLiveMembership, leaveClients, selectGrantsResting } from './access-queries.ts';
import { enqueueLogoutNotices } from './logout-notices.ts';
import { deleteGrants, deleteGrantsOfUser, deleteSessionsOfUser, type EndedSession } from './queries.ts';

export interface AccessEnd extends AccessScope {
  /** For the audit trail: `seat_revoked`. */
  readonly reason: string;
}

/**
 * Ends what was issued on an account, or the part of it that is named, at once and everywhere: codes, tokens and refresh
 * tokens, offline ones included; and tells the clients. The sessions live on, for what else they reach; those of a named
 * user whom no account lets in any more end. A handful of statements, however many people it is about. Idempotent. Call it
 * after the change that takes the access away, in its transaction.
 */
export async function endAccess(tx: Tx, { reason, ...scope }: AccessEnd): Promise<void> {
  const { accountId, userId, productId } = scope;
  const isOut = userId !== undefined && !(await hasLiveMembership(tx.db, userId));
  const { grants, sessions } = isOut ? await endEverything(tx, userId) : await endResting(tx, scope);
  if (grants === 0 && sessions === 0) return;
  // alike for whoever is in elsewhere and whoever is not: that is not the account's to know
  const details = { reason, sessions, grants, ...(productId && { product_id: productId }) };
  await recordEvent(tx, { type: 'session.ended', userId, accountId, details });
}

/** How many grants and sessions it was about. */
interface Ended {
  readonly grants: number;
  readonly sessions: number;
}

async function endResting(tx: Tx, scope: AccessScope): Promise<Ended> {
  const grants = await selectGrantsResting(tx.db, scope);
  if (grants.length === 0) return { grants: 0, sessions: 0 };
  // sessions before grants: the order in which a sign-in writes them
  const left = await leaveClients(tx, grants);
  await deleteGrants(
    tx,
    grants.map(({ id }) => id),
  );
  const notices = left.flatMap(({ clientId, userId, sid }) =>
    sid === null ? [] : { clientId, userId, sid },
  );
  await enqueueLogoutNotices(tx, notices);
  return { grants: grants.length, sessions: new Set(left.map(({ uid }) => uid)).size };
}

/** Every session of a user and every grant, and tells the clients. */
export async function endEverything(tx: Tx, userId: UserId): Promise<Ended> {
  const sessions = await deleteSessionsOfUser(tx, userId);
  const grants = await deleteGrantsOfUser(tx, userId);
  await tellClients(tx, userId, sessions);
  return { grants, sessions: sessions.length };
}

export async function tellClients(tx: Tx, userId: UserId, sessions: readonly EndedSession[]): Promise<void> {
  const notices = sessions.flatMap(({ authorizations }) =>
    Object.entries(authorizations ?? {}).flatMap(([clientId, { sid }]) =>
      sid === undefined ? [] : { clientId, userId, sid },
    ),
  );
  await enqueueLogoutNotices(tx, notices);
}
