/**
 * The rehearsal of the social providers, by our own connector and by the protocols themselves. What the service makes of
 * whom they send is tested with the journeys.
 */
import { createHmac, generateKeyPairSync } from 'node:crypto';
import { decodeJwt, importPKCS8, SignJWT } from 'jose';
import * as oidc from 'openid-client';
import t from 'tap';
import { rehearsalApple } from '../../config/social.ts';
import type { Refusal } from '../../src/core/attempts/attempts.ts';
import { type SocialProvider, socialProviders } from '../../src/core/identities/identities.ts';
import { isRefusal } from '../../src/federation/connector.ts';
import { socialConnector } from '../../src/federation/social/social.ts';
import type { Agent, Answer } from '../support/agent.ts';
import { startApp, type TestApp } from '../support/app.ts';
import { formsOf, isAnswer, signInAtIdp } from '../support/company.ts';
import { openBrowser, switchFault } from '../support/rehearsal.ts';
import { sendRaw } from '../support/raw-http.ts';
import { leaveFor, type SocialLeft } from '../support/social-case.ts';

/** What came back, by the address or by a form. */
function responseIn(answer: Answer): URLSearchParams {
  const form = formsOf(answer).find(isAnswer);
  return form ? new URLSearchParams(form.fields) : new URL(answer.location ?? '').searchParams;
}

async function verify(
  { ctx }: TestApp,
  provider: SocialProvider,
  { left, back }: { readonly left: SocialLeft; readonly back: Answer },
) {
  const { ask, way } = left;
  const verdict = await socialConnector.verify(ctx, provider, {
    response: responseIn(back),
    ask,
    memory: way.memory,
  });
  return isRefusal(verdict) ? verdict : verdict.identity;
}

/** There as somebody, and back. */
async function comeBy(
  app: TestApp,
  provider: SocialProvider,
  { as, browser = openBrowser(app.issuer) }: Coming,
) {
  const left = await leaveFor(app.ctx, provider);
  const back = await signInAtIdp(browser, left.way.location, as);
  return verify(app, provider, { left, back });
}

interface Coming {
  readonly as: string;
  readonly browser?: Agent;
}

