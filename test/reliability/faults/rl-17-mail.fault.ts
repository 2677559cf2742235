/** The mail server is down, slow, refuses, hangs up and lies, and the sender is killed: whatever is owed arrives, and once. */
import t, { type Test } from 'tap';
import type { SMTPServerOptions } from 'smtp-server';
import { minute } from '../../../src/kernel/time.ts';
import { createSmtpTransport } from '../../../src/mail/transport.ts';
import { deliverMail } from '../../../src/mail/deliver.ts';
import { Agent } from '../../support/agent.ts';
import { startApp, type TestApp } from '../../support/app.ts';
import { assertInvariants } from '../../support/invariants.ts';
import { hangUp, startSmtpServer } from '../../support/mailbox.ts';
import { oweMails } from '../../support/owed-mail.ts';
import { amount, random, seed, until } from '../../support/reliability.ts';
import { askForReset } from '../../support/reset.ts';
import { startSender } from '../../support/sender.ts';

const mails = amount({ whole: 400, bounded: 60 });
const kills = amount({ whole: 20, bounded: 2 });

type Mood = 'takes' | 'refuses for now' | 'is full' | 'hangs up at once' | 'cuts after the mail' | 'dawdles';
const moods: readonly Mood[] = [
  'takes',
  'refuses for now',
  'is full',
  'hangs up at once',
  'cuts after the mail',
  'dawdles',
];

interface Sink {
  readonly smtpUrl: string;
  /** How often each Message-ID was taken: its yes was sent, or would have been. */
  readonly taken: Map<string, number>;
  /** Those whose yes was never sent. */
  readonly cut: Set<string>;
  mood: () => Mood;
}

const problem = (responseCode: number, text: string): Error =>
  Object.assign(new Error(text), { responseCode });

async function startSink(t: Test): Promise<Sink> {
  const sink = {
    smtpUrl: '',
    taken: new Map<string, number>(),
    cut: new Set<string>(),
    mood: (): Mood => 'takes',
  };
  const options: SMTPServerOptions = {
    onMailFrom: (_address, session, done) => {
      const mood = sink.mood();
      Object.assign(session, { mood });
      if (mood === 'refuses for now') done(problem(421, 'not now'));
      else if (mood === 'hangs up at once') hangUp(session);
      else done();
    },
    onRcptTo: (_address, session, done) => {
      if ((session as unknown as { mood: Mood }).mood === 'is full') done(problem(452, 'full'));
      else done();
    },
    onData: (stream, session, done) => {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => {
        const id = /^Message-ID: <(mail_[0-9a-z]+)@/im.exec(Buffer.concat(chunks).toString())?.[1] ?? 'none';
        sink.taken.set(id, (sink.taken.get(id) ?? 0) + 1);
        const { mood } = session as unknown as { mood: Mood };
        if (mood === 'cuts after the mail') {
          sink.cut.add(id);
          hangUp(session);
        } else if (mood === 'dawdles') setTimeout(done, 150);
        else done();
      });
    },
  };
  sink.smtpUrl = await startSmtpServer(t, options);
  return sink;
}

async function outbox({ ctx }: TestApp) {
  return ctx.db
    .selectFrom('mailOutbox')
    .select(['id', 'state', 'attempts', 'lastError'])
    .orderBy('id')
    .execute();
}

/** I5: every mail once; more often only where the yes was lost. */
function assertOnce(t: Test, sink: Sink, ids: readonly string[]): void {
  t.same([...sink.taken.keys()].sort(), [...ids].sort(), 'every mail that was owed, and no other');
  const twice = [...sink.taken].filter(([, times]) => times > 1).map(([id]) => id);
  t.same(
    twice.filter((id) => !sink.cut.has(id)),
    [],
    'twice only where its yes was lost',
  );
}

