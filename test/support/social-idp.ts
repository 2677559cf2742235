/**
 * The six social providers as one server of our own, over real HTTP and with real keys: each below its name, with its
 * quirks, and as strict about them as the real one is known to be. `forge` bends whatever they say; what they were asked
 * stands in `requests`.
 */
import { createHash, createHmac, createPublicKey, generateKeyPairSync, randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, jwtVerify, SignJWT } from 'jose';
import type { Test } from 'tap';
import { type SocialProvider, socialProviders } from '../../src/core/identities/identities.ts';
import { sendJson } from './oidc-idp.ts';

export type Members = Record<string, unknown>;
type Handler = (asked: SocialAsked, response: ServerResponse) => Promise<void> | void;

/** What is done to the truth; each part may be left out. A member set to undefined is left out of what is sent. */
export interface SocialForgery {
  /** Instead of the parameters of these names; an empty text takes one away, and one that is there twice comes twice. */
  response?: readonly (readonly [string, string])[];
  header?: Members;
  claims?: Members;
  /** Makes the ID token itself, of the right claims and header. */
  idToken?: (claims: Members, header: Members) => string | Promise<string>;
  /** Of the token endpoint's answer. */
  tokens?: Members;
  /** Of `/me` and `/user`. */
  profile?: Members;
  /** What `/user/emails` answers. */
  emails?: unknown;
  keys?: (keys: object[]) => unknown;
  /** Takes an endpoint over, by its path with the provider's name: `/github/user`. */
  endpoints?: Readonly<Record<string, Handler>>;
}

export interface SocialAsked {
  /** With the provider's name, without the query. */
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly query: URLSearchParams;
  readonly form: URLSearchParams;
}

interface Key {
  readonly kid: string;
  readonly privateKey: CryptoKey;
  readonly publicKey: CryptoKey;
}

export interface SocialIdp {
  /** The settings that make a service its client, at all six. */
  readonly env: Readonly<Record<string, string>>;
  readonly requests: SocialAsked[];
  forge: SocialForgery;
  /** Who is signed in there: claims, or the profile of GitHub and Facebook. */
  readonly people: Record<SocialProvider, Members>;
  now: () => Date;
  /** Where it stands in for a provider. */
  at(provider: SocialProvider): string;
  last(path: string): SocialAsked;
  count(path: string): number;
  /** Goes there as a browser does; the parameters it is sent back with, or made to post. */
  visit(location: string): Promise<URLSearchParams>;
  /** With the key of its tokens, whatever they say. */
  sign(claims: Members, header?: Members): Promise<string>;
  rotateKeys(): Promise<void>;
  key(): Key;
}

export const tenants = {
  acme: '11111111-2222-4333-8444-555555555555',
  evil: '99999999-2222-4333-8444-555555555555',
  /** Of all private accounts. */
  private: '9188040d-6c67-4c5b-b112-36a304b66dad',
};

const secrets = { client: 'a secret, with +signs & colons:', team: 'TEAM123456', key: 'KEY1234567' };
const clientIdOf = (provider: SocialProvider): string => `${provider}-client`;

