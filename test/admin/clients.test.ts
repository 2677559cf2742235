import { generateKeyPairSync } from 'node:crypto';
import t, { type Test } from 'tap';
import { basic, obtainCode, post, refreshForm } from '../provider/requests.ts';
import { Agent } from '../support/agent.ts';
import { type Api, apiWith, operatorApi, signInToApi } from '../support/api.ts';
import { startApp, type TestApp } from '../support/app.ts';
import { dumpDatabase } from '../support/canaries.ts';
import { RelyingParty, signIn } from '../support/relying-party.ts';

const service = {
  name: 'Nightly job',
  first_party: true,
  auth_method: 'client_secret_basic',
  grant_types: ['client_credentials'],
  resources: ['https://api.assist.test'],
  scopes: ['assist:read'],
};

const web = {
  name: 'Web',
  first_party: true,
  auth_method: 'client_secret_basic',
  grant_types: ['authorization_code', 'refresh_token'],
  redirect_uris: ['https://web.test/callback'],
};

/** The status of a token request by secret. */
async function tokenStatus(issuer: string, clientId: string, secret: string): Promise<number> {
  const form = { grant_type: 'client_credentials' };
  return (await post(issuer, '/token', form, basic(clientId, secret))).status;
}

/** A notification needs a moment, and a second is the promise. */
async function within(ask: () => Promise<number>, status: number): Promise<number> {
  const deadline = Date.now() + 1000;
  let seen = await ask();
  while (seen !== status && Date.now() < deadline) seen = await ask();
  return seen;
}

/** Another process's worth of service on the same database. */
async function secondReplica(t: Test, { databaseUrl, issuer }: TestApp): Promise<TestApp> {
  return startApp(t, { databaseUrl, demo: false, env: { ISSUER: issuer } });
}

