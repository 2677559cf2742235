/** Each social provider there and back, with what it has of its own: what is asked of it, and who comes back. */
import { decodeJwt, decodeProtectedHeader } from 'jose';
import t from 'tap';
import { type SocialProvider, socialProviders } from '../../src/core/identities/identities.ts';
import { goForged, goTo, leaveFor, startSocialCase } from '../support/social-case.ts';
import { type Members, tenants } from '../support/social-idp.ts';

const world = await startSocialCase(t);
const { app, ctx, idp } = world;

t.test('who comes back from each provider', async (t) => {
  const { oid, tid } = idp.people.microsoft;
  const pat = { email: 'pat@acme.test', name: 'Pat' };
  const expected: Record<SocialProvider, Members> = {
    google: { issuer: idp.at('google'), subject: '1234567890', ...pat, emailTrust: 'verified_once' },
    microsoft: {
      issuer: `${idp.at('microsoft')}/${tenants.acme}/v2.0`,
      subject: JSON.stringify([tid, oid]),
      ...pat,
      emailTrust: 'none',
    },
    linkedin: {
      issuer: `${idp.at('linkedin')}/oauth`,
      subject: 'linked-1',
      ...pat,
      emailTrust: 'verified_once',
    },
    facebook: { issuer: idp.at('facebook'), subject: '10203040506070809', ...pat, emailTrust: 'none' },
    apple: {
      issuer: idp.at('apple'),
      subject: '001234.abcdef.0001',
      email: 'pat@acme.test',
      name: 'Pat Apple',
      emailTrust: 'verified_once',
    },
    github: {
      issuer: `${idp.at('github')}/login/oauth`,
      subject: '583231',
      ...pat,
      emailTrust: 'verified_once',
    },
  };
  for (const provider of socialProviders) {
    const came = await goTo(world, provider);
    t.same(
      came,
      { identity: { provider, attributes: {}, amr: [], ...expected[provider] } },
      `${provider}: who they are, and nothing else`,
    );
    t.notMatch(JSON.stringify(came), /canary/, 'no token of the provider goes along');
  }
});

t.test('what each provider is asked', async (t) => {
  const ways: Record<SocialProvider, { at: string; scope: string; besides: string[] }> = {
    google: {
      at: '/o/oauth2/v2/auth',
      scope: 'openid email profile',
      besides: ['code_challenge', 'code_challenge_method', 'nonce'],
    },
    microsoft: {
      at: '/common/oauth2/v2.0/authorize',
      scope: 'openid email profile',
      besides: ['code_challenge', 'code_challenge_method', 'nonce'],
    },
    linkedin: { at: '/oauth/v2/authorization', scope: 'openid profile email', besides: [] },
    facebook: { at: '/v25.0/dialog/oauth', scope: 'email,public_profile', besides: [] },
    apple: { at: '/auth/authorize', scope: 'name email', besides: ['nonce', 'response_mode'] },
    github: {
      at: '/login/oauth/authorize',
      scope: 'user:email',
      besides: ['code_challenge', 'code_challenge_method'],
    },
  };
  for (const provider of socialProviders) {
    const { at, scope, besides } = ways[provider];
    const { ask, way, asked } = await leaveFor(ctx, provider);
    t.equal(way.location.split('?')[0], `${idp.at(provider)}${at}`, provider);
    // so nobody who is signed in there already is asked anything: no prompt, no max_age
    t.same([...asked.keys()].sort(), [
      ...['client_id', 'redirect_uri', 'response_type', 'scope', 'state', ...besides].sort(),
    ]);
    t.match(Object.fromEntries(asked), {
      client_id: `${provider}-client`,
      redirect_uri: `${app.issuer}/federation/${provider}/callback`,
      response_type: 'code',
      scope,
      state: ask.token,
    });
    t.equal(way.memory.nonce !== undefined, besides.includes('nonce'));
    t.equal(way.memory.codeVerifier !== undefined, besides.includes('code_challenge'));
    t.notOk(way.location.includes(way.memory.codeVerifier ?? 'none'), 'the verifier stays here');
    const { way: again } = await leaveFor(ctx, provider);
    if (besides.includes('nonce')) t.not(again.memory.nonce, way.memory.nonce, 'and is another each time');
    if (way.memory.codeVerifier) t.not(again.memory.codeVerifier, way.memory.codeVerifier);
  }
});

