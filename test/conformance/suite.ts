/** What every module of the conformance suite begins with: a server, the clients that are registered there, a browser. */
import { createRemoteJWKSet, type JWTVerifyGetKey } from 'jose';
import type { Test } from 'tap';
import { Agent } from '../support/agent.ts';
import { operatorApi } from '../support/api.ts';
import { startApp, type TestApp } from '../support/app.ts';
import { SuiteClient } from './suite-client.ts';
import { type ModuleId, type PlanName, plans } from './plans.ts';

export type ResponseMode = 'default' | 'form_post';

export interface Suite {
  readonly app: TestApp;
  readonly issuer: string;
  readonly responseMode: ResponseMode;
  /** The discovery document. */
  readonly metadata: Readonly<Record<string, unknown>>;
  /** The published keys, by which signatures are verified. */
  readonly keys: JWTVerifyGetKey;
  /** By `client_secret_basic`. */
  readonly client: SuiteClient;
  /** Another one of that kind: a token of one must be worth nothing to the other. */
  readonly client2: SuiteClient;
  /** By `client_secret_post`. */
  readonly posting: SuiteClient;
  /** Where a signed-out browser is sent back to; registered for `client` and `client2`. */
  readonly signedOutUri: string;
  /** A browser without cookies and without scripts, as the suite's own. */
  browser(): Agent;
  /** Does it as if so much time had passed; afterwards it has not, so that no module sees the clock of another. */
  later<Result>(seconds: number, work: () => Promise<Result>): Promise<Result>;
}

export type Module = (t: Test, suite: Suite) => Promise<void>;
export type Modules<Plan extends PlanName> = Readonly<Record<ModuleId<Plan>, Module>>;

export interface SuiteOptions {
  readonly responseMode?: ResponseMode;
  readonly backchannelLogoutUri?: string;
}

const callback = 'https://suite.test/test/a/doorward/callback';
const signedOutUri = 'https://suite.test/test/a/doorward/post_logout_redirect';

/** As an operator would register the suite: `pkce_waived`, because it sends no challenge, and RS256, its default. */
const registration = {
  first_party: true,
  grant_types: ['authorization_code', 'refresh_token'],
  redirect_uris: [callback],
  post_logout_redirect_uris: [signedOutUri],
  id_token_signed_response_alg: 'RS256',
  pkce_waived: true,
} as const;

export async function startSuite(t: Test, options: SuiteOptions = {}): Promise<Suite> {
  const { responseMode = 'default', backchannelLogoutUri } = options;
  const app = await startApp(t);
  const { issuer } = app;
  const operator = await operatorApi(app);
  const register = async (clientId: string, authMethod: 'client_secret_basic' | 'client_secret_post') => {
    const made = await operator.post('/clients', {
      ...registration,
      client_id: clientId,
      name: clientId,
      auth_method: authMethod,
      ...(backchannelLogoutUri !== undefined && { backchannel_logout_uri: backchannelLogoutUri }),
    });
    if (made.status !== 201) throw new Error(`${clientId} was not registered: ${made.text}`);
    const secret = (made.body as { client_secret: string }).client_secret;
    return new SuiteClient(issuer, { clientId, secret, authMethod, redirectUri: callback, responseMode });
  };
  const metadata = (
    await new Agent(issuer).get('/.well-known/openid-configuration')
  ).json() as Suite['metadata'];
  return {
    app,
    issuer,
    responseMode,
    metadata,
    keys: createRemoteJWKSet(new URL(String(metadata['jwks_uri']))),
    client: await register('suite', 'client_secret_basic'),
    client2: await register('suite-2', 'client_secret_basic'),
    posting: await register('suite-post', 'client_secret_post'),
    signedOutUri,
    browser: () => new Agent(issuer, 'text/html'),
    later: async (seconds, work) => {
      app.advance(seconds);
      return work().finally(() => app.advance(-seconds));
    },
  };
}

/** Runs a plan: one test a module, named by its id. */
export async function runPlan<Plan extends PlanName>(
  t: Test,
  { name, modules, ...options }: SuiteOptions & { readonly name: Plan; readonly modules: Modules<Plan> },
): Promise<void> {
  await t.test(name, async (t) => {
    const suite = await startSuite(t, options);
    for (const id of plans[name] as readonly ModuleId<Plan>[]) await t.test(id, (t) => modules[id](t, suite));
  });
}
