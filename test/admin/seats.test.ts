import t from 'tap';
import { Agent } from '../support/agent.ts';
import { operatorApi, signInToApi } from '../support/api.ts';
import { startApp } from '../support/app.ts';
import { makeSelfClient } from '../support/make.ts';
import { demoClient, RelyingParty, signIn, submitPassword, toStep } from '../support/relying-party.ts';

t.test('seats', async (t) => {
  const app = await startApp(t);
  const { issuer } = app;
  const operator = await operatorApi(app);
  const { api: ada } = await signInToApi(app, 'ada@acme.test');
  const acme = (await operator.get('/accounts?slug=acme')).body.items[0].id as string;
  const seats = `/accounts/${acme}/seats`;
  const products = Object.fromEntries(
    (await operator.get('/products')).body.items.map(({ slug, id }: { slug: string; id: string }) => [
      slug,
      id,
    ]),
  ) as Record<string, string>;
  const userId = async (email: string) =>
    (await ada.get(`/accounts/${acme}/users?email=${email}`)).body.items[0].id as string;

  await t.test('are assigned, listed, dated and taken back', async (t) => {
    const nora = await userId('noseat@acme.test');
    const made = await ada.post(seats, { user_id: nora, product_id: products['assist'] });
    t.equal(made.status, 201);
    t.match(made.body, { user: { email: 'noseat@acme.test' }, product: { slug: 'assist' }, ends_at: null });
    const twice = await ada.post(seats, { user_id: nora, product_id: products['assist'] });
    t.match([twice.status, twice.body.code], [409, 'already_exists']);
    const one = `${seats}/${made.body.id}`;
    t.same((await ada.get(one)).body, made.body);
    const end = new Date(Date.now() + 86_400_000).toISOString();
    t.match((await ada.patch(one, { ends_at: end })).body, { ends_at: end });
    t.equal((await ada.patch(one, { ends_at: '2020-01-01T00:00:00Z' })).status, 400);
    t.equal((await ada.delete(one)).status, 204);
    t.equal((await ada.delete(one)).status, 404);
    const listed = (await ada.get(`${seats}?product_id=${products['meet'] ?? ''}`)).body.items;
    t.same(
      listed.map(({ user }: { user: { email: string } }) => user.email),
      ['alan@acme.test'],
    );
  });

  await t.test('are never more than were bought, however many ask at once', async (t) => {
    const everybody = (await ada.get(`/accounts/${acme}/users`)).body.items as { id: string }[];
    const answers = await Promise.all(
      everybody.flatMap(({ id }) =>
        Array.from({ length: 4 }, () => ada.post(seats, { user_id: id, product_id: products['meet'] })),
      ),
    );
    t.ok(answers.every(({ status }) => status === 409));
    t.equal((await ada.get(`${seats}?product_id=${products['meet'] ?? ''}`)).body.items.length, 1);
  });

  await t.test('go to members alone: nobody and another account’s people are alike (AZ-03)', async (t) => {
    const [gina] = (await operator.get('/users?email=gina@globex.test')).body.items;
    const foreign = await ada.post(seats, { user_id: gina.id, product_id: products['assist'] });
    const missing = await ada.post(seats, {
      user_id: `usr_${'0'.repeat(26)}`,
      product_id: products['assist'],
    });
    t.same([foreign.status, missing.status], [404, 404]);
    const unknown = await ada.post(seats, {
      user_id: await userId('noseat@acme.test'),
      product_id: `prd_${'0'.repeat(26)}`,
    });
    t.equal(unknown.status, 404);
  });

  await t.test(
    'are of the subscription of this account, and not of one that another has bought',
    async (t) => {
      const bare = (await operator.post('/accounts', { slug: 'bare', name: 'Bare' })).body.id as string;
      const subscription = await operator.get(`/accounts/${bare}/subscriptions/${products['assist'] ?? ''}`);
      t.match([subscription.status, subscription.body.code], [404, 'not_found']);
    },
  );

  await t.test('and what else somebody has in an account ends there alone', async (t) => {
    await makeSelfClient(app.ctx, issuer);
    const as = { client: 'self', scope: 'openid self', account: 'initech' } as const;
    const multi = await signInToApi(app, 'multi@acme.test', as);
    const path = `/accounts/${acme}/users/${await userId('multi@acme.test')}/end-sessions`;
    t.equal((await ada.post(path)).status, 204);
    t.equal((await multi.api.get('/me')).status, 200);
  });

  await t.test('taken back end what was given on them at once, and nothing else', async (t) => {
    const alan = new Agent(issuer);
    const assist = new RelyingParty(issuer, demoClient(issuer, 'assist'));
    const meet = new RelyingParty(issuer, demoClient(issuer, 'meet'));
    const one = await signIn(alan, assist, 'alan@acme.test');
    const started = await meet.start();
    const two = await meet.finish((await alan.follow(started.url.href)).location, started);
    const [seat] = (
      await ada.get(`${seats}?user_id=${await userId('alan@acme.test')}&product_id=${products['meet'] ?? ''}`)
    ).body.items;
    t.equal((await ada.delete(`${seats}/${seat.id}`)).status, 204);
    await t.rejects(meet.refresh(two.refresh_token ?? ''));
    t.ok((await assist.refresh(one.tokens.refresh_token ?? '')).access_token);
    t.equal(
      (await ada.post(seats, { user_id: await userId('alan@acme.test'), product_id: products['meet'] }))
        .status,
      201,
    );
  });

  await t.test(
    'are asked for at the refusal and granted by an admin; the next try passes (R7)',
    async (t) => {
      const nora = new Agent(issuer);
      const assist = new RelyingParty(issuer, demoClient(issuer, 'assist'));
      const denied = await submitPassword(
        nora,
        await toStep(nora, (await assist.start()).url),
        'noseat@acme.test',
      );
      const { actions } = denied.json() as { actions: Record<string, { href: string }> };
      await nora.post(actions['request_seat']?.href ?? '', { json: {} });
      const [request] = (await ada.get(`/accounts/${acme}/seat-requests?state=open`)).body.items;
      t.match(request, {
        user: { email: 'noseat@acme.test' },
        product: { slug: 'assist' },
        client_id: 'demo-assist',
      });
      const granted = await ada.post(`/accounts/${acme}/seat-requests/${request.id}/grant`, {});
      t.match([granted.status, granted.body.state], [200, 'granted']);
      const again = await ada.post(`/accounts/${acme}/seat-requests/${request.id}/refuse`);
      t.match([again.status, again.body.code], [409, 'already_decided']);
      t.ok((await signIn(new Agent(issuer), assist, 'noseat@acme.test')).tokens.access_token);
      const { api: ian } = await signInToApi(app, 'ian@initech.test');
      const initech = (await operator.get('/accounts?slug=initech')).body.items[0].id as string;
      t.equal((await ian.get(`/accounts/${initech}/seat-requests/${request.id}`)).status, 404);
    },
  );
});