t.test('a person who must prove themself again', async (t) => {
  const ways: Record<SocialProvider, Members> = {
    google: { prompt: 'select_account' },
    microsoft: { prompt: 'login' },
    linkedin: {},
    facebook: { auth_type: 'reauthenticate' },
    apple: {},
    github: { prompt: 'select_account' },
  };
  for (const provider of socialProviders) {
    const { asked: plain } = await leaveFor(ctx, provider);
    const { asked } = await leaveFor(ctx, provider, { forceAuthn: true });
    const added = [...asked].filter(([name]) => !plain.has(name));
    t.same(Object.fromEntries(added), ways[provider], `${provider}: in its own way, or not at all`);
  }
  const { asked } = await leaveFor(ctx, 'microsoft', { maxAge: 300 });
  t.match(Object.fromEntries(asked), { max_age: '300' });
  t.notOk(asked.has('prompt'));

  const now = Math.floor(ctx.now().getTime() / 1000);
  const proofs: [string, Members, Members, Members][] = [
    ['fresh', { auth_time: now }, { forceAuthn: true }, { identity: { authenticatedAt: String } }],
    ['stale', { auth_time: now - 3600 }, { forceAuthn: true }, { refused: 'oidc_id_token' }],
    ['older than was asked for', { auth_time: now - 900 }, { maxAge: 300 }, { refused: 'oidc_id_token' }],
    ['young enough', { auth_time: now - 200 }, { maxAge: 300 }, { identity: {} }],
    ['of tomorrow', { auth_time: now + 86_400 }, {}, { refused: 'oidc_id_token' }],
    ['not said', {}, { forceAuthn: true }, { identity: { authenticatedAt: undefined } }],
  ];
  for (const [name, claims, ask, expected] of proofs) {
    idp.forge = { claims };
    t.match(await goTo(world, 'microsoft', ask), expected, name);
  }
  idp.forge = {};
});

t.test('a hint goes to those who take an address', async (t) => {
  for (const provider of socialProviders) {
    const { asked } = await leaveFor(ctx, provider, { loginHint: 'pat@acme.test' });
    const takes = ['google', 'microsoft'].includes(provider);
    t.equal(asked.get('login_hint'), takes ? 'pat@acme.test' : null, provider);
    t.equal(asked.toString().includes('pat%40acme.test'), takes, 'and to nobody else by another name');
  }
});

t.test('a code is redeemed with what the provider takes, and nothing goes into an address', async (t) => {
  const paths: Record<SocialProvider, string> = {
    google: '/google/token',
    microsoft: '/microsoft/common/oauth2/v2.0/token',
    linkedin: '/linkedin/oauth/v2/accessToken',
    facebook: '/facebook/v25.0/oauth/access_token',
    apple: '/apple/auth/token',
    github: '/github/login/oauth/access_token',
  };
  for (const provider of socialProviders) {
    await goTo(world, provider);
    const { form, query, headers } = idp.last(paths[provider]);
    const takesVerifier = ['google', 'microsoft', 'github'].includes(provider);
    t.same(
      [...form.keys()].sort(),
      [
        ...['client_id', 'client_secret', 'code', 'grant_type', 'redirect_uri'],
        ...(takesVerifier ? ['code_verifier'] : []),
      ].sort(),
      provider,
    );
    t.same([...query], [], 'the secret is in no address, which logs would keep');
    t.equal(headers.authorization, undefined, 'the client proves itself in the body');
    t.equal(headers.accept, 'application/json');
  }
});

