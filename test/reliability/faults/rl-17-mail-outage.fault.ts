/**
 * No mail server for an hour: each mail is tried less and less often, and not together with the others; links that have
 * ended meanwhile are given up, where an operator sees it, and never sent; and nobody who causes a mail notices.
 */
import t, { type Test } from 'tap';
import { operatorScopes } from '../../../src/core/clients/clients.ts';
import { listMail } from '../../../src/core/outbox/outbox.ts';
import { hour, minute } from '../../../src/kernel/time.ts';
import { deliverMail } from '../../../src/mail/deliver.ts';
import { createSmtpTransport } from '../../../src/mail/transport.ts';
import { Agent } from '../../support/agent.ts';
import { apiWith, operatorToken } from '../../support/api.ts';
import { freePort, startApp, type TestApp } from '../../support/app.ts';
import { createDatabase } from '../../support/database.ts';
import { assertInvariants } from '../../support/invariants.ts';
import { openSmtpMailbox } from '../../support/mailbox.ts';
import { makeAccount, makeUser } from '../../support/make.ts';
import { percentile } from '../../support/outage.ts';
import { oweMails } from '../../support/owed-mail.ts';
import { startRelay } from '../../support/relay.ts';
import { amount, tell, until } from '../../support/reliability.ts';
import { startReplicas } from '../../support/replicas.ts';
import { askForReset } from '../../support/reset.ts';

const mails = amount({ whole: 100, bounded: 15 });
const resets = 5;
/** Of the clock, in seconds: the first pause is ten. */
const step = 10;
const requests = amount({ whole: 300, bounded: 20 });
/** What a request may take longer without a mail server: five milliseconds are promised. */
const slower = { times: amount({ whole: 1.2, bounded: 5 }), ms: amount({ whole: 5, bounded: 50 }) };

type Transport = ReturnType<typeof createSmtpTransport>;

function openTransport(t: Test, smtpUrl: string): Transport {
  const transport = createSmtpTransport({ smtpUrl, production: false });
  t.teardown(() => {
    transport.close();
  });
  return transport;
}

async function outbox({ ctx }: TestApp) {
  return ctx.db
    .selectFrom('mailOutbox')
    .select(['id', 'template', 'state', 'attempts', 'nextAttemptAt', 'lastError'])
    .orderBy('id')
    .execute();
}

/** Lets so much time pass, and answers when each mail was tried: in seconds from the beginning. */
async function pass(app: TestApp, seconds: number, transport: Transport): Promise<Map<string, number[]>> {
  const tries = new Map<string, number[]>();
  for (let at = 0; at <= seconds; at += step) {
    const before = new Map((await outbox(app)).map(({ id, attempts }) => [id, attempts]));
    while ((await deliverMail(app.ctx, transport)) > 0);
    for (const { id, attempts } of await outbox(app))
      if (attempts > (before.get(id) ?? 0)) tries.set(id, [...(tries.get(id) ?? []), at]);
    app.advance(step);
  }
  return tries;
}

