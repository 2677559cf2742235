/** P02, P06, P08, P09 and what else a provider, or somebody in its place, may send, and what comes of it. */
import { base64url, exportSPKI, generateKeyPair, SignJWT } from 'jose';
import t from 'tap';
import { type SocialProvider, socialProviders } from '../../src/core/identities/identities.ts';
import { isRefusal } from '../../src/federation/connector.ts';
import { socialConnector } from '../../src/federation/social/social.ts';
import { sendJson } from '../support/oidc-idp.ts';
import { goForged, goTo, leaveFor, startSocialCase } from '../support/social-case.ts';
import { type Members, type SocialForgery, tenants } from '../support/social-idp.ts';

const world = await startSocialCase(t);
const { app, ctx, idp } = world;

const withIdTokens = ['google', 'microsoft', 'linkedin', 'apple'] as const;
const tokenPaths: Record<SocialProvider, string> = {
  google: '/google/token',
  microsoft: '/microsoft/common/oauth2/v2.0/token',
  linkedin: '/linkedin/oauth/v2/accessToken',
  facebook: '/facebook/v25.0/oauth/access_token',
  apple: '/apple/auth/token',
  github: '/github/login/oauth/access_token',
};
const json = (value: unknown): string => base64url.encode(JSON.stringify(value));

t.test('P09: whoever changes their mind at the provider comes back without anything', async (t) => {
  const words: Record<SocialProvider, string[]> = {
    google: ['access_denied'],
    microsoft: ['access_denied'],
    linkedin: ['access_denied', 'user_cancelled_login', 'user_cancelled_authorize'],
    facebook: ['access_denied'],
    apple: ['access_denied', 'user_cancelled_authorize'],
    github: ['access_denied'],
  };
  for (const provider of socialProviders) {
    const asked = idp.count(tokenPaths[provider]);
    for (const error of words[provider]) {
      const response = [
        ['error', error],
        ['error_description', '<script>alert(1)</script>'],
      ] as const;
      const came = await goForged(world, provider, { response });
      t.same(came, { refused: 'idp_error', detail: 'access_denied' }, `${provider}: ${error}`);
    }
    t.equal(idp.count(tokenPaths[provider]), asked, 'no code is redeemed beside an error');
  }
});

t.test('other errors are kept as short words', async (t) => {
  const cases: [string, string][] = [
    ['server_error', 'server_error'],
    ['user_cancelled_login', 'user_cancelled_login'],
    ['<script>alert(1)</script>', 'an unreadable error'],
    ['a\nforged line', 'an unreadable error'],
    ['x'.repeat(61), 'an unreadable error'],
  ];
  for (const [error, detail] of cases) {
    const came = await goForged(world, 'google', { response: [['error', error]] });
    t.same(came, { refused: 'idp_error', detail });
  }
});

t.test('a response of another departure, or two in one', async (t) => {
  for (const provider of socialProviders) {
    const { ask, way } = await leaveFor(ctx, provider);
    const { way: other } = await leaveFor(ctx, provider);
    const [mine, theirs] = [await idp.visit(way.location), await idp.visit(other.location)];
    const asked = idp.count(tokenPaths[provider]);
    const come = (response: URLSearchParams, expected: typeof ask | undefined = ask) =>
      socialConnector.verify(ctx, provider, { response, ask: expected, memory: way.memory });
    const twice = (name: string): URLSearchParams => {
      const response = new URLSearchParams(mine);
      while (response.getAll(name).length < 2) response.append(name, response.get(name) ?? 'x');
      return response;
    };
    const without = (name: string): URLSearchParams => {
      const response = new URLSearchParams(mine);
      response.delete(name);
      return response;
    };
    t.match(await come(theirs), { refused: 'oidc_state' }, `${provider}: of another`);
    t.match(await come(without('state')), { refused: 'oidc_state' }, 'without a state');
    t.match(
      await socialConnector.verify(ctx, provider, { response: mine, ask: undefined, memory: {} }),
      { refused: 'oidc_state' },
      'that nobody asked for',
    );
    t.match(await come(twice('state')), { refused: 'oidc_state' }, 'with two states');
    t.match(await come(twice('code')), { refused: 'oidc_error' }, 'with two codes');
    t.match(await come(twice('error')), { refused: 'oidc_error' }, 'with two errors');
    t.match(await come(without('code')), { refused: 'oidc_error' }, 'without a code');
    t.equal(idp.count(tokenPaths[provider]), asked, 'and nothing is asked of the provider for it');
    t.match(await come(mine), { identity: { provider } }, 'but for the right one');
    t.match(await come(mine), { refused: 'oidc_token' }, 'and its code is good for once');
  }
});

