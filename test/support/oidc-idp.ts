/**
 * An OpenID provider of our own, over real HTTP and with real keys, in which everything can be wrong: it signs in
 * whoever comes, and `forge` bends whatever it says. What it was asked stands in `requests`.
 */
import { createHash, randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createLocalJWKSet, exportJWK, generateKeyPair, type JSONWebKeySet, jwtVerify, SignJWT } from 'jose';
import type { Test } from 'tap';
import { type Context, inTransaction } from '../../src/context.ts';
import {
  createConnection,
  findConnection,
  type Mapping,
  type OidcConnection,
  type OidcSettings,
} from '../../src/core/connections/connections.ts';
import type { AccountId, ConnectionId } from '../../src/kernel/ids.ts';

type Members = Record<string, unknown>;
type Handler = (request: IncomingMessage, response: ServerResponse) => void;
export type SigningAlgorithm = 'RS256' | 'PS256' | 'ES256' | 'EdDSA';

/** What is done to the truth; each part may be left out. A member set to undefined is left out of what is sent. */
export interface Forgery {
  metadata?: Members;
  /** Added to the parameters of the callback; several values under one name come several times. */
  response?: readonly (readonly [string, string])[];
  header?: Members;
  claims?: Members;
  /** Makes the ID token itself, of the right claims and header. */
  idToken?: (claims: Members, header: Members) => string | Promise<string>;
  /** Of the token endpoint's answer. */
  tokens?: Members;
  userinfo?: Members;
  keys?: (keys: object[]) => unknown;
  /** Takes an endpoint over, by its path: `/token`, `/jwks`… */
  endpoints?: Readonly<Record<string, Handler>>;
}

export interface Asked {
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly form: URLSearchParams;
}

export interface IdpKey {
  readonly kid: string;
  readonly privateKey: CryptoKey;
  readonly publicKey: CryptoKey;
}

export interface OidcIdp {
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret: string;
  readonly requests: Asked[];
  forge: Forgery;
  /** Who is signed in there. */
  person: Members;
  /** Keys of ours that it takes for `private_key_jwt`. */
  clientKeys: JSONWebKeySet | undefined;
  /** How often an endpoint was asked. */
  count(path: string): number;
  /** Goes there as a browser does; the parameters it is sent back with. */
  visit(location: string): Promise<URLSearchParams>;
  /** From now on another key, and the old one is not published any more. */
  rotateKeys(): Promise<void>;
  key(): IdpKey;
  /** A logout token, bent by `claims` and `header`. */
  logoutToken(claims?: Members, header?: Members): Promise<string>;
}

export interface OidcIdpOptions {
  readonly algorithm?: SigningAlgorithm;
  readonly now?: () => Date;
}

interface Grant {
  readonly asked: URLSearchParams;
}

