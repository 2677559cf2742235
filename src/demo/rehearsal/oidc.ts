/** The OpenID provider of Initech. @see OpenID Connect Core §3.1 (authorization code flow) */
import { createHash, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import type { Context } from '../../context.ts';
import { defineRoute, type Route, type Wire } from '../../http/route.ts';
import { Failure } from '../../kernel/failures.ts';
import { minute, secondsUntil } from '../../kernel/time.ts';
import { newToken } from '../../kernel/tokens.ts';
import { oidcClient, oidcIdp } from './addresses.ts';
import type { Browser, Browsers, IdpSession } from './browsers.ts';
import { type Desk, misbehaves, type Visit } from './desk.ts';
import { type KeyRing, keySetOf } from './keys.ts';
import { createMemory, type Memory } from './memory.ts';
import { companyPlace } from './people.ts';
import { type Grant, profileOf, signIdToken, signLogoutToken } from './oidc-tokens.ts';

export interface OidcParts {
  readonly desk: Desk;
  readonly browsers: Browsers;
  readonly keys: KeyRing;
}

const text = (most: number) => z.string().max(most).optional();

const authorization = z.object({
  client_id: z.string().max(100),
  redirect_uri: z.string().max(1000),
  response_type: text(40),
  scope: text(400),
  state: text(1000),
  nonce: text(1000),
  code_challenge: text(200),
  code_challenge_method: text(10),
  prompt: text(40),
  max_age: text(10),
  login_hint: text(254),
});
type Authorization = z.output<typeof authorization>;

/** What a code stands for. */
interface Coded extends Grant {
  readonly redirectUri: string;
  readonly codeChallenge: string;
}

interface Kept {
  readonly codes: Memory<Coded>;
  readonly accessTokens: Memory<Grant>;
}

export function oidcRoutes({ now }: Pick<Context, 'now'>, parts: OidcParts): Route[] {
  const kept = {
    codes: createMemory<Coded>(now, { seconds: minute }),
    accessTokens: createMemory<Grant>(now, { seconds: 5 * minute }),
  };
  return [
    ...metadataRoutes(parts),
    authorizeRoute(parts, kept),
    tokenRoute(parts, kept),
    userinfoRoute(kept),
    endRoute(parts),
  ];
}

function metadataRoutes({ keys }: OidcParts): Route[] {
  const get = { method: 'GET', access: 'demo', schema: {} } as const;
  return [
    defineRoute({
      ...get,
      url: '/demo/idp/oidc/.well-known/openid-configuration',
      handler: async ({ config }, _input, { reply }) => reply.send(discovery(oidcIdp(config.issuer))),
    }),
    defineRoute({
      ...get,
      url: '/demo/idp/oidc/jwks',
      handler: async (_ctx, _input, { reply }) => reply.send(await keySetOf(keys)),
    }),
  ];
}

/** @see OpenID Connect Discovery §3 */
function discovery(issuer: string) {
  return {
    issuer,
    authorization_endpoint: `${issuer}/authorize`,
    token_endpoint: `${issuer}/token`,
    userinfo_endpoint: `${issuer}/userinfo`,
    jwks_uri: `${issuer}/jwks`,
    end_session_endpoint: `${issuer}/end`,
    response_types_supported: ['code'],
    response_modes_supported: ['query'],
    grant_types_supported: ['authorization_code'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: ['RS256'],
    token_endpoint_auth_methods_supported: ['client_secret_post', 'client_secret_basic'],
    code_challenge_methods_supported: ['S256'],
    scopes_supported: ['openid', 'email', 'profile', 'groups'],
    claims_supported: ['sub', 'email', 'email_verified', 'name', 'groups', 'auth_time', 'amr', 'sid'],
    authorization_response_iss_parameter_supported: true,
    backchannel_logout_supported: true,
    backchannel_logout_session_supported: true,
  };
}

function authorizeRoute({ desk, browsers }: OidcParts, { codes }: Kept): Route {
  const place = companyPlace('oidc');
  return defineRoute({
    method: 'GET',
    access: 'demo',
    url: '/demo/idp/oidc/authorize',
    schema: { querystring: authorization },
    handler: async ({ config, now }, { query }, wire) => {
      const connection = connectionOf(config.issuer, query);
      const back = answerTo(oidcIdp(config.issuer), query);
      const error = errorIn(query);
      if (error !== undefined) return wire.reply.redirect(back({ error }), 303);
      const maxAge = Number(query.max_age ?? Infinity);
      const askAgain = ({ at }: IdpSession) => query.prompt === 'login' || secondsUntil(now(), at) > maxAge;
      const session = browsers.of(wire).sessions.oidc;
      if (query.prompt === 'none' && (!session || askAgain(session)))
        return wire.reply.redirect(back({ error: 'login_required' }), 303);
      const answer = async ({ browser, session }: Visit, { reply }: Wire): Promise<unknown> => {
        session.visited.add(connection);
        const { fault } = browser;
        const grant = { session, fault, nonce: query.nonce, redirectUri: query.redirect_uri };
        const code = codeFor(browser, () =>
          codes.put({ ...grant, codeChallenge: query.code_challenge ?? '' }),
        );
        return reply.redirect(
          back({ code, ...(fault === 'unsolicited' && { state: newToken().token }) }),
          303,
        );
      };
      return desk.receive({ place, loginHint: query.login_hint, askAgain, answer }, wire);
    },
  });
}

/** A new code, or the last one where that is the fault. */
function codeFor({ fault, last }: Browser, makeCode: () => string): string {
  const code = (fault === 'replayed' ? last.oidc : undefined) ?? makeCode();
  last.oidc = code;
  return code;
}

/** The connection that asks, by its address: any of this service, and nobody else. */
function connectionOf(
  issuer: string,
  { client_id: clientId, redirect_uri: redirectUri }: Authorization,
): string {
  const path = redirectUri.startsWith(`${issuer}/`) ? redirectUri.slice(issuer.length) : '';
  const connection = /^\/federation\/(con_\w+)\/callback$/.exec(path)?.[1];
  if (clientId !== oidcClient.id || connection === undefined)
    throw new Failure('invalid_input', { detail: 'the client or its redirect_uri is not known here' });
  return connection;
}

function errorIn(query: Authorization): string | undefined {
  if (query.response_type !== 'code') return 'unsupported_response_type';
  if (query.scope?.split(' ').includes('openid') !== true) return 'invalid_scope';
  if (query.code_challenge === undefined || query.code_challenge_method !== 'S256') return 'invalid_request';
  return undefined;
}

/** @see RFC 9207 §2: who answers is said as well. */
function answerTo(issuer: string, { redirect_uri: redirectUri, state }: Authorization) {
  return (answer: Readonly<Record<string, string>>): string => {
    const url = new URL(redirectUri);
    const fields = { ...(state !== undefined && { state }), iss: issuer, ...answer };
    for (const [name, value] of Object.entries(fields)) url.searchParams.set(name, value);
    return url.href;
  };
}

const tokenRequest = z.object({
  grant_type: z.string().max(100),
  code: z.string().max(100),
  redirect_uri: z.string().max(1000),
  code_verifier: z.string().max(200),
  client_id: text(100),
  client_secret: text(200),
});
type TokenRequest = z.output<typeof tokenRequest>;

function tokenRoute({ keys }: OidcParts, { codes, accessTokens }: Kept): Route {
  return defineRoute({
    method: 'POST',
    access: 'public', // from a program, not from a browser; the secret of the client is its proof
    url: '/demo/idp/oidc/token',
    schema: { body: tokenRequest },
    handler: async ({ config, now }, { body }, wire) => {
      const { request, reply } = wire;
      if (!isClient(request.headers.authorization, body))
        return reply.status(401).header('www-authenticate', 'Basic').send({ error: 'invalid_client' });
      if (body.grant_type !== 'authorization_code')
        return reply.status(400).send({ error: 'unsupported_grant_type' });
      const grant = codes.take(body.code);
      if (!grant || !isForCode(grant, body)) return reply.status(400).send({ error: 'invalid_grant' });
      if (await misbehaves(grant.fault, wire)) return reply;
      return reply.send({
        access_token: accessTokens.put(grant),
        token_type: 'Bearer',
        expires_in: 5 * minute,
        id_token: await signIdToken(grant, { issuer: oidcIdp(config.issuer), keys, now: now() }),
      });
    },
  });
}

/** By client_secret_basic or client_secret_post. @see RFC 6749 §2.3.1 */
function isClient(authorization: string | undefined, body: TokenRequest): boolean {
  const [scheme, credentials = ''] = authorization?.split(' ') ?? [];
  const pair = `${oidcClient.id}:${oidcClient.secret}`;
  if (scheme !== undefined) return /^basic$/i.test(scheme) && isSame(pair, unform(credentials));
  return isSame(pair, `${body.client_id ?? ''}:${body.client_secret ?? ''}`);
}

function unform(credentials: string): string {
  const [id = '', secret = ''] = Buffer.from(credentials, 'base64').toString().split(':');
  return [id, secret].map((value) => new URLSearchParams(`v=${value}`).get('v')).join(':');
}

/** The verifier belongs to the challenge, and the address is the one of before. @see RFC 7636 §4.6 */
function isForCode({ codeChallenge, redirectUri }: Coded, body: TokenRequest): boolean {
  const challenge = createHash('sha256').update(body.code_verifier).digest('base64url');
  return isSame(codeChallenge, challenge) && redirectUri === body.redirect_uri;
}

export function isSame(expected: string, given: string): boolean {
  const [a, b] = [expected, given].map((value) => createHash('sha256').update(value).digest());
  return a !== undefined && b !== undefined && timingSafeEqual(a, b);
}

function userinfoRoute({ accessTokens }: Kept): Route {
  return defineRoute({
    method: 'GET',
    access: 'demo',
    url: '/demo/idp/oidc/userinfo',
    schema: {},
    handler: async ({ config }, _input, { request, reply }) => {
      const token = /^Bearer ([\w-]+)$/i.exec(request.headers.authorization ?? '')?.[1];
      const grant = accessTokens.find(token ?? '');
      if (!grant)
        return reply.status(401).header('www-authenticate', 'Bearer').send({ error: 'invalid_token' });
      return reply.send(profileOf(grant, oidcIdp(config.issuer)));
    },
  });
}

/** @see OpenID Connect RP-Initiated Logout 1.0 §2 */
function endRoute({ browsers, keys }: OidcParts): Route {
  return defineRoute({
    method: 'GET',
    access: 'demo',
    url: '/demo/idp/oidc/end',
    schema: {
      querystring: z.object({
        post_logout_redirect_uri: text(1000),
        state: text(1000),
        id_token_hint: text(8000),
      }),
    },
    handler: async (ctx, { query: { post_logout_redirect_uri: after, state } }, wire) => {
      await endOidcSession(ctx, browsers.of(wire), keys);
      const { issuer } = ctx.config;
      const url = new URL(after?.startsWith(`${issuer}/`) === true ? after : `${issuer}/demo/idp`);
      if (state !== undefined) url.searchParams.set('state', state);
      return wire.reply.redirect(url.href, 303);
    },
  });
}

/** Forgets who is signed in, and tells every connection that was told of it. @see OpenID Connect Back-Channel Logout 1.0 */
export async function endOidcSession(ctx: Context, browser: Browser, keys: KeyRing): Promise<void> {
  const session = browser.sessions.oidc;
  delete browser.sessions.oidc;
  if (!session) return;
  const { issuer } = ctx.config;
  for (const connection of session.visited) {
    const token = await signLogoutToken(session, { issuer: oidcIdp(issuer), keys, now: ctx.now() });
    const url = `${issuer}/federation/${connection}/backchannel-logout`;
    const body = new URLSearchParams({ logout_token: token });
    await ctx.fetch(url, { method: 'POST', body }).catch((err: unknown) => {
      ctx.log.info({ err }, 'the rehearsal could not tell of a sign-out');
    });
  }
}