t.test('P05: LinkedIn, and LinkedIn alone, needs no nonce', async (t) => {
  const claims = { nonce: undefined };
  t.match(await goForged(world, 'linkedin', { claims }), { identity: { subject: 'linked-1' } });
  for (const provider of ['google', 'microsoft', 'apple'] as const)
    t.match(await goForged(world, provider, { claims }), { refused: 'oidc_id_token' }, provider);
  const { asked, way } = await leaveFor(ctx, 'linkedin');
  t.notOk(asked.has('code_challenge'));
  t.same(way.memory, {}, 'there is nothing to send along');
  await goTo(world, 'linkedin');
  t.notOk(idp.last('/linkedin/oauth/v2/accessToken').form.has('code_verifier'));
  const older = { claims: { iss: idp.at('linkedin') } };
  t.match(
    await goForged(world, 'linkedin', older),
    { identity: { issuer: `${idp.at('linkedin')}/oauth` } },
    'by its older name it is the same',
  );
});

t.test('Google by its bare name is the same Google', async (t) => {
  const bare = idp.at('google').replace('http://', '');
  const came = await goForged(world, 'google', { claims: { iss: bare } });
  t.match(came, { identity: { issuer: idp.at('google'), subject: '1234567890' } });
  t.match(await goForged(world, 'google', { response: [['iss', bare]] }), { identity: {} });
  t.match(await goForged(world, 'google', { response: [['iss', '']] }), { identity: {} }, 'and without');
});

t.test('P03: Google stands for an address only where the mailbox is its own', async (t) => {
  const cases: [string, Members, Members][] = [
    ['another address', {}, { emailTrust: 'verified_once' }],
    ['of Gmail', { email: 'pat@gmail.com' }, { emailTrust: 'authoritative' }],
    ['of Gmail, in capitals', { email: 'Pat@GMAIL.com' }, { emailTrust: 'authoritative' }],
    ['of a company there', { hd: 'acme.test' }, { emailTrust: 'authoritative' }],
    ['of a company there, not verified', { hd: 'acme.test', email_verified: false }, { emailTrust: 'none' }],
    ['not verified', { email_verified: undefined }, { emailTrust: 'none' }],
    ['of a company without a name', { hd: '' }, { emailTrust: 'verified_once' }],
    ['that ends like Gmail', { email: 'pat@notgmail.com' }, { emailTrust: 'verified_once' }],
    ['that begins like Gmail', { email: 'pat@gmail.com.evil.test' }, { emailTrust: 'verified_once' }],
  ];
  for (const [name, claims, expected] of cases)
    t.match(await goForged(world, 'google', { claims }), { identity: expected }, name);
});

t.test('P04: a new owner of a domain is somebody else at Google, by the same address', async (t) => {
  const before = await goForged(world, 'google', { claims: { hd: 'acme.test' } });
  const after = await goForged(world, 'google', { claims: { hd: 'acme.test', sub: '999' } });
  t.match(before, { identity: { subject: '1234567890', email: 'pat@acme.test' } });
  t.match(after, { identity: { subject: '999', email: 'pat@acme.test' } });
});

