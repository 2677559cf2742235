/** What the social providers have in common here, and where each may differ. */
import type { IncomingHttpHeaders } from 'node:http';
import { SignJWT } from 'jose';
import { z } from 'zod';
import type { SocialProvider } from '../../core/identities/identities.ts';
import { addSeconds, minute } from '../../kernel/time.ts';
import { elsewhere, oidcClient } from './addresses.ts';
import { type Fault, skewSeconds } from './faults.ts';
import { type KeyRing, keySetOf } from './keys.ts';
import type { SocialAccount } from './social-accounts.ts';

export type Fields = Readonly<Record<string, string>>;

const text = (most: number) => z.string().max(most).optional();

/** All that is understood in an address: of an authorization request, and of a question with a token. */
export const query = z.object({
  client_id: text(100),
  redirect_uri: text(1000),
  response_type: text(40),
  response_mode: text(40),
  scope: text(400),
  state: text(1000),
  nonce: text(1000),
  code_challenge: text(200),
  code_challenge_method: text(10),
  prompt: text(40),
  max_age: text(10),
  login_hint: text(254),
  auth_type: text(40),
  fields: text(200),
  appsecret_proof: text(100),
  access_token: text(100),
});
export type Query = z.output<typeof query>;

export interface Answer {
  readonly status: number;
  readonly body: object;
}

/** Somebody who has said who they are, for one request. */
export interface Grant {
  readonly provider: SocialProvider;
  readonly account: SocialAccount;
  readonly signedInAt: Date;
  readonly fault: Fault | undefined;
  /** The authorization request. */
  readonly query: Query;
}

/** What a token is made with. */
export interface Mint {
  /** The provider's address. */
  readonly base: string;
  readonly keys: KeyRing;
  readonly now: Date;
  readonly accessToken: string;
}

/** What a program asks, with a token or without one. */
export interface Question extends Omit<Mint, 'accessToken'> {
  readonly query: Query;
  readonly headers: IncomingHttpHeaders;
  /** Of an access token of this provider. */
  readonly grantOf: (token: string) => Grant | undefined;
}

export type TokenError = 'invalid_client' | 'invalid_grant' | 'unsupported_grant_type';

export interface Dialect {
  readonly authorizeAt: string;
  readonly tokenAt: string;
  /** What else it answers, by path. */
  readonly documents: Readonly<Record<string, (question: Question) => Answer | Promise<Answer>>>;
  /** Its own objections to an authorization request. */
  readonly objectsTo?: (query: Query) => string | undefined;
  /** Whether somebody who signed in so many seconds ago is to say again who they are. */
  readonly asksAgain?: (query: Query, age: number) => boolean;
  /** Who it says it is beside its answers. */
  readonly issuerOf?: (base: string) => string;
  /** What comes beside a code; `isFirst` when this account has never been here before. */
  readonly beside?: (grant: Grant, isFirst: boolean) => Fields;
  /** Its words for somebody who has changed their mind. */
  readonly cancelled: Fields;
  /** It adds one on the way back. */
  readonly fragment?: string;
  /** What it does with a `code_verifier`. */
  readonly verifier: 'checked' | 'refused' | 'ignored';
  /** Instead of the secret that is the same for all. */
  readonly isSecret?: (secret: string, of: Pick<Mint, 'base' | 'now'>) => Promise<boolean>;
  readonly complain: (error: TokenError) => Answer;
  /** Answers at `tokenAt` are forms, unless JSON is asked for. */
  readonly writesForms?: true;
  readonly tokensFor: (grant: Grant, mint: Mint) => Promise<object>;
}

/** @see RFC 6749 §5.2 */
export function complain(error: TokenError): Answer {
  return { status: error === 'invalid_client' ? 401 : 400, body: { error } };
}

export function scopesOf({ scope = '' }: Query): string[] {
  return scope.split(/[ ,]+/);
}

/** The address, where there is one, it was asked for and nothing is wrong with that. */
export function emailIn({ account, fault, query: asked }: Grant, scope = 'email') {
  const { email, isVerified } = account;
  if (email === undefined || fault === 'missing_email' || !scopesOf(asked).includes(scope)) return undefined;
  return { email, isVerified: isVerified && fault !== 'unverified_email' };
}

/** With nonce, issuer, audience and times, of which one may be wrong. @see OpenID Connect Core §2 */
export async function signIdToken(
  claims: object,
  { query: asked, fault }: Grant,
  { issuer, keys, now }: Pick<Mint, 'keys' | 'now'> & { readonly issuer: string },
): Promise<string> {
  const issuedAt = addSeconds(now, fault === 'skewed_clock' ? -skewSeconds : 0);
  const nonce = fault === 'wrong_nonce' ? elsewhere : asked.nonce;
  const { kid, privateKey } = await keys.keyFor(undefined);
  return new SignJWT({ ...claims, ...(asked.nonce !== undefined && { nonce }) })
    .setProtectedHeader({ alg: 'RS256', kid })
    .setIssuer(fault === 'wrong_issuer' ? elsewhere : issuer)
    .setAudience(fault === 'wrong_audience' ? elsewhere : oidcClient.id)
    .setIssuedAt(issuedAt)
    .setExpirationTime(addSeconds(issuedAt, 5 * minute))
    .sign(privateKey);
}

/** The key set as it is, or with other members in each key. */
export async function keysDocument(
  { keys }: Question,
  change: (key: object) => object = (key) => key,
): Promise<Answer> {
  const set = await keySetOf(keys);
  return { status: 200, body: { keys: set.keys.map(change) } };
}

export interface Places {
  readonly issuer: string;
  readonly authorizeAt: string;
  readonly tokenAt: string;
  readonly keysAt: string;
}

/** @see OpenID Connect Discovery §3 */
export function discovery({ base }: Question, places: Places, more: object = {}): Answer {
  const body = {
    issuer: places.issuer,
    authorization_endpoint: `${base}/${places.authorizeAt}`,
    token_endpoint: `${base}/${places.tokenAt}`,
    jwks_uri: `${base}/${places.keysAt}`,
    response_types_supported: ['code'],
    subject_types_supported: ['public', 'pairwise'],
    id_token_signing_alg_values_supported: ['RS256'],
    ...more,
  };
  return { status: 200, body };
}
