/** A real relying party for tests: openid-client, over HTTP, with the browser played by an Agent. */
import { createHash } from 'node:crypto';
import * as oidc from 'openid-client';
import { demoPassword } from '../../src/demo/world.ts';
import { Agent, type Answer } from './agent.ts';

export interface Client {
  readonly clientId: string;
  readonly redirectUri: string;
  readonly secret?: string;
  readonly scope?: string;
  /** More authentication, or algorithms that differ. */
  readonly authentication?: oidc.ClientAuth;
  readonly metadata?: Readonly<Record<string, string>>;
}

/** The demo world's clients by their short names. */
export function demoClient(issuer: string, name: string): Client {
  const secrets: Readonly<Record<string, string>> = {
    confidential: 'demo-confidential-secret',
    'third-party': 'demo-third-party-secret',
  };
  const secret = secrets[name];
  return {
    clientId: `demo-${name}`,
    redirectUri: name === 'native' ? 'http://127.0.0.1:54321/callback' : `${issuer}/demo/${name}/callback`,
    ...(secret !== undefined && { secret }),
  };
}

export interface Started {
  readonly url: URL;
  readonly codeVerifier: string;
  readonly state: string;
  readonly nonce: string;
}

export class RelyingParty {
  readonly client: Client;
  readonly issuer: string;
  #configuration: Promise<oidc.Configuration> | undefined;

  constructor(issuer: string, client: Client) {
    this.issuer = issuer;
    this.client = client;
  }

  configuration(): Promise<oidc.Configuration> {
    const { clientId, secret, authentication, metadata } = this.client;
    const given = authentication ?? (secret === undefined ? oidc.None() : oidc.ClientSecretBasic(secret));
    const clientMetadata = { id_token_signed_response_alg: 'ES256', ...metadata };
    this.#configuration ??= oidc.discovery(new URL(this.issuer), clientId, clientMetadata, given, {
      execute: [oidc.allowInsecureRequests],
    });
    return this.#configuration;
  }

  async start(extra: Readonly<Record<string, string>> = {}): Promise<Started> {
    const codeVerifier = oidc.randomPKCECodeVerifier();
    const state = oidc.randomState();
    const nonce = oidc.randomNonce();
    const url = oidc.buildAuthorizationUrl(await this.configuration(), {
      redirect_uri: this.client.redirectUri,
      scope: this.client.scope ?? 'openid profile email',
      code_challenge: await oidc.calculatePKCECodeChallenge(codeVerifier),
      code_challenge_method: 'S256',
      state,
      nonce,
      ...extra,
    });
    return { url, codeVerifier, state, nonce };
  }

  /** Exchanges the code of a callback, with every check a relying party makes. */
  async finish(
    callback: string | undefined,
    started: Started,
    parameters: Readonly<Record<string, string>> = {},
  ) {
    if (callback === undefined) throw new Error('the browser was not sent back to the client');
    return oidc.authorizationCodeGrant(
      await this.configuration(),
      new URL(callback),
      {
        expectedState: started.state,
        expectedNonce: started.nonce,
        pkceCodeVerifier: started.codeVerifier,
        idTokenExpected: true,
      },
      parameters,
    );
  }

  async refresh(refreshToken: string, parameters: Readonly<Record<string, string>> = {}) {
    return oidc.refreshTokenGrant(await this.configuration(), refreshToken, parameters);
  }
}

/** Follows an authorization request to the step where a person is needed; JSON. */
export async function toStep(browser: Agent, url: URL): Promise<Answer> {
  return browser.follow(url.href);
}

/** Answers the step `identify` by password; the answer is the next step, or a problem. */
export async function submitPassword(
  browser: Agent,
  step: Answer,
  email: string,
  password = demoPassword,
): Promise<Answer> {
  const { actions } = step.json() as { actions: Record<string, { href: string }> };
  return browser.post(actions['password']?.href ?? '', { json: { email, password } });
}

/** The whole journey by the JSON face: authorization request, password, back to the client. */
export async function signIn(
  browser: Agent,
  party: RelyingParty,
  email: string,
  extra: Readonly<Record<string, string>> = {},
) {
  const started = await party.start(extra);
  const step = await toStep(browser, started.url);
  const done = await submitPassword(browser, step, email);
  const { location } = done.json() as { location: string };
  const back = await browser.follow(location);
  return { started, callback: back.location, tokens: await party.finish(back.location, started) };
}

/** What a callback says. */
export function callbackParams(answer: Answer): URLSearchParams {
  return new URL(answer.location ?? 'about:blank').searchParams;
}

export function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
