/** People on two replicas that take turns: every step may meet another one, clicks race between them, and what has ended has ended on both. */
import t from 'tap';
import { inTransaction } from '../../src/context.ts';
import { deleteClient } from '../../src/core/clients/clients.ts';
import { demoParty, introspect, post, refreshForm, signOut, userinfo } from '../provider/requests.ts';
import { Agent, type Answer } from '../support/agent.ts';
import { createDatabase } from '../support/database.ts';
import { demoUserId, makeClient } from '../support/make.ts';
import { callbackParams, RelyingParty, signIn } from '../support/relying-party.ts';
import { startReplicas } from '../support/replicas.ts';
import { act, arrive, faces, goOn, openTab, stepOf, typePassword } from '../support/tab.ts';

const clicks = 30;

t.test('people on two replicas', async (t) => {
  const { issuer, origins, ctx } = await startReplicas(t, {
    count: 2,
    databaseUrl: await createDatabase(t),
  });
  const assist = demoParty(issuer, 'assist');
  /** The same click many times at once; the balancer gives each to the next replica. */
  const race = (click: (index: number) => Promise<Answer>): Promise<Answer[]> =>
    Promise.all(Array.from({ length: clicks }, (_, index) => click(index)));
  const eventsOf = async (email: string, type: string) =>
    ctx.db
      .selectFrom('events')
      .select('accountId')
      .where('userId', '=', await demoUserId(ctx, email))
      .where('type', '=', type)
      .execute();

  for (const face of faces) {
    t.test(`every page of a long sign-in may come from another one (${face})`, async (t) => {
      const tab = await openTab(demoParty(issuer, 'third-party'), { face, extra: { prompt: 'consent' } });
      await typePassword(tab, 'multi@acme.test', 'not this one at all');
      await typePassword(tab, 'noseat@acme.test');
      t.equal(stepOf(await goOn(tab, await act(tab, 'restart'))), 'identify');
      t.equal(stepOf(await goOn(tab, await typePassword(tab, 'multi@acme.test'))), 'choose_account');
      const [account] = await ctx.db
        .selectFrom('accounts')
        .select('id')
        .where('slug', '=', 'initech')
        .execute();
      const asked = await goOn(tab, await act(tab, 'account', { account: account?.id ?? '' }));
      t.equal(stepOf(asked), 'consent');
      const consent = { ...tab, uid: new URL(asked.url).pathname.split('/').at(-1) ?? '' };
      const tokens = await arrive(consent, await act(consent, 'consent', { granted: 'true' }));
      t.equal(tokens.claims()?.['account'], account?.id);
      t.equal((await userinfo(issuer, tokens.access_token)).status, 200);
      const second = await openTab(demoParty(issuer, 'meet'), { face, browser: tab.browser });
      t.equal(stepOf(await tab.browser.get(`/sign-in/${second.uid}`)), 'denied', 'and the session is known');
    });
  }

  t.test('of many choices on both replicas one counts', async (t) => {
    const tab = await openTab(assist, { face: 'application/json' });
    await typePassword(tab, 'multi@acme.test');
    const accounts = await ctx.db
      .selectFrom('accounts')
      .select('id')
      .where('slug', 'in', ['acme', 'initech'])
      .execute();
    const before = (await eventsOf('multi@acme.test', 'user.signed_in')).length;
    const answers = await race((index) =>
      act(tab, 'account', { account: accounts[index % 4 < 2 ? 0 : 1]?.id ?? '' }),
    );
    t.ok(answers.every((answer) => [200, 409].includes(answer.status) && stepOf(answer) === 'done'));
    const resumed = await race(() => tab.browser.get(`/authorize/${tab.uid}`));
    t.ok(resumed.every(({ status }) => status < 500));
    const codes = resumed.filter((answer) => callbackParams(answer).has('code'));
    t.equal(codes.length, 1, 'going on as often gives one code');
    const account = (await assist.finish(codes[0]?.location, tab.started)).claims()?.['account'];
    const events = await eventsOf('multi@acme.test', 'user.signed_in');
    t.equal(events.length - before, 1);
    t.equal(events.at(-1)?.accountId, account);
  });

  t.test('of many wishes for a seat one is stored, and each admin has one mail', async (t) => {
    const tab = await openTab(assist, { face: 'application/json' });
    await typePassword(tab, 'noseat@acme.test');
    const answers = await race(() => act(tab, 'request-seat'));
    t.ok(answers.every((answer) => [200, 409].includes(answer.status) && stepOf(answer) === 'denied'));
    t.equal((await ctx.db.selectFrom('seatRequests').select('id').execute()).length, 1);
    t.equal((await eventsOf('noseat@acme.test', 'seat.requested')).length, 1);
    const mails = await ctx.db
      .selectFrom('mailOutbox')
      .select('recipient')
      .where('template', '=', 'seat_requested')
      .execute();
    t.same(mails, [{ recipient: 'ada@acme.test' }]);
  });

  t.test('what ends on one replica has ended on the other', async (t) => {
    const browser = new Agent(issuer);
    const { tokens } = await signIn(browser, assist, 'alan@acme.test', {
      resource: 'https://api.assist.test',
    });
    const [one = '', two = ''] = origins;
    t.match(await introspect(two, tokens.access_token), { active: true });
    t.equal(
      (await post(one, '/revoke', { client_id: 'demo-assist', token: tokens.access_token })).status,
      200,
    );
    t.same(await introspect(two, tokens.access_token), { active: false });
    const refreshed = await post(one, '/token', refreshForm(tokens.refresh_token));
    const { refresh_token: successor } = refreshed.json() as { refresh_token: string };
    await signOut(t, browser, tokens.id_token ?? '');
    for (const origin of origins)
      t.equal((await post(origin, '/token', refreshForm(successor))).status, 400, 'signed out');
  });

  t.test('a client that was made or deleted on one is so on the other within a second', async (t) => {
    const redirectUri = 'https://new.test/callback';
    const party = new RelyingParty(issuer, { clientId: 'new-client', redirectUri });
    const { url } = await party.start();
    const statuses = () =>
      Promise.all(
        origins.map(async (origin) => (await new Agent(origin).get(`${url.pathname}${url.search}`)).status),
      );
    const within = async (expected: number): Promise<number[]> => {
      const deadline = performance.now() + 1000;
      let seen = await statuses();
      while (seen.some((status) => status !== expected) && performance.now() < deadline)
        seen = await statuses();
      return seen;
    };
    t.same(await statuses(), [400, 400], 'nobody knows it, and both remember that');
    await makeClient(ctx, {
      clientId: 'new-client',
      name: 'New client',
      firstParty: true,
      applicationType: 'web',
      authMethod: 'none',
      grantTypes: ['authorization_code'],
      redirectUris: [redirectUri],
    });
    t.same(await within(303), [303, 303]);
    await inTransaction(ctx, (tx) => deleteClient(tx, 'new-client'));
    t.same(await within(400), [400, 400]);
  });
});
