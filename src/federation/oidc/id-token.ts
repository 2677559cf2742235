/** What the library leaves to us of an ID token. Its signature, issuer, audience, nonce and end were checked before. */
import type { Refusal } from '../../core/attempts/attempts.ts';
import type { OidcSettings } from '../../core/connections/connections.ts';
import { day, minute } from '../../kernel/time.ts';
import type { Claims } from './identity.ts';
import { isOfTenant } from './tenants.ts';

/** Issued for this sign-in, and so a moment ago. */
const ageSeconds = 10 * minute;
const aheadSeconds = minute;
/** Longer than any provider's tokens live: what lives for years was not made with care. */
const lifeSeconds = 31 * day;

export interface Expected {
  readonly settings: OidcSettings;
  /** Those it may name: where the response has named one, only that one. */
  readonly issuers: readonly string[];
  readonly now: Date;
  /** RFC 3339: no proof before this moment will do; undefined when it was not asked for. */
  readonly notBefore: string | undefined;
}

/** Why the token is not for us, not of now or not of the right company; undefined when it is. */
export function judgeIdToken(claims: Claims, expected: Expected): Refusal | undefined {
  const { settings, issuers, now, notBefore } = expected;
  const unfit = judgeMaking(claims, { clientId: settings.clientId, now });
  if (unfit) return unfit;
  if (!isOfTenant(claims, settings)) return { refused: 'oidc_tenant' };
  if (!issuers.some((issuer) => issuer === claims['iss'])) return { refused: 'oidc_issuer', detail: 'iss' };
  if (claims['auth_time'] === undefined && notBefore === undefined) return undefined;
  // asked to prove it again, and answered without: the session there is older than what was asked for
  return judgeProof(claims, { now, notBefore });
}

/** Why it was not made for this client, for a person and a moment ago; undefined when it was. */
export function judgeMaking(
  { azp, sub, iat, exp }: Claims,
  { clientId, now }: { readonly clientId: string; readonly now: Date },
): Refusal | undefined {
  const seconds = now.getTime() / 1000;
  // the library compares it only beside a second audience: alone it names a client that lent its token
  if (azp !== undefined && azp !== clientId) return { refused: 'oidc_id_token', detail: 'azp' };
  // OpenID Connect Core §2: at most 255 characters
  if (typeof sub !== 'string' || sub === '' || sub.length > 255)
    return { refused: 'oidc_subject', detail: 'sub' };
  if (!isBetween(iat, seconds - ageSeconds, seconds + aheadSeconds))
    return { refused: 'oidc_id_token', detail: 'iat' };
  if (!isBetween(exp, 0, seconds + lifeSeconds)) return { refused: 'oidc_id_token', detail: 'exp' };
  return undefined;
}

/** Why the person's proof is older than was asked for; undefined when it is not. */
export function judgeProof(
  { auth_time: authTime }: Claims,
  { now, notBefore }: Pick<Expected, 'now' | 'notBefore'>,
): Refusal | undefined {
  const earliest = notBefore === undefined ? 0 : Date.parse(notBefore) / 1000 - aheadSeconds;
  return isBetween(authTime, earliest, now.getTime() / 1000 + aheadSeconds)
    ? undefined
    : { refused: 'oidc_id_token', detail: 'auth_time' };
}

function isBetween(value: unknown, least: number, most: number): boolean {
  return typeof value === 'number' && value >= least && value <= most;
}
