import t from 'tap';
import { operatorApi, signInToApi } from '../support/api.ts';
import { startApp } from '../support/app.ts';

t.test('signing keys', async (t) => {
  const app = await startApp(t);
  const operator = await operatorApi(app);
  const published = async () => {
    const response = await fetch(`${app.issuer}/jwks`);
    return ((await response.json()) as { keys: { kid: string }[] }).keys.map(({ kid }) => kid).sort();
  };

  await t.test('are listed with their states, and nothing secret of them', async (t) => {
    const { body, text } = await operator.get('/keys');
    t.same(
      body.items.map(({ alg, state }: { alg: string; state: string }) => [alg, state]),
      [
        ['ES256', 'current'],
        ['RS256', 'current'],
      ],
    );
    t.notMatch(text, /sealed|"d"|private/i);
    t.same(body.items.map(({ kid }: { kid: string }) => kid).sort(), await published());
    const { api } = await signInToApi(app, 'ada@acme.test');
    t.equal((await api.get('/keys')).status, 403);
    t.equal((await (await operatorApi(app, ['admin:keys:read'])).post('/keys/rotate', {})).status, 403);
  });

  await t.test('are rotated: the next is published first, and there is one at most', async (t) => {
    const { body } = await operator.post('/keys/rotate', { alg: 'ES256' });
    t.match(body.items, [{ alg: 'ES256', state: 'next' }]);
    const again = await operator.post('/keys/rotate', { alg: 'ES256' });
    t.same(again.body, body);
    t.equal((await operator.get('/keys')).body.items.length, 3);
    t.equal((await operator.post('/keys/rotate', { alg: 'none' })).status, 400);
  });

  await t.test('are withdrawn at once, with the tokens they signed, but never the only one', async (t) => {
    const { items } = (await operator.get('/keys')).body;
    const [current] = items.filter(
      (key: { state: string; alg: string }) => key.state === 'current' && key.alg === 'ES256',
    );
    const [only] = items.filter((key: { alg: string }) => key.alg === 'RS256');
    const refused = await operator.post(`/keys/${only.kid}/retire`);
    t.match([refused.status, refused.body.code], [409, 'only_signing_key']);
    t.equal((await operator.post('/keys/unknown/retire')).status, 404);
    t.equal((await operator.post(`/keys/${current.kid}/retire`)).status, 204);
    // every replica hears of it within a moment
    let status = 200;
    for (let tries = 0; tries < 500 && status === 200; tries += 1)
      status = (await operator.get('/keys')).status;
    t.equal(status, 401, 'the token was signed with it');
    const fresh = await operatorApi(app);
    t.notMatch(JSON.stringify((await fresh.get('/keys')).body), current.kid);
    const events = (await fresh.get('/events?type=signing_key.retired')).body.items;
    t.match(events, [{ actor: { id: 'demo-operator' } }]);
  });
});