t.test('a code that was stolen is of no use in another sign-in', async (t) => {
  for (const provider of ['google', 'microsoft', 'github', 'apple'] as const) {
    const { way: victim } = await leaveFor(ctx, provider);
    const { ask, way } = await leaveFor(ctx, provider);
    const code = (await idp.visit(victim.location)).get('code') ?? '';
    const response = new URLSearchParams({ code, state: ask.token });
    const came = await socialConnector.verify(ctx, provider, { response, ask, memory: way.memory });
    const refused = provider === 'apple' ? 'oidc_id_token' : 'oidc_token';
    t.match(came, { refused }, provider);
    const forgotten = await socialConnector.verify(ctx, provider, { response, ask, memory: {} });
    t.match(forgotten, { refused: 'oidc_state' }, 'nor when what binds it is forgotten');
  }
});

t.test('a code of one provider is not redeemed at another', async (t) => {
  const { way } = await leaveFor(ctx, 'github');
  const { ask, way: toLinkedIn } = await leaveFor(ctx, 'linkedin');
  const code = (await idp.visit(way.location)).get('code') ?? '';
  const response = new URLSearchParams({ code, state: ask.token });
  const came = await socialConnector.verify(ctx, 'linkedin', { response, ask, memory: toLinkedIn.memory });
  t.match(came, { refused: 'oidc_token', detail: 'answered 400 invalid_grant' });
});

t.test('P08: a response that names another issuer is not followed', async (t) => {
  for (const provider of socialProviders) {
    const asked = idp.count(tokenPaths[provider]);
    for (const iss of ['https://evil.test', `${idp.at('github')}/login/oauth/`, 'x'])
      t.match(
        await goForged(world, provider, { response: [['iss', iss]] }),
        { refused: 'oidc_issuer' },
        `${provider}: ${iss}`,
      );
    t.equal(idp.count(tokenPaths[provider]), asked, 'its code goes nowhere');
    t.match(await goForged(world, provider, { response: [['iss', '']] }), { identity: {} }, 'absent');
  }
  const right: [SocialProvider, string][] = [
    ['google', idp.at('google')],
    ['github', `${idp.at('github')}/login/oauth`],
    ['microsoft', `${idp.at('microsoft')}/${tenants.acme}/v2.0`],
    ['microsoft', `${idp.at('microsoft')}/{tenantid}/v2.0`],
    ['linkedin', `${idp.at('linkedin')}/oauth`],
    ['apple', idp.at('apple')],
    ['facebook', idp.at('facebook')],
  ];
  for (const [provider, iss] of right)
    t.match(await goForged(world, provider, { response: [['iss', iss]] }), { identity: {} }, iss);
});

t.test('P02: a tenant of Microsoft that is none, or not that of the issuer', async (t) => {
  const issuerOf = (tenant: string): string => `${idp.at('microsoft')}/${tenant}/v2.0`;
  const cases: [string, Members][] = [
    ['another tenant', { iss: issuerOf(tenants.acme), tid: tenants.evil }],
    ['none', { iss: issuerOf(tenants.acme), tid: undefined }],
    ['none, and an issuer like it', { iss: issuerOf('undefined'), tid: undefined }],
    ['not a tenant', { iss: issuerOf('common'), tid: 'common' }],
    ['the template', { iss: issuerOf('{tenantid}'), tid: '{tenantid}' }],
    ['a list', { iss: issuerOf(tenants.acme), tid: [tenants.acme] }],
    ['a way out', { iss: issuerOf(`${tenants.acme}/..`), tid: `${tenants.acme}/..` }],
    ['another issuer', { iss: 'https://sts.windows.net/acme/' }],
  ];
  for (const [name, claims] of cases)
    t.match(await goForged(world, 'microsoft', { claims }), { refused: 'oidc_issuer' }, name);
  for (const oid of [undefined, '', 1, { a: 1 }])
    t.match(await goForged(world, 'microsoft', { claims: { oid } }), { refused: 'oidc_subject' }, 'no oid');
});