t.test('RL-17 the mail server is gone for an hour', async (t) => {
  const app = await startApp(t);
  const { ctx, issuer } = app;
  const mailbox = await openSmtpMailbox(t);
  const up = openTransport(t, mailbox.smtpUrl);
  const nobody = openTransport(t, `smtp://127.0.0.1:${await freePort()}`);
  await ctx.db.deleteFrom('mailOutbox').execute(); // what the demo world owes
  await oweMails(ctx, mails);
  for (let reset = 0; reset < resets; reset += 1) {
    const { email } = await makeUser(ctx, { password: null });
    t.equal((await askForReset(new Agent(issuer), email)).status, 202);
  }
  await app.runJob('password resets');
  t.equal((await outbox(app)).length, mails + resets);

  const tries = await pass(app, hour, nobody);
  const [late, waiting] = [await outbox(app), await outbox(app)].map((rows, index) =>
    rows.filter(({ template }) => (template === 'password_reset') === (index === 0)),
  );
  await t.test('each is tried less and less often', async (t) => {
    t.ok(waiting?.every(({ state }) => state === 'pending'));
    for (const { id } of waiting ?? []) {
      const times = tries.get(id) ?? [];
      t.ok(times.length >= 8 && times.length <= 11, `at ${times.join(', ')} s`);
      const pauses = times.slice(1).map((at, index) => at - (times[index] ?? 0));
      // twice as long as the one before, give or take a quarter, and the step of the clock
      for (const [index, seconds] of pauses.entries()) {
        const usual = 10 * 2 ** index;
        t.ok(seconds >= usual * 0.75 - step && seconds <= usual * 1.25 + 2 * step, `${seconds} s`);
      }
    }
  });
  await t.test('and not together with the others', async (t) => {
    const times = (waiting ?? []).map(({ nextAttemptAt }) => nextAttemptAt.getTime());
    const spread = (Math.max(...times) - Math.min(...times)) / 1000;
    t.ok(spread > 5 * minute, `what failed at one moment is due within ${spread.toFixed()} s`);
  });
  await t.test('a link that has ended is given up, and an operator sees it', async (t) => {
    t.equal(late?.length, resets);
    for (const mail of late ?? []) t.match(mail, { state: 'dead', lastError: 'expired' });
    t.equal((await listMail(ctx.db, { state: 'dead', limit: 100 })).length, resets);
  });
  await t.test('when it is back each arrives once, and nothing that was too late', async (t) => {
    await pass(app, 1.5 * hour, up);
    const rows = await outbox(app);
    t.ok(rows.every(({ state, template }) => state === (template === 'password_reset' ? 'dead' : 'sent')));
    const ids = mailbox.mails.map(({ headers }) => /mail_[0-9a-z]+/.exec(headers['message-id'] ?? '')?.[0]);
    t.same(
      ids.sort(),
      rows.filter(({ state }) => state === 'sent').map(({ id }) => id),
    );
  });
  await assertInvariants(t, ctx.db, 'of the test');
});

t.test('RL-17 whoever causes a mail takes no longer while there is no mail server', async (t) => {
  const mailbox = await openSmtpMailbox(t);
  let isDown = false;
  const relay = await startRelay(t, {
    target: () => ({ port: Number(new URL(mailbox.smtpUrl).port) }),
    refuses: () => isDown,
    join: (near, far) => void near.pipe(far).pipe(near),
  });
  const { issuer, origins, ctx } = await startReplicas(t, {
    count: 1,
    databaseUrl: await createDatabase(t),
    env: { SMTP_URL: `smtp://127.0.0.1:${relay.port}`, API_REQUESTS_PER_MINUTE: '9999999' },
  });
  const token = await operatorToken({ issuer }, operatorScopes);
  const operator = apiWith({ issuer: origins[0] ?? '' }, token);
  const accountId = await makeAccount(ctx);
  let invited = 0;
  const invite = async (): Promise<number> => {
    const email = `invited-${(invited += 1)}@made.test`;
    const begun = performance.now();
    const { status, text } = await operator.post(`/accounts/${accountId}/invitations`, { email });
    t.equal(status, 201, text);
    return performance.now() - begun;
  };
  const times = { up: [] as number[], down: [] as number[] };
  const countOf = async (failed: boolean): Promise<number> => {
    const rows = await ctx.db
      .selectFrom('mailOutbox')
      .select('id')
      .where('lastError', failed ? 'is not' : 'is', null)
      .where('state', '=', failed ? 'pending' : 'sent')
      .execute();
    return rows.length;
  };
  for (let request = 0; request < requests; request += 1) await invite(); // until it is warm
  // in turns, so that whatever else the machine does meets both
  for (let turn = 0; turn < 4; turn += 1) {
    isDown = turn % 2 === 1;
    for (const socket of relay.sockets) socket.destroy();
    const before = await countOf(isDown);
    for (let request = 0; request < requests; request += 1)
      times[isDown ? 'down' : 'up'].push(await invite());
    await until(async () => (await countOf(isDown)) > before, {
      what: isDown ? 'mails fail' : 'mails are sent',
      withinMs: 60_000,
    });
  }
  const [up, down] = [percentile(times.up, 0.5), percentile(times.down, 0.5)];
  tell(t, `half of the requests take ${up.toFixed(1)} ms, without a mail server ${down.toFixed(1)} ms`);
  t.ok(down < up * slower.times + slower.ms, `${down.toFixed(1)} ms instead of ${up.toFixed(1)} ms`);
  await assertInvariants(t, ctx.db, 'of the test');
});
