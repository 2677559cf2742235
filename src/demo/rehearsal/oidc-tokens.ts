/** What the OpenID provider of Initech says of somebody: claims, signed. */
import { SignJWT } from 'jose';
import { addSeconds, minute } from '../../kernel/time.ts';
import { newToken } from '../../kernel/tokens.ts';
import { elsewhere, oidcClient } from './addresses.ts';
import type { IdpSession } from './browsers.ts';
import { type Fault, skewSeconds } from './faults.ts';
import type { KeyRing } from './keys.ts';
import { subjectOf } from './people.ts';

/** Somebody who has signed in, and what was wrong while they did. */
export interface Grant {
  readonly session: IdpSession;
  readonly fault: Fault | undefined;
  readonly nonce: string | undefined;
}

export interface Signing {
  readonly issuer: string;
  readonly keys: KeyRing;
  readonly now: Date;
}

/** @see OpenID Connect Core §2, §5.1 */
export function profileOf({ session: { person }, fault }: Omit<Grant, 'nonce'>, issuer: string) {
  const { email, name, groups } = person;
  return {
    sub: subjectOf(person, issuer),
    ...(fault !== 'missing_email' && { email, email_verified: true }),
    name,
    groups,
  };
}

export async function signIdToken(grant: Grant, { issuer, keys, now }: Signing): Promise<string> {
  const { session, fault, nonce } = grant;
  const behind = fault === 'skewed_clock' ? -skewSeconds : 0;
  const issuedAt = addSeconds(now, behind);
  const { kid, privateKey } = await keys.keyFor(fault);
  return new SignJWT({
    ...profileOf(grant, issuer),
    ...(nonce !== undefined && { nonce }),
    auth_time: seconds(addSeconds(session.at, behind)),
    amr: ['pwd'],
    sid: session.sid,
  })
    .setProtectedHeader({ alg: 'RS256', kid })
    .setIssuer(fault === 'wrong_issuer' ? elsewhere : issuer)
    .setAudience(fault === 'wrong_audience' ? elsewhere : oidcClient.id)
    .setIssuedAt(issuedAt)
    .setExpirationTime(addSeconds(issuedAt, 5 * minute))
    .sign(privateKey);
}

/** @see OpenID Connect Back-Channel Logout 1.0 §2.4 */
export async function signLogoutToken(session: IdpSession, { issuer, keys, now }: Signing): Promise<string> {
  const { kid, privateKey } = await keys.keyFor(undefined);
  return new SignJWT({
    sid: session.sid,
    events: { 'http://schemas.openid.net/event/backchannel-logout': {} },
  })
    .setProtectedHeader({ alg: 'RS256', kid, typ: 'logout+jwt' })
    .setIssuer(issuer)
    .setSubject(subjectOf(session.person, issuer))
    .setAudience(oidcClient.id)
    .setIssuedAt(now)
    .setExpirationTime(addSeconds(now, 2 * minute))
    .setJti(newToken().token)
    .sign(privateKey);
}

export function seconds(at: Date): number {
  return Math.floor(at.getTime() / 1000);
}
