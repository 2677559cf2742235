/** RFC 6749 §4.1 and RFC 9700 §2.1: a code is for one use, one client, one address and one minute. */
import { decodeJwt } from 'jose';
import t from 'tap';
import { Agent } from '../support/agent.ts';
import { startApp } from '../support/app.ts';
import { signIn } from '../support/relying-party.ts';
import {
  assistApi,
  basic,
  countEvents,
  demoBasic,
  demoParty,
  type Form,
  introspect,
  obtainCode,
  post,
  refreshForm,
  userinfo,
} from './requests.ts';

t.test('the authorization code', async (t) => {
  const app = await startApp(t);
  const { issuer, ctx } = app;
  const assist = demoParty(issuer, 'assist');
  const withApi = demoParty(issuer, 'assist', 'openid profile email assist:read');
  const confidential = demoParty(issuer, 'confidential');
  const browser = new Agent(issuer);
  await signIn(browser, assist, 'alan@acme.test');

  t.test('is a random name of at least 256 bits that the database does not know', async (t) => {
    const { code } = await obtainCode(assist, { browser });
    t.ok(Buffer.from(code, 'base64url').length >= 32);
    const rows = await ctx.db.selectFrom('artifacts').select('payload').execute();
    t.ok(rows.length > 0);
    t.notOk(rows.some(({ payload }) => JSON.stringify(payload).includes(code)));
  });

  t.test('the answer is JSON that nobody keeps', async (t) => {
    const { form } = await obtainCode(assist, { browser });
    const answer = await post(issuer, '/token', form);
    t.equal(answer.status, 200);
    t.equal(answer.headers.get('cache-control'), 'no-store');
    t.match(answer.headers.get('content-type'), /^application\/json/);
    t.match(answer.json(), { token_type: 'Bearer', expires_in: 600, scope: 'openid profile email' });
    t.same(Object.keys(answer.json()).sort(), [
      'access_token',
      'expires_in',
      'id_token',
      'refresh_token',
      'scope',
      'token_type',
    ]);
  });

  t.test('its second use ends everything that came of the first', async (t) => {
    const before = await countEvents(ctx, 'grant.revoked_on_reuse');
    const { form } = await obtainCode(assist, { browser });
    const tokens = (await post(issuer, '/token', form)).json();
    t.equal((await userinfo(issuer, tokens.access_token)).status, 200);

    const again = await post(issuer, '/token', form);
    t.equal(again.status, 400);
    t.match(again.json(), { error: 'invalid_grant' });
    t.equal((await userinfo(issuer, tokens.access_token)).status, 401, 'the opaque access token is dead');
    const refreshed = await post(issuer, '/token', refreshForm(tokens.refresh_token));
    t.equal(refreshed.status, 400, 'the refresh token is dead');
    t.match(refreshed.json(), { error: 'invalid_grant' });
    t.equal(await countEvents(ctx, 'grant.revoked_on_reuse'), before + 1, 'and it is on the audit trail');

    const { form: next } = await obtainCode(assist, { browser });
    t.equal((await post(issuer, '/token', next)).status, 200, 'the person is still signed in');
  });

  t.test('a JWT access token dies with it too, as far as anybody asks', async (t) => {
    const { form } = await obtainCode(withApi, { browser, extra: { resource: assistApi } });
    const tokens = (await post(issuer, '/token', form)).json();
    t.match(decodeJwt(tokens.access_token), { aud: assistApi, scope: 'assist:read' });
    t.match(await introspect(issuer, tokens.access_token), { active: true });
    t.equal((await post(issuer, '/token', form)).status, 400);
    t.same(await introspect(issuer, tokens.access_token), { active: false });
  });

  t.test('the second use of a confidential client ends everything as well', async (t) => {
    const { form } = await obtainCode(confidential, { browser });
    const tokens = (await post(issuer, '/token', form, demoBasic('confidential'))).json();
    t.equal((await post(issuer, '/token', form, demoBasic('confidential'))).status, 400);
    t.equal((await userinfo(issuer, tokens.access_token)).status, 401);
    const refreshed = await post(
      issuer,
      '/token',
      refreshForm(tokens.refresh_token, 'demo-confidential'),
      demoBasic('confidential'),
    );
    t.match(refreshed.json(), { error: 'invalid_grant' });
  });

  t.test('another client can neither use it nor spoil it', async (t) => {
    const { form } = await obtainCode(assist, { browser });
    const meet = demoParty(issuer, 'meet').client;
    const stolen: [string, Readonly<Record<string, string>>, Readonly<Record<string, string>>][] = [
      ['a public client', { ...form, client_id: 'demo-meet' }, {}],
      ['with its own address', { ...form, client_id: 'demo-meet', redirect_uri: meet.redirectUri }, {}],
      ['a confidential client', { ...form, client_id: 'demo-confidential' }, demoBasic('confidential')],
    ];
    for (const [who, sent, headers] of stolen) {
      const answer = await post(issuer, '/token', sent, headers);
      t.equal(answer.status, 400, who);
      t.match(answer.json(), { error: 'invalid_grant' });
    }
    t.equal((await post(issuer, '/token', form)).status, 200, 'its owner still can');
  });

  t.test('after its use another client cannot end the grant with it', async (t) => {
    const { form } = await obtainCode(assist, { browser });
    const tokens = (await post(issuer, '/token', form)).json();
    t.equal((await post(issuer, '/token', { ...form, client_id: 'demo-meet' })).status, 400);
    t.equal((await userinfo(issuer, tokens.access_token)).status, 200);
  });

  t.test('a confidential client must prove itself to use it', async (t) => {
    const { form } = await obtainCode(confidential, { browser });
    const { client_id: _id, ...nameless } = form;
    const unproven: [how: string, sent: Form, headers: Readonly<Record<string, string>>][] = [
      ['by its name alone', form, {}],
      ['with a wrong secret', nameless, basic('demo-confidential', 'demo-third-party-secret')],
      ['with no secret', { ...nameless, client_id: 'demo-confidential' }, {}],
      ['with a wrong secret in the body', { ...form, client_secret: 'wrong' }, {}],
    ];
    for (const [how, sent, headers] of unproven) {
      const answer = await post(issuer, '/token', sent, headers);
      t.equal(answer.status, 401, how);
      t.equal(answer.json().error, 'invalid_client', how);
    }
    t.equal((await post(issuer, '/token', nameless, demoBasic('confidential'))).status, 200);
  });

  t.test('it is redeemed with the redirect address it was asked with', async (t) => {
    const native = demoParty(issuer, 'native');
    const { form } = await obtainCode(native, { browser });
    const { redirect_uri: _uri, ...without } = form;
    t.match((await post(issuer, '/token', without)).json(), { error: 'invalid_request' });
    for (const other of [
      'http://127.0.0.1/callback',
      'http://127.0.0.1:54322/callback',
      'http://127.0.0.1:54321/callback/',
      'http://127.0.0.1:54321/callback?',
      'http://localhost:54321/callback',
    ]) {
      const answer = await post(issuer, '/token', { ...form, redirect_uri: other });
      t.match(answer.json(), { error: 'invalid_grant' }, other);
    }
    t.equal((await post(issuer, '/token', form)).status, 200);
  });

  t.test('things of another kind, or of nobody, are no codes', async (t) => {
    const { tokens } = await signIn(new Agent(issuer), assist, 'ada@acme.test');
    const { form, code } = await obtainCode(assist, { browser });
    const flipped = `${code.slice(0, -1)}${code.endsWith('A') ? 'B' : 'A'}`;
    const others = [
      tokens.access_token,
      tokens.refresh_token ?? '',
      tokens.id_token ?? '',
      flipped,
      `${code}A`,
      code.slice(0, -1),
      code.toUpperCase(),
      '../../etc/passwd',
      "' or 1=1 --",
      '%00',
      'ü',
      'a'.repeat(10_000),
    ];
    for (const other of others) {
      const answer = await post(issuer, '/token', { ...form, code: other });
      t.equal(answer.status, 400, other.slice(0, 20));
      t.match(answer.json(), { error: 'invalid_grant' });
    }
    t.equal((await post(issuer, '/token', refreshForm(code))).status, 400, 'nor is a code a refresh token');
    t.equal((await userinfo(issuer, code)).status, 401, 'nor an access token');
    t.equal((await post(issuer, '/token', form)).status, 200);
  });

  t.test('no parameter may come twice to the token endpoint', async (t) => {
    const { form } = await obtainCode(assist, { browser });
    for (const name of Object.keys(form)) {
      const twice = new URLSearchParams(form);
      twice.append(name, form[name] ?? '');
      const answer = await post(issuer, '/token', twice);
      t.equal(answer.status, 400, name);
      t.equal(answer.json().error, 'invalid_request', name);
    }
    t.equal((await post(issuer, '/token', form)).status, 200);
  });

  t.test('the access decision is asked again when it is redeemed', async (t) => {
    const { form } = await obtainCode(assist, { browser });
    const deactivate = (state: 'active' | 'deactivated') =>
      ctx.db.updateTable('users').set({ state }).where('email', '=', 'alan@acme.test').execute();
    await deactivate('deactivated');
    const refused = await post(issuer, '/token', form);
    await deactivate('active');
    t.equal(refused.status, 400);
    t.match(refused.json(), { error: 'invalid_grant', error_description: /^user_deactivated: / });
  });

  t.test('it is worth nothing after a minute', async (t) => {
    const early = await obtainCode(assist, { browser });
    app.advance(40);
    t.equal((await post(issuer, '/token', early.form)).status, 200, 'before that it is');
    const { form } = await obtainCode(assist, { browser });
    app.advance(61);
    const answer = await post(issuer, '/token', form);
    t.equal(answer.status, 400);
    t.match(answer.json(), { error: 'invalid_grant' });
  });
});
