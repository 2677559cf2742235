/**
 * The attack surface, one row a route: what a well-formed request takes, and which rules it is an exception to. A
 * route without a row fails the tests that sweep over all of them.
 */
import type { Test } from 'tap';
import { createLook } from '../../src/pages/look.ts';
import { Agent } from '../support/agent.ts';
import { type TestApp, testConfig } from '../support/app.ts';
import { demoClient, RelyingParty, signIn, toStep } from '../support/relying-party.ts';
import type { RegisteredRoute } from '../support/route-table.ts';

export type Fields = Readonly<Record<string, string>>;

export interface Row {
  /** The member of a refusal's JSON that names it: `code` of our problems (the default), `error` of the protocol's. */
  readonly says?: 'error';
  /** An address that it has, where its URL is a pattern for many. */
  readonly at?: string;
  /** Well-formed requests: what is in the body of a POST, in the address of a GET. `<issuer>` stands for ours. */
  readonly requests?: readonly Fields[];
  /** What else may stand beside that. */
  readonly more?: Fields;
  readonly headers?: Fields;
  /** Why pages of other sites may post here. Without a reason they must not be able to. */
  readonly crossSite?: string;
  /** Anybody's cache may keep the answer. */
  readonly cached?: true;
}

const authorization = {
  client_id: 'demo-assist',
  redirect_uri: '<issuer>/demo/assist/callback',
  response_type: 'code',
  scope: 'openid',
  state: 'canary-state',
  nonce: 'canary-nonce',
  code_challenge: 'a'.repeat(43),
  code_challenge_method: 'S256',
};

const moreOfAuthorization = {
  response_mode: 'query',
  prompt: 'login',
  max_age: '1',
  ui_locales: 'en',
  login_hint: 'canary@acme.test',
  id_token_hint: 'e30.e30.e30',
  acr_values: 'urn:doorward:acr:single-factor',
  claims: '{}',
  resource: 'https://api.assist.test',
  account: 'acme',
  request: 'e30.e30.e30',
  request_uri: 'urn:ietf:params:oauth:request_uri:aaaa',
  dpop_jkt: 'a'.repeat(43),
};

const clientAuthentication = {
  client_secret: 'canary-secret',
  client_assertion: 'e30.e30.e30',
  client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
};

const signOut = {
  client_id: 'demo-assist',
  post_logout_redirect_uri: '<issuer>/demo/assist',
  state: 'canary-state',
};

const moreOfSignOut = {
  id_token_hint: 'e30.e30.e30',
  logout_hint: 'canary@acme.test',
  ui_locales: 'en',
};

const ofToken: Row = {
  says: 'error',
  requests: [{ token: 'canary-token', token_type_hint: 'access_token' }],
  more: { client_id: 'demo-confidential', ...clientAuthentication },
  headers: { authorization: `Basic ${btoa('demo-confidential:demo-confidential-secret')}` },
  crossSite: 'the client proves itself, and no cookie counts',
};

