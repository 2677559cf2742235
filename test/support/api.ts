/** Callers of the admin interface, with real tokens. Every answer is checked against the OpenAPI document: see app.ts. */
import { operatorScopes } from '../../src/core/clients/clients.ts';
import type { TestApp } from './app.ts';
import { Agent } from './agent.ts';
import { demoClient, RelyingParty, submitPassword, toStep } from './relying-party.ts';

export interface ApiAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The JSON that was answered, whatever it is. */
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- tests look into answers of every shape
  readonly body: any;
}

export interface ApiCall {
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Api {
  readonly token: string | undefined;
  get(path: string, call?: ApiCall): Promise<ApiAnswer>;
  post(path: string, body?: unknown, headers?: Readonly<Record<string, string>>): Promise<ApiAnswer>;
  patch(path: string, body: unknown, headers?: Readonly<Record<string, string>>): Promise<ApiAnswer>;
  put(path: string, body: unknown, headers?: Readonly<Record<string, string>>): Promise<ApiAnswer>;
  delete(path: string, headers?: Readonly<Record<string, string>>): Promise<ApiAnswer>;
  send(method: string, path: string, call?: ApiCall): Promise<ApiAnswer>;
}

/** A caller with this token, or none. Paths are below /api/v1. */
export function apiWith({ issuer }: Pick<TestApp, 'issuer'>, token: string | undefined): Api {
  const send = async (method: string, path: string, { body, headers }: ApiCall = {}): Promise<ApiAnswer> => {
    const response = await fetch(`${issuer}/api/v1${path}`, {
      method,
      headers: {
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      redirect: 'manual',
    });
    const text = await response.text();
    const isJson = /^application\/(problem\+)?json(?!l)/.test(response.headers.get('content-type') ?? '');
    const parsed: unknown = isJson && text !== '' ? JSON.parse(text) : undefined;
    return { status: response.status, headers: response.headers, text, body: parsed };
  };
  return {
    token,
    send,
    get: (path, call) => send('GET', path, call),
    post: (path, body, headers = {}) => send('POST', path, { body, headers }),
    patch: (path, body, headers = {}) => send('PATCH', path, { body, headers }),
    put: (path, body, headers = {}) => send('PUT', path, { body, headers }),
    delete: (path, headers = {}) => send('DELETE', path, { headers }),
  };
}

/** The demo's operator, with every scope unless only some are asked for. */
export async function operatorApi(app: TestApp, scopes: readonly string[] = operatorScopes): Promise<Api> {
  return apiWith(app, await operatorToken(app, scopes));
}

export async function operatorToken({ issuer }: Pick<TestApp, 'issuer'>, scopes: readonly string[]) {
  const response = await fetch(`${issuer}/token`, {
    method: 'POST',
    headers: { authorization: `Basic ${btoa('demo-operator:demo-operator-secret')}` },
    body: new URLSearchParams({
      grant_type: 'client_credentials',
      resource: `${issuer}/api/v1`,
      scope: scopes.join(' '),
    }),
  });
  const { access_token: token } = (await response.json()) as { access_token: string };
  return token;
}

export interface SignedIn {
  readonly api: Api;
  readonly browser: Agent;
  readonly tokens: Awaited<ReturnType<RelyingParty['finish']>>;
}

/** A person who has signed in by password at a client that may use the interface: the demo's Admin Center, unless said. */
export async function signInToApi(
  { issuer }: Pick<TestApp, 'issuer'>,
  email: string,
  {
    client = 'admin',
    scope = 'openid account:manage self',
    account,
  }: { readonly client?: string; readonly scope?: string; readonly account?: string } = {},
): Promise<SignedIn> {
  const resource = `${issuer}/api/v1`;
  const party = new RelyingParty(issuer, { ...demoClient(issuer, client), scope });
  const browser = new Agent(issuer);
  const started = await party.start({ resource, ...(account !== undefined && { account }) });
  const step = await toStep(browser, started.url);
  const done = await submitPassword(browser, step, email);
  const { location } = done.json() as { location: string };
  const back = await browser.follow(location);
  const tokens = await party.finish(back.location, started, { resource });
  return { api: apiWith({ issuer }, tokens.access_token), browser, tokens };
}