t.test('clients', async (t) => {
  const app = await startApp(t);
  const { issuer, ctx } = app;
  const operator = await operatorApi(app);
  const created = async (body: object, api: Api = operator) => (await api.post('/clients', body)).body;
  const detailsOf = async (type: string, clientId: string) => {
    const query = ctx.db.selectFrom('events').select(['actorId', 'details']);
    return query.where('type', '=', type).where('clientId', '=', clientId).orderBy('id').execute();
  };

  await t.test('an operator makes one, uses it, reads it, and finds it in the list', async (t) => {
    const made = await operator.post('/clients', { ...service, client_id: 'a-job' });
    t.equal(made.status, 201);
    t.match(made.body, { ...service, client_id: 'a-job', application_type: 'web', product_id: null });
    t.match(made.body.client_secret, /^[\w-]{43}$/);
    t.equal(made.headers.get('location'), `${issuer}/api/v1/clients/a-job`);
    t.equal(await tokenStatus(issuer, 'a-job', made.body.client_secret), 200);
    t.equal(await tokenStatus(issuer, 'a-job', 'another'), 401);
    const { client_secret: _once, ...shown } = made.body;
    const read = await operator.get('/clients/a-job');
    t.same(read.body, shown);
    t.equal(read.headers.get('etag'), made.headers.get('etag'));
    t.same((await operator.get('/clients?limit=1')).body.items, [shown]);
    t.equal(
      (await operator.post('/clients', { ...service, client_id: 'a-job' })).body.code,
      'already_exists',
    );
    t.match(await detailsOf('client.created', 'a-job'), [
      { actorId: 'demo-operator', details: { auth_method: 'client_secret_basic' } },
    ]);
    const other = await created(web);
    t.match(other.client_id, /^client-[0-9a-f]{12}$/);
    const assist = (await operator.get('/products?slug=assist')).body.items[0].id;
    const { body } = await operator.get(`/clients?product_id=${assist}`);
    t.ok(body.items.length > 3);
    t.ok(body.items.every((item: { product_id: string }) => item.product_id === assist));
  });

  await t.test('a secret is shown once: again only to the same request, and nowhere else', async (t) => {
    const key = { 'idempotency-key': 'a-client' };
    const made = await operator.post('/clients', { ...service, client_id: 'once' }, key);
    const again = await operator.post('/clients', { ...service, client_id: 'once' }, key);
    t.same([again.status, again.body], [201, made.body]);
    const rotation = { 'idempotency-key': 'a-secret' };
    const rotate = () => operator.post('/clients/once/rotate-secret', { overlap_seconds: 60 }, rotation);
    const [one, two] = [await rotate(), await rotate()];
    t.same(two.body, one.body);
    const secrets = [made.body.client_secret, one.body.client_secret];
    t.not(secrets[0], secrets[1]);
    const texts = [
      (await operator.get('/clients/once')).text,
      (await operator.get('/clients?limit=200')).text,
      (await operator.patch('/clients/once', { name: 'Once' })).text,
      app.lines.join('\n'),
      (await dumpDatabase(app.databaseUrl)).text,
    ];
    for (const secret of secrets) for (const text of texts) t.notOk(text.includes(secret));
    t.notMatch(JSON.stringify(await ctx.db.selectFrom('events').select('details').execute()), /secret_hash/);
  });

  await t.test('without overlap the secret before is dead at once, and so is one before that', async (t) => {
    const fresh = await operatorApi(app);
    const second = await secondReplica(t, app);
    const { client_secret: one } = await created({ ...service, client_id: 'leaked' }, fresh);
    const rotate = async (overlap: number) =>
      (await fresh.post('/clients/leaked/rotate-secret', { overlap_seconds: overlap })).body.client_secret;
    const two = await rotate(3600);
    const three = await rotate(3600);
    for (const origin of [issuer, second.origin]) {
      t.equal(await within(() => tokenStatus(origin, 'leaked', one), 401), 401);
      t.equal(await tokenStatus(origin, 'leaked', two), 200);
    }
    const four = await rotate(0);
    for (const origin of [issuer, second.origin]) {
      t.equal(await within(() => tokenStatus(origin, 'leaked', three), 401), 401);
      t.equal(await tokenStatus(origin, 'leaked', two), 401);
      t.equal(await tokenStatus(origin, 'leaked', four), 200);
    }
    const publicClient = await created({ ...web, auth_method: 'none', client_id: 'no-secret' }, fresh);
    t.equal(publicClient.client_secret, null);
    const refused = await fresh.post('/clients/no-secret/rotate-secret', { overlap_seconds: 0 });
    t.match([refused.status, refused.body.code], [409, 'action_not_available']);
    t.equal((await fresh.post('/clients/none/rotate-secret', { overlap_seconds: 0 })).status, 404);
    t.equal((await fresh.post('/clients/leaked/rotate-secret', { overlap_seconds: -1 })).status, 400);
  });

  await t.test('another way to prove itself takes the place of the one before', async (t) => {
    const api = await operatorApi(app);
    const { client_secret: secret } = await created({ ...web, client_id: 'turns' }, api);
    await api.post('/clients/turns/rotate-secret', { overlap_seconds: 3600 });
    const row = () =>
      ctx.db
        .selectFrom('clients')
        .select(['secretHash', 'previousSecretHash', 'previousSecretUntil', 'jwks'])
        .where('clientId', '=', 'turns')
        .executeTakeFirstOrThrow();
    const none = { secretHash: null, previousSecretHash: null, previousSecretUntil: null, jwks: null };
    const posted = await api.patch('/clients/turns', { auth_method: 'client_secret_post' });
    t.match([posted.status, posted.body.client_secret], [200, null], 'the same secret, sent otherwise');
    t.equal((await api.patch('/clients/turns', { auth_method: 'none' })).status, 200);
    t.same(await row(), none);
    const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const keys = { keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'one' }] };
    t.equal(
      (await api.patch('/clients/turns', { auth_method: 'private_key_jwt' })).status,
      400,
      'without keys',
    );
    t.equal((await api.patch('/clients/turns', { jwks: keys })).status, 400, 'keys that nobody asks for');
    t.equal((await api.patch('/clients/turns', { auth_method: 'private_key_jwt', jwks: keys })).status, 200);
    const back = await api.patch('/clients/turns', { auth_method: 'client_secret_basic' });
    t.match(back.body, { client_secret: /^[\w-]{43}$/, jwks: null });
    t.not(back.body.client_secret, secret);
    t.match(await row(), { secretHash: Buffer, previousSecretHash: null, jwks: null });
    t.match((await detailsOf('client.changed', 'turns')).at(-1), {
      actorId: 'demo-operator',
      details: { changes: { auth_method: { before: 'private_key_jwt', after: 'client_secret_basic' } } },
    });
  });

  await t.test('a lost update is refused', async (t) => {
    const api = await operatorApi(app);
    const made = await api.post('/clients', { ...web, client_id: 'lost' });
    const match = { 'if-match': String(made.headers.get('etag')) };
    const patched = await api.patch('/clients/lost', { name: 'First' }, match);
    t.equal(patched.status, 200);
    t.equal((await api.patch('/clients/lost', { name: 'Second' }, match)).status, 412);
    t.equal((await api.post('/clients/lost/rotate-secret', { overlap_seconds: 0 }, match)).status, 412);
    t.equal((await api.delete('/clients/lost', match)).status, 412);
    const read = await api.get('/clients/lost');
    t.equal(read.body.name, 'First');
    t.equal(patched.headers.get('etag'), read.headers.get('etag'));
  });

  await t.test('AZ-05: nobody hands on more than they have', async (t) => {
    const mine = ['admin:clients:read', 'admin:clients:write', 'admin:users:read'];
    const api = await operatorApi(app, mine);
    const own = { ...service, resources: [`${issuer}/api/v1`] };
    const refused = await api.post('/clients', { ...own, scopes: ['admin:users:read', 'admin:users:write'] });
    t.match([refused.status, refused.body.code], [403, 'insufficient_scope']);
    const lesser = await created({ ...own, client_id: 'lesser', scopes: ['admin:users:read'] }, api);
    t.ok(lesser.client_secret);
    const all = await operatorApi(app);
    const stronger = { ...own, client_id: 'stronger', scopes: ['admin:users:read', 'admin:keys:write'] };
    t.equal((await all.post('/clients', stronger)).status, 201);
    const tries = [
      await api.patch('/clients/lesser', { scopes: mine.concat('admin:keys:write') }),
      await api.patch('/clients/stronger', { name: 'Mine' }),
      await api.patch('/clients/stronger', { scopes: ['admin:users:read'] }),
      await api.post('/clients/stronger/rotate-secret', { overlap_seconds: 0 }),
      await api.post('/clients/demo-operator/rotate-secret', { overlap_seconds: 0 }),
    ];
    for (const { status, body } of tries) t.match([status, body.code], [403, 'insufficient_scope']);
    t.same((await all.get('/clients/stronger')).body.scopes, stronger.scopes);
    t.equal((await api.post('/clients/lesser/rotate-secret', { overlap_seconds: 0 })).status, 200);
  });

  await t.test('what no text of the database can hold is refused', async (t) => {
    const key = generateKeyPairSync('ed25519').publicKey.export({ format: 'jwk' });
    const byKey = (changes: object) => ({
      ...web,
      auth_method: 'private_key_jwt',
      jwks: { keys: [{ ...key, kid: 'one', ...changes }] },
    });
    for (const hostile of ['\u0000', '\ud800', 'a\u0000'])
      for (const body of [
        { ...web, resources: [hostile] },
        { ...web, scopes: [hostile] },
        byKey({ kid: hostile }),
        byKey({ x: `${key.x ?? ''}${hostile}` }),
        byKey({ alg: hostile }),
      ]) {
        const refused = await operator.post('/clients', body);
        t.match([refused.status, refused.body.code], [400, 'invalid_input'], JSON.stringify(body));
      }
  });

  await t.test('it is for operators with the scope, and for nobody else', async (t) => {
    const reader = await operatorApi(app, ['admin:clients:read']);
    t.equal((await reader.get('/clients/demo-assist')).status, 200);
    t.equal((await reader.patch('/clients/demo-assist', { name: 'No' })).body.code, 'insufficient_scope');
    t.equal((await reader.post('/clients', web)).status, 403);
    t.equal((await reader.delete('/clients/demo-assist')).status, 403);
    const { api: ada } = await signInToApi(app, 'ada@acme.test');
    for (const path of ['/clients', '/clients/demo-assist', '/clients/none'])
      t.equal((await ada.get(path)).body.code, 'insufficient_scope');
    t.equal((await apiWith(app, undefined).get('/clients')).status, 401);
    t.equal((await reader.get('/clients/none')).body.code, 'not_found');
    t.equal((await reader.get('/clients/a%20b')).status, 400);
  });

  await t.test('who is deleted is gone, with everything, at once and on each replica', async (t) => {
    const api = await operatorApi(app);
    const second = await secondReplica(t, app);
    const client = { ...web, client_id: 'doomed', redirect_uris: [`${issuer}/demo/doomed/callback`] };
    const whole = {
      ...client,
      backchannel_logout_uri: `${issuer}/demo/doomed/back`,
      scopes: ['offline_access'],
    };
    const { client_secret: secret } = await created(whole, api);
    const party = new RelyingParty(issuer, {
      ...{ clientId: 'doomed', redirectUri: `${issuer}/demo/doomed/callback`, secret },
      scope: 'openid offline_access',
    });
    const browser = new Agent(issuer);
    const { tokens } = await signIn(browser, party, 'alan@acme.test');
    const { form, started } = await obtainCode(party, { browser });
    t.equal((await api.delete('/clients/doomed')).status, 204);
    for (const origin of [issuer, second.origin]) {
      const refresh = async () =>
        (await post(origin, '/token', refreshForm(tokens.refresh_token, 'doomed'), basic('doomed', secret)))
          .status;
      t.equal(await within(refresh, 401), 401);
      t.equal((await post(origin, '/token', form, basic('doomed', secret))).status, 401, 'the code');
      const { pathname, search } = started.url;
      t.equal((await new Agent(origin).get(`${pathname}${search}`)).status, 400, 'the authorization request');
    }
    const info = await browser.get('/userinfo', {
      headers: { authorization: `Bearer ${tokens.access_token}` },
    });
    t.equal(info.status, 401);
    const grants = await ctx.db.selectFrom('grants').select('id').where('clientId', '=', 'doomed').execute();
    t.same(grants, []);
    t.equal((await api.get('/clients/doomed')).status, 404);
    t.equal((await api.delete('/clients/doomed')).status, 404);
    t.match(await detailsOf('client.deleted', 'doomed'), [{ details: { name: 'Web', grants: 1 } }]);
    const page = await browser.get('/logout');
    const xsrf = /name="xsrf" value="([^"]+)"/.exec(page.text)?.[1] ?? '';
    const out = await browser.post('/logout/confirm', { form: { xsrf, logout: 'yes' } });
    t.equal(out.status, 303, 'the person can still sign out');
    // a client of the same name is another one
    const reborn = await created(whole, api);
    const old = refreshForm(tokens.refresh_token, 'doomed');
    t.equal(await within(async () => tokenStatus(issuer, 'doomed', reborn.client_secret), 400), 400);
    t.equal((await post(issuer, '/token', old, basic('doomed', reborn.client_secret))).status, 400);
  });

  await t.test('an operator may delete the very client they work with', async (t) => {
    const api = await operatorApi(app);
    const own = { ...service, client_id: 'leaves', resources: [`${issuer}/api/v1`] };
    const { client_secret: secret } = await created({ ...own, scopes: ['admin:clients:write'] }, api);
    const form = {
      grant_type: 'client_credentials',
      resource: `${issuer}/api/v1`,
      scope: 'admin:clients:write',
    };
    const { access_token: token } = (await post(issuer, '/token', form, basic('leaves', secret))).json();
    const itself = apiWith(app, token);
    t.equal((await itself.delete('/clients/leaves')).status, 204);
    t.equal(await within(async () => (await itself.delete('/clients/leaves')).status, 401), 401);
  });
});

