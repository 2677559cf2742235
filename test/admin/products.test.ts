import t from 'tap';
import { apiWith, operatorApi, signInToApi } from '../support/api.ts';
import { startApp } from '../support/app.ts';

t.test('products', async (t) => {
  const app = await startApp(t);
  const operator = await operatorApi(app);
  const events = async (type: string) => {
    const rows = await app.ctx.db
      .selectFrom('events')
      .select(['actorId', 'details'])
      .where('type', '=', type)
      .orderBy('id')
      .execute();
    return rows.filter(({ actorId }) => actorId !== null);
  };
  const idOf = async (slug: string): Promise<string> =>
    (await operator.get(`/products?slug=${slug}`)).body.items[0].id;

  await t.test('an operator makes one, reads it, and lists it first', async (t) => {
    const made = await operator.post('/products', {
      slug: 'chat',
      name: 'Chat',
      resource: 'https://api.chat.test',
      scopes: ['chat:read', 'chat:read', 'chat:write'],
    });
    t.equal(made.status, 201);
    t.match(made.body, {
      slug: 'chat',
      resource: 'https://api.chat.test',
      scopes: ['chat:read', 'chat:write'],
    });
    t.equal(made.headers.get('location'), `${app.issuer}/api/v1/products/${made.body.id}`);
    const read = await operator.get(`/products/${made.body.id}`);
    t.same(read.body, made.body);
    t.equal(read.headers.get('etag'), made.headers.get('etag'));
    t.same((await operator.get('/products?limit=1')).body.items, [made.body]);
    t.match(await events('product.created'), [
      { actorId: 'demo-operator', details: { slug: 'chat', product_id: made.body.id } },
    ]);
  });

  await t.test('slug and resource are its own', async (t) => {
    const same = { slug: 'chat', name: 'Other' };
    const slug = await operator.post('/products', same);
    t.match([slug.status, slug.body.code, slug.body.fields], [409, 'already_exists', { slug: 'is taken' }]);
    const resource = { slug: 'other', name: 'Other', resource: 'https://api.chat.test' };
    t.match((await operator.post('/products', resource)).body, {
      code: 'already_exists',
      fields: { resource: 'is taken' },
    });
    const other = await operator.post('/products', { slug: 'other', name: 'Other' });
    const path = `/products/${other.body.id}`;
    t.match((await operator.patch(path, { slug: 'chat' })).body.fields, { slug: 'is taken' });
    t.match((await operator.patch(path, { resource: 'https://api.chat.test' })).body.fields, {
      resource: 'is taken',
    });
    const racers = await Promise.all(
      Array.from({ length: 10 }, () => operator.post('/products', { slug: 'raced', name: 'Raced' })),
    );
    t.same(racers.map(({ status }) => status).sort(), [201, ...Array<number>(9).fill(409)]);
  });

  await t.test('what is no resource indicator and no scope is refused', async (t) => {
    const path = `/products/${await idOf('other')}`;
    const { issuer } = app;
    const wrong = [
      'api.chat.test',
      '/api',
      'https://a.test/#b',
      'https://a.test/#',
      'https://a.test/ b',
      'https://a.test/\n',
      'https://ä.test',
      issuer,
      `${issuer}/`,
      `${issuer}/api/v1`,
      `${issuer.toUpperCase()}/api/v1`,
    ];
    for (const resource of wrong) {
      const answer = await operator.patch(path, { resource });
      t.match(
        [answer.status, answer.body.code, answer.body.fields],
        [400, 'invalid_input', { resource: /./ }],
        resource,
      );
    }
    t.equal((await operator.patch(path, { resource: 'urn:example:api' })).status, 200);
    const names = ['', 'a b', 'a"b', 'a\\b', 'ä', 'openid', 'offline_access', 'self', 'account:manage'];
    for (const scope of [...names, 'admin:users:write']) {
      const answer = await operator.patch(path, { scopes: ['fine', scope] });
      t.match([answer.status, answer.body.code], [400, 'invalid_input'], scope);
    }
    t.equal((await operator.patch(path, { id: 'prd_1' })).status, 400, 'unknown members');
    t.equal((await operator.patch(path, { slug: null })).status, 400, 'a slug there must be');
  });

  await t.test('a change says what was, and a lost update is refused', async (t) => {
    const path = `/products/${await idOf('other')}`;
    const etag = String((await operator.get(path)).headers.get('etag'));
    const patched = await operator.patch(path, { name: 'Another', resource: null }, { 'if-match': etag });
    t.match([patched.status, patched.body.name, patched.body.resource], [200, 'Another', null]);
    t.match(await events('product.changed'), [
      {},
      {
        actorId: 'demo-operator',
        details: { changes: { name: { before: 'Other', after: 'Another' }, resource: { after: null } } },
      },
    ]);
    t.equal(
      (await operator.patch(path, { name: 'Lost' }, { 'if-match': etag })).body.code,
      'precondition_failed',
    );
    t.equal((await operator.delete(path, { 'if-match': etag })).status, 412);
  });

  await t.test('what somebody needs is not taken from under them', async (t) => {
    const assist = `/products/${await idOf('assist')}`;
    t.equal((await operator.delete(assist)).body.code, 'in_use');
    const resource = await operator.patch(assist, { resource: 'https://api2.assist.test' });
    t.match([resource.status, resource.body.code], [409, 'in_use']);
    t.equal((await operator.patch(assist, { scopes: ['assist:read'] })).body.code, 'in_use');
    const more = await operator.patch(assist, { scopes: ['assist:read', 'assist:write', 'assist:more'] });
    t.equal(more.status, 200);
    t.equal((await operator.patch(assist, { scopes: ['assist:read', 'assist:write'] })).status, 200);
    const chat = `/products/${await idOf('chat')}`;
    const client = await operator.post('/clients', {
      name: 'Chat service',
      first_party: true,
      auth_method: 'client_secret_basic',
      grant_types: ['client_credentials'],
      resources: ['https://api.chat.test'],
    });
    t.equal(client.status, 201);
    t.equal((await operator.delete(chat)).body.code, 'in_use', 'a client asks for its resource');
    t.equal((await operator.delete(`/clients/${client.body.client_id}`)).status, 204);
    t.equal((await operator.delete(chat)).status, 204);
    t.equal((await operator.get(chat)).status, 404);
    t.equal((await operator.delete(chat)).status, 404);
    t.match(await events('product.deleted'), [{ details: { slug: 'chat' } }]);
  });

  await t.test('somebody who begins to need it and who deletes it do not pass each other', async (t) => {
    for (let round = 0; round < 5; round += 1) {
      const { body } = await operator.post('/products', { slug: `race-${round}`, name: 'Race' });
      const client = { name: 'Racer', first_party: true, auth_method: 'client_secret_basic' };
      const service = { ...client, grant_types: ['client_credentials'], product_id: body.id };
      const account = (await operator.get('/accounts?slug=acme')).body.items[0].id;
      const terms = { seats: 1, expires_at: null };
      const [deleted, made, put] = await Promise.all([
        operator.delete(`/products/${body.id}`),
        operator.post('/clients', service),
        operator.put(`/accounts/${account}/subscriptions/${body.id}`, terms),
      ]);
      t.ok([204, 409].includes(deleted.status));
      t.ok([201, 400].includes(made.status));
      t.ok([200, 404].includes(put.status));
      t.equal(deleted.status === 204, made.status === 400 && put.status === 404);
    }
  });

  await t.test('it is for operators with the scope, and for nobody else', async (t) => {
    const path = `/products/${await idOf('assist')}`;
    const reader = await operatorApi(app, ['admin:products:read', 'admin:clients:write']);
    t.equal((await reader.get(path)).status, 200);
    t.equal((await reader.patch(path, { name: 'No' })).body.code, 'insufficient_scope');
    t.equal((await reader.delete(path)).status, 403);
    const { api: ada } = await signInToApi(app, 'ada@acme.test');
    for (const answer of [await ada.get('/products'), await ada.get(path), await ada.delete(path)])
      t.equal(answer.body.code, 'insufficient_scope');
    t.equal((await apiWith(app, undefined).get(path)).status, 401);
    t.equal((await operator.get(`/products/prd_${'0'.repeat(26)}`)).body.code, 'not_found');
    t.equal((await operator.get('/products/acc_1')).status, 400);
  });
});
