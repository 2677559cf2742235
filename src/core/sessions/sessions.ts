/**
 * Sessions: signed-in browsers, and what was issued on them. They end by themselves (idle, absolute), by signing out, or
 * by an operation here; what has ended stays ended on every replica, and the clients of it are told.
 */
import type { Tx } from '../../context.ts';
import type { Db } from '../../db/connect.ts';
import { Failure } from '../../kernel/failures.ts';
import type { AccountId, UserId } from '../../kernel/ids.ts';
import { recordEvent } from '../audit/audit.ts';
import type { Evidence } from '../credentials/credentials.ts';
import { endAccess, endEverything, tellClients } from './end-access.ts';
import {
  type CompanySessions,
  deleteGrants,
  deleteSession,
  deleteSessionsInAccount,
  deleteSessionsResting,
  type EndedSession,
  selectSessionsOfUser,
} from './queries.ts';

export { type AccessEnd, endAccess } from './end-access.ts';
export {
  claimLogoutNotices,
  countPendingLogoutNotices,
  enqueueLogoutNotice,
  type LogoutNotice,
  type PendingNotices,
  settleLogoutNotice,
} from './logout-notices.ts';

/** A signed-in browser, as its owner is shown it. The id is a name and no secret: nobody signs in with it. */
export interface SessionSummary {
  readonly id: string;
  readonly accountId: AccountId | null;
  /** How and when it was proven who this is. */
  readonly evidence: readonly Evidence[];
  /** The clients that were entered with it. */
  readonly clientIds: readonly string[];
  /** What each of them calls it (OpenID Connect Back-Channel Logout §2.1). */
  readonly sids: Readonly<Record<string, string | undefined>>;
  readonly createdAt: Date;
  readonly expiresAt: Date;
}

/** The user's live sessions, newest first. */
export async function listSessions(db: Db, userId: UserId, now: Date): Promise<SessionSummary[]> {
  const rows = await selectSessionsOfUser(db, userId, now);
  return rows.map(({ uid, authorizations, evidence, ...row }) => ({
    ...row,
    id: uid,
    evidence: evidence ?? [],
    clientIds: Object.keys(authorizations ?? {}),
    sids: Object.fromEntries(
      Object.entries(authorizations ?? {}).map(([clientId, { sid }]) => [clientId, sid] as const),
    ),
  }));
}

/**
 * Ends one session of this user, with what was issued on it; what the person granted for offline use lives on. Failure
 * `not_found` for one that has ended, and for somebody else's.
 */
export async function endSession(
  tx: Tx,
  { userId, id }: { readonly userId: UserId; readonly id: string },
): Promise<void> {
  const ended = await deleteSession(tx, { userId, uid: id });
  if (!ended) throw new Failure('not_found');
  await endHeld(tx, userId, ended);
  await recordEvent(tx, {
    type: 'session.ended',
    userId,
    details: { reason: 'ended_by_person', sessions: 1 },
  });
}

/** Ends every session of a user, with every code, token and refresh token, offline ones included. Idempotent. */
export async function endSessionsOfUser(tx: Tx, userId: UserId, reason: string): Promise<void> {
  const { sessions, grants } = await endEverything(tx, userId);
  if (sessions === 0 && grants === 0) return;
  await recordEvent(tx, { type: 'session.ended', userId, details: { reason, sessions } });
}

/** Signs a user out of an account: the sessions begun for it end, and whatever was issued on it. Idempotent. */
export async function endSessionsInAccount(
  tx: Tx,
  {
    accountId,
    userId,
    reason,
  }: { readonly accountId: AccountId; readonly userId: UserId; readonly reason: string },
): Promise<void> {
  const ended = await deleteSessionsInAccount(tx, { accountId, userId });
  // on the account's own trail: an admin who signs somebody out must not be able to do so unseen
  await settleEnded(tx, ended, { accountId, details: { reason } });
  await endAccess(tx, { accountId, userId, reason });
}

/**
 * Ends what rests on a connection, because the identity provider says that the person has signed out there (OpenID
 * Connect Back-Channel Logout 1.0 §2.6). What was granted for offline use lives on, as when they sign out here.
 */
export async function endSessionsOfConnection(
  tx: Tx,
  { connectionId, userId, sessionId }: CompanySessions,
): Promise<void> {
  const on = { connectionId, ...(sessionId !== undefined && { sessionId }) };
  const ended = await deleteSessionsResting(tx, { userId, on });
  const details = { reason: 'signed_out_at_company', connection_id: connectionId };
  await settleEnded(tx, ended, { details });
}

/** Ends a user's sessions that rest on an identity they brought themself. */
export async function endSessionsOfProvider(
  tx: Tx,
  { provider, userId }: { readonly provider: string; readonly userId: UserId },
): Promise<void> {
  const ended = await deleteSessionsResting(tx, { userId, on: { provider } });
  await settleEnded(tx, ended, { details: { reason: 'ended_at_provider', provider } });
}

async function settleEnded(
  tx: Tx,
  ended: readonly (EndedSession & { readonly userId: UserId | null })[],
  {
    accountId,
    details,
  }: { readonly accountId?: AccountId; readonly details: Readonly<Record<string, string>> },
): Promise<void> {
  for (const { userId, ...session } of ended) {
    if (userId === null) continue;
    await endHeld(tx, userId, session);
    await recordEvent(tx, { type: 'session.ended', userId, accountId, details: { ...details, sessions: 1 } });
  }
}

/** Ends what a session held that has just been deleted, and tells the clients of it. */
export async function endHeld(tx: Tx, userId: UserId, session: EndedSession): Promise<void> {
  const grants = boundGrants(session);
  if (grants.length > 0) await deleteGrants(tx, grants);
  await tellClients(tx, userId, [session]);
}

/** What ends with a session. */
function boundGrants({ authorizations }: EndedSession): string[] {
  return Object.values(authorizations ?? {})
    .filter(({ persistsLogout }) => persistsLogout !== true)
    .flatMap(({ grantId }) => grantId ?? []);
}