t.test('a rotated secret and the one before work until the overlap is over, on each replica', async (t) => {
  const app = await startApp(t);
  const { issuer, ctx } = app;
  const operator = await operatorApi(app);
  const second = await secondReplica(t, app);
  const at = [issuer, second.origin];
  const { client_secret: first } = (await operator.post('/clients', { ...service, client_id: 'rotated' }))
    .body;
  const rotated = await operator.post('/clients/rotated/rotate-secret', { overlap_seconds: 3600 });
  const { client_secret: next, previous_secret_until: until } = rotated.body;
  t.equal(rotated.status, 200);
  t.equal(Date.parse(until) > ctx.now().getTime() + 3_500_000, true);
  t.equal(rotated.headers.get('etag'), (await operator.get('/clients/rotated')).headers.get('etag'));
  for (const origin of at)
    for (const secret of [first, next])
      t.equal(await within(() => tokenStatus(origin, 'rotated', secret), 200), 200);
  const move = (seconds: number) => [app, second].forEach((replica) => replica.advance(seconds));
  move(3590);
  for (const origin of at) t.equal(await tokenStatus(origin, 'rotated', first), 200, 'almost');
  move(20);
  for (const origin of at) {
    t.equal(await tokenStatus(origin, 'rotated', first), 401, 'over');
    t.equal(await tokenStatus(origin, 'rotated', next), 200);
  }
  const event = await ctx.db
    .selectFrom('events')
    .select('details')
    .where('type', '=', 'client.secret_rotated')
    .executeTakeFirstOrThrow();
  t.match(event.details, { previous_secret_until: until });
});
