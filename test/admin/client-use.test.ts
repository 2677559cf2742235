/** Each client that the interface takes can be used: what it would be refused for later it is refused for at once. */
import { generateKeyPairSync, randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { SignJWT } from 'jose';
import t from 'tap';
import { basic, type Form, post } from '../provider/requests.ts';
import { Agent } from '../support/agent.ts';
import { operatorApi } from '../support/api.ts';
import { startApp } from '../support/app.ts';
import { RelyingParty } from '../support/relying-party.ts';

const seed = Number(process.env['FUZZ_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
const numRuns = Number(process.env['FUZZ_RUNS'] ?? 150);

const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const ed = generateKeyPairSync('ed25519');
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const publicJwk = { ...ec.publicKey.export({ format: 'jwk' }), kid: 'one' };

interface Settings {
  readonly auth_method: string;
  readonly application_type: string;
  readonly grant_types: readonly string[];
  readonly redirect_uris: readonly string[];
  readonly resources: readonly string[];
  readonly scopes: readonly string[];
  readonly [name: string]: unknown;
}

/** What there is to choose from: most of it fits together in some way, and not in others. */
function clients(issuer: string): fc.Arbitrary<Settings> {
  const own = `${issuer}/api/v1`;
  const subset = (...names: string[]) => fc.subarray(names);
  const uri = fc.constantFrom(
    null,
    null,
    null,
    'https://a.test/x',
    `${issuer}/x`,
    'http://a.test/x',
    'data:,x',
  );
  const keys = { keys: [publicJwk] };
  return fc
    .record({
      name: fc.constant('Made'),
      first_party: fc.boolean(),
      application_type: fc.constantFrom('web', 'native'),
      auth_method: fc.constantFrom('none', 'client_secret_basic', 'client_secret_post', 'private_key_jwt'),
      jwks: fc.constantFrom(null, keys),
      jwks_uri: fc.constantFrom(null, null, null, 'https://a.test/jwks'),
      grant_types: subset('authorization_code', 'refresh_token', 'client_credentials'),
      redirect_uris: subset(
        'https://a.test/callback',
        'http://127.0.0.1/callback',
        'http://a.test/callback',
        'com.example.app:/callback',
        'https://localhost/callback',
      ),
      post_logout_redirect_uris: subset('https://a.test/', 'http://127.0.0.1/out', 'com.example.app:/out'),
      backchannel_logout_uri: uri,
      initiate_login_uri: uri,
      logo_uri: uri,
      home_uri: uri,
      scopes: subset('assist:read', 'offline_access', 'self', 'admin:users:read', 'meet:read'),
      resources: subset('https://api.assist.test', own),
      id_token_signed_response_alg: fc.constantFrom('ES256', 'RS256'),
      require_pushed_authorization_requests: fc.boolean(),
      dpop_bound_access_tokens: fc.boolean(),
      pkce_waived: fc.boolean(),
    })
    .chain((settings) => fc.boolean().map((tidied) => (tidied ? tidy(settings, own) : settings)));
}

/** The same with what stands against the rest taken out, so that many are good ones. */
function tidy(settings: Settings, own: string): Settings {
  const { auth_method: method, application_type: type } = settings;
  const isPublic = method === 'none';
  const isService = !isPublic && settings.grant_types.includes('client_credentials');
  const uris =
    type === 'web' ? ['https://a.test/callback'] : ['com.example.app:/callback', 'http://127.0.0.1/callback'];
  return {
    ...settings,
    jwks: method === 'private_key_jwt' ? { keys: [publicJwk] } : null,
    jwks_uri: null,
    grant_types: isService ? ['client_credentials'] : ['authorization_code', 'refresh_token'],
    redirect_uris: isService ? [] : uris,
    post_logout_redirect_uris: [],
    backchannel_logout_uri: null,
    initiate_login_uri: 'https://a.test/x',
    home_uri: null,
    logo_uri: null,
    scopes: isService ? ['admin:users:read', 'assist:read'] : ['self', 'offline_access', 'assist:read'],
    resources: ['https://api.assist.test', own],
    dpop_bound_access_tokens: false,
    pkce_waived: settings['pkce_waived'] === true && !isPublic,
  };
}

t.test(`each client that is taken can be used (FUZZ_SEED=${seed})`, async (t) => {
  const app = await startApp(t, { env: { API_REQUESTS_PER_MINUTE: '9999999' } });
  const { issuer } = app;
  const operator = await operatorApi(app);
  let taken = 0;
  const ways = new Set<string>();

  await fc.assert(
    fc.asyncProperty(clients(issuer), async (settings) => {
      const made = await operator.post('/clients', settings);
      if (made.status === 400) return;
      if (made.status !== 201) throw new Error(made.text);
      taken += 1;
      for (const grant of settings.grant_types) ways.add(`${settings.auth_method} ${grant}`);
      const { client_id: clientId, client_secret: secret } = made.body;
      if (settings.grant_types.includes('client_credentials')) await useToken(settings, clientId, secret);
      if (settings.grant_types.includes('authorization_code')) await usePage(settings, clientId, secret);
    }),
    { seed, numRuns },
  );
  t.ok(taken > numRuns / 4, `${taken} of ${numRuns} were taken`);
  t.ok(ways.size >= 5, [...ways].join(', '));
  const faults = app.lines.filter((line) => (JSON.parse(line) as { level: number }).level >= 50);
  t.same(faults, []);

  /** What a client sends to prove itself, in whichever way it does. */
  async function proof({ auth_method: method }: Settings, clientId: string, secret: string) {
    if (method === 'client_secret_basic') return { form: {}, headers: basic(clientId, secret) };
    if (method === 'none') return { form: { client_id: clientId }, headers: {} };
    if (method === 'client_secret_post')
      return { form: { client_id: clientId, client_secret: secret }, headers: {} };
    const assertion = await new SignJWT({ jti: randomUUID() })
      .setProtectedHeader({ alg: 'ES256', kid: 'one' })
      .setIssuer(clientId)
      .setSubject(clientId)
      .setAudience(issuer)
      .setExpirationTime('1m')
      .sign(ec.privateKey);
    const type = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';
    return { form: { client_assertion_type: type, client_assertion: assertion }, headers: {} };
  }

  async function useToken(settings: Settings, clientId: string, secret: string): Promise<void> {
    // its keys are at an address where nothing is, or its tokens are bound to a key it has not
    if (settings['jwks_uri'] !== null || settings['dpop_bound_access_tokens'] === true) return;
    const { form, headers } = await proof(settings, clientId, secret);
    for (const resource of settings.resources) {
      const proven =
        settings.auth_method === 'private_key_jwt' ? await proof(settings, clientId, secret) : { form };
      const asked: Form = { ...proven.form, grant_type: 'client_credentials', resource };
      const answer = await post(issuer, '/token', asked, headers);
      if (answer.status !== 200) throw new Error(`${JSON.stringify(settings)}: ${answer.text}`);
    }
  }

  async function usePage(settings: Settings, clientId: string, secret: string): Promise<void> {
    for (const redirectUri of settings.redirect_uris) {
      const party = new RelyingParty(issuer, { clientId, redirectUri, scope: 'openid' });
      const { url } = await party.start();
      if (settings['require_pushed_authorization_requests'] === true) {
        if (settings['jwks_uri'] !== null) return;
        const { form, headers } = await proof(settings, clientId, secret);
        const asked = { ...Object.fromEntries(url.searchParams), ...form };
        const pushed = await post(issuer, '/par', asked, headers);
        if (pushed.status !== 201) throw new Error(`${JSON.stringify(settings)}: ${pushed.text}`);
        url.search = new URLSearchParams({
          client_id: clientId,
          request_uri: (pushed.json() as { request_uri: string }).request_uri,
        }).toString();
      }
      const step = await new Agent(issuer).follow(url.href);
      if (step.status !== 200 || (step.json() as { step: string }).step !== 'identify')
        throw new Error(`${JSON.stringify(settings)}: ${step.status} ${step.text}`);
    }
  }
});

t.test('what does not fit together is refused, and says where', async (t) => {
  const app = await startApp(t);
  const { issuer } = app;
  const operator = await operatorApi(app);
  const own = `${issuer}/api/v1`;
  const web = {
    name: 'Web',
    first_party: true,
    auth_method: 'client_secret_basic',
    grant_types: ['authorization_code', 'refresh_token'],
    redirect_uris: ['https://a.test/callback'],
  };
  const service = { ...web, grant_types: ['client_credentials'], redirect_uris: [] };
  const byKey = (keys: unknown) => ({ ...service, auth_method: 'private_key_jwt', jwks: { keys } });
  const { d, ...p384 } = generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey.export({
    format: 'jwk',
  });
  const short = generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey.export({ format: 'jwk' });
  const wrong: readonly (readonly [string, object])[] = [
    ['product_id', { ...web, product_id: `prd_${'0'.repeat(26)}` }],
    ['grant_types', { ...web, grant_types: [], redirect_uris: [] }],
    ['grant_types', { ...service, grant_types: ['refresh_token'] }],
    ['grant_types', { ...service, auth_method: 'none' }],
    ['grant_types.0', { ...web, grant_types: ['implicit'] }],
    ['grant_types.0', { ...web, grant_types: ['password'] }],
    ['redirect_uris', { ...web, redirect_uris: [] }],
    ['redirect_uris', { ...service, redirect_uris: ['https://a.test/callback'] }],
    ['redirect_uris.1', { ...web, redirect_uris: ['https://a.test/', 'javascript:alert(1)'] }],
    ['post_logout_redirect_uris.0', { ...web, post_logout_redirect_uris: ['javascript:alert(1)'] }],
    ['backchannel_logout_uri', { ...web, backchannel_logout_uri: 'http://a.test/' }],
    ['logo_uri', { ...web, logo_uri: 'javascript:alert(1)' }],
    ['initiate_login_uri', { ...web, initiate_login_uri: 'data:text/html,a' }],
    ['home_uri', { ...web, home_uri: 'javascript:alert(1)' }],
    ['sign_up_uri', { ...web, sign_up_uri: '/sign-up' }],
    ['pkce_waived', { ...web, auth_method: 'none', pkce_waived: true }],
    ['jwks', { ...web, auth_method: 'private_key_jwt' }],
    ['jwks', { ...web, jwks: { keys: [publicJwk] } }],
    ['jwks_uri', { ...web, jwks_uri: 'https://a.test/jwks' }],
    ['jwks_uri', { ...byKey([publicJwk]), jwks_uri: 'https://a.test/jwks' }],
    ['jwks', byKey([publicJwk, p384])],
    ['jwks', byKey([short])],
    ['jwks', byKey([{ ...publicJwk, y: publicJwk.x }])],
    ['jwks', byKey([{ ...publicJwk, alg: 'RS256' }])],
    ['jwks.keys.0.kty', byKey([{ kty: 'oct', k: 'c2VjcmV0' }])],
    ['jwks.keys.0', byKey([ec.privateKey.export({ format: 'jwk' })])],
    ['jwks.keys.0', byKey([rsa.privateKey.export({ format: 'jwk' })])],
    ['jwks.keys', byKey([])],
    ['resources', { ...service, resources: ['https://nowhere.test'] }],
    ['resources', { ...service, resources: [issuer] }],
    ['scopes', { ...service, scopes: ['assist:read'] }],
    ['scopes', { ...service, resources: ['https://api.assist.test'], scopes: ['meet:read'] }],
    ['scopes', { ...service, resources: ['https://api.assist.test'], scopes: ['admin:users:read'] }],
    ['scopes', { ...service, scopes: ['offline_access'] }],
    ['scopes', { ...service, resources: [own], scopes: ['account:manage'] }],
    ['scopes', { ...web, resources: [own], scopes: ['admin:users:read'] }],
    ['dpop_bound_access_tokens', { ...service, resources: [own], dpop_bound_access_tokens: true }],
    ['client_id', { ...web, client_id: `usr_${'0'.repeat(26)}` }],
    ['client_id', { ...web, client_id: '..' }],
    ['client_id', { ...web, client_id: 'a/b' }],
    ['body', { ...web, client_secret: 'a secret of my own choice' }],
  ];
  for (const [field, body] of wrong) {
    const answer = await operator.post('/clients', body);
    t.match([answer.status, answer.body.code], [400, 'invalid_input'], JSON.stringify(body));
    t.ok(Object.keys(answer.body.fields ?? {}).includes(field), `${field}: ${answer.text}`);
  }
  const kinds = [ec, ed, rsa].map(({ publicKey }) => publicKey.export({ format: 'jwk' }));
  t.equal((await operator.post('/clients', byKey(kinds))).status, 201, 'each kind of key that will do');
  const made = await operator.post('/clients', { ...web, client_id: 'kept', scopes: ['offline_access'] });
  t.equal(made.status, 201);
  const changes = [
    { grant_types: ['client_credentials'] },
    { redirect_uris: [] },
    { application_type: 'native', redirect_uris: ['http://a.test/'] },
    { scopes: ['assist:read'] },
    { auth_method: 'private_key_jwt' },
    { redirect_uris: null },
    { client_id: 'another' },
    { previous_secret_until: null },
  ];
  for (const change of changes)
    t.equal((await operator.patch('/clients/kept', change)).status, 400, JSON.stringify(change));
  const { client_secret: _once, ...shown } = made.body;
  t.same((await operator.get('/clients/kept')).body, shown, 'nothing of it was done');
});