export const surface: Readonly<Record<string, Row>> = {
  'GET /.well-known/openid-configuration': { cached: true },
  'GET /.well-known/oauth-authorization-server': { cached: true },
  'GET /jwks': { cached: true },
  [`GET ${createLook(testConfig({}).brand).stylesheet.path}`]: { cached: true },
  'GET /livez': {},
  'GET /readyz': {},
  'GET /metrics': {},

  'GET /authorize': { says: 'error', requests: [authorization], more: moreOfAuthorization },
  'POST /authorize': {
    requests: [authorization],
    more: moreOfAuthorization,
    crossSite: 'any client may ask; it is answered with the GET',
  },
  'GET /authorize/:uid': { says: 'error' },
  'POST /par': {
    says: 'error',
    requests: [authorization],
    more: { ...moreOfAuthorization, ...clientAuthentication },
    crossSite: 'the client proves itself, and no cookie counts',
  },
  'OPTIONS /par': { says: 'error' },
  'POST /token': {
    says: 'error',
    requests: [
      {
        client_id: 'demo-assist',
        grant_type: 'authorization_code',
        code: 'canary-code',
        code_verifier: 'a'.repeat(43),
        redirect_uri: '<issuer>/demo/assist/callback',
      },
      { client_id: 'demo-assist', grant_type: 'refresh_token', refresh_token: 'canary-token' },
    ],
    more: { ...clientAuthentication, scope: 'openid', resource: 'https://api.assist.test' },
    crossSite: 'the client proves itself, and no cookie counts',
  },
  'OPTIONS /token': { says: 'error' },
  'GET /userinfo': { says: 'error' },
  'POST /userinfo': {
    says: 'error',
    requests: [{ access_token: 'canary-token' }],
    crossSite: 'the token is the proof',
  },
  'OPTIONS /userinfo': { says: 'error' },
  'POST /introspect': ofToken,
  'OPTIONS /introspect': { says: 'error' },
  'POST /revoke': ofToken,
  'OPTIONS /revoke': { says: 'error' },
  'GET /logout': { says: 'error', requests: [signOut], more: moreOfSignOut },
  'POST /logout': {
    requests: [signOut],
    more: moreOfSignOut,
    crossSite: 'any client may ask; it is answered with the GET',
  },
  'POST /logout/confirm': {
    says: 'error',
    requests: [{ xsrf: 'canary-secret', logout: 'yes' }],
    crossSite: 'the secret of the form is the proof',
  },
  'GET /logout/success': { says: 'error', requests: [{ client_id: 'demo-assist' }] },

  'GET /sign-in/:uid': { more: { ended: '1' } },
  'POST /sign-in/:uid/password': { requests: [{ email: 'canary@acme.test', password: 'a canary password' }] },
  'POST /sign-in/:uid/company': {
    requests: [{ email: 'canary@acme.test' }],
    more: { connection: 'con_1' },
  },
  'POST /sign-in/:uid/social': { requests: [{ provider: 'google' }] },
  'POST /sign-in/:uid/code': {
    requests: [{ code: '123456' }],
    more: { email: 'canary@acme.test', resend: 'true' },
  },
  'POST /sign-in/:uid/link': { requests: [{ confirm: 'true' }] },
  'POST /sign-in/:uid/account': { requests: [{ account: 'acc_1' }] },
  'POST /sign-in/:uid/consent': { requests: [{ granted: 'true' }] },
  'POST /sign-in/:uid/request-seat': {},
  'POST /sign-in/:uid/resend-activation': {},
  'POST /sign-in/:uid/restart': {},
  'POST /sign-in/:uid/abort': {},

  'GET /seat-requests/open': { requests: [{ token: 'canary-token' }] },
  'GET /seat-requests/decide': {},
  'POST /seat-requests/decide': { requests: [{ decision: 'grant' }], more: { token: 'canary-token' } },
  'GET /seat-requests/done': {},

  'GET /password-resets/request': { more: { interaction: 'canary'.repeat(4), problem: 'too_soon' } },
  'POST /password-resets': {
    requests: [{ email: 'canary@acme.test' }],
    more: { interaction: 'canary'.repeat(4) },
  },
  'GET /password-resets/sent': { more: { problem: 'too_soon' } },
  'POST /password-resets/code': { requests: [{ code: '123456' }] },
  'GET /password-resets/open': { requests: [{ token: 'canary-token' }] },
  'GET /password-resets/new': { more: { problem: 'too_short' } },
  'POST /password-resets/complete': {
    requests: [{ password: 'a canary password', token: 'canary-token' }],
  },
  'GET /password-resets/done': {},

  'GET /invitations/open': { requests: [{ token: 'canary-token' }] },
  'GET /invitations/accept': { more: { problem: 'too_short' } },
  'POST /invitations/accept': {
    requests: [{ password: 'a canary password', name: 'Canary', token: 'canary-token' }],
    more: { social: 'google', company: 'true' },
  },
  'GET /invitations/done': {},

  'GET /federation/:id/start': { more: { departure: 'canary'.repeat(4), test: 'canary'.repeat(4) } },
  'POST /federation/:id/acs': {
    requests: [{ SAMLResponse: 'canary-response' }],
    more: { RelayState: 'canary-state' },
    crossSite: 'the response is the proof, and the browser that left shows its cookie in a visit of its own',
  },
  'GET /federation/:id/callback': { requests: [{ code: 'canary-code', state: 'canary-state' }] },
  'POST /federation/:id/callback': {
    requests: [{ code: 'canary-code', state: 'canary-state' }],
    crossSite: 'it is answered with the GET, to which the cookie of the browser that left comes',
  },
  'GET /federation/resume': { requests: [{ h: 'canary'.repeat(7) }] },
  'GET /federation/:id/link': {
    at: '/federation/google/link',
    requests: [{ ticket: 'canary'.repeat(7) }],
  },
  'GET /federation/linked': { requests: [{ outcome: 'canary'.repeat(7) }] },
  'GET /federation/:id/metadata': {},
  'POST /federation/:id/notifications': {
    requests: [{ signed_request: 'canary.canary' }],
    crossSite: 'the signature over the body is the proof, and no cookie counts',
  },
  'POST /federation/:id/backchannel-logout': {
    requests: [{ logout_token: 'e30.e30.e30' }],
    crossSite: 'the token is the proof, and no cookie counts',
  },

  'GET /api/v1': {},
  'GET /api/v1/openapi.json': {},

  'GET /': {},
  'GET /demo/mail': {},
  'GET /demo/idp': {},
  'POST /demo/idp/faults': { requests: [{ fault: 'missing_email' }] },
  'POST /demo/idp/sign-out': {},
  'POST /demo/idp/sign-in': {
    requests: [{ ticket: 'canary-ticket', email: 'canary@globex.test' }],
    more: { cancel: 'yes' },
  },
  'GET /demo/idp/saml/metadata': {},
  'GET /demo/idp/saml/sso': {
    requests: [{ SAMLRequest: 'canary-request', RelayState: 'canary-state' }],
    more: { login_hint: 'canary@globex.test' },
  },
  'POST /demo/idp/saml/sso': {
    requests: [{ SAMLRequest: 'canary-request', RelayState: 'canary-state' }],
    more: { login_hint: 'canary@globex.test' },
  },
  'GET /demo/idp/saml/start': {
    more: {
      sp: '<issuer>/federation/con_1/metadata',
      relay_state: 'demo-assist',
      login_hint: 'canary@globex.test',
    },
  },
  'GET /demo/idp/oidc/.well-known/openid-configuration': {},
  'GET /demo/idp/oidc/jwks': {},
  'GET /demo/idp/oidc/authorize': {
    requests: [
      {
        ...authorization,
        client_id: 'doorward-demo',
        redirect_uri: '<issuer>/federation/con_1/callback',
      },
    ],
    more: { prompt: 'login', max_age: '1', login_hint: 'canary@initech.test' },
  },
  'POST /demo/idp/oidc/token': {
    says: 'error',
    requests: [
      {
        client_id: 'doorward-demo',
        grant_type: 'authorization_code',
        code: 'canary-code',
        code_verifier: 'a'.repeat(43),
        redirect_uri: '<issuer>/federation/con_1/callback',
      },
    ],
    more: { client_secret: 'canary-secret' },
    crossSite: 'the client proves itself, and no cookie counts',
  },
  'GET /demo/idp/oidc/userinfo': { says: 'error' },
  'GET /demo/idp/oidc/end': {
    more: {
      post_logout_redirect_uri: '<issuer>/demo/assist',
      state: 'canary-state',
      id_token_hint: 'e30.e30.e30',
    },
  },
  'GET /demo/idp/social/:provider/*': {
    at: '/demo/idp/social/google/o/oauth2/v2/auth',
    requests: [
      {
        ...authorization,
        client_id: 'doorward-demo',
        redirect_uri: '<issuer>/federation/google/callback',
      },
    ],
    more: {
      response_mode: 'query',
      prompt: 'select_account',
      max_age: '1',
      login_hint: 'canary@acme.test',
      auth_type: 'reauthenticate',
      fields: 'id',
      appsecret_proof: 'canary-proof',
      access_token: 'canary-token',
    },
  },
  'POST /demo/idp/social/:provider/*': {
    says: 'error',
    at: '/demo/idp/social/google/token',
    requests: [
      {
        client_id: 'doorward-demo',
        grant_type: 'authorization_code',
        code: 'canary-code',
        code_verifier: 'a'.repeat(43),
        redirect_uri: '<issuer>/federation/google/callback',
      },
    ],
    more: { client_secret: 'canary-secret' },
    crossSite: 'the client proves itself, and no cookie counts',
  },
  'GET /demo/:app': {},
  'GET /demo/:app/sign-in': {
    more: {
      login_hint: 'canary@acme.test',
      domain_hint: 'acme.test',
      prompt: 'login',
      max_age: '1',
      account: 'acme',
    },
  },
  'GET /demo/:app/callback': { requests: [{ code: 'canary-code', state: 'canary-state', iss: '<issuer>' }] },
  'POST /demo/:app/refresh': {},
  'POST /demo/:app/sign-out': {},
  'POST /demo/:app/backchannel-logout': {
    requests: [{ logout_token: 'e30.e30.e30' }],
    crossSite: 'the token is the proof',
  },
};

