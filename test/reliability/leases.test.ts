/** RL-20: a process stands still with work in its hands, and others do it: it neither does it again nor undoes theirs. */
import t from 'tap';
import { type Context, inTransaction } from '../../src/context.ts';
import {
  claimRefresh,
  findConnection,
  type SamlConnection,
  settleRefresh,
} from '../../src/core/connections/connections.ts';
import { claimMail, enqueueMail, settleMail } from '../../src/core/outbox/outbox.ts';
import {
  claimLogoutNotices,
  enqueueLogoutNotice,
  settleLogoutNotice,
} from '../../src/core/sessions/sessions.ts';
import type { EmailAddress } from '../../src/kernel/email-address.ts';
import { addSeconds, minute } from '../../src/kernel/time.ts';
import { deliverMail } from '../../src/mail/deliver.ts';
import { createSmtpTransport } from '../../src/mail/transport.ts';
import { startApp } from '../support/app.ts';
import { openSmtpMailbox } from '../support/mailbox.ts';
import { demoUserId, makeAccount } from '../support/make.ts';
import { makeSaml, namedCertificate, publishedWith } from '../support/make-connection.ts';

/** What works with this context stands still for so long right after it has claimed its work. */
function standingStill(ctx: Context, seconds: number): Context {
  let reads = 0;
  return Object.defineProperty({ ...ctx }, 'now', {
    // a transaction takes its clock when it begins: the first is that of the claim
    get: () => ((reads += 1) === 1 ? ctx.now : () => addSeconds(ctx.now(), seconds)),
  });
}

t.test('a mail that another has sent is not sent again, nor taken for unsent', async (t) => {
  const { mails, smtpUrl } = await openSmtpMailbox(t);
  const app = await startApp(t, { demo: false });
  const { ctx } = app;
  const transport = createSmtpTransport({ smtpUrl, production: false });
  t.teardown(() => {
    transport.close();
  });
  const owe = () =>
    inTransaction(ctx, (tx) => {
      const recipient = 'alan@acme.test' as EmailAddress;
      return enqueueMail(tx, { template: 'password_changed', recipient, locale: 'en', data: {} });
    });
  const states = async () =>
    (await ctx.db.selectFrom('mailOutbox').select('state').orderBy('id').execute()).map(({ state }) => state);

  await owe();
  await deliverMail(standingStill(ctx, 3 * minute), transport);
  t.same([mails.length, await states()], [0, ['pending']], 'it is left to others');
  app.advance(6 * minute);
  await deliverMail(ctx, transport);
  t.same([mails.length, await states()], [1, ['sent']]);

  await owe();
  const [mine] = await inTransaction(ctx, (tx) => claimMail(tx, 1));
  app.advance(6 * minute);
  await deliverMail(ctx, transport);
  if (mine) await inTransaction(ctx, (tx) => settleMail(tx, mine, { outcome: 'failed', reason: 'late' }));
  t.same([mails.length, await states()], [2, ['sent', 'sent']]);
});

t.test('a notice that another has delivered stays delivered', async (t) => {
  const app = await startApp(t);
  const { ctx } = app;
  const clientId = 'demo-assist';
  await ctx.db
    .updateTable('clients')
    .set({ backchannelLogoutUri: 'http://127.0.0.1:9/logout' })
    .where('clientId', '=', clientId)
    .execute();
  const userId = await demoUserId(ctx, 'alan@acme.test');
  await inTransaction(ctx, (tx) => enqueueLogoutNotice(tx, { clientId, userId, sid: 'x' }));
  const claim = () => inTransaction(ctx, (tx) => claimLogoutNotices(tx, 1));
  const [mine] = await claim();
  t.ok(mine && mine.beginBy < addSeconds(ctx.now(), minute), 'and begins no more when another may have it');
  app.advance(2 * minute);
  const [theirs] = await claim();
  await inTransaction(ctx, async (tx) => {
    if (theirs) await settleLogoutNotice(tx, theirs);
    if (mine) await settleLogoutNotice(tx, mine, 'late');
  });
  const notices = await ctx.db.selectFrom('logoutNotices').select(['state', 'lastError']).execute();
  t.same(notices, [{ state: 'delivered', lastError: null }]);
});

t.test('metadata that another has fetched since is not replaced by older', async (t) => {
  const app = await startApp(t, { demo: false });
  const { ctx } = app;
  const { id } = await makeSaml(ctx, await makeAccount(ctx), {
    settings: { metadataUrl: 'http://127.0.0.1:9/metadata' },
    refreshAt: ctx.now(),
  });
  const claim = async () => (await claimRefresh(ctx)) as SamlConnection;
  const settle = (claimed: SamlConnection, certificate: string) =>
    inTransaction(ctx, (tx) =>
      settleRefresh(tx, claimed, { published: publishedWith(namedCertificate(certificate)) }),
    );
  const mine = await claim();
  app.advance(6 * minute);
  await settle(await claim(), 'newer');
  const before = await findConnection(ctx.db, id);
  await settle(mine, 'older');
  t.same(await findConnection(ctx.db, id), before);
});