t.test('P01: Microsoft stands for an address only where its domain is proven', async (t) => {
  const cases: [string, Members, Members][] = [
    ['whatever a company wrote', { email: 'ceo@victim.test' }, { emailTrust: 'none' }],
    ['called verified by nobody', { email_verified: true }, { emailTrust: 'none' }],
    ['xms_edov: true', { xms_edov: true }, { emailTrust: 'authoritative' }],
    ['xms_edov: 1', { xms_edov: 1 }, { emailTrust: 'authoritative' }],
    ['xms_edov: "1"', { xms_edov: '1' }, { emailTrust: 'authoritative' }],
    ['xms_edov: "true"', { xms_edov: 'true' }, { emailTrust: 'authoritative' }],
    ['xms_edov: false', { xms_edov: false }, { emailTrust: 'none' }],
    ['xms_edov: "0"', { xms_edov: '0' }, { emailTrust: 'none' }],
    ['xms_edov: "false"', { xms_edov: 'false' }, { emailTrust: 'none' }],
    ['xms_edov: [true]', { xms_edov: [true] }, { emailTrust: 'none' }],
    ['a private account', { tid: tenants.private }, { emailTrust: 'verified_once' }],
    [
      'a private account with a mailbox there',
      { tid: tenants.private, email: 'pat@outlook.com' },
      { emailTrust: 'authoritative' },
    ],
    ['a company with an address of Outlook', { email: 'pat@outlook.com' }, { emailTrust: 'none' }],
    ['no address', { email: undefined, xms_edov: true }, { emailTrust: 'none', email: undefined }],
  ];
  for (const [name, claims, expected] of cases)
    t.match(await goForged(world, 'microsoft', { claims }), { identity: expected }, name);
  const attacker = await goForged(world, 'microsoft', { claims: { tid: tenants.evil } });
  t.match(attacker, {
    identity: { issuer: `${idp.at('microsoft')}/${tenants.evil}/v2.0`, emailTrust: 'none' },
  });
  const another = await goForged(world, 'microsoft', { claims: { sub: 'another-client-of-ours' } });
  const subject = JSON.stringify([tenants.acme, idp.people.microsoft['oid']]);
  t.match(another, { identity: { subject } }, 'one person, whatever our client id');
});

t.test('P06: Facebook may have no address, and stands for none', async (t) => {
  const cases: [string, Members, Members][] = [
    ['declined', { email: undefined }, { email: undefined, emailTrust: 'none' }],
    ['unusable', { email: 'pat at acme' }, { email: undefined, emailTrust: 'none' }],
    ['there', {}, { email: 'pat@acme.test', emailTrust: 'none' }],
  ];
  for (const [name, profile, expected] of cases)
    t.match(await goForged(world, 'facebook', { profile }), { identity: expected }, name);
  const { query, headers } = idp.last('/facebook/v25.0/me');
  t.same([...query.keys()].sort(), ['appsecret_proof', 'fields'], 'the token is in no address');
  t.equal(query.get('fields'), 'id,name,email');
  t.match(headers.authorization, /^Bearer /);
});

t.test('P07: Apple says a name once, and whoever says it again is not believed more', async (t) => {
  const first = JSON.stringify({ name: { firstName: 'A', lastName: 'B' }, email: 'ceo@victim.test' });
  const cases: [string, string, Members][] = [
    ['a name', first, { name: 'A B', email: 'pat@acme.test' }],
    ['one name', '{"name":{"lastName":"B"}}', { name: 'B' }],
    ['no name', '{"name":{}}', { name: undefined }],
    ['a name that is none', '{"name":"A"}', { name: undefined }],
    ['names that are none', '{"name":{"firstName":1,"lastName":["B"]}}', { name: undefined }],
    ['a name that forges a line', '{"name":{"firstName":"A\\nB"}}', { name: undefined }],
    ['a name without an end', JSON.stringify({ name: { firstName: 'A'.repeat(201) } }), { name: undefined }],
    ['more than a name', first.padEnd(2001), { name: undefined }],
    ['nothing that can be read', '{', { name: undefined }],
    ['nothing', 'null', { name: undefined }],
    ['no object', '[]', { name: undefined }],
  ];
  for (const [name, user, expected] of cases) {
    const came = await goForged(world, 'apple', { response: [['user', user]] });
    t.match(came, { identity: { subject: '001234.abcdef.0001', ...expected } }, name);
  }
  t.match(await goTo(world, 'apple'), { identity: { name: undefined } }, 'the second time there is none');
});