t.test('by the connector', async (t) => {
  const app = await startApp(t, { social: true });
  const { issuer, ctx } = app;
  const base = `${issuer}/demo/idp/social`;

  const subjects: Readonly<Record<SocialProvider, RegExp>> = {
    google: /^\d{21}$/,
    microsoft: /^\["[\da-f-]{36}","[\da-f-]{36}"\]$/,
    linkedin: /^\d{10}$/,
    facebook: /^\d{17}$/,
    apple: /^\d{6}\.[\da-f]{32}\.\d{4}$/,
    github: /^\d{9}$/,
  };
  for (const provider of socialProviders) {
    t.test(
      `a person says who they are at ${provider} once, and goes straight back from then on`,
      async (t) => {
        const browser = openBrowser(issuer);
        const first = await comeBy(app, provider, { as: 'ada@acme.test', browser });
        t.match(first, { provider, subject: subjects[provider], email: 'ada@acme.test' });
        const left = await leaveFor(ctx, provider);
        const again = await browser.get(left.way.location);
        t.ok(formsOf(again).every(isAnswer), 'nobody is asked');
        t.match(await verify(app, provider, { left, back: again }), {
          subject: (first as { subject: string }).subject,
        });
        const { providers } = (
          await browser.get('/demo/idp', { headers: { accept: 'application/json' } })
        ).json();
        t.same(
          providers.filter(({ email }: { email?: string }) => email === 'ada@acme.test').length,
          1,
          'and at the others nobody is signed in',
        );
        await browser.post('/demo/idp/sign-out');
        t.ok((await browser.get(left.way.location)).text.includes('ada@acme.test'), 'until they sign out');
      },
    );
  }

  t.test('whoever is to prove themself again is asked, where the provider has a way to ask', async (t) => {
    for (const provider of socialProviders) {
      const browser = openBrowser(issuer);
      await comeBy(app, provider, { as: 'ada@acme.test', browser });
      const { way } = await leaveFor(ctx, provider, { forceAuthn: true });
      const isAsked = !formsOf(await browser.get(way.location)).every(isAnswer);
      t.equal(isAsked, !['linkedin', 'apple'].includes(provider), provider);
    }
  });

  const cast: [provider: SocialProvider, handle: string, identity: object][] = [
    ['google', 'ada@acme.test', { email: 'ada@acme.test', emailTrust: 'authoritative' }],
    ['google', 'gina@globex.test', { email: 'gina@globex.test', emailTrust: 'authoritative' }],
    ['google', 'lonely@nowhere.test', { email: 'lonely@nowhere.test', emailTrust: 'verified_once' }],
    ['google', 'greta.rehearsal@gmail.com', { name: 'Greta Google', emailTrust: 'authoritative' }],
    ['microsoft', 'ada@acme.test', { email: 'ada@acme.test', emailTrust: 'authoritative' }],
    ['microsoft', 'mallory@elsewhere.test', { email: 'ada@acme.test', emailTrust: 'none' }],
    ['microsoft', 'max.rehearsal@outlook.com', { name: 'Max Microsoft', emailTrust: 'authoritative' }],
    ['linkedin', 'lin@elsewhere.test', { email: 'lin@elsewhere.test', emailTrust: 'verified_once' }],
    ['facebook', 'ada@acme.test', { email: 'ada@acme.test', emailTrust: 'none' }],
    ['facebook', 'fay@elsewhere.test', { name: 'Fay Face', email: undefined, emailTrust: 'none' }],
    ['apple', 'rhea@elsewhere.test', { email: /@privaterelay\.appleid\.com$/, emailTrust: 'verified_once' }],
    ['github', 'ada@acme.test', { email: 'ada@acme.test', emailTrust: 'verified_once' }],
    ['github', 'ursula@elsewhere.test', { name: 'Ursula Unproven', email: undefined, emailTrust: 'none' }],
    ['github', 'nick@elsewhere.test', { name: 'Nick Noreply', email: undefined, emailTrust: 'none' }],
    ['google', 'typed@somewhere.test', { name: 'Typed', emailTrust: 'verified_once' }],
    ['microsoft', 'typed@somewhere.test', { name: 'Typed', emailTrust: 'none' }],
  ];
  for (const [provider, handle, identity] of cast)
    t.test(`${handle} is at ${provider} who they are`, async (t) => {
      t.match(await comeBy(app, provider, { as: handle }), { provider, ...identity });
    });

  t.test('somebody of another company is of another tenant, whatever address they have', async (t) => {
    const ada = await comeBy(app, 'microsoft', { as: 'ada@acme.test' });
    const mallory = await comeBy(app, 'microsoft', { as: 'mallory@elsewhere.test' });
    t.match(
      [ada, mallory],
      [{ issuer: RegExp(`^${base}/microsoft/[\\da-f-]{36}/v2\\.0$`) }, { issuer: String }],
    );
    t.not((ada as { issuer: string }).issuer, (mallory as { issuer: string }).issuer);
  });

  t.test('Apple tells a name the first time, and never again', async (t) => {
    const as = 'somebody.new@elsewhere.test';
    t.match(await comeBy(app, 'apple', { as }), { name: 'Somebody.new' });
    const again = await comeBy(app, 'apple', { as });
    t.match(again, { email: as });
    t.notOk('name' in again);
  });

  for (const provider of socialProviders) {
    t.test(`whoever cancels at ${provider} comes back without anything`, async (t) => {
      const left = await leaveFor(ctx, provider);
      const browser = openBrowser(issuer);
      const form = formsOf(await browser.get(left.way.location)).find(({ fields }) => 'cancel' in fields);
      const back = await browser.post(form?.action ?? '', { form: form?.fields ?? {} });
      const cancelled = { refused: 'idp_error', detail: 'access_denied' };
      t.match(await verify(app, provider, { left, back }), cancelled);
      await switchFault(browser, 'access_denied');
      t.match(await comeBy(app, provider, { as: 'ada@acme.test', browser }), cancelled);
    });
  }

  const withIdToken = ['google', 'microsoft', 'linkedin', 'apple'] as const;
  const faults: [fault: string, at: readonly SocialProvider[], refusal: Refusal][] = [
    ['server_error', socialProviders, { refused: 'idp_not_reachable' }],
    ['refused_code', socialProviders, { refused: 'oidc_token' }],
    ['unsolicited', socialProviders, { refused: 'oidc_state' }],
    ['wrong_issuer', ['google', 'linkedin', 'apple', 'github'], { refused: 'oidc_issuer' }],
    // its keys are for its tenants alone
    ['wrong_issuer', ['microsoft'], { refused: 'oidc_id_token' }],
    ['wrong_audience', withIdToken, { refused: 'oidc_id_token', detail: 'aud' }],
    ['skewed_clock', withIdToken, { refused: 'oidc_id_token' }],
    ['wrong_nonce', ['google', 'microsoft', 'apple'], { refused: 'oidc_id_token', detail: 'nonce' }],
  ];
  for (const [fault, at, refusal] of faults)
    for (const provider of at) {
      t.test(`the fault ${fault} at ${provider} is refused, and disturbs no other browser`, async (t) => {
        const browser = openBrowser(issuer);
        await switchFault(browser, fault);
        t.match(await comeBy(app, provider, { as: 'ada@acme.test', browser }), refusal);
        t.match(await comeBy(app, provider, { as: 'ada@acme.test' }), { email: 'ada@acme.test' });
        await switchFault(browser, 'none');
        t.match(await comeBy(app, provider, { as: 'ada@acme.test', browser }), { email: 'ada@acme.test' });
      });
    }

  t.test('without an address, and without a proof of it, they still say who it is', async (t) => {
    for (const provider of socialProviders) {
      const browser = openBrowser(issuer);
      await switchFault(browser, 'missing_email');
      const nameless = await comeBy(app, provider, { as: 'ada@acme.test', browser });
      t.match(nameless, { subject: subjects[provider], emailTrust: 'none' }, provider);
      t.notOk('email' in nameless, provider);
      await switchFault(browser, 'unverified_email');
      t.match(await comeBy(app, provider, { as: 'ada@acme.test', browser }), {
        subject: subjects[provider],
        emailTrust: 'none',
      });
    }
  });

  t.test('it can be slow with the tokens', async (t) => {
    const browser = openBrowser(issuer);
    await switchFault(browser, 'slow');
    const left = await leaveFor(ctx, 'google');
    const back = await signInAtIdp(browser, left.way.location, 'ada@acme.test');
    const patience = new AbortController();
    let isAnswered = false;
    const impatient: typeof ctx.fetch = (url, init) =>
      ctx.fetch(url, { ...init, signal: patience.signal }).finally(() => {
        isAnswered = true;
      });
    const waiting = verify({ ...app, ctx: { ...ctx, fetch: impatient } }, 'google', { left, back });
    for (let others = 0; others < 5; others += 1)
      t.match(await comeBy(app, 'google', { as: 'ada@acme.test' }), { email: 'ada@acme.test' });
    t.notOk(isAnswered, 'while five others came and went');
    patience.abort();
    t.match(await waiting, { refused: 'idp_not_reachable' });
  });
});