export async function startOidcIdp(t: Test, options: OidcIdpOptions = {}): Promise<OidcIdp> {
  const { algorithm = 'RS256', now = () => new Date() } = options;
  let key = await makeKey(algorithm);
  const grants = new Map<string, Grant>();
  const requests: Asked[] = [];
  const seconds = (): number => Math.floor(now().getTime() / 1000);
  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => response.destroy(error as Error));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => {
    server.close();
    server.closeAllConnections();
  });
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  const idp: OidcIdp = {
    issuer,
    clientId: 'doorward',
    clientSecret: 'a secret, with +signs & colons:',
    requests,
    forge: {},
    person: { sub: 'person-1', email: 'pat@acme.test', email_verified: true, name: 'Pat' },
    clientKeys: undefined,
    count: (path) => requests.filter((asked) => asked.path === path).length,
    key: () => key,
    visit: async (location) => {
      const { headers, status } = await fetch(location, { redirect: 'manual' });
      if (status !== 302) throw new Error(`the provider answered ${status}`);
      return new URL(headers.get('location') ?? '').searchParams;
    },
    rotateKeys: async () => {
      key = await makeKey(algorithm);
    },
    logoutToken: (claims = {}, header = {}) =>
      sign(
        {
          iss: issuer,
          aud: idp.clientId,
          sub: idp.person['sub'],
          sid: 'session-1',
          iat: seconds(),
          exp: seconds() + 120,
          jti: randomBytes(9).toString('base64url'),
          events: { 'http://schemas.openid.net/event/backchannel-logout': {} },
          ...claims,
        },
        { typ: 'logout+jwt', ...header },
      ),
  };

  const sign = (claims: Members, header: Members): Promise<string> =>
    new SignJWT(defined(claims))
      .setProtectedHeader(defined({ alg: algorithm, kid: key.kid, ...header }) as { alg: string })
      .sign(key.privateKey);

  const endpoints: Record<string, (asked: Asked, response: ServerResponse) => Promise<void> | void> = {
    '/.well-known/openid-configuration': (_asked, response) => {
      sendJson(response, { ...metadataOf(issuer, algorithm), ...idp.forge.metadata });
    },
    '/jwks': async (_asked, response) => {
      const keys = [{ ...(await exportJWK(key.publicKey)), kid: key.kid, use: 'sig', alg: algorithm }];
      sendJson(response, idp.forge.keys ? idp.forge.keys(keys) : { keys });
    },
    '/authorize': ({ form }, response) => {
      const code = randomBytes(9).toString('base64url');
      grants.set(code, { asked: form });
      const to = new URL(form.get('redirect_uri') ?? '');
      const bent = idp.forge.response ?? [];
      const truth: [string, string][] = [
        ['code', code],
        ['state', form.get('state') ?? ''],
        ['iss', issuer],
      ];
      const kept = truth.filter(([name]) => !bent.some(([other]) => other === name));
      // an empty text takes a parameter away
      for (const [name, value] of [...kept, ...bent])
        if (value !== '') to.searchParams.append(name, value.replace('<code>', code));
      response.writeHead(302, { location: to.href }).end();
    },
    '/token': async (asked, response) => {
      const grant = grants.get(asked.form.get('code') ?? '');
      grants.delete(asked.form.get('code') ?? '');
      const refusal = (await authenticate(idp, asked)) ?? judgeCode(grant, asked.form);
      if (refusal !== undefined) {
        sendJson(response, { error: refusal, error_description: '<script>alert(1)</script>' }, 400);
        return;
      }
      const nonce = grant?.asked.get('nonce');
      const claims = {
        iss: issuer,
        aud: idp.clientId,
        iat: seconds(),
        exp: seconds() + 300,
        ...(grant?.asked.has('max_age') === true && { auth_time: seconds() }),
        ...(nonce !== null && { nonce }),
        ...idp.person,
        ...idp.forge.claims,
      };
      const header = { alg: algorithm, kid: key.kid, ...idp.forge.header };
      const idToken = idp.forge.idToken
        ? await idp.forge.idToken(claims, header)
        : await sign(claims, header);
      const tokens = { access_token: 'canary-upstream-access', refresh_token: 'canary-upstream-refresh' };
      sendJson(response, { ...tokens, token_type: 'Bearer', id_token: idToken, ...idp.forge.tokens });
    },
    '/userinfo': ({ headers }, response) => {
      const isOurs = headers.authorization === 'Bearer canary-upstream-access';
      sendJson(response, isOurs ? { ...idp.person, ...idp.forge.userinfo } : {}, isOurs ? 200 : 401);
    },
  };

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '', issuer);
    let body = '';
    for await (const chunk of request) body += String(chunk);
    const form = request.method === 'POST' ? new URLSearchParams(body) : url.searchParams;
    const asked = { path: url.pathname, headers: request.headers, form };
    requests.push(asked);
    const taken = idp.forge.endpoints?.[url.pathname];
    if (taken) taken(request, response);
    else if (endpoints[url.pathname]) await endpoints[url.pathname]?.(asked, response);
    else response.writeHead(404).end();
  }
  return idp;
}

async function makeKey(algorithm: SigningAlgorithm): Promise<IdpKey> {
  const pair = await generateKeyPair(algorithm, { extractable: true });
  return { kid: randomBytes(6).toString('base64url'), ...pair };
}