t.test('Apple calls an address verified in a word, and hides it', async (t) => {
  const relay = { email: 'x7@privaterelay.appleid.com', is_private_email: 'true' };
  const cases: [string, Members, Members][] = [
    ['true', { email_verified: true }, { emailTrust: 'verified_once' }],
    ['"true"', { email_verified: 'true' }, { emailTrust: 'verified_once' }],
    ['"false"', { email_verified: 'false' }, { emailTrust: 'none' }],
    ['not said', { email_verified: undefined }, { emailTrust: 'none' }],
    ['hidden', relay, { email: 'x7@privaterelay.appleid.com', emailTrust: 'verified_once' }],
    ['none', { email: undefined }, { email: undefined, emailTrust: 'none' }],
  ];
  for (const [name, claims, expected] of cases)
    t.match(await goForged(world, 'apple', { claims }), { identity: expected }, name);
});

t.test('the client secret for Apple is made for one code and ends soon', async (t) => {
  await goTo(world, 'apple');
  const first = idp.last('/apple/auth/token').form.get('client_secret') ?? '';
  const { iat = 0, exp = 0, ...claims } = decodeJwt(first);
  t.same(claims, { iss: 'TEAM123456', sub: 'apple-client', aud: idp.at('apple') });
  t.same(decodeProtectedHeader(first), { alg: 'ES256', kid: 'KEY1234567' });
  t.equal(exp - iat, 300);
  app.advance(200 * 86_400);
  t.match(await goTo(world, 'apple'), { identity: {} }, 'half a year later there is another');
  const second = idp.last('/apple/auth/token').form.get('client_secret') ?? '';
  t.ok(Number(decodeJwt(second).iat) > exp);
});

t.test('P08: GitHub stands for the address that is primary and verified, and for no other', async (t) => {
  const entry = (email: unknown, primary: unknown, verified: unknown) => ({ email, primary, verified });
  const none = { email: undefined, emailTrust: 'none' };
  const cases: [string, unknown, Members][] = [
    ['primary and verified', [entry('a@b.test', true, true)], { email: 'a@b.test' }],
    ['not verified', [entry('a@b.test', true, false), entry('c@b.test', false, true)], none],
    ['not primary', [entry('a@b.test', false, true)], none],
    ['in a word', [entry('a@b.test', 'true', 'true')], none],
    ['made up to hide', [entry('1+pat@users.noreply.github.com', true, true)], none],
    ['made up to hide, in capitals', [entry('pat@Users.NoReply.GitHub.com', true, true)], none],
    ['no address', [entry(undefined, true, true)], none],
    ['no list', { email: 'a@b.test' }, none],
    ['nothing in it', [null, 'a@b.test', 1], none],
    ['nobody', [], none],
  ];
  for (const [name, emails, expected] of cases)
    t.match(await goForged(world, 'github', { emails }), { identity: expected }, name);
  const renamed = await goForged(world, 'github', { profile: { login: 'somebody-else' } });
  t.match(renamed, { identity: { subject: '583231' } }, 'one person, whatever they call themself');
});

t.test('names and addresses that cannot be kept are left out', async (t) => {
  const names = [undefined, null, 1, '', ' ', 'A\u0000B', 'A\r\nB', 'A'.repeat(201), { first: 'A' }, ['A']];
  const emails = [
    null,
    1,
    '',
    'pat',
    'pat@',
    'a@b@c',
    'a b@c',
    'a@b\n',
    `${'a'.repeat(250)}@b.test`,
    ['a@b'],
  ];
  for (const name of names)
    t.match(await goForged(world, 'google', { claims: { name } }), { identity: { name: undefined } });
  for (const email of emails) {
    const came = await goForged(world, 'google', { claims: { email, hd: 'acme.test' } });
    t.match(came, { identity: { email: undefined, emailTrust: 'none' } }, String(email));
  }
  t.match(await goForged(world, 'google', { claims: { name: ' Pat ' } }), { identity: { name: 'Pat' } });
});
