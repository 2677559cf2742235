import t from 'tap';
import { inTransaction } from '../../src/context.ts';
import { hashPassword, updatePassword } from '../../src/core/credentials/credentials.ts';
import { newId } from '../../src/kernel/ids.ts';
import { Agent } from '../support/agent.ts';
import { apiWith, operatorApi, signInToApi } from '../support/api.ts';
import { startApp, type TestApp } from '../support/app.ts';
import { countWaiting } from '../support/database.ts';
import { demoUserId, makeSelfClient } from '../support/make.ts';
import { until } from '../support/reliability.ts';
import { demoClient, RelyingParty, signIn } from '../support/relying-party.ts';

const passwordOf = { old: 'correct horse battery staple', fresh: 'a wholly different staple' };

t.test('people about themselves', async (t) => {
  const app = await startApp(t);
  const { ctx, issuer } = app;
  await makeSelfClient(ctx, issuer);

  await t.test('see who they are, admins and agents alike', async (t) => {
    const ada = await signInToApi(app, 'ada@acme.test');
    const { status, body } = await ada.api.get('/me');
    t.equal(status, 200);
    t.match(body, {
      email: 'ada@acme.test',
      has_password: true,
      accounts: [{ slug: 'acme', role: 'admin' }],
    });
    t.equal(body.account, body.accounts[0].id);
    const multi = await signInToApi(app, 'multi@acme.test', {
      client: 'self',
      scope: 'openid self',
      account: 'initech',
    });
    const seen = (await multi.api.get('/me')).body;
    t.same(
      seen.accounts.map(({ slug }: { slug: string }) => slug),
      ['acme', 'initech'],
    );
  });

  await t.test('no operator, no token of another resource, and no token without the scope', async (t) => {
    t.equal((await (await operatorApi(app)).get('/me')).body.code, 'insufficient_scope');
    const limited = await signInToApi(app, 'ada@acme.test', { scope: 'openid account:manage' });
    t.equal((await limited.api.get('/me')).body.code, 'insufficient_scope');
    const assist = new RelyingParty(issuer, { ...demoClient(issuer, 'assist'), scope: 'openid assist:read' });
    const browser = new Agent(issuer);
    const { tokens } = await signIn(browser, assist, 'ada@acme.test', {
      resource: 'https://api.assist.test',
    });
    for (const token of [
      tokens.access_token,
      tokens.id_token,
      `${limited.api.token ?? ''}x`,
      'e30.e30.e30',
    ]) {
      const refused = await apiWith(app, token).get('/me');
      t.match([refused.status, refused.body.code], [401, 'unauthenticated']);
      t.match(refused.headers.get('www-authenticate'), /^Bearer .*error="invalid_token"/);
    }
  });

  await t.test('change their name and language, and nothing else', async (t) => {
    const { api } = await signInToApi(app, 'ian@initech.test');
    const changed = await api.patch('/me', { name: 'Ian I.', locale: 'de' });
    t.match(changed.body, { name: 'Ian I.', locale: 'de' });
    for (const forbidden of ['email', 'role', 'state', 'email_verified_at', 'has_password', 'account', 'id'])
      t.equal((await api.patch('/me', { [forbidden]: 'x' })).status, 400, forbidden);
    const etag = String((await api.get('/me')).headers.get('etag'));
    t.equal((await api.patch('/me', { locale: null }, { 'if-match': etag })).status, 200);
    t.equal((await api.patch('/me', { locale: 'en' }, { 'if-match': etag })).status, 412);
    const event = await ctx.db
      .selectFrom('events')
      .select(['actorId', 'details'])
      .where('type', '=', 'user.changed')
      .orderBy('id')
      .execute();
    t.match(event[0], {
      actorId: await demoUserId(ctx, 'ian@initech.test'),
      details: { changed: ['name', 'locale'] },
    });
    t.notMatch(JSON.stringify(event), /Ian I/);
  });

  await t.test('see their sessions and end one, which acts at once', async (t) => {
    const { api, tokens } = await signInToApi(app, 'alan@acme.test', {
      client: 'self',
      scope: 'openid self',
    });
    const other = await signInToApi(app, 'alan@acme.test', { client: 'self', scope: 'openid self' });
    const { items } = (await api.get('/me/sessions')).body;
    t.equal(items.length, 2);
    const [elsewhere] = items.filter((item: { is_current: boolean }) => !item.is_current);
    t.match(elsewhere, { clients: ['demo-self'], methods: ['pwd'] });
    t.equal((await api.delete(`/me/sessions/${elsewhere.id}`)).status, 204);
    t.equal((await other.api.get('/me')).status, 401);
    t.equal((await api.delete(`/me/sessions/${elsewhere.id}`)).status, 404);
    const stranger = await signInToApi(app, 'ada@acme.test');
    t.equal(
      (await stranger.api.delete(`/me/sessions/${items[0].id}`)).status,
      404,
      'nobody ends a session of another',
    );
    t.equal((await api.delete('/me/sessions')).status, 204);
    t.equal((await api.get('/me')).status, 401);
    const self = new RelyingParty(issuer, demoClient(issuer, 'self'));
    await t.rejects(self.refresh(tokens.refresh_token ?? ''));
  });

  await t.test(
    'change their password against the old one; everything ends, and a notice goes out',
    async (t) => {
      const { api } = await signInToApi(app, 'greg@globex.test');
      const wrong = await api.put('/me/password', { current_password: 'wrong', password: passwordOf.fresh });
      t.match([wrong.status, wrong.body.code], [401, 'invalid_credentials']);
      const weak = await api.put('/me/password', { current_password: passwordOf.old, password: 'short' });
      t.match(
        [weak.status, weak.body.code, weak.body.fields],
        [422, 'password_refused', { password: 'too_short' }],
      );
      const done = await api.put('/me/password', {
        current_password: passwordOf.old,
        password: passwordOf.fresh,
      });
      t.equal(done.status, 204);
      t.equal((await api.get('/me')).status, 401);
      const mails = await ctx.db
        .selectFrom('mailOutbox')
        .select('template')
        .where('recipient', '=', 'greg@globex.test')
        .where('template', '=', 'password_changed')
        .execute();
      t.equal(mails.length, 1);
    },
  );

  await t.test('without a password need a sign-in of just now', async (t) => {
    const { api } = await signInToApi(app, 'ada@acme.test');
    const userId = await demoUserId(ctx, 'ada@acme.test');
    await ctx.db.deleteFrom('passwords').where('userId', '=', userId).execute();
    app.advance(301);
    const stale = await api.put('/me/password', { password: passwordOf.fresh });
    t.match([stale.status, stale.body.code], [403, 'fresh_sign_in_required']);
    app.advance(-302);
    t.equal((await api.put('/me/password', { password: passwordOf.fresh })).status, 204);
    app.advance(1);
  });

  await t.test('a password that was reset while another was being set stays', async (t) => {
    const { api } = await signInToApi(app, 'alan@acme.test', { client: 'self', scope: 'openid self' });
    const userId = await demoUserId(ctx, 'alan@acme.test');
    const others = await hashPassword(ctx, 'what the owner has just set');
    const { db } = ctx;
    let thief: Promise<object> | undefined;
    await inTransaction(ctx, async (tx) => {
      // whoever changes it waits here, having proven the password of before
      await tx.db.selectFrom('users').select('id').where('id', '=', userId).forUpdate().execute();
      thief = api.put('/me/password', { current_password: passwordOf.old, password: passwordOf.fresh });
      await until(async () => (await countWaiting(db)) === 1, { what: 'the change waits' });
      await updatePassword(tx, userId, others);
    });
    t.match(await thief, { status: 401, body: { code: 'invalid_credentials' } });
    const { hash } = await db
      .selectFrom('passwords')
      .select('hash')
      .where('userId', '=', userId)
      .executeTakeFirstOrThrow();
    t.equal(hash, others);
  });

  await t.test('no first password by the word of a company: it would open every account', async (t) => {
    const { api } = await signInToApi(app, 'ian@initech.test', { client: 'self', scope: 'openid self' });
    const userId = await demoUserId(ctx, 'ian@initech.test');
    const row = ctx.db.selectFrom('passwords').select(['userId', 'hash', 'changedAt']);
    const before = await row.where('userId', '=', userId).executeTakeFirstOrThrow();
    await ctx.db.deleteFrom('passwords').where('userId', '=', userId).execute();
    const at = ctx.now();
    const by = { accountId: (await api.get('/me')).body.account, connectionId: newId('con', at) };
    const evidence = JSON.stringify([{ method: 'fed', at: at.toISOString(), ...by, amr: [] }]);
    for (const table of ['sessions', 'grants'] as const)
      await ctx.db.updateTable(table).set({ evidence }).where('userId', '=', userId).execute();
    const refused = await api.put('/me/password', { password: passwordOf.fresh });
    t.match([refused.status, refused.body.code], [403, 'fresh_sign_in_required']);
    await ctx.db.insertInto('passwords').values(before).execute();
  });

  await t.test('see and unlink what they have linked, never the last way in', async (t) => {
    const userId = await demoUserId(ctx, 'lonely@nowhere.test');
    t.equal(await countIdentities(app, userId), 0);
    const multi = await demoUserId(ctx, 'multi@acme.test');
    const now = ctx.now();
    await ctx.db
      .insertInto('identities')
      .values({
        id: `idn_${'0'.repeat(26)}`,
        userId: multi,
        provider: 'google',
        issuer: 'https://accounts.google.com',
        subject: '1',
        email: 'mika@gmail.test',
        name: 'Mika',
        proof: JSON.stringify({ method: 'sign_in' }),
        createdAt: now,
        lastUsedAt: now,
      })
      .execute();
    const person = await signInToApi(app, 'multi@acme.test', {
      client: 'self',
      scope: 'openid self',
      account: 'acme',
    });
    const { items } = (await person.api.get('/me/identities')).body;
    t.match(items, [{ provider: 'google', email: 'mika@gmail.test' }]);
    t.match(
      await person.api.post('/me/identities', { provider: 'google' }),
      { status: 400, body: { code: 'invalid_input', fields: { provider: String } } },
      'none is linked by a provider that is not switched on: test/journeys/link-own-identity.test.ts has the others',
    );
    t.equal((await person.api.delete(`/me/identities/${items[0].id}`)).status, 204);
    t.same((await person.api.get('/me/identities')).body.items, []);
    t.equal((await person.api.post(`/me/identities/${items[0].id}/restore`)).status, 204);
    t.equal((await person.api.post(`/me/identities/${items[0].id}/restore`)).status, 404);
    const other = await signInToApi(app, 'noseat@acme.test', { client: 'self', scope: 'openid self' });
    t.equal(
      (await other.api.delete(`/me/identities/${items[0].id}`)).status,
      404,
      "somebody else's is not there",
    );
    app.advance(301);
    t.equal((await person.api.delete(`/me/identities/${items[0].id}`)).body.code, 'fresh_sign_in_required');
  });
});

async function countIdentities({ ctx }: TestApp, userId: `usr_${string}`): Promise<number> {
  const rows = await ctx.db.selectFrom('identities').select('id').where('userId', '=', userId).execute();
  return rows.length;
}
