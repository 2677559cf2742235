/** Receivers of logout notices that hang, refuse and lie: nobody else waits for them, and nobody is forgotten. */
import t from 'tap';
import { inTransaction } from '../../../src/context.ts';
import { enqueueLogoutNotice } from '../../../src/core/sessions/sessions.ts';
import type { UserId } from '../../../src/kernel/ids.ts';
import { signOut } from '../../provider/requests.ts';
import { Agent } from '../../support/agent.ts';
import { startApp } from '../../support/app.ts';
import { assertInvariants } from '../../support/invariants.ts';
import { type Behaviour, type Receiver, startReceiver } from '../../support/receiver.ts';
import { demoClient, RelyingParty, signIn } from '../../support/relying-party.ts';
import { amount } from '../../support/reliability.ts';

const clients = amount({ whole: 100, bounded: 20 });
/** What the one that hangs is to be told: enough to take every turn there is. */
const sessions = 3 * clients;
const userId = 'usr_0000000000000000000000' as UserId;

t.test(
  'RL-19 of many receivers one hangs: the others are told, and it is told when it answers',
  async (t) => {
    const app = await startApp(t, { demo: false });
    const { ctx } = app;
    const notify = ({ clientId }: Receiver, sid: string) =>
      inTransaction(ctx, (tx) => enqueueLogoutNotice(tx, { clientId, userId, sid }));
    const hung = await startReceiver(t, ctx, { clientId: 'hung', behaviour: 'hangs' });
    const good = await Promise.all(
      Array.from({ length: clients }, (_, index) => startReceiver(t, ctx, { clientId: `good-${index}` })),
    );
    // those of the one that hangs first: they are the oldest, and come first
    for (let session = 0; session < sessions; session += 1) await notify(hung, `hung-${session}`);
    for (const receiver of good) await notify(receiver, `of-${receiver.clientId}`);

    await app.runJob('logout notices');
    for (const { told, clientId } of good) t.same(told, [`of-${clientId}`], 'once');
    t.ok(hung.mostOpen <= 10, `${hung.mostOpen} at once`);
    t.ok(hung.told.length <= 20, `it was tried ${hung.told.length} times, and then left alone`);

    hung.behaviour = 'takes';
    for (let minute = 0; minute < 3; minute += 1) {
      app.advance(60);
      await app.runJob('logout notices');
    }
    t.equal(new Set(hung.told).size, sessions, 'nothing was forgotten');
    const left = await ctx.db
      .selectFrom('logoutNotices')
      .select('id')
      .where('state', '!=', 'delivered')
      .execute();
    t.same(left, []);
    await assertInvariants(t, ctx.db);
  },
);

t.test('whoever signs out waits for none of them, however evil they are', async (t) => {
  const app = await startApp(t);
  const { ctx, issuer } = app;
  const kinds: Behaviour[] = ['takes', 'hangs', 'refuses', 'redirects', 'never ends', 'hangs up'];
  const receivers: Receiver[] = [];
  for (const [index, behaviour] of kinds.entries())
    receivers.push(await startReceiver(t, ctx, { clientId: `client-${index}`, behaviour }));
  const browser = new Agent(issuer);
  const { tokens } = await signIn(
    browser,
    new RelyingParty(issuer, demoClient(issuer, 'assist')),
    'alan@acme.test',
  );
  for (const { clientId, redirectUri } of receivers) {
    const party = new RelyingParty(issuer, { clientId, redirectUri });
    const started = await party.start();
    await party.finish((await browser.get(started.url.href)).location, started);
  }
  t.equal((await signOut(t, browser, tokens.id_token ?? '')).status, 303);
  t.same(
    receivers.flatMap(({ told }) => told),
    [],
    'nobody was asked while the person waited',
  );
  await app.runJob('logout notices');
  const states = await ctx.db
    .selectFrom('logoutNotices')
    .select(['clientId', 'state', 'attempts'])
    .where('clientId', 'like', 'client-%')
    .orderBy('clientId')
    .execute();
  t.same(
    states,
    kinds.map((kind, index) => ({
      clientId: `client-${index}`,
      state: kind === 'takes' ? 'delivered' : 'pending',
      attempts: 1,
    })),
  );
  t.equal(
    receivers.every(({ open }) => open === 0),
    true,
    'and no connection is left with them',
  );
  for (const receiver of receivers) receiver.behaviour = 'takes';
  app.advance(30);
  await app.runJob('logout notices');
  t.equal(await countPending(), 0);

  async function countPending(): Promise<number> {
    const pending = ctx.db.selectFrom('logoutNotices').select('id').where('state', '=', 'pending');
    return (await pending.execute()).length;
  }
});
