import t from 'tap';
import { operatorApi, signInToApi } from '../support/api.ts';
import { startApp } from '../support/app.ts';

t.test('invitations', async (t) => {
  const app = await startApp(t);
  const { ctx } = app;
  const operator = await operatorApi(app);
  const { api: ada } = await signInToApi(app, 'ada@acme.test');
  const acme = (await operator.get('/accounts?slug=acme')).body.items[0].id as string;
  const invitations = `/accounts/${acme}/invitations`;
  const [meet] = (await operator.get('/products?slug=meet')).body.items;
  const mailsTo = async (email: string) =>
    (await ctx.db.selectFrom('mailOutbox').select('id').where('recipient', '=', email).execute()).length;

  await t.test('are made by an admin in their own name, and mailed', async (t) => {
    const made = await ada.post(invitations, { email: 'New@Acme.test', role: 'agent' });
    t.equal(made.status, 201);
    t.match(made.body, { email: 'new@acme.test', state: 'pending', inviter: 'Ada Lovelace', products: [] });
    t.same((await ada.get(`${invitations}/${made.body.id}`)).body, made.body);
    t.equal(await mailsTo('new@acme.test'), 1);
    t.notMatch(made.text, /token/);
    const twice = await ada.post(invitations, { email: 'new@acme.test' });
    t.match([twice.status, twice.body.code], [409, 'already_exists']);
    const member = await ada.post(invitations, { email: 'alan@acme.test' });
    t.match([member.status, member.body.code], [409, 'already_exists']);
  });

  await t.test('are made once, however often a lost answer is asked for again (AZ-12)', async (t) => {
    const key = { 'idempotency-key': 'invite-lost' };
    const answers = await Promise.all(
      Array.from({ length: 5 }, () => ada.post(invitations, { email: 'lost@acme.test' }, key)),
    );
    t.same(new Set(answers.map(({ text }) => text)).size, 1);
    t.same(
      answers.map(({ status }) => status),
      [201, 201, 201, 201, 201],
    );
    t.equal(await mailsTo('lost@acme.test'), 1);
    const other = await operator.post(invitations, { email: 'lost@acme.test' }, key);
    t.equal(other.status, 409, "another caller's key is another key");
  });

  await t.test('keep a seat, which a second one cannot have', async (t) => {
    const [seat] = (await ada.get(`/accounts/${acme}/seats?product_id=${meet.id}`)).body.items;
    await ada.delete(`/accounts/${acme}/seats/${seat.id}`);
    const first = await ada.post(invitations, { email: 'first@acme.test', products: [meet.id] });
    t.match(first.body, { products: [{ slug: 'meet' }] });
    const second = await ada.post(invitations, { email: 'second@acme.test', products: [meet.id] });
    t.match([second.status, second.body.code], [409, 'no_free_seat']);
    t.equal(await mailsTo('second@acme.test'), 0, 'nothing is left of what was refused');
    const revoked = await ada.post(`${invitations}/${first.body.id}/revoke`);
    t.match(revoked.body, { state: 'revoked' });
    t.equal((await ada.post(invitations, { email: 'second@acme.test', products: [meet.id] })).status, 201);
    for (const verb of ['revoke', 'resend'])
      t.equal((await ada.post(`${invitations}/${first.body.id}/${verb}`)).body.code, 'action_not_available');
  });

  await t.test('are sent again with a new link, also when they have expired', async (t) => {
    const [pending] = (await ada.get(`${invitations}?state=pending`)).body.items;
    const tokenOf = async () =>
      (
        await ctx.db
          .selectFrom('invitations')
          .select('tokenHash')
          .where('id', '=', pending.id)
          .executeTakeFirstOrThrow()
      ).tokenHash;
    const before = await tokenOf();
    const yesterday = new Date(Date.now() - 86_400_000);
    await ctx.db
      .updateTable('invitations')
      .set({ expiresAt: yesterday, sentAt: yesterday })
      .where('id', '=', pending.id)
      .execute();
    t.match((await ada.get(`${invitations}?state=expired`)).body.items[0], { id: pending.id });
    t.match((await ada.post(`${invitations}/${pending.id}/resend`)).body, { state: 'pending' });
    t.notSame(await tokenOf(), before);
  });

  await t.test('are mailed to one person once a minute at most, whatever an admin does', async (t) => {
    const email = 'flooded@elsewhere.test';
    const made = (await ada.post(invitations, { email })).body;
    const refused = async (path: string, body?: unknown) => {
      const answer = await ada.post(path, body);
      t.match([answer.status, answer.body.code], [429, 'throttled']);
      const seconds = Number(answer.headers.get('retry-after'));
      t.ok(seconds > 0 && seconds <= 60, `Retry-After: ${seconds}`);
      return seconds;
    };
    await refused(`${invitations}/${made.id}/resend`);
    app.advance(40);
    t.ok((await refused(`${invitations}/${made.id}/resend`)) <= 20);
    app.advance(20);
    t.equal((await ada.post(`${invitations}/${made.id}/resend`)).status, 200);
    await refused(`${invitations}/${made.id}/resend`);

    t.equal((await ada.post(`${invitations}/${made.id}/revoke`)).status, 200);
    await refused(invitations, { email });
    t.same((await ada.get(`${invitations}?state=pending`)).body.items.map(emailOf).includes(email), false);
    t.equal(await mailsTo(email), 2);
    const initech = (await operator.get('/accounts?slug=initech')).body.items[0].id as string;
    const other = await operator.post(`/accounts/${initech}/invitations`, { email });
    t.equal(other.status, 201, 'no account can keep another from inviting');
    app.advance(60);
    const again = await Promise.all(Array.from({ length: 5 }, () => ada.post(invitations, { email })));
    t.same(again.map(({ status }) => status).sort(), [201, 409, 409, 409, 409]);
    const { id } = again.find(({ status }) => status === 201)?.body ?? {};
    app.advance(60);
    const resent = Array.from({ length: 5 }, () => ada.post(`${invitations}/${id}/resend`));
    t.same((await Promise.all(resent)).map(({ status }) => status).sort(), [200, 429, 429, 429, 429]);
    t.equal(await mailsTo(email), 5);
  });

  await t.test('of another account are not there', async (t) => {
    const { api: ian } = await signInToApi(app, 'ian@initech.test');
    const initech = (await operator.get('/accounts?slug=initech')).body.items[0].id as string;
    const [own] = (await ada.get(invitations)).body.items;
    for (const path of ['', '/resend', '/revoke'])
      for (const account of [acme, initech]) {
        const method = path === '' ? 'GET' : 'POST';
        t.equal((await ian.send(method, `/accounts/${account}/invitations/${own.id}${path}`)).status, 404);
      }
    const unknown = await ada.post(invitations, {
      email: 'x@acme.test',
      products: [`prd_${'0'.repeat(26)}`],
    });
    t.equal(unknown.status, 404);
    t.equal((await ada.post(invitations, { email: 'x@acme.test', client_id: 'nobody' })).status, 400);
    t.equal((await ada.post(invitations, { email: 'not an address' })).status, 400);
  });
});

function emailOf({ email }: { email: string }): string {
  return email;
}
