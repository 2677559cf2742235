/** A client of the suite: openid-client, asking and redeeming with every check it has, and the person's browser in between. */
import * as oidc from 'openid-client';
import { demoPassword } from '../../src/demo/world.ts';
import type { Agent, Answer } from '../support/agent.ts';
import { formsOf } from '../support/company.ts';
import type { ResponseMode } from './suite.ts';

export interface Registered {
  readonly clientId: string;
  readonly secret: string;
  readonly authMethod: 'client_secret_basic' | 'client_secret_post';
  readonly redirectUri: string;
  readonly responseMode: ResponseMode;
}

/** What is asked for beside the usual; `undefined` leaves the usual out. */
export type Asking = Readonly<Record<string, string | undefined>>;

export interface Asked {
  readonly url: URL;
  readonly state: string;
  readonly nonce: string | undefined;
}

/** What the client's redirect address was called with. */
export interface Callback {
  readonly method: 'GET' | 'POST';
  readonly url: string;
  readonly params: URLSearchParams;
}

/** Where an authorization request has led. */
export interface Arrival {
  readonly asked: Asked;
  /** The last answer of the server: a page, or the way back to the client. */
  readonly answer: Answer;
  /** The sign-in page, where the person was shown it. */
  readonly signInPage: Answer | undefined;
  /** Undefined where the browser has stayed. */
  readonly callback: Callback | undefined;
}

/** The person of the demo world who signs in wherever a module needs one. */
export const person = 'alan@acme.test';

export class SuiteClient {
  readonly registered: Registered;
  readonly issuer: string;
  #configuration: Promise<oidc.Configuration> | undefined;

  constructor(issuer: string, registered: Registered) {
    this.issuer = issuer;
    this.registered = registered;
  }

  configuration(): Promise<oidc.Configuration> {
    const { clientId, secret, authMethod } = this.registered;
    const authentication =
      authMethod === 'client_secret_post' ? oidc.ClientSecretPost(secret) : oidc.ClientSecretBasic(secret);
    // the signature of an ID token that came by TLS is verified all the same
    this.#configuration ??= oidc.discovery(
      new URL(this.issuer),
      clientId,
      { id_token_signed_response_alg: 'RS256' },
      authentication,
      { execute: [oidc.allowInsecureRequests, oidc.enableNonRepudiationChecks] },
    );
    return this.#configuration;
  }

  /** An authorization request as the suite makes it: state and nonce, and no challenge. */
  async ask(asking: Asking = {}): Promise<Asked> {
    const { redirectUri, responseMode } = this.registered;
    const usual = {
      response_type: 'code',
      redirect_uri: redirectUri,
      scope: 'openid',
      state: oidc.randomState(),
      nonce: oidc.randomNonce(),
      ...(responseMode === 'form_post' && { response_mode: 'form_post' }),
    };
    const url = oidc.buildAuthorizationUrl(await this.configuration(), usual);
    for (const [name, value] of Object.entries(asking)) {
      if (value === undefined) url.searchParams.delete(name);
      else url.searchParams.set(name, value);
    }
    const { searchParams: said } = url;
    return { url, state: said.get('state') ?? '', nonce: said.get('nonce') ?? undefined };
  }

  /** Lets the browser go there; the person signs in where that is asked, and nothing else is. */
  async authorize(browser: Agent, asked: Asked, method: 'GET' | 'POST' = 'GET'): Promise<Arrival> {
    const first =
      method === 'GET' ? await browser.follow(asked.url.href) : await postRequest(browser, asked.url);
    const form = formsOf(first).find(({ action }) => action.endsWith('/password'));
    if (!form) return { asked, answer: first, signInPage: undefined, callback: this.#callbackOf(first) };
    const typed = { ...form.fields, email: person, password: demoPassword };
    const done = await browser.post(form.action, { form: typed });
    const answer = await browser.follow(done.location ?? '');
    return { asked, answer, signInPage: first, callback: this.#callbackOf(answer) };
  }

  /** Redeems what the callback brought: state, issuer, nonce, signature and every claim of the ID token are checked. */
  async redeem({ asked, callback }: Arrival, checks: oidc.AuthorizationCodeGrantChecks = {}) {
    if (!callback) throw new Error('the browser was not sent back to the client');
    return oidc.authorizationCodeGrant(await this.configuration(), toRequest(callback), {
      expectedState: asked.state,
      ...(asked.nonce !== undefined && { expectedNonce: asked.nonce }),
      idTokenExpected: true,
      ...checks,
    });
  }

  /** The redirect, or the form that a script or the person sends on; only to the registered address. */
  #callbackOf(answer: Answer): Callback | undefined {
    const { redirectUri } = this.registered;
    const { location, text } = answer;
    if (location?.startsWith(`${redirectUri}?`))
      return { method: 'GET', url: location, params: new URL(location).searchParams };
    const form = formsOf(answer).find(({ action }) => action === redirectUri);
    if (!form || !/<form[^>]* method="post"/i.test(text)) return undefined;
    return { method: 'POST', url: redirectUri, params: new URLSearchParams(form.fields) };
  }
}

async function postRequest(browser: Agent, url: URL): Promise<Answer> {
  const { origin, pathname, searchParams } = url;
  const headers = { origin: 'https://suite.test', 'sec-fetch-site': 'cross-site' };
  const answer = await browser.send(`${origin}${pathname}`, { method: 'POST', form: searchParams, headers });
  return answer.location === undefined ? answer : browser.follow(answer.location);
}

/** As the client's own server sees it. */
function toRequest({ method, url, params }: Callback): Request {
  return method === 'GET' ? new Request(url) : new Request(url, { method, body: params });
}