t.test('by the protocols', async (t) => {
  const app = await startApp(t, { social: true });
  const { issuer, ctx } = app;
  const at = (provider: SocialProvider, path: string): string =>
    `${issuer}/demo/idp/social/${provider}${path}`;
  const program = openBrowser(issuer);

  /** As our own connector sends it, but for what is said. */
  const codeAt = async (provider: SocialProvider, as = 'ada@acme.test', more: Parameters = {}) => {
    const { way } = await leaveFor(ctx, provider);
    const url = new URL(way.location);
    for (const [name, value] of Object.entries(more)) url.searchParams.set(name, value);
    const back = await signInAtIdp(openBrowser(issuer), url.href, as);
    return { response: responseIn(back), verifier: way.memory.codeVerifier, back };
  };
  const exchange = async (provider: SocialProvider, path: string, given: Exchange) => {
    const form = {
      grant_type: 'authorization_code',
      code: given.code ?? '',
      redirect_uri: `${issuer}/federation/${provider}/callback`,
      client_id: 'doorward-demo',
      client_secret: 'rehearsal-secret',
      ...(given.verifier !== undefined && { code_verifier: given.verifier }),
      ...given.more,
    };
    return program.send(at(provider, path), { method: 'POST', form, headers: given.headers ?? {} });
  };
  const errorOf = ({ status, text }: Answer) => [status, (JSON.parse(text) as { error: unknown }).error];

  t.test('Google satisfies a client that is not ours, and names itself unannounced', async (t) => {
    const config = await oidc.discovery(
      new URL(at('google', '')),
      'doorward-demo',
      { id_token_signed_response_alg: 'RS256' },
      oidc.ClientSecretPost('rehearsal-secret'),
      { execute: [oidc.allowInsecureRequests, oidc.enableNonRepudiationChecks] },
    );
    t.notOk(config.serverMetadata().authorization_response_iss_parameter_supported);
    const pkceCodeVerifier = oidc.randomPKCECodeVerifier();
    const url = oidc.buildAuthorizationUrl(config, {
      redirect_uri: `${issuer}/federation/google/callback`,
      scope: 'openid email profile',
      state: 'canary-state',
      nonce: 'canary-nonce',
      code_challenge: await oidc.calculatePKCECodeChallenge(pkceCodeVerifier),
      code_challenge_method: 'S256',
    });
    const { location = '' } = await signInAtIdp(openBrowser(issuer), url.href, 'gina@globex.test');
    t.equal(new URL(location).searchParams.get('iss'), at('google', ''));
    const tokens = await oidc.authorizationCodeGrant(config, new URL(location), {
      expectedState: 'canary-state',
      expectedNonce: 'canary-nonce',
      pkceCodeVerifier,
      idTokenExpected: true,
    });
    t.match(tokens.claims(), { email: 'gina@globex.test', email_verified: true, hd: 'globex.test' });
  });

  t.test('each publishes where it is and with what it signs, with its own omissions', async (t) => {
    const document = async (provider: SocialProvider, path: string) =>
      (await program.get(at(provider, path))).json();
    const wellKnown = '/.well-known/openid-configuration';
    t.equal(
      (await document('microsoft', `/common/v2.0${wellKnown}`)).issuer,
      at('microsoft', '/{tenantid}/v2.0'),
    );
    const linkedin = await document('linkedin', `/oauth${wellKnown}`);
    t.equal(linkedin.issuer, at('linkedin', '/oauth'));
    t.notOk('token_endpoint_auth_methods_supported' in linkedin);
    t.equal((await document('apple', wellKnown)).issuer, at('apple', ''));
    const [microsoftKey] = (await document('microsoft', '/common/discovery/v2.0/keys')).keys;
    t.match(microsoftKey, { use: 'sig', issuer: at('microsoft', '/{tenantid}/v2.0') });
    const [linkedinKey] = (await document('linkedin', '/oauth/openid/jwks')).keys;
    t.notOk('use' in linkedinKey);
  });

  t.test(
    'a code is good once, for its verifier, at its address, by its client and at its provider',
    async (t) => {
      const path = '/token';
      const { response, verifier = '' } = await codeAt('google');
      const code = response.get('code');
      t.same(errorOf(await exchange('google', path, { code, verifier, more: { client_secret: 'wrong' } })), [
        401,
        'invalid_client',
      ]);
      t.same(errorOf(await exchange('google', path, { code, verifier, more: { grant_type: 'password' } })), [
        400,
        'unsupported_grant_type',
      ]);
      t.equal((await exchange('google', path, { code, verifier })).status, 200);
      const refused = [400, 'invalid_grant'];
      t.same(errorOf(await exchange('google', path, { code, verifier })), refused);
      const another = async () => (await codeAt('google')).response.get('code');
      t.same(errorOf(await exchange('google', path, { code: await another() })), refused);
      t.same(errorOf(await exchange('google', path, { code: await another(), verifier })), refused);
      const elsewhere = await codeAt('google');
      const more = { redirect_uri: `${issuer}/federation/github/callback` };
      t.same(
        errorOf(
          await exchange('google', path, {
            code: elsewhere.response.get('code'),
            verifier: elsewhere.verifier,
            more,
          }),
        ),
        refused,
      );
      const foreign = (await codeAt('linkedin')).response.get('code');
      t.same(errorOf(await exchange('google', path, { code: foreign })), refused);
    },
  );

  t.test('Microsoft tells an oid only to whoever asks for the profile', async (t) => {
    const path = '/common/oauth2/v2.0/token';
    const claimsFor = async (scope: string) => {
      const { response, verifier } = await codeAt('microsoft', 'ada@acme.test', { scope });
      const answer = await exchange('microsoft', path, { code: response.get('code'), verifier });
      return decodeJwt(answer.json().id_token);
    };
    t.match(await claimsFor('openid profile email'), {
      oid: String,
      tid: String,
      xms_edov: true,
      ver: '2.0',
    });
    const bare = await claimsFor('openid');
    t.notOk('oid' in bare || 'email' in bare || 'email_verified' in bare);
  });

  t.test('LinkedIn answers 401 to a verifier, and returns no nonce', async (t) => {
    const path = '/oauth/v2/accessToken';
    const { response } = await codeAt('linkedin', 'ada@acme.test', { nonce: 'canary-nonce' });
    const code = response.get('code');
    t.same(errorOf(await exchange('linkedin', path, { code, verifier: 'a'.repeat(43) })), [
      401,
      'invalid_client',
    ]);
    const claims = decodeJwt((await exchange('linkedin', path, { code })).json().id_token);
    t.match(claims, { iss: at('linkedin', '/oauth'), email_verified: true });
    t.notOk('nonce' in claims);
  });

  t.test('Facebook complains in its own format, and asks for a proof of the secret', async (t) => {
    const { response, back } = await codeAt('facebook');
    t.match(back.location, /#_=_$/);
    const path = '/v25.0/oauth/access_token';
    t.match(errorOf(await exchange('facebook', path, { code: 'canary' })), [
      400,
      { type: 'OAuthException', code: 100, message: String },
    ]);
    const { access_token: token } = (await exchange('facebook', path, { code: response.get('code') })).json();
    const proof = createHmac('sha256', 'rehearsal-secret').update(token).digest('hex');
    const me = (query: string, bearer = token) =>
      program.get(at('facebook', `/v25.0/me?${query}`), { headers: { authorization: `Bearer ${bearer}` } });
    for (const wrong of [
      'fields=id',
      `appsecret_proof=${proof.replace(/^./, (first) => (first === 'a' ? 'b' : 'a'))}`,
    ])
      t.match(errorOf(await me(wrong)), [400, { type: 'GraphMethodException', code: 100 }]);
    t.match(errorOf(await me(`appsecret_proof=${proof}`, 'canary')), [400, { code: 190 }]);
    const profile = await me(`fields=id,name,email&appsecret_proof=${proof}`);
    t.match(profile.json(), { id: /^\d{17}$/, name: 'Ada Lovelace', email: 'ada@acme.test' });
    t.same(Object.keys((await me(`fields=name&appsecret_proof=${proof}`)).json()), ['id', 'name']);
    t.equal(
      (await program.get(at('facebook', `/me?appsecret_proof=${proof}`))).status,
      404,
      'only with a version',
    );
  });

  t.test('Apple takes a secret that was signed for it, and answers by POST', async (t) => {
    const path = '/auth/token';
    const refused = await codeAt('apple', 'ada@acme.test', { response_mode: 'query' });
    t.equal(refused.response.get('error'), 'invalid_request');
    const { privateKey, teamId, keyId, clientId } = rehearsalApple();
    const now = Math.floor(ctx.now().getTime() / 1000);
    const right = { iss: teamId, sub: clientId, aud: at('apple', ''), iat: now, exp: now + 300 };
    const sign = async (claims: object, pem = privateKey) =>
      new SignJWT({ ...claims })
        .setProtectedHeader({ alg: 'ES256', kid: keyId })
        .sign(await importPKCS8(pem, 'ES256'));
    const { privateKey: strange } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const wrong = [
      'rehearsal-secret',
      await sign(right, String(strange.export({ type: 'pkcs8', format: 'pem' }))),
      await sign({ ...right, aud: 'https://appleid.apple.com' }),
      await sign({ ...right, sub: 'somebody-else' }),
      await sign({ ...right, iss: 'SOMEBODY00' }),
      await sign({ ...right, exp: now + 200 * 86_400 }),
      await sign({ ...right, iat: now - 600, exp: now - 300 }),
    ];
    for (const secret of wrong)
      t.same(errorOf(await exchange('apple', path, { code: 'canary', more: { client_secret: secret } })), [
        400,
        'invalid_client',
      ]);
    const as = 'another.one@elsewhere.test';
    const { response } = await codeAt('apple', as);
    t.match(JSON.parse(response.get('user') ?? ''), { name: { firstName: 'Another.one' }, email: as });
    const more = { client_secret: await sign(right) };
    const answer = await exchange('apple', path, { code: response.get('code'), more });
    t.match(decodeJwt(answer.json().id_token), { email: as, email_verified: 'true', nonce: String });
    t.notOk((await codeAt('apple', as)).response.has('user'));
  });

  t.test('GitHub complains with status 200, writes forms, and answers nobody without a name', async (t) => {
    const path = '/login/oauth/access_token';
    const headers = { accept: 'application/json' };
    t.same(errorOf(await exchange('github', path, { code: 'canary', headers })), [
      200,
      'bad_verification_code',
    ]);
    const more = { client_secret: 'wrong' };
    t.same(errorOf(await exchange('github', path, { code: 'canary', more, headers })), [
      200,
      'incorrect_client_credentials',
    ]);
    const { response, verifier } = await codeAt('github');
    t.equal(response.get('iss'), at('github', '/login/oauth'));
    const answer = await exchange('github', path, { code: response.get('code'), verifier });
    t.match(answer.headers.get('content-type'), /^application\/x-www-form-urlencoded/);
    const token = new URLSearchParams(answer.text).get('access_token') ?? '';
    const api = (to: string, bearer = token) =>
      program.get(at('github', to), { headers: { authorization: `Bearer ${bearer}` } });
    t.match((await api('/user')).json(), { id: Number, login: /^ada-/ });
    t.match((await api('/user/emails')).json(), [
      { email: 'ada@acme.test', primary: true, verified: true },
      { email: /@users\.noreply\.github\.com$/, primary: false },
    ]);
    t.equal((await api('/user', 'canary')).status, 401);
    const nameless = await sendRaw(ctx.config.port, {
      path: '/demo/idp/social/github/user',
      headers: { authorization: `Bearer ${token}` },
    });
    t.equal(nameless.status, 403);
    const blind = await codeAt('github', 'ada@acme.test', { scope: 'read:org' });
    const narrow = await exchange('github', path, {
      code: blind.response.get('code'),
      verifier: blind.verifier,
      headers,
    });
    t.equal((await api('/user/emails', narrow.json().access_token)).status, 404);
  });

  t.test('only the service itself is answered, at its own addresses, and only what they have', async (t) => {
    const { way } = await leaveFor(ctx, 'github');
    for (const [name, value] of [
      ['client_id', 'somebody-else'],
      ['redirect_uri', 'https://evil.test/federation/github/callback'],
      ['redirect_uri', `${issuer}/federation/google/callback`],
      ['redirect_uri', `${issuer}/federation/github/callback/x`],
    ] as const) {
      const url = new URL(way.location);
      url.searchParams.set(name, value);
      t.equal((await program.get(url.href)).status, 400, `${name} ${value}`);
    }
    const errors: [more: Parameters, error: string][] = [
      [{ response_type: 'token' }, 'unsupported_response_type'],
      [{ code_challenge_method: 'plain' }, 'invalid_request'],
    ];
    for (const [more, error] of errors)
      t.equal((await codeAt('github', '', more)).response.get('error'), error);
    t.equal((await codeAt('google', '', { scope: 'email' })).response.get('error'), 'invalid_scope');
    for (const path of [
      'myspace/user',
      'github/constructor',
      'github/login',
      'google/user',
      '__proto__/user',
    ])
      t.equal((await program.get(`/demo/idp/social/${path}`)).status, 404, path);
    t.equal((await exchange('github', '/login/oauth/authorize', {})).status, 404);
  });
});

type Parameters = Readonly<Record<string, string>>;

interface Exchange {
  readonly code?: string | null;
  readonly verifier?: string | undefined;
  readonly more?: Parameters;
  readonly headers?: Parameters;
}
