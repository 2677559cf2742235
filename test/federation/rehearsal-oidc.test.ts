/** The rehearsal identity provider of Initech, with a relying party that is not ours: openid-client as it comes. */
import { createRemoteJWKSet, jwtVerify } from 'jose';
import * as oidc from 'openid-client';
import t from 'tap';
import { newSession } from '../../src/demo/rehearsal/browsers.ts';
import { createKeyRing } from '../../src/demo/rehearsal/keys.ts';
import { signLogoutToken } from '../../src/demo/rehearsal/oidc-tokens.ts';
import { Agent } from '../support/agent.ts';
import { startApp } from '../support/app.ts';
import { signInAtIdp } from '../support/company.ts';
import { formOf, openBrowser, switchFault } from '../support/rehearsal.ts';

t.test('the rehearsal of OpenID Connect', async (t) => {
  const { issuer } = await startApp(t);
  const idp = `${issuer}/demo/idp/oidc`;
  const redirectUri = `${issuer}/federation/con_rehearsal/callback`;

  const discover = (authentication = oidc.ClientSecretPost('rehearsal-secret')) =>
    oidc.discovery(new URL(idp), 'doorward-demo', { id_token_signed_response_alg: 'RS256' }, authentication, {
      execute: [oidc.allowInsecureRequests, oidc.enableNonRepudiationChecks],
    });
  const config = await discover();

  const codeVerifier = oidc.randomPKCECodeVerifier();
  const request = async (more: Readonly<Record<string, string>> = {}): Promise<string> =>
    oidc.buildAuthorizationUrl(config, {
      redirect_uri: redirectUri,
      scope: 'openid email',
      state: 'canary-state',
      nonce: 'canary-nonce',
      code_challenge: await oidc.calculatePKCECodeChallenge(codeVerifier),
      code_challenge_method: 'S256',
      ...more,
    }).href;
  const finish = (location: string | undefined, using = config) =>
    oidc.authorizationCodeGrant(using, new URL(location ?? ''), {
      expectedState: 'canary-state',
      expectedNonce: 'canary-nonce',
      pkceCodeVerifier: codeVerifier,
      idTokenExpected: true,
    });
  const errorOf = (promise: Promise<unknown>): Promise<unknown> =>
    promise.then(
      () => undefined,
      (error: unknown) =>
        (error as { error?: string; code?: string }).error ?? (error as { code?: string }).code,
    );

  t.test('a person signs in, and the relying party is told who and how', async (t) => {
    for (const authentication of [oidc.ClientSecretPost, oidc.ClientSecretBasic]) {
      const using = await discover(authentication('rehearsal-secret'));
      const { location } = await signInAtIdp(openBrowser(issuer), await request(), 'ian@initech.test');
      t.equal(new URL(location ?? '').searchParams.get('iss'), idp);
      const tokens = await finish(location, using);
      const claims = tokens.claims();
      t.match(claims, { email: 'ian@initech.test', email_verified: true, name: 'Ian Initech', amr: ['pwd'] });
      t.match(claims, { auth_time: Number, sid: String, groups: ['staff', 'it'] });
      const userinfo = await oidc.fetchUserInfo(using, tokens.access_token, claims?.sub ?? '');
      t.match(userinfo, { sub: claims?.sub, email: 'ian@initech.test' });
    }
    const refused = await new Agent(issuer).get(`${idp}/userinfo`, {
      headers: { authorization: 'Bearer canary' },
    });
    t.equal(refused.status, 401);
  });

  t.test('whoever has signed in is not asked again, until the request insists', async (t) => {
    const browser = openBrowser(issuer);
    t.match((await browser.get(await request({ prompt: 'none' }))).location, /error=login_required/);
    const first = await finish((await signInAtIdp(browser, await request(), 'ian@initech.test')).location);
    const again = await finish((await browser.get(await request({ prompt: 'none' }))).location);
    t.equal(again.claims()?.sub, first.claims()?.sub);
    t.equal(again.claims()?.['sid'], first.claims()?.['sid']);
    t.equal((await browser.get(await request({ prompt: 'login' }))).status, 200);
    t.equal((await browser.get(await request({ max_age: '100' }))).status, 303);
    const hinted = await openBrowser(issuer).get(await request({ login_hint: 'canary@initech.test' }));
    t.match(hinted.text, /value="canary@initech\.test"/);
    const ended = await browser.get(
      `${idp}/end?post_logout_redirect_uri=${encodeURIComponent(`${issuer}/`)}`,
    );
    t.equal(ended.location, `${issuer}/`);
    t.equal((await browser.get(await request())).status, 200, 'and whoever has signed out is asked');
    const elsewhere = await browser.get(`${idp}/end?post_logout_redirect_uri=https://evil.test/`);
    t.equal(new URL(elsewhere.location ?? '').origin, issuer);
  });

  t.test('only the service itself is answered, at its own addresses', async (t) => {
    for (const more of [
      { redirect_uri: 'https://evil.test/federation/con_rehearsal/callback' },
      { redirect_uri: `${issuer}/demo/assist/callback` },
      { redirect_uri: `${issuer}/federation/con_rehearsal/callback/x` },
      { client_id: 'somebody-else' },
    ])
      t.equal((await new Agent(issuer).get(await request(more))).status, 400, JSON.stringify(more));
    const errors: [more: Readonly<Record<string, string>>, error: string][] = [
      [{ response_type: 'token' }, 'unsupported_response_type'],
      [{ scope: 'email' }, 'invalid_scope'],
      [{ code_challenge_method: 'plain' }, 'invalid_request'],
    ];
    for (const [more, error] of errors) {
      const { location } = await new Agent(issuer).get(await request(more));
      t.match(new URL(location ?? '').searchParams.get('error'), error);
    }
  });

  t.test('a code is good once, for its verifier, at its address and by its client', async (t) => {
    const codeFor = async () => {
      const { location } = await signInAtIdp(openBrowser(issuer), await request(), 'ian@initech.test');
      return new URL(location ?? '').searchParams.get('code') ?? '';
    };
    const exchange = async (code: string, more: Readonly<Record<string, string>> = {}) => {
      const form = {
        grant_type: 'authorization_code',
        code,
        redirect_uri: redirectUri,
        code_verifier: codeVerifier,
        client_id: 'doorward-demo',
        client_secret: 'rehearsal-secret',
        ...more,
      };
      const { status, text } = await new Agent(issuer).send(`${idp}/token`, { method: 'POST', form });
      return [status, (JSON.parse(text) as { error?: string }).error];
    };
    const code = await codeFor();
    t.same(await exchange(code, { client_secret: 'wrong' }), [401, 'invalid_client']);
    t.same(await exchange(code, { grant_type: 'refresh_token' }), [400, 'unsupported_grant_type']);
    t.same(await exchange(code), [200, undefined]);
    t.same(await exchange(code), [400, 'invalid_grant']);
    t.same(await exchange(await codeFor(), { code_verifier: 'a'.repeat(43) }), [400, 'invalid_grant']);
    t.same(await exchange(await codeFor(), { redirect_uri: `${redirectUri}x` }), [400, 'invalid_grant']);
  });

  const refused: Readonly<Record<string, string>> = {
    wrong_audience: 'OAUTH_JWT_CLAIM_COMPARISON_FAILED',
    wrong_issuer: 'OAUTH_JWT_CLAIM_COMPARISON_FAILED',
    skewed_clock: 'OAUTH_JWT_TIMESTAMP_CHECK_FAILED',
    unsolicited: 'OAUTH_INVALID_RESPONSE',
    server_error: 'OAUTH_RESPONSE_IS_NOT_CONFORM',
  };
  for (const [fault, code] of Object.entries(refused)) {
    t.test(`the fault ${fault} is refused, and disturbs no other browser`, async (t) => {
      const browser = openBrowser(issuer);
      await switchFault(browser, fault);
      const { location } = await signInAtIdp(browser, await request(), 'ian@initech.test');
      t.equal(await errorOf(finish(location)), code);
      const other = await signInAtIdp(openBrowser(issuer), await request(), 'ian@initech.test');
      t.ok((await finish(other.location)).id_token);
      await switchFault(browser, 'none');
      t.ok(
        (await finish((await browser.get(await request())).location)).id_token,
        'and it can be switched off',
      );
    });
  }

  t.test('a code comes a second time where that is the fault', async (t) => {
    const browser = openBrowser(issuer);
    await switchFault(browser, 'replayed');
    const first = await signInAtIdp(browser, await request(), 'ian@initech.test');
    t.ok((await finish(first.location)).id_token);
    t.equal(await errorOf(finish((await browser.get(await request())).location)), 'invalid_grant');
  });

  t.test('without an address it still says who it is', async (t) => {
    const browser = openBrowser(issuer);
    await switchFault(browser, 'missing_email');
    const tokens = await finish((await signInAtIdp(browser, await request(), 'ian@initech.test')).location);
    t.notOk(tokens.claims()?.['email']);
    t.ok(tokens.claims()?.sub);
    const userinfo = await oidc.fetchUserInfo(config, tokens.access_token, tokens.claims()?.sub ?? '');
    t.notOk(userinfo.email);
  });

  t.test('a new key is published with the switch, and refused by whoever has not read of it', async (t) => {
    const informed = await discover();
    const before = await new Agent(issuer).get(`${idp}/jwks`);
    await finish((await signInAtIdp(openBrowser(issuer), await request(), 'ian@initech.test')).location);
    const browser = openBrowser(issuer);
    await switchFault(browser, 'rotated_certificate');
    const after = await new Agent(issuer).get(`${idp}/jwks`);
    t.equal(after.json().keys.length, (before.json().keys.length as number) + 1);
    const { location } = await signInAtIdp(browser, await request(), 'ian@initech.test');
    t.ok(await errorOf(finish(location)), 'the keys of a moment ago are still in the cache');
    t.ok((await finish((await browser.get(await request())).location, informed)).id_token);
  });

  t.test('it can be slow with the tokens', async (t) => {
    const browser = openBrowser(issuer);
    await switchFault(browser, 'slow');
    const { location } = await signInAtIdp(browser, await request(), 'ian@initech.test');
    let isAnswered = false;
    const patience = new AbortController();
    const impatient = await discover();
    impatient[oidc.customFetch] = (url, init) =>
      fetch(url, { ...(init as RequestInit), signal: patience.signal }).finally(() => {
        isAnswered = true;
      });
    const waiting = finish(location, impatient);
    for (let others = 0; others < 5; others += 1) {
      const other = await signInAtIdp(openBrowser(issuer), await request(), 'ian@initech.test');
      t.ok((await finish(other.location)).id_token);
    }
    t.notOk(isAnswered, 'others were served meanwhile');
    patience.abort();
    await t.rejects(waiting);
  });

  t.test('its sign-out tells of the session by a token that its keys verify', async (t) => {
    const session = newSession({ email: 'ian@initech.test', name: 'Ian', groups: [] }, new Date());
    const keys = createKeyRing('oidc');
    const token = await signLogoutToken(session, { issuer: idp, keys, now: new Date() });
    const { payload } = await jwtVerify(token, createRemoteJWKSet(new URL(`${idp}/jwks`)), {
      issuer: idp,
      audience: 'doorward-demo',
      typ: 'logout+jwt',
    });
    t.match(payload, { sid: session.sid, sub: String, jti: String });
    t.same(payload['events'], { 'http://schemas.openid.net/event/backchannel-logout': {} });
    t.notOk('nonce' in payload);
  });

  t.test('the pages need no script and say that no password is needed', async (t) => {
    const page = await openBrowser(issuer).get(await request());
    t.equal(formOf(page).action, '/demo/idp/sign-in');
    t.notMatch(page.text, /<script|type="password"/);
    t.match((await openBrowser(issuer).get('/demo/idp')).text, /action="\/demo\/idp\/faults"/);
  });
});
