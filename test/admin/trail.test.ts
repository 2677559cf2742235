/** What operators and admins read of what happened: events, sign-ins, and why somebody cannot come in. */
import t from 'tap';
import type { AccountId } from '../../src/kernel/ids.ts';
import { Agent } from '../support/agent.ts';
import { type Api, operatorApi, signInToApi } from '../support/api.ts';
import { startApp } from '../support/app.ts';
import { makeMember, makeUser } from '../support/make.ts';
import { demoClient, RelyingParty, submitPassword, toStep } from '../support/relying-party.ts';

t.test('the trail', async (t) => {
  const app = await startApp(t);
  const { issuer } = app;
  const operator = await operatorApi(app);
  const { api: ada } = await signInToApi(app, 'ada@acme.test');
  const { api: ian } = await signInToApi(app, 'ian@initech.test');
  const acme = await accountId(operator, 'acme');
  const initech = await accountId(operator, 'initech');

  await t.test('events say who changed what, from which request, before and after', async (t) => {
    const renamed = await ada.patch(`/accounts/${acme}`, { name: 'Acme Renamed' });
    const { items } = (await ada.get(`/accounts/${acme}/events?type=account.changed`)).body;
    t.match(items, [
      {
        type: 'account.changed',
        actor: { name: 'Ada Lovelace' },
        account_id: acme,
        request_id: renamed.headers.get('x-request-id'),
        ip: '127.0.0.1',
        details: { changes: { name: { before: 'Acme Inc.', after: 'Acme Renamed' } } },
      },
    ]);
    await ada.patch(`/accounts/${acme}`, { name: 'Acme Renamed' });
    t.equal(
      (await ada.get(`/accounts/${acme}/events?type=account.changed`)).body.items.length,
      1,
      'no change, no event',
    );
    await operator.post('/accounts', { slug: 'traced', name: 'Traced' });
    const [made] = (await operator.get('/events?type=account.created&limit=1')).body.items;
    t.match(made, { actor: { id: 'demo-operator', name: 'Demo operator' }, details: { slug: 'traced' } });
  });

  await t.test('an admin reads their own account alone, whatever they filter by', async (t) => {
    for (const path of ['events', 'sign-ins']) {
      t.equal((await ian.get(`/accounts/${acme}/${path}`)).status, 404);
      const own = (await ian.get(`/accounts/${initech}/${path}?limit=200`)).body.items;
      t.ok(own.length > 0);
      t.notMatch(JSON.stringify(own), new RegExp(acme));
    }
    const [event] = (await ada.get(`/accounts/${acme}/events`)).body.items;
    const foreign = await ian.get(`/accounts/${initech}/events?request_id=${event.request_id}`);
    t.same(foreign.body.items, []);
    t.equal((await ian.get('/events')).status, 403);
  });

  await t.test('whom an admin invites is nobody they know, until they come (AZ-03)', async (t) => {
    const here = await makeUser(app.ctx, { email: 'known@elsewhere.test' });
    const answers = [];
    for (const email of [here.email, 'unknown@elsewhere.test']) {
      const invited = await ada.post(`/accounts/${acme}/invitations`, { email });
      t.equal(invited.status, 201);
      const id = invited.body.id as string;
      const about = `/accounts/${acme}/events?type=invitation.created&limit=1`;
      const [event] = (await ada.get(about)).body.items;
      t.match(event, { details: { invitation_id: id }, actor: { name: 'Ada Lovelace' } });
      t.equal(event.user, null);
      answers.push({ invitation: Object.entries(invited.body), event: Object.entries(event) });
      t.equal(invited.body.user_id, null, 'an id says when its user was made');
    }
    const [known, unknown] = answers;
    const differing = (of: 'invitation' | 'event') =>
      known?.[of].filter(([, value], at) => JSON.stringify(unknown?.[of][at]?.[1]) !== JSON.stringify(value));
    t.same(
      differing('invitation')?.map(([name]) => name),
      ['id', 'email', 'created_at', 'sent_at', 'expires_at'],
    );
    t.same(
      differing('event')?.map(([name]) => name),
      ['id', 'occurred_at', 'request_id', 'details'],
    );

    const trail = `/accounts/${acme}/events?type=invitation.created&user_id=${here.id}`;
    t.same((await ada.get(trail)).body.items, [], 'nor can an id that they have elsewhere be tried');
    t.match((await operator.get(trail)).body.items, [{ user: { id: here.id, name: 'Made User' } }]);
    await makeMember(app.ctx, here.id, acme);
    t.match((await ada.get(trail)).body.items, [{ user: { id: here.id, name: 'Made User' } }]);
    await ada.delete(`/accounts/${acme}/users/${here.id}`);
    const left = `/accounts/${acme}/events?type=membership.removed&user_id=${here.id}`;
    t.match((await ada.get(left)).body.items, [{ user: { id: here.id, name: null } }], 'nor who has left');
  });

  await t.test('a cursor belongs to its list, its filters and its caller (AZ-06)', async (t) => {
    const { next_cursor: cursor } = (await ada.get(`/accounts/${acme}/events?limit=1`)).body;
    t.type(cursor, 'string');
    const at = (path: string) =>
      `${path}${path.includes('?') ? '&' : '?'}limit=1&cursor=${encodeURIComponent(cursor)}`;
    t.equal((await ada.get(at(`/accounts/${acme}/events`))).status, 200);
    for (const [api, path] of [
      [ian, `/accounts/${initech}/events`],
      [operator, `/accounts/${acme}/events`],
      [ada, `/accounts/${acme}/events?type=user.signed_in`],
      [ada, `/accounts/${acme}/sign-ins`],
    ] as const) {
      const refused = await api.get(at(path));
      t.match([refused.status, refused.body.fields], [400, { cursor: /./ }], path);
    }
    for (const forged of [
      cursor.slice(0, -2),
      `${cursor}A`,
      'x',
      cursor.replace('.', '.A'),
      '0.AAAA',
      "' or 1=1",
    ]) {
      const refused = await ada.get(`/accounts/${acme}/events?cursor=${encodeURIComponent(forged)}`);
      t.equal(refused.status, 400, forged);
    }
  });

  await t.test('sign-ins say who came, which way, and why not', async (t) => {
    const meet = new RelyingParty(issuer, demoClient(issuer, 'meet'));
    const browser = new Agent(issuer);
    const step = await toStep(browser, (await meet.start()).url);
    await submitPassword(browser, step, 'noseat@acme.test', 'wrong');
    const denied = await submitPassword(browser, step, 'noseat@acme.test');
    const caseId = (denied.json() as { case_id: string }).case_id;
    const { items } = (await ada.get(`/accounts/${acme}/sign-ins?limit=2`)).body;
    t.match(items, [
      {
        outcome: 'denied',
        code: 'no_seat',
        case_id: caseId,
        user: { email: 'noseat@acme.test' },
        client_id: 'demo-meet',
      },
      { outcome: 'failed', code: 'invalid_credentials', way: { method: 'password' } },
    ]);
    const [own] = (await ada.get(`/accounts/${acme}/sign-ins?outcome=signed_in&limit=1`)).body.items;
    t.match(own, {
      outcome: 'signed_in',
      stage: 'done',
      way: { method: 'password' },
      user: { email: 'ada@acme.test' },
    });
    const [event] = (await operator.get(`/events?case_id=${caseId}`)).body.items;
    t.match(event, { type: 'sign_in.denied', account_id: acme });
  });

  await t.test('a diagnosis says what stands in the way first, and who can help', async (t) => {
    const ask = (api: Api, email: string, more = {}) =>
      api.post('/diagnose', { email, client_id: 'demo-meet', ...more });
    const seatless = (await ask(ada, 'noseat@acme.test')).body;
    t.match(seatless, { verdict: { outcome: 'denied', code: 'no_seat' }, first_failure: 'seat' });
    t.match((await ask(ada, 'alan@acme.test')).body, {
      verdict: { outcome: 'allowed' },
      first_failure: null,
    });
    t.match((await ask(operator, 'lea@lapsed.test', { client_id: 'demo-assist' })).body.verdict, {
      code: 'account_lapsed',
    });
    const foreign = await ask(ada, 'lea@lapsed.test');
    const nobody = await ask(ada, 'nobody@lapsed.test');
    t.equal(foreign.text.replaceAll('lea@', 'nobody@'), nobody.text, 'who is not theirs is nobody');
    t.equal((await ask(await operatorApi(app, ['admin:users:write']), 'alan@acme.test')).status, 403);
    t.equal((await operator.post('/diagnose', { email: 'x' })).status, 400);
  });
});

async function accountId(operator: Api, slug: string): Promise<AccountId> {
  return (await operator.get(`/accounts?slug=${slug}`)).body.items[0].id;
}
