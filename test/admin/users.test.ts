import t from 'tap';
import { Agent } from '../support/agent.ts';
import { type Api, operatorApi, signInToApi } from '../support/api.ts';
import { startApp } from '../support/app.ts';
import { makeAccount, makeMember, makeUser } from '../support/make.ts';
import { callbackParams, demoClient, RelyingParty, signIn } from '../support/relying-party.ts';

t.test('the people of an account', async (t) => {
  const app = await startApp(t);
  const { ctx } = app;
  const operator = await operatorApi(app);
  const { api: ada } = await signInToApi(app, 'ada@acme.test');
  const acme = (await operator.get('/accounts?slug=acme')).body.items[0].id as string;
  const idOf = async (email: string) =>
    (await operator.get(`/users?email=${encodeURIComponent(email)}`)).body.items[0].id as string;
  const at = async (email: string) => `/accounts/${acme}/users/${await idOf(email)}`;

  await t.test('are listed and found by their address, however it is spelt', async (t) => {
    const { items } = (await ada.get(`/accounts/${acme}/users`)).body;
    t.same(items.map(({ email }: { email: string }) => email).sort(), [
      'ada@acme.test',
      'alan@acme.test',
      'multi@acme.test',
      'noseat@acme.test',
      'off@acme.test',
    ]);
    const found = (await ada.get(`/accounts/${acme}/users?email=ALAN%40Acme.test`)).body.items;
    t.match(found, [
      { email: 'alan@acme.test', role: 'agent', state: 'active', products: ['assist', 'meet'] },
    ]);
    t.same((await ada.get(`/accounts/${acme}/users?state=deactivated`)).body.items.map(emailOf), [
      'off@acme.test',
    ]);
    t.same((await ada.get(`/accounts/${acme}/users?role=admin`)).body.items.map(emailOf), ['ada@acme.test']);
  });

  await t.test('never show a password, nor take one', async (t) => {
    const { text } = await ada.get(await at('alan@acme.test'));
    t.notMatch(text, /argon2|hash/);
    const path = await at('alan@acme.test');
    for (const forbidden of [
      'password',
      'password_hash',
      'email',
      'state',
      'break_glass',
      'account_id',
      'id',
      '__proto__',
    ]) {
      const refused = await ada.send('PATCH', path, { body: `{"${forbidden}":"x"}` });
      t.equal(refused.status, 400, forbidden);
    }
  });

  await t.test('get another name and role; the last admin stays one', async (t) => {
    const path = await at('alan@acme.test');
    const named = await ada.patch(path, { name: 'Alan T.', role: 'admin' });
    t.match(named.body, { name: 'Alan T.', role: 'admin' });
    const self = await at('ada@acme.test');
    t.match((await ada.patch(path, { role: 'agent' })).body, { role: 'agent' });
    for (const refused of [
      await ada.patch(self, { role: 'agent' }),
      await ada.post(`${self}/deactivate`),
      await ada.delete(self),
      await operator.delete(self),
    ])
      t.match([refused.status, refused.body.code], [409, 'last_admin']);
    const events = (await ada.get(`/accounts/${acme}/events?type=membership.role_changed`)).body.items;
    t.same(
      events.map(({ details }: { details: { changes: unknown } }) => details.changes),
      [{ role: { before: 'admin', after: 'agent' } }, { role: { before: 'agent', after: 'admin' } }],
    );
  });

  await t.test('are switched off and on, in this account alone', async (t) => {
    const off = await at('off@acme.test');
    t.match((await ada.post(`${off}/reactivate`)).body, { state: 'active', deactivated_at: null });
    t.match((await ada.post(`${off}/deactivate`)).body, { state: 'deactivated' });
    t.match((await ada.post(`${off}/deactivate`)).body, { state: 'deactivated' }, 'twice is once');
    const multi = await at('multi@acme.test');
    t.match((await ada.post(`${multi}/deactivate`)).body, { state: 'deactivated' });
    const person = (await operator.get(`/users/${await idOf('multi@acme.test')}`)).body;
    t.equal(person.state, 'active', 'what they are elsewhere stays');
    t.match((await ada.post(`${multi}/reactivate`)).body, { state: 'active' });
  });

  await t.test('are switched off everywhere by an operator alone, and no admin undoes it', async (t) => {
    const id = await idOf('noseat@acme.test');
    t.equal((await ada.post(`/users/${id}/deactivate`)).status, 403);
    t.match((await operator.post(`/users/${id}/deactivate`)).body, { state: 'deactivated' });
    t.match((await ada.post(`/accounts/${acme}/users/${id}/reactivate`)).body, { state: 'deactivated' });
    t.match((await operator.post(`/users/${id}/reactivate`)).body, { state: 'active' });
  });

  await t.test('are mailed a reset, which tells the admin nothing but that it was asked for', async (t) => {
    const asked = await ada.post(`${await at('alan@acme.test')}/send-password-reset`);
    t.match([asked.status, asked.body], [202, { status: 'requested' }]);
    await app.runJob('password resets');
    const mails = await ctx.db
      .selectFrom('mailOutbox')
      .select('template')
      .where('recipient', '=', 'alan@acme.test')
      .where('template', '=', 'password_reset')
      .execute();
    t.equal(mails.length, 1);
  });

  await t.test('are signed out of the account by an admin, and have to sign in anew', async (t) => {
    const alan = new Agent(app.issuer);
    const assist = new RelyingParty(app.issuer, demoClient(app.issuer, 'assist'));
    const { tokens } = await signIn(alan, assist, 'alan@acme.test');
    t.equal((await ada.post(`${await at('alan@acme.test')}/end-sessions`)).status, 204);
    await t.rejects(assist.refresh(tokens.refresh_token ?? ''));
    const started = await assist.start({ prompt: 'none' });
    t.equal(callbackParams(await alan.follow(started.url.href)).get('error'), 'login_required');
  });

  await t.test(
    'are signed out on the trail of the account, also where all they had ends with the session',
    async (t) => {
      const path = await at('alan@acme.test');
      const trail = `/accounts/${acme}/events?type=session.ended&user_id=${path.split('/').at(-1)}`;
      const before = (await ada.get(trail)).body.items.length as number;
      const assist = new RelyingParty(app.issuer, { ...demoClient(app.issuer, 'assist'), scope: 'openid' });
      await signIn(new Agent(app.issuer), assist, 'alan@acme.test');
      t.equal((await ada.post(`${path}/end-sessions`)).status, 204);
      const { items } = (await ada.get(trail)).body;
      t.equal(items.length, before + 1);
      t.match(items[0], {
        actor: { name: 'Ada Lovelace' },
        account_id: acme,
        details: { reason: 'ended_by_admin', sessions: 1 },
      });
    },
  );

  await t.test('leave the account with their seats; elsewhere they stay', async (t) => {
    const multi = await at('multi@acme.test');
    const etag = String((await ada.get(multi)).headers.get('etag'));
    t.equal((await ada.delete(multi, { 'if-match': '"stale"' })).status, 412);
    t.equal((await ada.delete(multi, { 'if-match': etag })).status, 204);
    t.equal((await ada.get(multi)).status, 404);
    t.equal((await ada.delete(multi)).status, 404);
    const seats = (await ada.get(`/accounts/${acme}/seats`)).body.items;
    t.notMatch(JSON.stringify(seats), /multi@/);
    const initech = (await operator.get('/accounts?slug=initech')).body.items[0].id as string;
    t.match((await operator.get(`/accounts/${initech}/users?email=multi@acme.test`)).body.items, [
      { products: ['assist'] },
    ]);
  });

  await t.test('of two admins who take each other out at once one stays (AZ-05)', async (t) => {
    const accountId = await makeAccount(ctx);
    const pair = await Promise.all([makeUser(ctx), makeUser(ctx)]);
    for (const { id } of pair) await makeMember(ctx, id, accountId, 'admin');
    const [one, two] = await Promise.all(pair.map(({ email }) => signInToApi(app, email)));
    const paths = pair.map(({ id }) => `/accounts/${accountId}/users/${id}`);
    for (let round = 0; round < 5; round += 1) {
      const answers = await Promise.all([
        one?.api.patch(paths[1] ?? '', { role: 'agent' }),
        two?.api.patch(paths[0] ?? '', { role: 'agent' }),
      ]);
      const admins = (await operator.get(`/accounts/${accountId}/users?role=admin`)).body.items;
      t.ok(admins.length >= 1, JSON.stringify(answers.map((answer) => answer?.status)));
      for (const path of paths) await operator.patch(path, { role: 'admin' });
      const again = await Promise.all(pair.map(({ email }) => signInToApi(app, email)));
      Object.assign(one ?? {}, again[0]);
      Object.assign(two ?? {}, again[1]);
    }
  });
});