t.test('a key of Microsoft speaks only for whom it is published', async (t) => {
  const keysOf = (issuer: string) => (keys: object[]) => ({ keys: keys.map((key) => ({ ...key, issuer })) });
  const issuerOf = (tenant: string): string => `${idp.at('microsoft')}/${tenant}/v2.0`;
  const expected: [string, string, Members][] = [
    ['for all', issuerOf('{tenantid}'), { identity: {} }],
    ['for this tenant', issuerOf(tenants.acme), { identity: {} }],
    ['for private accounts', issuerOf(tenants.private), { refused: 'oidc_id_token' }],
    ['for another place', 'https://evil.test/{tenantid}/v2.0', { refused: 'oidc_id_token' }],
  ];
  for (const [name, issuer, came] of expected) {
    app.advance(3600);
    t.match(await goForged(world, 'microsoft', { keys: keysOf(issuer) }), came, name);
  }
  app.advance(3600);
});

t.test('an ID token that is not for us, not of now or not of the provider', async (t) => {
  const { privateKey, publicKey } = await generateKeyPair('RS256', { extractable: true });
  const signBy = (key: CryptoKey | Uint8Array, alg: string) => (claims: Members, header: Members) =>
    new SignJWT(claims).setProtectedHeader({ ...header, alg }).sign(key);
  const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
  const spki = await exportSPKI(idp.key().publicKey);
  const pkcs8 = await crypto.subtle.exportKey('pkcs8', idp.key().privateKey);
  const rsaPss = { name: 'RSA-PSS', hash: 'SHA-256' };
  const otherwise = await crypto.subtle.importKey('pkcs8', pkcs8, rsaPss, false, ['sign']);
  const now = Math.floor(ctx.now().getTime() / 1000);
  for (const provider of withIdTokens) {
    const forgeries: [string, string, SocialForgery][] = [
      ['oidc_id_token', 'signed by anybody else', { idToken: signBy(privateKey, 'RS256') }],
      [
        'oidc_id_token',
        'signed by a key that comes along',
        { idToken: signBy(privateKey, 'RS256'), header: { jwk: { pem: await exportSPKI(publicKey) } } },
      ],
      [
        'oidc_id_token',
        'signed by nobody',
        { idToken: (claims) => `${json({ alg: 'none' })}.${json(claims)}.` },
      ],
      [
        'oidc_id_token',
        'signed with our secret',
        { idToken: signBy(bytes(String(idp.env[`${provider.toUpperCase()}_CLIENT_SECRET`])), 'HS256') },
      ],
      ['oidc_id_token', 'signed with the public key', { idToken: signBy(bytes(spki), 'HS256') }],
      ['oidc_id_token', 'signed by another algorithm', { idToken: signBy(otherwise, 'PS256') }],
      ['oidc_id_token', 'of another client', { claims: { aud: 'another' } }],
      ['oidc_id_token', 'of no client', { claims: { aud: undefined } }],
      ['oidc_id_token', 'of two clients', { claims: { aud: [`${provider}-client`, 'another'] } }],
      ['oidc_id_token', 'lent to another', { claims: { azp: 'another' } }],
      ['oidc_id_token', 'that has ended', { claims: { exp: now - 3600 } }],
      ['oidc_id_token', 'without an end', { claims: { exp: undefined } }],
      ['oidc_id_token', 'for ten years', { claims: { exp: now + 315_360_000 } }],
      ['oidc_id_token', 'of long ago', { claims: { iat: now - 3600 } }],
      ['oidc_id_token', 'of tomorrow', { claims: { iat: now + 86_400 } }],
      ['oidc_id_token', 'without a time', { claims: { iat: undefined } }],
      ['oidc_issuer', 'of another issuer', { claims: { iss: 'https://accounts.google.com' } }],
      ['oidc_id_token', 'of no issuer', { claims: { iss: undefined } }],
      ['oidc_id_token', 'that is none', { tokens: { id_token: 'x.y.z' } }],
      ['oidc_id_token', 'that is missing', { tokens: { id_token: undefined } }],
      ['oidc_id_token', 'that is no text', { tokens: { id_token: { a: 1 } } }],
      ['oidc_id_token', 'without an end in sight', { tokens: { id_token: 'x'.repeat(16_001) } }],
    ];
    for (const [refused, name, forgery] of forgeries)
      t.match(await goForged(world, provider, forgery), { refused }, `${provider}: ${name}`);
    if (provider !== 'linkedin')
      for (const nonce of ['another', 1, null])
        t.match(
          await goForged(world, provider, { claims: { nonce } }),
          { refused: 'oidc_id_token' },
          'nonce',
        );
    t.match(await goTo(world, provider), { identity: { provider } }, 'and the truth is taken again');
  }
});