/** The same RSA key, for another algorithm. */
export async function forPss({ privateKey }: IdpKey): Promise<CryptoKey> {
  const bytes = await crypto.subtle.exportKey('pkcs8', privateKey);
  return crypto.subtle.importKey('pkcs8', bytes, { name: 'RSA-PSS', hash: 'SHA-256' }, false, ['sign']);
}

/** What its discovery document says when nothing is forged. */
export function metadataOf(issuer: string, algorithm: SigningAlgorithm = 'RS256'): Members {
  return {
    issuer,
    authorization_endpoint: `${issuer}/authorize`,
    token_endpoint: `${issuer}/token`,
    userinfo_endpoint: `${issuer}/userinfo`,
    jwks_uri: `${issuer}/jwks`,
    response_types_supported: ['code'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: [algorithm],
    code_challenge_methods_supported: ['S256'],
    authorization_response_iss_parameter_supported: true,
  };
}

/** By each method that a connection may have; the error code, or undefined when it is the client. */
async function authenticate(idp: OidcIdp, { headers, form }: Asked): Promise<string | undefined> {
  const assertion = form.get('client_assertion');
  if (assertion !== null && idp.clientKeys) {
    const { clientId } = idp;
    const rules = { issuer: clientId, subject: clientId, audience: idp.issuer };
    const proven = jwtVerify(assertion, createLocalJWKSet(idp.clientKeys), rules);
    return proven.then(
      () => undefined,
      () => 'invalid_client',
    );
  }
  const basic = Buffer.from(headers.authorization?.slice('Basic '.length) ?? '', 'base64').toString();
  const [id, secret] = headers.authorization
    ? basic.split(':').map((part) => new URLSearchParams(`v=${part}`).get('v'))
    : [form.get('client_id'), form.get('client_secret')];
  return id === idp.clientId && secret === idp.clientSecret ? undefined : 'invalid_client';
}

function judgeCode(grant: Grant | undefined, form: URLSearchParams): string | undefined {
  if (!grant) return 'invalid_grant';
  const challenge = createHash('sha256')
    .update(form.get('code_verifier') ?? '')
    .digest('base64url');
  const isChallenged = grant.asked.get('code_challenge') === (form.has('code_verifier') ? challenge : null);
  const isSameAddress = grant.asked.get('redirect_uri') === form.get('redirect_uri');
  return isChallenged && isSameAddress ? undefined : 'invalid_grant';
}

export function sendJson(response: ServerResponse, body: unknown, status = 200): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

function defined(members: Members): Members {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined));
}

export interface OidcConnectionOptions {
  readonly settings?: Partial<OidcSettings>;
  readonly mapping?: Partial<Mapping>;
  readonly secret?: string | undefined;
}

/** A connection to it, as an admin would set it up. */
export async function makeOidcConnection(
  ctx: Context,
  { accountId, idp }: { readonly accountId: AccountId; readonly idp: OidcIdp },
  options: OidcConnectionOptions = {},
): Promise<ConnectionId> {
  const settings: OidcSettings = {
    kind: 'oidc',
    issuer: idp.issuer,
    clientId: idp.clientId,
    clientAuth: 'client_secret_post',
    idTokenAlgorithm: 'RS256',
    scopes: ['openid', 'email', 'profile'],
    subject: ['sub'],
    tenants: [],
    ...options.settings,
  };
  const secret = 'secret' in options ? options.secret : idp.clientSecret;
  return inTransaction(ctx, (tx) =>
    createConnection(tx, {
      accountId,
      label: 'Acme',
      settings,
      ...(options.mapping && { mapping: options.mapping }),
      ...(secret !== undefined && { secret }),
    }),
  );
}

/** As it is in the database now. */
export async function getOidcConnection(ctx: Context, id: ConnectionId): Promise<OidcConnection> {
  const connection = await findConnection(ctx.db, id);
  if (connection?.kind !== 'oidc') throw new Error('there is no such connection');
  return connection;
}
