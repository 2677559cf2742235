/** What the things that were issued rest on, as part of the statement that finds one: its grant, its session, its facts. */
import { type RawBuilder, sql } from 'kysely';
import { selectAccessFacts } from '../core/access/access.ts';
import type { Evidence } from '../core/credentials/credentials.ts';
import type { Db } from '../db/connect.ts';
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
    left join grants granted on granted.id = token.grant_id and granted.expires_at > ${now}
    left join sessions browser on browser.uid = token.payload->>'sessionUid' and browser.expires_at > ${now}`;
}

export interface TokenColumns extends GrantColumns {
  readonly isRevoked: boolean;
}

/** What a JWT access token rests on, of which nothing is stored but that it was revoked. By artifacts_pkey and grants_pkey. */
export async function findTokenStanding(
  db: Db,
  { jtiHash, grantId }: { readonly jtiHash: Buffer; readonly grantId: string | undefined },
  now: Date,
): Promise<TokenColumns | undefined> {
  const result = await sql<TokenColumns>`
    select exists (select from artifacts where model = 'RevokedAccessToken' and id_hash = ${jtiHash}
      and expires_at > ${now}) as is_revoked, ${grantColumns}, ${grantFacts}
    from (select ${grantId ?? null}::text as id) token
    left join grants granted on granted.id = token.id and granted.expires_at > ${now}`.execute(db);
  return result.rows[0];
}

/** What an authorization of a session by this client rests on: its grant, and the facts about its user and the client. */
export function sessionStanding(clientId: string | undefined): RawBuilder<unknown> {
  const facts = selectAccessFacts(sql`browser.user_id`, sql`${clientId ?? null}::text`);
  return sql`${grantColumns}, granted.id as grant_id, ${facts} as facts`;
}

/** To be joined to `browser`. By grants_pkey. */
export function joinSessionStanding(clientId: string | undefined, now: Date): RawBuilder<unknown> {
  return sql`
    left join grants granted on granted.expires_at > ${now}
      and granted.id = browser.payload->'authorizations'->${clientId ?? null}::text->>'grantId'`;
}
