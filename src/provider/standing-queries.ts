/** What the things that were issued rest on, as part of the statement that finds one: its grant, its session, its facts. */
import { type RawBuilder, sql } from 'kysely';
import { selectAccessFacts } from '../core/access/access.ts';
import type { Evidence } from '../core/credentials/credentials.ts';
import { asBytea, asTable, type Placed, shareStatement } from '../db/together.ts';
import type { AccountId, UserId } from '../kernel/ids.ts';
import type { Payload } from './copy-json.ts';

/** Null where there is no such grant or session (any more). */
export interface StandingColumns extends GrantColumns {
  readonly sessionUid: string | null;
  readonly sessionIdHash: Buffer | null;
  readonly sessionAccountId: AccountId | null;
  readonly sessionEvidence: readonly Evidence[] | null;
  readonly sessionPayload: Payload | null;
}

export interface GrantColumns {
  readonly grantUserId: UserId | null;
  readonly grantClientId: string | null;
  readonly grantAccountId: AccountId | null;
  readonly grantEvidence: readonly Evidence[] | null;
  readonly grantPayload: Payload | null;
  /** What an access decision on the grant rests on. */
  readonly facts: string | null;
}

const grantColumns = sql`granted.user_id as grant_user_id, granted.client_id as grant_client_id,
  granted.account_id as grant_account_id, granted.evidence as grant_evidence, granted.payload as grant_payload`;

const grantFacts = sql`${selectAccessFacts(sql`granted.user_id`, sql`granted.client_id`)} as facts`;

export const standingColumns: RawBuilder<unknown> = sql`${grantColumns}, browser.uid as session_uid,
  browser.id_hash as session_id_hash, browser.account_id as session_account_id,
  browser.evidence as session_evidence, browser.payload as session_payload, ${grantFacts}`;

/** To be joined to a `token` with a grant and a payload. By grants_pkey and sessions_uid_key. */
export function joinStanding(now: Date): RawBuilder<unknown> {
  return sql`
    ${joinGrant(sql`token.grant_id`, now)}
    left join lateral (select * from sessions where uid = token.payload->>'sessionUid' limit 1) browser
      on browser.expires_at > ${now}`;
}

export interface TokenColumns extends GrantColumns {
  readonly isRevoked: boolean;
}

export interface TokenKey {
  readonly jtiHash: Buffer;
  readonly grantId: string | undefined;
}

/** What a JWT access token rests on, of which nothing is stored but that it was revoked. By artifacts_pkey and grants_pkey. */
export const findTokenStanding = shareStatement(async (db, tokens: readonly TokenKey[], now) => {
  const table = asTable(
    tokens.map(({ jtiHash, grantId }) => ({ jti_hash: asBytea(jtiHash), grant_id: grantId })),
  );
  const result = await sql<TokenColumns & Placed>`
    select asked.place, exists (select from artifacts where model = 'RevokedAccessToken'
      and id_hash = asked.jti_hash and expires_at > ${now}) as is_revoked, ${grantColumns}, ${grantFacts}
    from json_to_recordset(${table}) as asked (place int, jti_hash bytea, grant_id text)
    ${joinGrant(sql`asked.grant_id`, now)}`.execute(db);
  return result.rows;
});

/** What an authorization of a `browser` by `asked.client_id` rests on: its grant, and the facts about its user and the client. */
export const sessionStanding = sql`${grantColumns}, granted.id as grant_id,
  ${selectAccessFacts(sql`browser.user_id`, sql`asked.client_id`)} as facts`;

/** To be joined to both. By grants_pkey. */
export function joinSessionStanding(now: Date): RawBuilder<unknown> {
  return joinGrant(sql`browser.payload->'authorizations'->asked.client_id->>'grantId'`, now);
}

function joinGrant(id: RawBuilder<unknown>, now: Date): RawBuilder<unknown> {
  return sql`left join lateral (select * from grants where id = ${id} limit 1) granted
    on granted.expires_at > ${now}`;
}
