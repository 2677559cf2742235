/** What the suite checks of every answer it gets, whatever module it is in. */
import { createHash } from 'node:crypto';
import { decodeProtectedHeader, type JWTPayload, jwtVerify } from 'jose';
import type { Test } from 'tap';
import type { Answer } from '../support/agent.ts';
import type { Arrival, SuiteClient } from './suite-client.ts';
import type { Suite } from './suite.ts';

/** The suite's own tolerance for clocks. */
const skewSeconds = 5 * 60;
/** RFC 6749 appendix A: what an error and its description may consist of. */
const nqschar = /^[\x20-\x21\x23-\x5b\x5d-\x7e]+$/;
const vschar = /^[\x20-\x7e]+$/;

function now(): number {
  return Math.floor(Date.now() / 1000);
}

/** An authorization response that succeeds, by the response mode that was asked for and with nothing that was not. */
export function checkResponse(t: Test, { responseMode, issuer }: Suite, { asked, callback }: Arrival): void {
  t.equal(callback?.method, responseMode === 'form_post' ? 'POST' : 'GET', 'by the way that was asked for');
  const { params } = callback ?? { params: new URLSearchParams() };
  t.same([...params.keys()].sort(), ['code', 'iss', 'state']);
  t.equal(params.get('state'), asked.state);
  t.equal(params.get('iss'), issuer, 'RFC 9207');
}

/** OpenID Connect Core §3.1.2.6: an error comes with the state and nothing that a client could take for success. */
export function checkError(
  t: Test,
  { responseMode, issuer }: Suite,
  {
    callback,
    state,
    codes,
  }: Pick<Arrival, 'callback'> & { readonly state: string | null; readonly codes: readonly string[] },
): void {
  t.equal(callback?.method, responseMode === 'form_post' ? 'POST' : 'GET', 'by the way that was asked for');
  const { params } = callback ?? { params: new URLSearchParams() };
  t.ok(codes.includes(params.get('error') ?? ''), `${params.get('error')} is one of ${codes.join(', ')}`);
  t.equal(params.get('state'), state);
  t.equal(params.get('iss'), issuer, 'RFC 9207');
  const unexpected = [...params.keys()].filter(
    (name) => !['error', 'error_description', 'error_uri', 'state', 'iss'].includes(name),
  );
  t.same(unexpected, []);
  if (params.has('error_description')) t.match(params.get('error_description'), nqschar);
}

/** What the server says on a page of its own, because it may not send the browser to that client. */
export function checkPage(t: Test, { callback, answer }: Pick<Arrival, 'callback' | 'answer'>): void {
  t.equal(callback, undefined);
  t.same([answer.status, answer.location], [400, undefined]);
  t.match(answer.headers.get('content-type'), /^text\/html/);
}

/** RFC 6749 §5.2 */
export function checkTokenError(t: Test, answer: Answer, code: string): void {
  t.equal(answer.status, 400);
  t.match(answer.headers.get('content-type'), /^application\/json/);
  const { error, error_description: description = ' ' } = answer.json();
  t.equal(error, code);
  t.match(description, nqschar);
}

/** RFC 6749 §5.1 */
export function checkTokens(t: Test, tokens: Readonly<Record<string, unknown>>): void {
  t.match(tokens['token_type'], /^bearer$/i);
  t.ok(Number.isInteger(tokens['expires_in']) && Number(tokens['expires_in']) > 0);
  for (const name of ['access_token', 'refresh_token']) {
    const value = tokens[name] as string | undefined;
    if (value === undefined) continue;
    t.match(value, vschar, name);
    t.ok(value.length >= 32, `${name} cannot be guessed`);
  }
}

/** OpenID Connect Core §3.1.3.7, beyond what the relying party has checked already. */
export async function checkIdToken(
  t: Test,
  { app, issuer, keys }: Suite,
  token: {
    readonly idToken: string | undefined;
    readonly accessToken: string;
    readonly nonce: string | undefined;
    readonly client: SuiteClient;
  },
): Promise<JWTPayload> {
  const { idToken = '', accessToken, nonce, client } = token;
  const { clientId: audience } = client.registered;
  const rules = { issuer, audience, algorithms: ['RS256'], clockTolerance: skewSeconds };
  const { payload, protectedHeader } = await jwtVerify(idToken, keys, rules);
  t.type(protectedHeader.kid, 'string');
  t.equal(payload['nonce'], nonce);
  t.match(payload.sub, /^[\x21-\x7e]{1,255}$/);
  t.match(payload, { iat: Number, exp: Number, auth_time: Number, acr: String });
  t.ok((payload.exp ?? 0) > (payload.iat ?? 0));
  t.ok((payload.iat ?? 0) <= now() + skewSeconds && (payload.iat ?? 0) > now() - skewSeconds);
  // by the clock of the service, which a module may have moved; the times of the token itself are by the process's
  t.ok(Number(payload['auth_time']) <= app.ctx.now().getTime() / 1000 + skewSeconds);
  t.ok(payload['azp'] === undefined || payload['azp'] === audience);
  t.ok(payload['at_hash'] === undefined || payload['at_hash'] === halfHash(accessToken));
  checkClaims(t, payload);
  return payload;
}

/** OpenID Connect Core §3.1.3.6 */
function halfHash(accessToken: string): string {
  return createHash('sha256').update(accessToken).digest().subarray(0, 16).toString('base64url');
}

export function headerOf(idToken: string | undefined): { alg?: string; kid?: string } {
  return decodeProtectedHeader(idToken ?? '');
}

const texts = ['sub', 'name', 'given_name', 'family_name', 'middle_name', 'nickname', 'preferred_username'];
const moreTexts = ['profile', 'picture', 'website', 'email', 'gender', 'birthdate', 'zoneinfo', 'locale'];

/** OpenID Connect Core §5.1: what is told has the type that it must have. */
export function checkClaims(t: Test, claims: Readonly<Record<string, unknown>>): void {
  for (const name of [...texts, ...moreTexts, 'phone_number'])
    if (name in claims) t.type(claims[name], 'string', name);
  for (const name of ['email_verified', 'phone_number_verified'])
    if (name in claims) t.type(claims[name], 'boolean', name);
  if ('updated_at' in claims) {
    t.ok(Number.isInteger(claims['updated_at']), 'updated_at is a number of seconds');
    t.ok(Number(claims['updated_at']) <= now() + skewSeconds, 'updated_at has passed');
  }
  if ('address' in claims) t.type(claims['address'], 'object');
}

/** RFC 7517 §4, and OpenID Connect Core §10.1: each key can be used, is told from the others, and is not the secret half. */
export function checkKeys(
  t: Test,
  { keys }: { readonly keys: readonly Readonly<Record<string, unknown>>[] },
) {
  t.ok(keys.length > 0);
  t.equal(new Set(keys.map(({ kid }) => kid)).size, keys.length, 'no kid is there twice');
  for (const key of keys) {
    t.match(key, { kty: /^(RSA|EC)$/, kid: String, use: 'sig' });
    for (const name of key['kty'] === 'RSA' ? ['n', 'e'] : ['x', 'y']) t.match(key[name], /^[\w-]+$/, name);
    for (const secret of ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k']) t.notOk(secret in key, secret);
  }
}
