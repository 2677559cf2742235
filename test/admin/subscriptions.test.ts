import t from 'tap';
import { inTransaction } from '../../src/context.ts';
import { assignSeat, reserveSeat } from '../../src/core/seats/seats.ts';
import { Failure } from '../../src/kernel/failures.ts';
import type { AccountId, ProductId, UserId } from '../../src/kernel/ids.ts';
import { demoParty, post, refreshForm } from '../provider/requests.ts';
import { Agent } from '../support/agent.ts';
import { apiWith, operatorApi, signInToApi } from '../support/api.ts';
import { startApp } from '../support/app.ts';
import { makeAccount, makeMember, makeUser } from '../support/make.ts';
import { signIn } from '../support/relying-party.ts';

const endless = { expires_at: null };

t.test('subscriptions', async (t) => {
  const app = await startApp(t);
  const { ctx } = app;
  const operator = await operatorApi(app);
  const products = (await operator.get('/products')).body.items as { id: ProductId; slug: string }[];
  const [meet, assist] = products.map(({ id }) => id) as [ProductId, ProductId];
  const accountOf = async (slug: string): Promise<string> =>
    (await operator.get(`/accounts?slug=${slug}`)).body.items[0].id;
  const pathOf = (accountId: string, productId: string = assist) =>
    `/accounts/${accountId}/subscriptions/${productId}`;
  const member = async (accountId: AccountId): Promise<UserId> => {
    const { id } = await makeUser(ctx, { password: null });
    await makeMember(ctx, id, accountId);
    return id;
  };
  const assign = (accountId: AccountId, userId: UserId) =>
    inTransaction(ctx, (tx) => assignSeat(tx, { accountId, userId, productId: assist }));
  const eventsOf = (accountId: string) =>
    ctx.db
      .selectFrom('events')
      .select(['type', 'actorId', 'details'])
      .where('accountId', '=', accountId as AccountId)
      .where('type', 'like', 'subscription.%')
      .orderBy('id')
      .execute();

  await t.test('an operator puts one there, changes it, and takes it away', async (t) => {
    const accountId = await makeAccount(ctx);
    const path = pathOf(accountId);
    t.equal((await operator.get(path)).status, 404);
    const made = await operator.put(path, { seats: 3, ...endless });
    t.equal(made.status, 200);
    t.match(made.body, {
      account_id: accountId,
      product: { id: assist, slug: 'assist' },
      ...{ seats: 3, seats_taken: 0, seats_reserved: 0, seats_free: 3, grace_days: 0, expires_at: null },
    });
    t.ok(Date.parse(made.body.starts_at) <= ctx.now().getTime());
    const read = await operator.get(path);
    t.same([read.body, read.headers.get('etag')], [made.body, made.headers.get('etag')]);
    const match = { 'if-match': String(made.headers.get('etag')) };
    const terms = { seats: 5, expires_at: '2090-01-01T00:00:00Z', grace_days: 14 };
    const changed = await operator.put(path, terms, match);
    t.match(
      [changed.status, changed.body],
      [200, { seats: 5, grace_days: 14, starts_at: made.body.starts_at }],
    );
    t.equal((await operator.put(path, terms, match)).body.code, 'precondition_failed');
    t.equal((await operator.put(path, terms)).status, 200, 'the same again');
    t.equal((await operator.delete(path)).status, 204);
    t.equal((await operator.get(path)).status, 404);
    t.equal((await operator.delete(path)).status, 404);
    t.match(await eventsOf(accountId), [
      { type: 'subscription.created', actorId: 'demo-operator', details: { product_id: assist, seats: 3 } },
      {
        type: 'subscription.changed',
        details: { changes: { seats: { before: 3, after: 5 }, grace_days: { before: 0, after: 14 } } },
      },
      { type: 'subscription.deleted' },
    ]);
  });

  await t.test('what makes no sense is refused', async (t) => {
    const path = pathOf(await makeAccount(ctx));
    const wrong = [
      { seats: -1, ...endless },
      { seats: 1.5, ...endless },
      { seats: 1 },
      { seats: 1, expires_at: 'tomorrow' },
      { seats: 1, starts_at: '2030-01-01T00:00:00Z', expires_at: '2030-01-01T00:00:00Z' },
      { seats: 1, expires_at: '2001-01-01T00:00:00Z' },
      { seats: 1, ...endless, grace_days: 1000 },
      { seats: 1, ...endless, seats_taken: 0 },
    ];
    for (const body of wrong) t.equal((await operator.put(path, body)).status, 400, JSON.stringify(body));
    const nowhere = pathOf(await makeAccount(ctx), `prd_${'0'.repeat(26)}`);
    t.equal((await operator.put(nowhere, { seats: 1, ...endless })).body.code, 'not_found');
    t.equal((await operator.put(pathOf(`acc_${'0'.repeat(26)}`), { seats: 1, ...endless })).status, 404);
  });

  await t.test('seats taken and reserved are not sold away', async (t) => {
    const accountId = await makeAccount(ctx);
    const path = pathOf(accountId);
    await operator.put(path, { seats: 5, ...endless });
    const people = [await member(accountId), await member(accountId), await member(accountId)] as const;
    await assign(accountId, people[0]);
    await assign(accountId, people[1]);
    const until = new Date(ctx.now().getTime() + 60_000);
    const place = { accountId, productId: assist };
    await inTransaction(ctx, (tx) => reserveSeat(tx, { ...place, userId: people[2], until }));
    t.match((await operator.get(path)).body, { seats: 5, seats_taken: 2, seats_reserved: 1, seats_free: 2 });
    const lowered = await operator.put(path, { seats: 2, ...endless });
    t.match([lowered.status, lowered.body.code], [409, 'seats_in_use']);
    t.equal((await operator.put(path, { seats: 3, ...endless })).body.seats_free, 0);
    t.equal((await operator.delete(path)).body.code, 'seats_in_use');
    app.advance(61);
    t.match((await operator.get(path)).body, { seats_reserved: 0, seats_free: 1 });
    t.equal((await operator.put(path, { seats: 2, ...endless })).status, 200);
    await ctx.db.updateTable('seats').set({ endsAt: ctx.now() }).where('accountId', '=', accountId).execute();
    t.match((await operator.get(path)).body, { seats_taken: 0, seats_free: 2 });
    await ctx.db
      .insertInto('seatRequests')
      .values({ ...place, id: 'srq_1', userId: people[2], caseId: 'AAAA-AAAA', requestedAt: ctx.now() })
      .execute();
    t.equal((await operator.delete(path)).status, 204, 'with all that is left of it');
    const left = await ctx.db.selectFrom('seats').select('id').where('accountId', '=', accountId).execute();
    t.same(left, []);
  });

  await t.test('fifty who take seats and one who sells them away do not pass each other', async (t) => {
    for (let round = 0; round < 3; round += 1) {
      const accountId = await makeAccount(ctx);
      await operator.put(pathOf(accountId), { seats: 50, ...endless });
      const people = await Promise.all(Array.from({ length: 50 }, () => member(accountId)));
      const taking = people.map((userId) => assign(accountId, userId));
      const lowering = [40, 25, 10].map((seats) => operator.put(pathOf(accountId), { seats, ...endless }));
      const results = await Promise.allSettled(taking);
      for (const { status, body } of await Promise.all(lowering))
        t.ok(status === 200 || body.code === 'seats_in_use');
      for (const result of results)
        if (result.status === 'rejected') t.equal((result.reason as Failure).code, 'no_free_seat');
      const { body } = await operator.get(pathOf(accountId));
      t.ok(body.seats_taken <= body.seats, `${body.seats_taken} of ${body.seats}`);
      t.equal(body.seats_taken, results.filter(({ status }) => status === 'fulfilled').length);
    }
  });

  await t.test('of many who put the same one there, one makes it', async (t) => {
    const accountId = await makeAccount(ctx);
    const puts = Array.from({ length: 20 }, () => operator.put(pathOf(accountId), { seats: 3, ...endless }));
    for (const { status } of await Promise.all(puts)) t.equal(status, 200);
    const events = await eventsOf(accountId);
    t.same(
      events.map(({ type }) => type),
      ['subscription.created'],
    );
  });

  await t.test('an account’s admin reads their own, and changes none', async (t) => {
    const { api: ada } = await signInToApi(app, 'ada@acme.test');
    const [acme, globex] = [await accountOf('acme'), await accountOf('globex')];
    const listed = await ada.get(`/accounts/${acme}/subscriptions`);
    t.match(listed.body.items, [
      { product: { slug: 'meet' }, seats: 1, seats_taken: 1, seats_free: 0 },
      { product: { slug: 'assist' }, seats: 5, seats_taken: 3 },
    ]);
    const first = await ada.get(`/accounts/${acme}/subscriptions?limit=1`);
    const cursor = encodeURIComponent(first.body.next_cursor);
    const second = await ada.get(`/accounts/${acme}/subscriptions?limit=1&cursor=${cursor}`);
    t.same([...first.body.items, ...second.body.items], listed.body.items);
    t.equal((await ada.get(pathOf(acme))).status, 200);
    t.equal((await ada.put(pathOf(acme), { seats: 99, ...endless })).body.code, 'insufficient_scope');
    t.equal((await ada.delete(pathOf(acme))).status, 403);
    const missing = `acc_${'0'.repeat(26)}`;
    const plain = ({ status, body }: { status: number; body: object }) => ({ ...body, status, instance: '' });
    t.same(plain(await ada.get(pathOf(globex))), plain(await ada.get(pathOf(missing))));
    t.same(
      plain(await ada.get(`/accounts/${globex}/subscriptions`)),
      plain(await ada.get(`/accounts/${missing}/subscriptions`)),
    );
    t.equal((await ada.get(pathOf(globex))).status, 404);
    const initech = pathOf(await accountOf('initech'), meet);
    t.equal((await operator.get(initech)).body.code, 'not_found', 'a product the account has not bought');
    const reader = await operatorApi(app, ['admin:subscriptions:read']);
    t.equal((await reader.get(pathOf(acme))).status, 200);
    t.equal((await reader.put(pathOf(acme), { seats: 9, ...endless })).status, 403);
    t.equal((await apiWith(app, undefined).get(pathOf(acme))).status, 401);
  });

  await t.test('who is let in no more by its dates is out at once', async (t) => {
    const path = pathOf(await accountOf('acme'));
    const { body: before } = await operator.get(path);
    const terms = { seats: before.seats, ...endless };
    const { tokens } = await signIn(new Agent(app.issuer), demoParty(app.issuer, 'assist'), 'alan@acme.test');
    const stays = await signIn(new Agent(app.issuer), demoParty(app.issuer, 'meet'), 'alan@acme.test');
    const yesterday = new Date(ctx.now().getTime() - 86_400_000).toISOString();
    const families = async () =>
      (await ctx.db.selectFrom('refreshFamilies').select('grantId').execute()).length;
    const held = await families();
    t.equal((await operator.put(path, { ...terms, expires_at: yesterday, grace_days: 5 })).status, 200);
    t.equal(await families(), held, 'there is grace');
    t.equal((await operator.put(path, { ...terms, expires_at: yesterday })).status, 200);
    t.ok((await families()) < held);
    t.equal((await operator.put(path, terms)).status, 200, 'renewed');
    t.equal((await post(app.issuer, '/token', refreshForm(tokens.refresh_token))).status, 400);
    const other = refreshForm(stays.tokens.refresh_token, 'demo-meet');
    t.equal((await post(app.issuer, '/token', other)).status, 200, 'another product’s lives on');
    t.match(
      await ctx.db
        .selectFrom('events')
        .select('details')
        .where('type', '=', 'session.ended')
        .orderBy('id', 'desc')
        .executeTakeFirst(),
      { details: { reason: 'subscription_ended', product_id: assist } },
    );
  });
});