t.test('somebody without a usable name for good', async (t) => {
  for (const provider of ['google', 'linkedin', 'apple'] as const) {
    for (const sub of [undefined, '', 1, 'x'.repeat(256), 'x'.repeat(10_000), 'a\u0000b', 'a\nb'])
      t.ok(isRefusal(await goForged(world, provider, { claims: { sub } })), `${provider}: ${String(sub)}`);
    const longest = 'x'.repeat(255);
    t.match(await goForged(world, provider, { claims: { sub: longest } }), {
      identity: { subject: longest },
    });
  }
  for (const id of [undefined, null, 1, '', 'x', '1'.repeat(33), '1\n', ['1']])
    t.match(await goForged(world, 'facebook', { profile: { id } }), { refused: 'oidc_subject' });
  for (const id of [undefined, null, '1', 0, -1, 1.5, 2 ** 53, [1]])
    t.match(await goForged(world, 'github', { profile: { id } }), { refused: 'oidc_subject' });
});

t.test('P08: an error of GitHub is one though its status says that all is well', async (t) => {
  const { ask, way } = await leaveFor(ctx, 'github');
  const response = new URLSearchParams({ code: 'invented', state: ask.token });
  const came = await socialConnector.verify(ctx, 'github', { response, ask, memory: way.memory });
  t.same(came, { refused: 'oidc_token', detail: 'answered bad_verification_code' });
  t.match(await goForged(world, 'github', { tokens: { error: '<b>', access_token: 'x' } }), {
    refused: 'oidc_token',
    detail: 'answered an unreadable error',
  });
});

t.test('P06: Facebook without the proof of our secret, and its own kind of error', async (t) => {
  const other = await startSocialCase(t);
  const facebook = { ...ctx.config.social.facebook, clientSecret: 'another' };
  const social = { ...ctx.config.social, facebook } as typeof ctx.config.social;
  const stranger = { ...ctx, config: { ...ctx.config, social } };
  t.match(
    await goTo({ ctx: stranger, idp }, 'facebook'),
    { refused: 'oidc_token', detail: 'answered 400 OAuthException 100' },
    'a wrong secret redeems nothing',
  );
  const stolen = { tokens: { access_token: 'of-another-app' } };
  t.match(
    await goForged(other, 'facebook', stolen),
    { refused: 'oidc_userinfo', detail: 'answered 400 GraphMethodException 100' },
    'a wrong proof tells nobody',
  );
  for (const token of [undefined, '', 1, 'a\nb', { a: 1 }, 'x'.repeat(1001)]) {
    const tokens = { access_token: token };
    t.match(await goForged(world, 'facebook', { tokens }), { refused: 'oidc_token' });
    t.match(await goForged(world, 'github', { tokens }), { refused: 'oidc_token' });
  }
});

t.test('a provider that is down, slow to a stop, or answers with anything else', async (t) => {
  const answers: [string, string, unknown, number][] = [
    ['idp_not_reachable', 'a fault', {}, 503],
    ['oidc', 'no JSON', '<html>', 200],
    ['oidc', 'a list', [1], 200],
    ['oidc', 'nothing', null, 200],
    ['oidc', 'a text', 'text', 200],
    ['oidc', 'another way', {}, 302],
    ['idp_not_reachable', 'more than anybody needs', 'x'.repeat(300_000), 200],
  ];
  const places: Record<SocialProvider, string[]> = {
    google: ['/google/token'],
    microsoft: ['/microsoft/common/oauth2/v2.0/token'],
    linkedin: ['/linkedin/oauth/v2/accessToken'],
    facebook: ['/facebook/v25.0/oauth/access_token', '/facebook/v25.0/me'],
    apple: ['/apple/auth/token'],
    github: ['/github/login/oauth/access_token', '/github/user', '/github/user/emails'],
  };
  for (const provider of socialProviders) {
    for (const path of places[provider]) {
      for (const [code, name, body, status] of answers) {
        // a list is what this one answers with
        if (path === '/github/user/emails' && code === 'oidc' && status === 200 && name !== 'no JSON')
          continue;
        const came = await goForged(world, provider, {
          endpoints: {
            [path]: (_asked, response) => {
              const isRaw = typeof body === 'string' && name !== 'a text';
              if (isRaw) response.writeHead(status, { location: idp.at('google') }).end(body);
              else sendJson(response, body, status);
            },
          },
        });
        t.match(came, { refused: new RegExp(`^${code}`) }, `${path}: ${name}`);
      }
      const gone = await goForged(world, provider, {
        endpoints: { [path]: (_asked, response) => void response.destroy() },
      });
      t.match(gone, { refused: 'idp_not_reachable' }, `${path}: no answer`);
    }
    t.match(await goTo(world, provider), { identity: {} });
  }
});