/** At `localhost` it is of another site than a service at 127.0.0.1. */
export async function startSocialIdp(t: Test, host = '127.0.0.1'): Promise<SocialIdp> {
  let key = await makeKey();
  const appleKey = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
  const pem = appleKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  const requests: SocialAsked[] = [];
  const server = createServer((request, response) => {
    read(request)
      .then(async (asked) => {
        requests.push(asked);
        const handler = idp.forge.endpoints?.[asked.path] ?? endpoints[asked.path];
        if (handler) await handler(asked, response);
        else response.writeHead(404).end();
      })
      .catch((error: unknown) => response.destroy(error as Error));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => {
    server.close();
    server.closeAllConnections();
  });
  const base = `http://${host}:${(server.address() as AddressInfo).port}`;

  const idp: SocialIdp = {
    env: {
      SOCIAL_URL: base,
      ...Object.fromEntries(
        socialProviders.flatMap((provider) => [
          [`${provider.toUpperCase()}_CLIENT_ID`, clientIdOf(provider)],
          [`${provider.toUpperCase()}_CLIENT_SECRET`, `${secrets.client}${provider}`],
        ]),
      ),
      APPLE_TEAM_ID: secrets.team,
      APPLE_KEY_ID: secrets.key,
      APPLE_PRIVATE_KEY: pem,
    },
    requests,
    forge: {},
    people: somebodyEverywhere(),
    now: () => new Date(),
    at: (provider) => `${base}/${provider}`,
    last: (path) => {
      const found = requests.findLast((asked) => asked.path === path);
      if (!found) throw new Error(`${path} was not asked`);
      return found;
    },
    count: (path) => requests.filter((asked) => asked.path === path).length,
    visit,
    sign: (claims, header = {}) =>
      new SignJWT(defined(claims))
        .setProtectedHeader(defined({ alg: 'RS256', kid: key.kid, ...header }) as { alg: string })
        .sign(key.privateKey),
    rotateKeys: async () => {
      key = await makeKey();
    },
    key: () => key,
  };
  const verifyAppleSecret = async (secret: string): Promise<boolean> => {
    const rules = { issuer: secrets.team, subject: clientIdOf('apple'), audience: idp.at('apple') };
    const { payload, protectedHeader } = await jwtVerify(secret, createPublicKey(pem), {
      ...rules,
      algorithms: ['ES256'],
      requiredClaims: ['iat', 'exp'],
      currentDate: idp.now(),
    });
    const { iat = 0, exp = 0 } = payload;
    return protectedHeader.kid === secrets.key && exp - iat <= 15_777_000;
  };
  const endpoints = endpointsOf(idp, verifyAppleSecret);
  return idp;
}

function somebodyEverywhere(): Record<SocialProvider, Members> {
  const pat = { email: 'pat@acme.test', email_verified: true, name: 'Pat' };
  return {
    google: { sub: '1234567890', ...pat },
    microsoft: {
      sub: 'pairwise-1',
      oid: 'aaaaaaaa-2222-4333-8444-555555555555',
      tid: tenants.acme,
      email: 'pat@acme.test',
      name: 'Pat',
    },
    linkedin: { sub: 'linked-1', ...pat },
    facebook: { id: '10203040506070809', name: 'Pat', email: 'pat@acme.test' },
    apple: { sub: '001234.abcdef.0001', email: 'pat@acme.test', email_verified: 'true' },
    github: { id: 583_231, login: 'pat', name: 'Pat', email: 'public@elsewhere.test' },
  };
}

/** What each has of its own; the table in the design is the source of it. */
function endpointsOf(
  idp: SocialIdp,
  verifyAppleSecret: (secret: string) => Promise<boolean>,
): Record<string, Handler> {
  const grants = new Map<string, { readonly provider: SocialProvider; readonly asked: URLSearchParams }>();
  /** Apple says a name once. */
  const named = new Set<unknown>();
  const seconds = (): number => Math.floor(idp.now().getTime() / 1000);
  const accessTokenOf = (provider: SocialProvider): string => `canary-upstream-${provider}`;

  const authorize =
    (provider: SocialProvider, iss?: string): Handler =>
    ({ query }, response) => {
      const code = randomBytes(9).toString('base64url');
      grants.set(code, { provider, asked: query });
      const bent = idp.forge.response ?? [];
      const truth: [string, string][] = [
        ['code', code],
        ['state', query.get('state') ?? ''],
        ...(iss === undefined ? [] : [['iss', iss] as [string, string]]),
      ];
      if (provider === 'apple' && !named.has(idp.people.apple['sub'])) {
        named.add(idp.people.apple['sub']);
        truth.push([
          'user',
          JSON.stringify({ name: { firstName: 'Pat', lastName: 'Apple' }, email: 'a@b.test' }),
        ]);
      }
      const kept = truth.filter(([name]) => !bent.some(([other]) => other === name));
      const sent = [...kept, ...bent].filter(([, value]) => value !== '');
      const parameters = new URLSearchParams(
        sent.map(([name, value]) => [name, value.replace('<code>', code)]),
      );
      const to = new URL(query.get('redirect_uri') ?? '');
      if (query.get('response_mode') === 'form_post') {
        response.writeHead(200, { 'content-type': 'text/html' }).end(formOf(to.href, parameters));
        return;
      }
      if (provider === 'apple') {
        response.writeHead(400).end();
        return;
      }
      to.search = parameters.toString();
      response.writeHead(302, { location: `${to.href}${provider === 'facebook' ? '#_=_' : ''}` }).end();
    };

  const redeem = async (provider: SocialProvider, { form }: SocialAsked): Promise<string | undefined> => {
    const code = form.get('code') ?? '';
    const grant = grants.get(code);
    grants.delete(code);
    const secret = form.get('client_secret') ?? '';
    const isSecret =
      provider === 'apple' ? await verifyAppleSecret(secret) : secret === `${secrets.client}${provider}`;
    if (!isSecret || form.get('client_id') !== clientIdOf(provider)) return 'invalid_client';
    // measured: LinkedIn takes a verifier for a mistake of the client's
    if (provider === 'linkedin' && form.has('code_verifier')) return 'invalid_client';
    if (grant?.provider !== provider) return 'invalid_grant';
    if (grant.asked.get('redirect_uri') !== form.get('redirect_uri')) return 'invalid_grant';
    const challenge = createHash('sha256')
      .update(form.get('code_verifier') ?? '')
      .digest('base64url');
    const expected = form.has('code_verifier') ? challenge : null;
    if (grant.asked.get('code_challenge') !== expected) return 'invalid_grant';
    nonces.set(provider, grant.asked.get('nonce'));
    return undefined;
  };
  const nonces = new Map<SocialProvider, string | null>();

  const openIdToken =
    (provider: SocialProvider, issuer: () => string): Handler =>
    async (asked, response) => {
      const refusal = await redeem(provider, asked);
      if (refusal !== undefined) {
        const status = refusal === 'invalid_client' ? 401 : 400;
        sendJson(response, { error: refusal, error_description: '<script>alert(1)</script>' }, status);
        return;
      }
      const nonce = nonces.get(provider);
      const claims = {
        iss: issuer(),
        aud: clientIdOf(provider),
        iat: seconds(),
        exp: seconds() + 600,
        // measured: LinkedIn does not return it
        ...(nonce != null && provider !== 'linkedin' && { nonce }),
        ...idp.people[provider],
        ...idp.forge.claims,
      };
      const header = { alg: 'RS256', kid: idp.key().kid, ...idp.forge.header };
      const idToken = await (idp.forge.idToken ?? idp.sign)(claims, header);
      const tokens = { access_token: accessTokenOf(provider), refresh_token: 'canary-upstream-refresh' };
      sendJson(response, { ...tokens, token_type: 'Bearer', id_token: idToken, ...idp.forge.tokens });
    };

  const keys: Handler = async (_asked, response) => {
    const { kid, publicKey } = idp.key();
    // LinkedIn's have no `use`, and Microsoft's no `alg`
    const known = [{ ...(await exportJWK(publicKey)), kid }];
    sendJson(response, idp.forge.keys ? idp.forge.keys(known) : { keys: known });
  };

  const github = idp.at('github');
  const isGithubs = ({ headers }: SocialAsked, response: ServerResponse): boolean => {
    const isAllowed = headers.authorization === `Bearer ${accessTokenOf('github')}`;
    if (!isAllowed || headers['user-agent'] === undefined)
      sendJson(response, { message: 'Bad credentials' }, isAllowed ? 403 : 401);
    return isAllowed && headers['user-agent'] !== undefined;
  };

  return {
    '/google/o/oauth2/v2/auth': authorize('google', idp.at('google')),
    '/google/token': openIdToken('google', () => idp.at('google')),
    '/google/oauth2/v3/certs': keys,
    '/microsoft/common/oauth2/v2.0/authorize': authorize('microsoft'),
    '/microsoft/common/oauth2/v2.0/token': openIdToken(
      'microsoft',
      () => `${idp.at('microsoft')}/${String({ ...idp.people.microsoft, ...idp.forge.claims }['tid'])}/v2.0`,
    ),
    '/microsoft/common/discovery/v2.0/keys': keys,
    '/linkedin/oauth/v2/authorization': authorize('linkedin'),
    '/linkedin/oauth/v2/accessToken': openIdToken('linkedin', () => `${idp.at('linkedin')}/oauth`),
    '/linkedin/oauth/openid/jwks': keys,
    '/apple/auth/authorize': authorize('apple'),
    '/apple/auth/token': openIdToken('apple', () => idp.at('apple')),
    '/apple/auth/keys': keys,
    '/facebook/v25.0/dialog/oauth': authorize('facebook'),
    '/facebook/v25.0/oauth/access_token': async (asked, response) => {
      const refusal = await redeem('facebook', asked);
      if (refusal !== undefined) sendJson(response, graphError('OAuthException', 100), 400);
      else
        sendJson(response, {
          access_token: accessTokenOf('facebook'),
          token_type: 'bearer',
          expires_in: 5_183_944,
          ...idp.forge.tokens,
        });
    },
    '/facebook/v25.0/me': ({ query, headers }, response) => {
      const proof = createHmac('sha256', `${secrets.client}facebook`)
        .update(accessTokenOf('facebook'))
        .digest('hex');
      const isOurs = headers.authorization === `Bearer ${accessTokenOf('facebook')}`;
      if (!isOurs || query.get('appsecret_proof') !== proof) {
        sendJson(response, graphError('GraphMethodException', 100), 400);
        return;
      }
      const profile = Object.entries({ ...idp.people.facebook, ...idp.forge.profile });
      const fields = query.get('fields')?.split(',') ?? [];
      sendJson(response, Object.fromEntries(profile.filter(([name]) => fields.includes(name))));
    },
    '/github/login/oauth/authorize': authorize('github', `${github}/login/oauth`),
    '/github/login/oauth/access_token': async (asked, response) => {
      const refusal = await redeem('github', asked);
      const answer =
        refusal === undefined
          ? {
              access_token: accessTokenOf('github'),
              token_type: 'bearer',
              scope: 'user:email',
              ...idp.forge.tokens,
            }
          : { error: 'bad_verification_code', error_description: '<script>alert(1)</script>' };
      if (asked.headers.accept === 'application/json') sendJson(response, answer);
      else response.writeHead(200).end(new URLSearchParams(answer).toString());
    },
    '/github/user': (asked, response) => {
      if (isGithubs(asked, response)) sendJson(response, { ...idp.people.github, ...idp.forge.profile });
    },
    '/github/user/emails': (asked, response) => {
      if (!isGithubs(asked, response)) return;
      const emails = [
        { email: 'old@elsewhere.test', primary: false, verified: true, visibility: null },
        { email: 'pat@acme.test', primary: true, verified: true, visibility: 'private' },
      ];
      sendJson(response, 'emails' in idp.forge ? idp.forge.emails : emails);
    },
  };
}

function graphError(type: string, code: number): object {
  return { error: { message: '<script>alert(1)</script>', type, code, fbtrace_id: 'x' } };
}

function formOf(action: string, parameters: URLSearchParams): string {
  const inputs = [...parameters].map(
    ([name, value]) => `<input type="hidden" name="${escapeHtml(name)}" value="${escapeHtml(value)}">`,
  );
  return `<link rel="icon" href="data:,"><form method="post" action="${escapeHtml(action)}">${inputs.join('')}<button id="continue">Continue</button></form>`;
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

async function visit(location: string): Promise<URLSearchParams> {
  const answer = await fetch(location, { redirect: 'manual' });
  const page = await answer.text();
  if (answer.status === 302) return new URL(answer.headers.get('location') ?? '').searchParams;
  if (answer.status !== 200) throw new Error(`the provider answered ${answer.status}`);
  const read = (text = ''): string =>
    text.replace(/&#(\d+);/g, (_all, code) => String.fromCharCode(Number(code)));
  const inputs = page.matchAll(/name="([^"]*)" value="([^"]*)"/g);
  return new URLSearchParams(Array.from(inputs, ([, name, value]) => [read(name), read(value)]));
}

async function read(request: IncomingMessage): Promise<SocialAsked> {
  const url = new URL(request.url ?? '', 'http://localhost');
  let body = '';
  for await (const chunk of request) body += String(chunk);
  const { pathname: path, searchParams: query } = url;
  return { path, headers: request.headers, query, form: new URLSearchParams(body) };
}

async function makeKey(): Promise<Key> {
  const algorithm = { name: 'RSASSA-PKCS1-v1_5', modulusLength: 2048, hash: 'SHA-256' };
  const pair = await crypto.subtle.generateKey(
    { ...algorithm, publicExponent: new Uint8Array([1, 0, 1]) },
    true,
    ['sign', 'verify'],
  );
  return { kid: randomBytes(6).toString('base64url'), ...pair };
}

function defined(members: Members): Members {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined));
}