t.test('RL-17 a server in every mood: each mail arrives, and once unless its yes was cut off', async (t) => {
  const chance = random(seed(t));
  const app = await startApp(t, { demo: false });
  const sink = await startSink(t);
  await oweMails(app.ctx, mails);
  const transport = createSmtpTransport({ smtpUrl: sink.smtpUrl, production: false });
  t.teardown(() => {
    transport.close();
  });
  sink.mood = () => chance.pick(moods);
  for (let round = 0; round < 6; round += 1) {
    // three senders at once, as three replicas
    await Promise.all(Array.from({ length: 3 }, () => drain(app, transport)));
    app.advance(60 * minute);
  }
  sink.mood = () => 'takes';
  for (let round = 0; round < 3; round += 1) {
    await drain(app, transport);
    app.advance(2 * 60 * minute);
  }
  const rows = await outbox(app);
  t.ok(rows.every(({ state }) => state === 'sent'));
  t.ok(
    rows.some(({ attempts }) => attempts > 1),
    'some had to wait',
  );
  assertOnce(
    t,
    sink,
    rows.map(({ id }) => id),
  );
  await assertInvariants(t, app.ctx.db);
});

async function drain(app: TestApp, transport: ReturnType<typeof createSmtpTransport>): Promise<void> {
  while ((await deliverMail(app.ctx, transport)) > 0);
}

t.test(
  'the service is killed while it sends: nothing is lost, and what is cut off arrives again',
  async (t) => {
    const chance = random(seed(t));
    const app = await startApp(t, { demo: false });
    const sink = await startSink(t);
    sink.mood = () => 'dawdles';
    await oweMails(app.ctx, mails);
    for (let kill = 0; kill < kills; kill += 1) {
      const before = sink.taken.size;
      const sender = await startSender(t, app, sink.smtpUrl);
      const enough = before + 1 + chance.below(5);
      await until(() => sink.taken.size >= Math.min(enough, mails), { what: 'it sends' });
      const gone = new Promise((resolve) => sender.once('exit', resolve));
      sender.kill('SIGKILL');
      await gone;
      // what it held may have been taken without its note of it
      for (const { id, state } of await outbox(app))
        if (state !== 'sent' && sink.taken.has(id)) sink.cut.add(id);
      await app.ctx.db
        .updateTable('mailOutbox')
        .set({ nextAttemptAt: app.ctx.now() })
        .where('state', '=', 'pending')
        .execute();
    }
    sink.mood = () => 'takes';
    const transport = createSmtpTransport({ smtpUrl: sink.smtpUrl, production: false });
    t.teardown(() => {
      transport.close();
    });
    await drain(app, transport);
    const rows = await outbox(app);
    t.ok(rows.every(({ state }) => state === 'sent'));
    assertOnce(
      t,
      sink,
      rows.map(({ id }) => id),
    );
    t.ok(sink.cut.size <= 5 * kills, 'no more than a batch for each kill');
  },
);

t.test(
  'whoever causes a mail does not wait for the server, and what is too late is not sent any more',
  async (t) => {
    const silent = await startSink(t);
    silent.mood = () => 'refuses for now';
    const app = await startApp(t, { env: { SMTP_URL: silent.smtpUrl } });
    await app.ctx.db.deleteFrom('mailOutbox').execute(); // what the demo world owes
    t.equal((await askForReset(new Agent(app.issuer), 'alan@acme.test')).status, 202);
    t.equal(
      await app.ctx.db.selectFrom('mailOutbox').select('id').executeTakeFirst(),
      undefined,
      'nothing was sent meanwhile',
    );
    await app.runJob('password resets');
    await app.runJob('mail');
    t.match(await outbox(app), [{ state: 'pending', attempts: 1, lastError: /421/ }]);
    t.equal(silent.taken.size, 0);
    silent.mood = () => 'takes';
    app.advance(31 * minute);
    await app.runJob('mail');
    t.match(await outbox(app), [{ state: 'dead', lastError: 'expired' }], 'a dead letter that can be seen');
    t.equal(silent.taken.size, 0, 'no link that is dead was sent');
  },
);
