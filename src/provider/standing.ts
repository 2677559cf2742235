/** What was read together with a thing is remembered, so that whoever in the request asks for it asks nobody else. */
import { readAccessFacts } from '../core/access/access.ts';
import { grantKey, sessionKey } from './row-key.ts';
import type { GrantRow } from './queries.ts';
import type { SessionRow } from './session-queries.ts';
import type { GrantColumns, StandingColumns } from './standing-queries.ts';
import { rememberRow, type Unit } from './unit-of-work.ts';

/** The grant and the session that a token or a code names; also that they are gone. */
export function rememberStanding(
  unit: Unit,
  token: { readonly grantId: string | null; readonly payload: Readonly<Record<string, unknown>> },
  row: StandingColumns,
): void {
  if (token.grantId === null) return;
  rememberGrant(unit, token.grantId, row);
  const { sessionUid: uid } = token.payload;
  if (typeof uid === 'string') rememberRow(unit, sessionKey(uid), sessionOf(row));
}

/** The grant, and what an access decision on it rests on. */
export function rememberGrant(unit: Unit, grantId: string, row: GrantColumns): void {
  const { grantPayload: payload, grantAccountId: accountId, grantEvidence: evidence } = row;
  const grant = payload === null ? undefined : ({ payload, accountId, evidence } satisfies GrantRow);
  rememberRow(unit, grantKey(grantId), grant);
  const { grantUserId: userId, grantClientId: clientId, facts } = row;
  if (userId !== null && clientId !== null) rememberFacts(unit, { userId, clientId }, facts);
}

export function rememberFacts(
  unit: Unit,
  { userId, clientId }: { readonly userId: string; readonly clientId: string },
  facts: string | null,
): void {
  unit.facts.set(factsKey(userId, clientId), Promise.resolve(readAccessFacts(facts)));
}

export function factsKey(userId: string, clientId: string): string {
  return `${userId} ${clientId}`;
}

function sessionOf(row: StandingColumns): SessionRow | undefined {
  const { sessionUid: uid, sessionIdHash: idHash, sessionPayload: payload } = row;
  if (uid === null || idHash === null || payload === null) return undefined;
  return { idHash, uid, payload, accountId: row.sessionAccountId, evidence: row.sessionEvidence };
}
