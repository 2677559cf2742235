/** OpenID Connect Core §5.3: what a relying party learns of a person, and how it may ask. */
import t from 'tap';
import { Agent } from '../support/agent.ts';
import { startApp } from '../support/app.ts';
import { signIn } from '../support/relying-party.ts';
import { demoBasic, demoParty, obtainCode, post, refreshForm, userinfo } from './requests.ts';

t.test('userinfo', async (t) => {
  const app = await startApp(t);
  const { issuer, ctx } = app;
  const browser = new Agent(issuer);
  const { tokens } = await signIn(browser, demoParty(issuer, 'assist'), 'alan@acme.test');
  const sub = tokens.claims()?.sub ?? '';
  const token = tokens.access_token;

  const tokenFor = async (scope: string, extra: Readonly<Record<string, string>> = {}): Promise<string> => {
    const { form } = await obtainCode(demoParty(issuer, 'assist', scope), { browser, extra });
    return (await post(issuer, '/token', form)).json().access_token as string;
  };
  const ours = ['account', 'acr', 'amr', 'auth_time', 'products', 'role', 'sid'];

  t.test('tells what the scopes name and nothing else', async (t) => {
    const claimsOf = async (scope: string) => (await userinfo(issuer, await tokenFor(scope))).json();
    const shown = async (scope: string) =>
      Object.keys(await claimsOf(scope))
        .filter((name) => !ours.includes(name))
        .sort();
    t.same(await shown('openid'), ['sub']);
    t.same(await shown('openid email'), ['email', 'email_verified', 'sub']);
    t.same(await shown('openid profile'), ['locale', 'name', 'sub', 'updated_at']);
    t.match(await claimsOf('openid profile email'), {
      sub,
      name: 'Alan Turing',
      locale: 'en',
      updated_at: Number,
      email: 'alan@acme.test',
      email_verified: true,
    });
  });

  t.test('tells what the person holds', async (t) => {
    t.match((await userinfo(issuer, token)).json(), {
      account: tokens.claims()?.['account'],
      role: 'agent',
      products: ['assist', 'meet'],
    });
  });

  t.test('tells a claim that was asked for by its name', async (t) => {
    const claims = JSON.stringify({ userinfo: { email: { essential: true } }, id_token: { name: null } });
    const { form } = await obtainCode(demoParty(issuer, 'assist', 'openid'), { browser, extra: { claims } });
    const answer = (await post(issuer, '/token', form)).json();
    const told = (await userinfo(issuer, answer.access_token)).json();
    t.equal(told.email, 'alan@acme.test');
    t.equal(told.name, undefined);
  });

  t.test('is answered by GET and by POST, and kept by nobody', async (t) => {
    const authorization = `Bearer ${token}`;
    const answers = [
      await userinfo(issuer, token),
      await new Agent(issuer).send('/userinfo', { method: 'POST', headers: { authorization } }),
      await post(issuer, '/userinfo', { access_token: token }),
    ];
    for (const answer of answers) {
      t.equal(answer.status, 200);
      t.equal(answer.json().sub, sub);
      t.equal(answer.headers.get('cache-control'), 'no-store');
      t.match(answer.headers.get('content-type'), /^application\/json/);
    }
  });

  t.test('takes the token from one place, and never from the address', async (t) => {
    const agent = new Agent(issuer);
    const query = await agent.get(`/userinfo?access_token=${token}`);
    t.ok(query.status === 400 || query.status === 401, `${query.status}`);
    const two = await post(
      issuer,
      '/userinfo',
      { access_token: token },
      { authorization: `Bearer ${token}` },
    );
    t.equal(two.status, 400);
    for (const authorization of [
      '',
      'Bearer',
      `Basic ${token}`,
      `bearer${token}`,
      `Bearer ${token} ${token}`,
    ]) {
      const answer = await agent.get('/userinfo', { headers: { authorization } });
      t.ok(answer.status === 400 || answer.status === 401, authorization.slice(0, 10));
      t.notOk('sub' in answer.json());
    }
  });

  t.test('is for a person’s opaque access token and for nothing else', async (t) => {
    const flipped = `${token.slice(0, -1)}${token.endsWith('A') ? 'B' : 'A'}`;
    const service = await post(issuer, '/token', { grant_type: 'client_credentials' }, demoBasic('service'));
    const others = [
      flipped,
      `${token}A`,
      token.slice(0, -1),
      token.toUpperCase(),
      tokens.refresh_token ?? '',
      tokens.id_token ?? '',
      service.json().access_token as string,
      browser.cookies.find(({ name }) => name === 'doorward_session')?.value ?? '',
      'garbage',
    ];
    for (const other of others) {
      const answer = await userinfo(issuer, other);
      t.equal(answer.status, 401, other.slice(0, 12));
      t.match(answer.headers.get('www-authenticate'), /^Bearer .*error="invalid_token"/);
    }
  });

  t.test('needs openid', async (t) => {
    const narrow = { ...refreshForm(tokens.refresh_token), scope: 'profile email' };
    const refreshed = (await post(issuer, '/token', narrow)).json();
    const answer = await userinfo(issuer, refreshed.access_token);
    t.equal(answer.status, 403);
    t.equal(answer.json().error, 'insufficient_scope');
  });

  t.test('is open to pages of the client’s own origin', async (t) => {
    const ask = async (origin: string) =>
      new Agent(issuer).get('/userinfo', { headers: { authorization: `Bearer ${token}`, origin } });
    const allowed = async (origin: string) => (await ask(origin)).headers.get('access-control-allow-origin');
    t.equal(await allowed(issuer), issuer);
    for (const origin of ['https://evil.test', `${issuer}.evil.test`, 'null', issuer.replace(/\d+$/, '1')])
      t.equal(await allowed(origin), null, origin);
    const answer = await ask(issuer);
    t.equal(answer.headers.get('access-control-allow-credentials'), null);
    t.match(answer.headers.get('vary'), /origin/i);
  });

  t.test('ends with the person’s access and comes back with it', async (t) => {
    const setState = (state: 'active' | 'deactivated') =>
      ctx.db.updateTable('users').set({ state }).where('email', '=', 'alan@acme.test').execute();
    await setState('deactivated');
    const refused = await userinfo(issuer, token);
    t.equal(refused.status, 401);
    t.equal(refused.json().error, 'invalid_token');
    await setState('active');
    t.equal((await userinfo(issuer, token)).status, 200);
  });

  t.test('ends with the ten minutes of the token', async (t) => {
    app.advance(601);
    t.equal((await userinfo(issuer, token)).status, 401);
  });
});