function emailOf({ email }: { email: string }): string {
  return email;
}

t.test('what is taken from an admin is gone with the next request', async (t) => {
  const app = await startApp(t);
  const operator = await operatorApi(app);
  const { api: ada } = await signInToApi(app, 'ada@acme.test');
  const acme = (await operator.get('/accounts?slug=acme')).body.items[0].id as string;
  const idOf = async (api: Api, email: string) =>
    (await api.get(`/accounts/${acme}/users?email=${email}`)).body.items[0].id as string;
  const alan = await idOf(ada, 'alan@acme.test');
  await ada.patch(`/accounts/${acme}/users/${alan}`, { role: 'admin' });
  const { api: second } = await signInToApi(app, 'alan@acme.test');
  t.equal((await second.get(`/accounts/${acme}/users`)).status, 200);
  await ada.patch(`/accounts/${acme}/users/${alan}`, { role: 'agent' });
  t.equal((await second.get(`/accounts/${acme}/users`)).status, 401);
  await operator.post(`/accounts/${acme}/suspend`);
  t.equal((await ada.get(`/accounts/${acme}/users`)).status, 401, 'and so is an account');
  await operator.post(`/accounts/${acme}/renew`, { expires_at: null });
  t.equal((await (await signInToApi(app, 'ada@acme.test')).api.get(`/accounts/${acme}`)).status, 200);
});
