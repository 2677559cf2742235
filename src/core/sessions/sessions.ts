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
import { enqueueLogoutNotices } from './logout-notices.ts';
import {
  type CompanySessions,
  deleteGrants,
  deleteGrantsOfUser,
  deleteSession,
  deleteSessionsOfUser,
  deleteSessionsResting,
  type EndedSession,
  selectSessionsOfUser,
} from './queries.ts';

export {
  claimLogoutNotices,
  enqueueLogoutNotice,
  type LogoutNotice,
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
  await deleteGrants(tx, boundGrants(ended));
  await tellClients(tx, userId, [ended]);
  await recordEvent(tx, {
    type: 'session.ended',
    userId,
    details: { reason: 'ended_by_person', sessions: 1 },
  });
}

/** Ends every session of a user, with every code, token and refresh token, offline ones included. Idempotent. */
export async function endSessionsOfUser(tx: Tx, userId: UserId, reason: string): Promise<void> {
  const sessions = await deleteSessionsOfUser(tx, userId);
  const grants = await deleteGrantsOfUser(tx, userId);
  await tellClients(tx, userId, sessions);
  if (sessions.length === 0 && grants === 0) return;
  await recordEvent(tx, { type: 'session.ended', userId, details: { reason, sessions: sessions.length } });
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
  await settleEnded(tx, ended, { reason: 'signed_out_at_company', connection_id: connectionId });
}

/** Ends a user's sessions that rest on an identity they brought themself. */
export async function endSessionsOfProvider(
  tx: Tx,
  { provider, userId }: { readonly provider: string; readonly userId: UserId },
): Promise<void> {
  const ended = await deleteSessionsResting(tx, { userId, on: { provider } });
  await settleEnded(tx, ended, { reason: 'ended_at_provider', provider });
}

async function settleEnded(
  tx: Tx,
  ended: readonly (EndedSession & { readonly userId: UserId | null })[],
  details: Readonly<Record<string, string>>,
): Promise<void> {
  for (const { userId, ...session } of ended) {
    if (userId === null) continue;
    await deleteGrants(tx, boundGrants(session));
    await tellClients(tx, userId, [session]);
    await recordEvent(tx, { type: 'session.ended', userId, details: { ...details, sessions: 1 } });
  }
}

/** What ends with a session. */
function boundGrants({ authorizations }: EndedSession): string[] {
  return Object.values(authorizations ?? {})
    .filter(({ persistsLogout }) => persistsLogout !== true)
    .flatMap(({ grantId }) => grantId ?? []);
}

async function tellClients(tx: Tx, userId: UserId, sessions: readonly EndedSession[]): Promise<void> {
  const notices = sessions.flatMap(({ authorizations }) =>
    Object.entries(authorizations ?? {}).flatMap(([clientId, { sid }]) =>
      sid === undefined ? [] : { clientId, userId, sid },
    ),
  );
  await enqueueLogoutNotices(tx, notices);
}
