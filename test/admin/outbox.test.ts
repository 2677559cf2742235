import t from 'tap';
import { operatorApi, signInToApi } from '../support/api.ts';
import { startApp } from '../support/app.ts';

t.test('the outbox', async (t) => {
  const app = await startApp(t);
  const { ctx } = app;
  const operator = await operatorApi(app);
  const mails = async (state = '') => (await operator.get(`/outbox${state}`)).body.items;

  await t.test('shows what waits, and nothing of what it says', async (t) => {
    const [invitation] = await mails('?state=pending');
    t.match(invitation, {
      template: 'invitation',
      recipient: 'invited@acme.test',
      attempts: 0,
      sent_at: null,
    });
    const { text } = await operator.get('/outbox');
    t.notMatch(text, /Acme|Ada|secret|data/);
    const ada = await signInToApi(app, 'ada@acme.test');
    t.equal((await ada.api.get('/outbox')).status, 403);
    t.equal((await (await operatorApi(app, ['admin:users:read'])).get('/outbox')).status, 403);
  });

  await t.test('tries again what was given up, unless its secret or its time is gone', async (t) => {
    const [invitation] = await mails();
    const setState = (changes: object) =>
      ctx.db.updateTable('mailOutbox').set(changes).where('id', '=', invitation.id).execute();
    t.equal((await operator.post(`/outbox/${invitation.id}/retry`)).status, 200);
    await setState({ state: 'dead', secretsSealed: null, lastError: '550 no such mailbox' });
    const spent = await operator.post(`/outbox/${invitation.id}/retry`);
    t.match([spent.status, spent.body.code], [409, 'action_not_available']);
    await setState({
      state: 'pending',
      attempts: 1,
      lastError: null,
      nextAttemptAt: new Date(Date.now() + 60_000),
    });
    t.equal(
      (await operator.post(`/outbox/${invitation.id}/retry`)).status,
      409,
      'nor what goes out just now',
    );
    const givenUp = { state: 'dead', lastError: '550 no such mailbox' };
    await setState({ ...givenUp, template: 'password_changed', expiresAt: null });
    const retried = await operator.post(`/outbox/${invitation.id}/retry`);
    t.match(retried.body, { state: 'pending', attempts: 0, last_error: '550 no such mailbox' });
    await app.runJob('mail');
    t.match((await mails('?state=sent'))[0], { id: invitation.id, state: 'sent' });
    t.equal((await operator.post(`/outbox/${invitation.id}/retry`)).status, 409);
    t.equal((await operator.post(`/outbox/mail_${'0'.repeat(26)}/retry`)).status, 404);
    const events = await ctx.db
      .selectFrom('events')
      .select(['actorId', 'details'])
      .where('type', '=', 'mail.retried')
      .execute();
    t.match(events, [
      { actorId: 'demo-operator' },
      { actorId: 'demo-operator', details: { mail_id: invitation.id } },
    ]);
  });
});