export interface Endpoint extends Omit<Row, 'requests' | 'more'> {
  /** At least one, without what may stand beside it. */
  readonly requests: readonly Fields[];
  readonly more: Fields;
  readonly name: string;
  readonly method: string;
  readonly url: string;
  readonly hasBodySchema: boolean;
}

interface Whose {
  readonly issuer: string;
  /** Which routes this service does not have. */
  readonly without?: (url: string) => boolean;
}

/** The routes with their rows; fails when either is missing, or a row knows less than the route's own schema. */
export function endpointsOf(
  t: Test,
  routes: readonly RegisteredRoute[],
  { issuer, without = () => false }: Whose,
): Endpoint[] {
  const own = routes.filter(({ url }) => !isOperation(url));
  const names = own.map(({ method, url }) => `${method} ${url}`);
  t.same(
    [...names].sort(),
    Object.keys(surface)
      .filter((name) => !without(name.split(' ')[1] ?? ''))
      .sort(),
    'each route has a row in surface.ts, and each row a route',
  );
  return own.map(({ method, url, names: taken, hasBodySchema }) => {
    const row = surface[`${method} ${url}`] ?? {};
    const requests = (row.requests ?? [{}]).map((fields) => ofIssuer(fields, issuer));
    const more = ofIssuer(row.more ?? {}, issuer);
    const known = Object.assign({}, more, ...requests) as Fields;
    for (const name of taken) t.ok(name in known, `${method} ${url} has an example of ${name}`);
    return { ...row, requests, more, name: `${method} ${url}`, method, url, hasBodySchema };
  });
}

