/** OpenID Connect Discovery, RFC 8414 and RFC 7517: what anybody may know, always in the name of one issuer. */
import { request } from 'node:http';
import { createRemoteJWKSet, decodeProtectedHeader, jwtVerify } from 'jose';
import t from 'tap';
import { Agent } from '../support/agent.ts';
import { startApp } from '../support/app.ts';
import { makeClient } from '../support/make.ts';
import { RelyingParty, signIn } from '../support/relying-party.ts';
import { demoParty, obtainCode, post } from './requests.ts';

const documents = ['/.well-known/openid-configuration', '/.well-known/oauth-authorization-server', '/jwks'];

t.test('metadata', async (t) => {
  const { issuer, ctx } = await startApp(t);
  const agent = new Agent(issuer);
  const metadata = (await agent.get(documents[0] ?? '')).json();

  t.test('names the issuer and endpoints that are there', async (t) => {
    t.match(metadata, {
      issuer,
      authorization_endpoint: `${issuer}/authorize`,
      token_endpoint: `${issuer}/token`,
      userinfo_endpoint: `${issuer}/userinfo`,
      jwks_uri: `${issuer}/jwks`,
      introspection_endpoint: `${issuer}/introspect`,
      revocation_endpoint: `${issuer}/revoke`,
      end_session_endpoint: `${issuer}/logout`,
      pushed_authorization_request_endpoint: `${issuer}/par`,
      authorization_response_iss_parameter_supported: true,
      backchannel_logout_supported: true,
      backchannel_logout_session_supported: true,
    });
    for (const [name, value] of Object.entries(metadata)) {
      if (!/_(endpoint|uri)$/.test(name)) continue;
      t.ok(String(value).startsWith(`${issuer}/`), name);
      const answer = await agent.get(value as string);
      const posted = await post(issuer, value as string, {});
      t.ok(answer.status !== 404 || posted.status !== 404, `${name} answers`);
    }
  });

  t.test('promises nothing that OAuth 2.1 has dropped', async (t) => {
    t.same(metadata.response_types_supported, ['code']);
    t.same(metadata.code_challenge_methods_supported, ['S256']);
    t.same([...metadata.grant_types_supported].sort(), [
      'authorization_code',
      'client_credentials',
      'refresh_token',
    ]);
    t.same([...metadata.response_modes_supported].sort(), ['form_post', 'fragment', 'query']);
    t.same(metadata.subject_types_supported, ['public']);
    t.same([...metadata.id_token_signing_alg_values_supported].sort(), ['ES256', 'RS256']);
    t.same(metadata.dpop_signing_alg_values_supported, ['ES256', 'EdDSA']);
    t.same([...metadata.token_endpoint_auth_methods_supported].sort(), [
      'client_secret_basic',
      'client_secret_post',
      'none',
      'private_key_jwt',
    ]);
    const text = JSON.stringify(metadata);
    for (const weak of ['HS256', 'plain', 'implicit', 'password', 'RSA1_5', 'PBES2', 'A128KW'])
      t.notOk(text.includes(weak), weak);
    t.notOk(metadata.request_object_signing_alg_values_supported?.includes('none'));
    t.notOk('registration_endpoint' in metadata);
    t.not(metadata.request_parameter_supported, true);
    t.equal(metadata.request_uri_parameter_supported ?? false, false);
  });

  t.test('keys are published without their private half', async (t) => {
    const { keys } = (await agent.get('/jwks')).json() as { keys: Record<string, unknown>[] };
    t.same(keys.map(({ alg }) => alg).sort(), ['ES256', 'RS256']);
    for (const key of keys) {
      for (const secret of ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k']) t.notOk(secret in key, secret);
      t.equal(key['use'], 'sig');
      t.type(key['kid'], 'string');
    }
    t.equal(new Set(keys.map(({ kid }) => kid)).size, keys.length);
  });

  t.test('is served from memory, with everything a cache wants to know', async (t) => {
    for (const path of documents) {
      const first = await agent.get(path);
      t.equal(first.status, 200, path);
      t.match(first.headers.get('content-type'), /^application\/json/);
      t.equal(first.headers.get('cache-control'), 'public, max-age=300');
      t.equal(first.headers.get('access-control-allow-origin'), '*');
      t.equal(first.headers.get('x-content-type-options'), 'nosniff');
      const etag = first.headers.get('etag') ?? '';
      t.match(etag, /^"[\w-]+"$/);
      const unchanged = await agent.get(path, { headers: { 'if-none-match': etag } });
      t.equal(unchanged.status, 304);
      t.equal(unchanged.text, '');
      t.equal(unchanged.headers.get('etag'), etag);
      t.equal((await agent.get(path, { headers: { 'if-none-match': '"other"' } })).status, 200);
      t.equal((await agent.get(path)).text, first.text);
      t.equal((await agent.send(path, { method: 'HEAD' })).status, 200);
      t.equal((await post(issuer, path, {})).status, 404, 'and there is nothing to post');
    }
  });

  t.test('is the same by both names', async (t) => {
    const [openid, oauth] = [await agent.get(documents[0] ?? ''), await agent.get(documents[1] ?? '')];
    t.same(openid.json(), oauth.json());
  });

  t.test('names this issuer, whatever host or proxy a request speaks of', async (t) => {
    const forged = {
      host: 'evil.test',
      'x-forwarded-host': 'evil.test',
      'x-forwarded-proto': 'https',
      'x-forwarded-port': '1',
      'x-forwarded-prefix': '/evil',
      'x-forwarded-for': '203.0.113.1',
      forwarded: 'host=evil.test;proto=https',
      'x-original-url': '/evil',
      'x-rewrite-url': '/evil',
    };
    const paths = [...documents, '/authorize?client_id=demo-assist', '/logout', '/userinfo'];
    for (const path of paths) {
      const { status, text } = await getWith(issuer, path, forged);
      t.notOk(text.includes('evil.test'), path);
      t.equal(status, (await agent.get(path)).status);
    }
    t.equal((await getWith(issuer, documents[0] ?? '', forged)).text, JSON.stringify(metadata));

    const { url } = await demoParty(issuer, 'assist').start();
    const step = await getWith(issuer, `${url.pathname}${url.search}`, forged);
    t.equal(step.status, 303);
    t.match(new URL(step.location ?? '', issuer).origin, issuer, 'the sign-in begins here');
  });

  t.test('is exact in its paths', async (t) => {
    for (const path of [
      '/.well-known/openid-configuration/',
      '/.well-known/OpenID-Configuration',
      '//.well-known/openid-configuration',
      '/jwks/',
      '/jwks.json',
      '/token/introspection',
    ])
      t.equal((await agent.get(`${issuer}${path}`)).status, 404, path);
  });

  t.test('ES256 signs, and RS256 for whoever asks for it', async (t) => {
    const keySet = createRemoteJWKSet(new URL(metadata.jwks_uri as string));
    const browser = new Agent(issuer);
    const assist = demoParty(issuer, 'assist');
    const { tokens } = await signIn(browser, assist, 'alan@acme.test');
    t.equal(decodeProtectedHeader(tokens.id_token ?? '').alg, 'ES256');
    await jwtVerify(tokens.id_token ?? '', keySet, { issuer, audience: 'demo-assist' });

    const redirectUri = `${issuer}/demo/classic/callback`;
    await makeClient(ctx, {
      clientId: 'classic',
      name: 'Classic',
      firstParty: true,
      applicationType: 'web',
      authMethod: 'none',
      grantTypes: ['authorization_code'],
      redirectUris: [redirectUri],
      idTokenSignedResponseAlg: 'RS256',
    });
    const { form } = await obtainCode(new RelyingParty(issuer, { clientId: 'classic', redirectUri }), {
      browser,
    });
    const { id_token: idToken } = (await post(issuer, '/token', form)).json();
    t.equal(decodeProtectedHeader(idToken).alg, 'RS256');
    await jwtVerify(idToken, keySet, { issuer, audience: 'classic', algorithms: ['RS256'] });
  });
});

interface Raw {
  readonly status: number | undefined;
  readonly location: string | undefined;
  readonly text: string;
}

/** GETs with headers that `fetch` would not send. */
function getWith(issuer: string, path: string, headers: Record<string, string>): Promise<Raw> {
  const { hostname, port } = new URL(issuer);
  return new Promise((resolve, reject) => {
    const sent = request(
      { hostname, port, path, headers: { accept: 'application/json', ...headers } },
      (answer) => {
        let text = '';
        answer.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
        answer.once('end', () =>
          resolve({ status: answer.statusCode, location: answer.headers.location, text }),
        );
      },
    );
    sent.once('error', reject).end();
  });
}
