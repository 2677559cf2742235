import t from 'tap';
import { apiWith, operatorApi, signInToApi } from '../support/api.ts';
import { startApp } from '../support/app.ts';

t.test('accounts', async (t) => {
  const app = await startApp(t);
  const operator = await operatorApi(app);
  const ada = await signInToApi(app, 'ada@acme.test');

  await t.test('an operator makes one, reads it, and lists it first', async (t) => {
    const made = await operator.post('/accounts', { slug: 'umbrella', name: 'Umbrella' });
    t.equal(made.status, 201);
    t.match(made.body, { slug: 'umbrella', name: 'Umbrella', status: 'active', expires_at: null });
    t.equal(made.headers.get('location'), `${app.issuer}/api/v1/accounts/${made.body.id}`);
    const read = await operator.get(`/accounts/${made.body.id}`);
    t.same(read.body, made.body);
    t.equal(read.headers.get('etag'), made.headers.get('etag'));
    const listed = await operator.get('/accounts?limit=1');
    t.same(listed.body.items, [made.body]);
    t.equal(
      (await operator.post('/accounts', { slug: 'umbrella', name: 'Other' })).body.code,
      'already_exists',
    );
  });

  await t.test('pages follow one another without a gap', async (t) => {
    const seen: string[] = [];
    let next = '/accounts?limit=2';
    for (;;) {
      const { body } = await operator.get(next);
      seen.push(...body.items.map(({ slug }: { slug: string }) => slug));
      if (body.next_cursor === null) break;
      next = `/accounts?limit=2&cursor=${encodeURIComponent(body.next_cursor)}`;
    }
    t.same(seen, ['umbrella', 'initech', 'globex', 'lapsed', 'acme']);
  });

  await t.test('an admin reads and renames their own, and no other exists for them', async (t) => {
    const { body } = await operator.get('/accounts?slug=acme');
    const [{ id }] = body.items;
    const own = await ada.api.get(`/accounts/${id}`);
    t.match(own.body, { slug: 'acme' });
    const patched = await ada.api.patch(`/accounts/${id}`, { name: 'Acme & Co.' });
    t.match([patched.status, patched.body.name], [200, 'Acme & Co.']);
    const globex = (await operator.get('/accounts?slug=globex')).body.items[0].id;
    const foreign = await ada.api.get(`/accounts/${globex}`);
    const missing = await ada.api.get(`/accounts/acc_${'0'.repeat(26)}`);
    t.same([foreign.status, missing.status], [404, 404]);
    t.equal((await ada.api.get('/accounts')).body.code, 'insufficient_scope');
    t.equal((await apiWith(app, undefined).get(`/accounts/${id}`)).body.code, 'unauthenticated');
  });

  await t.test('a lost update is refused', async (t) => {
    const made = await operator.post('/accounts', { slug: 'lost', name: 'Lost' });
    const etag = String(made.headers.get('etag'));
    const path = `/accounts/${made.body.id}`;
    t.equal((await operator.patch(path, { name: 'First' }, { 'if-match': etag })).status, 200);
    const second = await operator.patch(path, { name: 'Second' }, { 'if-match': etag });
    t.match([second.status, second.body.code], [412, 'precondition_failed']);
    t.equal((await operator.get(path)).body.name, 'First');
  });

  await t.test('the same request with the same key is done once', async (t) => {
    const key = { 'idempotency-key': 'one' };
    const body = { slug: 'once', name: 'Once' };
    const [one, two] = await Promise.all([
      operator.post('/accounts', body, key),
      operator.post('/accounts', body, key),
    ]);
    t.same([one.status, two.status], [201, 201]);
    t.same(one.body, two.body);
    const other = await operator.post('/accounts', { ...body, name: 'Twice' }, key);
    t.match([other.status, other.body.code], [422, 'idempotency_key_reused']);
  });
});
