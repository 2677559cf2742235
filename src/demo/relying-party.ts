/**
 * A demo product app: a real relying party that knows nothing of the service but its issuer, and reaches it over
 * HTTP. What it keeps of a browser lives in memory.
 */
import { randomBytes } from 'node:crypto';
import { createRemoteJWKSet, customFetch as joseFetch, decodeJwt, jwtVerify } from 'jose';
import * as oidc from 'openid-client';
import type { SafeFetch } from '../fetch.ts';

export interface DemoApp {
  readonly name: string;
  readonly title: string;
  readonly secret?: string;
  readonly scope: string;
  readonly resource?: string;
}

export interface Tokens {
  readonly idToken: string;
  readonly accessToken: string;
  readonly refreshToken: string | undefined;
  readonly scope: string | undefined;
  readonly expiresAt: Date;
}

interface Pending {
  readonly state: string;
  readonly nonce: string;
  readonly codeVerifier: string;
}

export interface RelyingParty {
  readonly app: DemoApp;
  /** Where to send the browser; what comes back is checked against what is kept under `browser`. */
  start(browser: string, hints: Readonly<Record<string, string>>): Promise<URL>;
  finish(browser: string, callback: URL): Promise<void>;
  refresh(browser: string): Promise<void>;
  tokensOf(browser: string): Tokens | undefined;
  /** Forgets the browser; answers where to sign out at the service. */
  signOut(browser: string): Promise<URL>;
  /** @see OpenID Connect Back-Channel Logout 1.0 §2.6 */
  backchannelLogout(logoutToken: string): Promise<void>;
}

export function createRelyingParty(app: DemoApp, issuer: string, fetch: SafeFetch): RelyingParty {
  const clientId = `demo-${app.name}`;
  const home = `${issuer}/demo/${app.name}`;
  const pending = new Map<string, Pending>();
  const sessions = new Map<string, Tokens>();
  let discovered: Promise<oidc.Configuration> | undefined;

  const configuration = (): Promise<oidc.Configuration> => {
    discovered ??= discover(app, issuer, fetch).catch((error: unknown) => {
      discovered = undefined; // asked too early: the next visitor tries again
      throw error;
    });
    return discovered;
  };

  return {
    app,
    tokensOf: (browser) => sessions.get(browser),

    async start(browser, hints) {
      const codeVerifier = oidc.randomPKCECodeVerifier();
      const request = { state: oidc.randomState(), nonce: oidc.randomNonce(), codeVerifier };
      pending.set(browser, request);
      return oidc.buildAuthorizationUrl(await configuration(), {
        redirect_uri: `${home}/callback`,
        scope: app.scope,
        ...(app.resource !== undefined && { resource: app.resource }),
        state: request.state,
        nonce: request.nonce,
        code_challenge: await oidc.calculatePKCECodeChallenge(codeVerifier),
        code_challenge_method: 'S256',
        ...hints,
      });
    },

    async finish(browser, callback) {
      const request = pending.get(browser);
      pending.delete(browser);
      if (!request) throw new Error('this browser has not started a sign-in here');
      const answer = await oidc.authorizationCodeGrant(await configuration(), callback, {
        expectedState: request.state,
        expectedNonce: request.nonce,
        pkceCodeVerifier: request.codeVerifier,
        idTokenExpected: true,
      });
      sessions.set(browser, tokensFrom(answer));
    },

    async refresh(browser) {
      const before = sessions.get(browser);
      if (before?.refreshToken === undefined) throw new Error('there is no refresh token');
      sessions.set(
        browser,
        tokensFrom(await oidc.refreshTokenGrant(await configuration(), before.refreshToken), before),
      );
    },

    async signOut(browser) {
      const tokens = sessions.get(browser);
      sessions.delete(browser);
      return oidc.buildEndSessionUrl(await configuration(), {
        post_logout_redirect_uri: home,
        ...(tokens && { id_token_hint: tokens.idToken }),
      });
    },

    async backchannelLogout(logoutToken) {
      const keys = createRemoteJWKSet(new URL(`${issuer}/jwks`), {
        [joseFetch]: fetch,
      });
      const { payload } = await jwtVerify(logoutToken, keys, {
        issuer,
        audience: clientId,
        typ: 'logout+jwt',
      });
      for (const [browser, { idToken }] of sessions) {
        if (decodeJwt(idToken)['sid'] === payload['sid']) sessions.delete(browser);
      }
    },
  };
}

function discover({ name, secret }: DemoApp, issuer: string, fetch: SafeFetch): Promise<oidc.Configuration> {
  const authentication = secret === undefined ? oidc.None() : oidc.ClientSecretBasic(secret);
  const metadata = { id_token_signed_response_alg: 'ES256' };
  return oidc.discovery(new URL(issuer), `demo-${name}`, metadata, authentication, {
    [oidc.customFetch]: fetch,
    ...(issuer.startsWith('http:') && { execute: [oidc.allowInsecureRequests] }),
  });
}

export function newBrowserId(): string {
  return randomBytes(18).toString('base64url');
}

function tokensFrom(answer: oidc.TokenEndpointResponse, before?: Tokens): Tokens {
  return {
    idToken: answer.id_token ?? before?.idToken ?? '',
    accessToken: answer.access_token,
    refreshToken: answer.refresh_token ?? before?.refreshToken,
    scope: answer.scope,
    expiresAt: new Date(Date.now() + (answer.expires_in ?? 0) * 1000),
  };
}