t.test('keys are asked for when they are not known, but not for every name of a key', async (t) => {
  const path = '/google/oauth2/v3/certs';
  t.match(await goTo(world, 'google'), { identity: {} });
  const asked = idp.count(path);
  t.match(await goTo(world, 'google'), { identity: {} });
  t.equal(idp.count(path), asked, 'known ones are not asked for');
  for (let count = 0; count < 3; count += 1)
    t.match(await goForged(world, 'google', { header: { kid: `invented-${count}` } }), {
      refused: 'oidc_id_token',
    });
  t.equal(idp.count(path), asked, 'nor invented ones, within a minute');
  app.advance(90);
  await idp.rotateKeys();
  t.match(await goTo(world, 'google'), { identity: {} }, 'a new key is found');
  t.equal(idp.count(path), asked + 1);
  app.advance(360);
  const gone = await goForged(world, 'google', {
    endpoints: { [path]: (_asked, response) => void response.destroy() },
  });
  t.match(gone, { refused: 'idp_not_reachable' });
  for (const keys of [{}, { keys: 'x' }, [], { keys: [] }, { keys: [null, { kty: 'RSA' }] }])
    t.match(await goForged(world, 'google', { keys: () => keys }), { refused: 'oidc_id_token' });
  app.advance(90);
  t.match(await goTo(world, 'google'), { identity: {} });
});

t.test('a provider that is not switched on leads nowhere', async (t) => {
  const { ask, way } = await leaveFor(ctx, 'google');
  const off = { ...ctx, config: { ...ctx.config, social: {} } };
  for (const provider of socialProviders) {
    t.match(await socialConnector.depart(off, provider, ask), { refused: 'connection_not_available' });
    const returned = { response: await idp.visit(way.location), ask, memory: way.memory };
    t.match(await socialConnector.verify(off, provider, returned), { refused: 'connection_not_available' });
  }
});

t.test('without a rehearsal everything goes to the provider itself', async (t) => {
  const real = Object.entries(ctx.config.social).map(([name, client]) => [
    name,
    { ...client, baseUrl: undefined },
  ]);
  const elsewhere = { ...ctx, config: { ...ctx.config, social: Object.fromEntries(real) } };
  const addresses: Record<SocialProvider, string> = {
    google: 'https://accounts.google.com/o/oauth2/v2/auth',
    microsoft: 'https://login.microsoftonline.com/common/oauth2/v2.0/authorize',
    linkedin: 'https://www.linkedin.com/oauth/v2/authorization',
    facebook: 'https://www.facebook.com/v25.0/dialog/oauth',
    apple: 'https://appleid.apple.com/auth/authorize',
    github: 'https://github.com/login/oauth/authorize',
  };
  const asked: string[] = [];
  // the far side of the network is not ours to reach in a test: what would be asked is noted, and nothing is sent
  const noting: typeof ctx.fetch = (address) => {
    asked.push(String(address));
    return Promise.reject(new Error('not in a test'));
  };
  for (const provider of socialProviders) {
    const { ask, way } = await leaveFor(elsewhere, provider);
    t.equal(way.location.split('?')[0], addresses[provider]);
    const response = new URLSearchParams({ code: 'x', state: ask.token });
    const came = await socialConnector.verify({ ...elsewhere, fetch: noting }, provider, {
      response,
      ask,
      memory: way.memory,
    });
    t.match(came, { refused: 'idp_not_reachable' });
  }
  t.same(asked, [
    'https://oauth2.googleapis.com/token',
    'https://login.microsoftonline.com/common/oauth2/v2.0/token',
    'https://www.linkedin.com/oauth/v2/accessToken',
    'https://graph.facebook.com/v25.0/oauth/access_token',
    'https://appleid.apple.com/auth/token',
    'https://github.com/login/oauth/access_token',
  ]);
});