/** Of the admin interface: swept over by test/admin/, which has each operation's description. */
function isOperation(url: string): boolean {
  return url.startsWith('/api/v1/') && url !== '/api/v1/openapi.json';
}

function ofIssuer(fields: Fields, issuer: string): Fields {
  const entries = Object.entries(fields);
  return Object.fromEntries(entries.map(([name, value]) => [name, value.replace('<issuer>', issuer)]));
}

export interface Place {
  readonly path: string;
  readonly cookie: string;
  readonly browser: Agent;
}

/** Where a browser stands that may call the endpoint: an interaction of its own, or a session. */
export async function standAt(
  { issuer, ctx }: TestApp,
  { url, at = url }: Pick<Endpoint, 'url' | 'at'>,
): Promise<Place> {
  const browser = new Agent(issuer);
  const assist = new RelyingParty(issuer, demoClient(issuer, 'assist'));
  let uid = '';
  if (url.includes(':uid')) {
    const step = await toStep(browser, (await assist.start()).url);
    uid = step.json().interaction as string;
  } else if (url.startsWith('/logout')) {
    await signIn(browser, assist, 'alan@acme.test');
  }
  const cookie = browser.cookies.map(({ name, value }) => `${name}=${value}`).join('; ');
  const kind = /callback|backchannel/.test(url) ? 'oidc' : 'saml';
  const connections = ctx.db.selectFrom('connections').select('id').where('kind', '=', kind);
  const id = url.includes(':id') ? ((await connections.executeTakeFirst())?.id ?? '') : '';
  return { path: at.replace(':uid', uid).replace(':app', 'assist').replace(':id', id), cookie, browser };
}
