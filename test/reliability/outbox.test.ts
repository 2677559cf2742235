/** The outbox against mail servers that misbehave: nothing is lost, nothing comes late, and nobody waits for it. */
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { setDefaultCACertificates } from 'node:tls';
import pg from 'pg';
import type { SMTPServerOptions } from 'smtp-server';
import t, { type Test } from 'tap';
import { inTransaction } from '../../src/context.ts';
import { claimMail, enqueueMail, pauseSeconds } from '../../src/core/outbox/outbox.ts';
import type { EmailAddress } from '../../src/kernel/email-address.ts';
import { addSeconds, minute } from '../../src/kernel/time.ts';
import { deliverMail } from '../../src/mail/deliver.ts';
import { createSmtpTransport } from '../../src/mail/transport.ts';
import { startApp, type TestApp } from '../support/app.ts';
import { hangUp, openMailbox, openSmtpMailbox, startSmtpServer } from '../support/mailbox.ts';
import { startSender } from '../support/sender.ts';

const recipient = 'alan@acme.test' as EmailAddress;

async function owe(app: TestApp, expiresAt?: Date): Promise<void> {
  await inTransaction(app.ctx, (tx) =>
    enqueueMail(tx, {
      template: 'password_reset',
      recipient,
      locale: 'en',
      data: { minutes: 30 },
      secrets: { token: 'canary-token', code: '123456' },
      ...(expiresAt && { expiresAt }),
    }),
  );
}

/** What the outbox says of its mails, oldest first. */
function outbox(app: TestApp) {
  return app.ctx.db
    .selectFrom('mailOutbox')
    .select(['id', 'state', 'attempts', 'lastError', 'secretsSealed'])
    .orderBy('id')
    .execute();
}

/** Sends once to this server, and answers what the outbox says then. */
async function sendTo(t: Test, app: TestApp, smtpUrl: string, production = false) {
  const transport = createSmtpTransport({ smtpUrl, production });
  t.teardown(() => {
    transport.close();
  });
  await deliverMail(app.ctx, transport);
  return (await outbox(app))[0];
}

/** The port of discard, which needs an administrator to listen on. */
const nobodyListens = 'smtp://127.0.0.1:9';

/** A server that refuses with `code` when it hears of a mail or a recipient. */
const refusing = (responseCode: number, at: 'onMailFrom' | 'onRcptTo') => ({
  [at]: (_address: unknown, _session: unknown, done: (error?: Error) => void) => {
    done(Object.assign(new Error(`no thanks, ${recipient}`), { responseCode }));
  },
});

const transient: Readonly<Record<string, (t: Test) => Promise<string>>> = {
  'that is down': async () => nobodyListens,
  'that answers 421': (t) => startSmtpServer(t, refusing(421, 'onMailFrom')),
  'that does not know our sender': (t) => startSmtpServer(t, refusing(550, 'onMailFrom')),
  'that wants a login': (t) => startSmtpServer(t, refusing(530, 'onRcptTo')),
  'that answers 451': (t) => startSmtpServer(t, refusing(451, 'onRcptTo')),
  'that hangs up': async (t) => {
    const server = createServer((socket) => socket.destroy());
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    t.teardown(() => server.close());
    return `smtp://127.0.0.1:${(server.address() as { port: number }).port}`;
  },
  'whose certificate nobody knows': (t) => startSmtpServer(t, { disabledCommands: ['AUTH'] }),
};

for (const [which, start] of Object.entries(transient)) {
  t.test(`a server ${which} makes a mail wait, and it arrives later`, async (t) => {
    const app = await startApp(t, { demo: false });
    await owe(app);
    const waiting = await sendTo(t, app, await start(t));
    t.match(waiting, { state: 'pending', attempts: 1, lastError: String, secretsSealed: String });
    t.notMatch(waiting?.lastError, /@|canary/, 'the reason names nobody');
    t.notOk(app.lines.some((line) => line.includes(recipient) || line.includes('canary')));
    const mailbox = await openMailbox(t, app);
    t.same(await mailbox.drain(), [], 'not at once');
    app.advance(15);
    const [mail] = await mailbox.drain();
    t.match(mail?.text, /canary-token/);
    t.match(await outbox(app), [{ state: 'sent', attempts: 2, lastError: null, secretsSealed: null }]);
  });
}

t.test('a server that never answers holds a mail up only so long', async (t) => {
  const app = await startApp(t, { demo: false });
  await owe(app);
  const mute = createServer();
  await new Promise<void>((resolve) => mute.listen(0, '127.0.0.1', resolve));
  t.teardown(() => mute.close());
  const { port } = mute.address() as { port: number };
  const transport = createSmtpTransport({ smtpUrl: `smtp://127.0.0.1:${port}`, production: false }, 200);
  await deliverMail(app.ctx, transport);
  transport.close();
  t.match(await outbox(app), [{ state: 'pending', attempts: 1, lastError: String, secretsSealed: String }]);
});

const final: Readonly<Record<string, SMTPServerOptions>> = {
  'a mailbox that does not exist': refusing(550, 'onRcptTo'),
  'a mail that is not wanted': {
    onData(stream, _session, done) {
      stream.resume().on('end', () => {
        done(Object.assign(new Error(`spam for ${recipient}`), { responseCode: 554 }));
      });
    },
  },
};

for (const [which, options] of Object.entries(final)) {
  t.test(`${which} ends the mail, and what was secret in it`, async (t) => {
    const app = await startApp(t, { demo: false });
    await owe(app);
    const smtpUrl = await startSmtpServer(t, options);
    t.match(await sendTo(t, app, smtpUrl), { state: 'dead', attempts: 1, secretsSealed: null });
    t.notMatch((await outbox(app))[0]?.lastError, /@/);
  });
}

t.test('tries come to an end, and with them what was secret', async (t) => {
  const app = await startApp(t, { demo: false });
  await owe(app);
  await app.ctx.db.updateTable('mailOutbox').set({ attempts: 39 }).execute();
  t.match(await sendTo(t, app, nobodyListens), { state: 'dead', attempts: 40, secretsSealed: null });
});

t.test('a dead mail that is brought back without its link is not sent', async (t) => {
  const app = await startApp(t, { demo: false });
  await owe(app);
  await app.ctx.db.updateTable('mailOutbox').set({ secretsSealed: null }).execute();
  const mailbox = await openMailbox(t, app);
  t.same(await mailbox.drain(), []);
  t.match(await outbox(app), [{ state: 'dead' }]);
});

t.test('outside development a server without STARTTLS gets nothing', async (t) => {
  const app = await startApp(t, { demo: false });
  await owe(app);
  let received = 0;
  const smtpUrl = await startSmtpServer(t, {
    onData(stream, _session, done) {
      received += 1;
      stream.resume().on('end', () => {
        done();
      });
    },
  });
  t.match(await sendTo(t, app, smtpUrl, true), { state: 'pending', attempts: 1 });
  t.equal(received, 0);
});

t.test('outside development a server with STARTTLS and a certificate that holds gets its mail', async (t) => {
  const app = await startApp(t, { demo: false });
  await owe(app);
  const [key, cert] = await Promise.all(['key', 'certificate'].map(fixture));
  const smtpUrl = await startSmtpServer(t, { key, cert, disabledCommands: ['AUTH'] });
  t.match(await sendTo(t, app, smtpUrl, true), { state: 'pending' }, 'not while nobody vouches for it');
  setDefaultCACertificates([cert ?? '']);
  app.advance(15);
  t.match(await sendTo(t, app, smtpUrl, true), { state: 'sent', attempts: 2 });
});

/** A key and its certificate for 127.0.0.1, for a hundred years; they protect nothing. */
function fixture(name: string): Promise<string> {
  return readFile(new URL(`../fixtures/tls/${name}.pem`, import.meta.url), 'utf8');
}

t.test('a server that is cut off after the mail gets it twice, under one name', async (t) => {
  const app = await startApp(t, { demo: false });
  await owe(app);
  const ids: (string | undefined)[] = [];
  const smtpUrl = await startSmtpServer(t, {
    onData(stream, session, done) {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => {
        ids.push(/^Message-ID: (.*)$/im.exec(Buffer.concat(chunks).toString())?.[1]);
        if (ids.length > 1) done();
        else hangUp(session);
      });
    },
  });
  t.match(await sendTo(t, app, smtpUrl), { state: 'pending', attempts: 1 });
  app.advance(15);
  t.match(await sendTo(t, app, smtpUrl), { state: 'sent', attempts: 2 });
  t.equal(ids.length, 2);
  t.equal(ids[0], ids[1]);
  t.match(ids[0], /^<mail_[0-9a-z]+@127\.0\.0\.1>$/);
});

t.test(
  'a sender killed between the yes of the server and its note: sent again, under the same name',
  async (t) => {
    const app = await startApp(t, { demo: false });
    await owe(app);
    const { id } = (await outbox(app))[0] ?? { id: '' };
    const note = new pg.Client(app.databaseUrl);
    await note.connect();
    const taken = Promise.withResolvers<boolean>();
    const first = await openSmtpMailbox(t, async () => {
      // nobody can write what became of it now: between the yes and the note, the sender has to wait
      await note.query('begin');
      await note.query('select 1 from mail_outbox where id = $1 for update', [id]);
      taken.resolve(true);
    });
    const sender = await startSender(t, app, first.smtpUrl);
    const gone = new Promise((resolve) => sender.once('exit', resolve));
    t.equal(await Promise.race([taken.promise, gone]), true, 'the server has it');
    await untilSomebodyWaits(note);
    sender.kill('SIGKILL');
    await gone;
    await note.query('rollback');
    await note.end();
    t.match(await outbox(app), [{ state: 'pending', attempts: 1, secretsSealed: String }], 'nothing is lost');

    app.advance(5 * minute + 1);
    const mailbox = await openMailbox(t, app);
    const [again] = await mailbox.drain();
    t.equal(first.mails.length, 1);
    t.equal(again?.headers['message-id'], first.mails[0]?.headers['message-id']);
    t.equal(again?.text, first.mails[0]?.text);
  },
);

/** Until another connection to this database waits for a row. */
async function untilSomebodyWaits(client: pg.Client): Promise<void> {
  const waiting = `select 1 from pg_stat_activity
    where datname = current_database() and wait_event_type = 'Lock' and query like 'update "mail_outbox"%'`;
  // pg_stat_activity is read once in a transaction, unless it is told to forget
  while ((await client.query(waiting)).rowCount === 0) await client.query('select pg_stat_clear_snapshot()');
}

t.test('a sender that dies with a mail in its hands leaves it to the others', async (t) => {
  const app = await startApp(t, { demo: false });
  await owe(app);
  // what a process has done when it is killed between the claim and the note of how it ended
  t.equal((await inTransaction(app.ctx, (tx) => claimMail(tx, 5))).length, 1);
  const mailbox = await openMailbox(t, app);
  t.same(await mailbox.drain(), [], 'while it may be at work nobody else is');
  app.advance(5 * minute + 1);
  t.equal((await mailbox.drain()).length, 1);
  t.match(await outbox(app), [{ state: 'sent', attempts: 2 }]);
});

t.test('the note of a sender that was given up changes nothing any more', async (t) => {
  const app = await startApp(t, { demo: false });
  await owe(app);
  const slow = createSmtpTransport({
    production: false,
    smtpUrl: await startSmtpServer(t, {
      onData(stream, _session, done) {
        stream.resume().on('end', () => {
          app.advance(5 * minute + 1);
          void inTransaction(app.ctx, (tx) => claimMail(tx, 5)).then(() => {
            done();
          });
        });
      },
    }),
  });
  t.teardown(() => {
    slow.close();
  });
  await deliverMail(app.ctx, slow);
  t.match(await outbox(app), [{ state: 'pending', attempts: 2 }], 'it belongs to who claimed it last');
});

t.test('many senders at once send every mail once', async (t) => {
  const app = await startApp(t, { demo: false });
  for (let count = 0; count < 20; count += 1) await owe(app);
  const mailbox = await openMailbox(t, app);
  await Promise.all(Array.from({ length: 6 }, () => mailbox.drain()));
  const ids = mailbox.mails.map(({ headers }) => headers['message-id']);
  t.equal(ids.length, 20);
  t.equal(new Set(ids).size, 20);
});

t.test('a mail that is worth nothing any more is never sent', async (t) => {
  const app = await startApp(t, { demo: false });
  await owe(app, addSeconds(app.ctx.now(), 30 * minute));
  app.advance(30 * minute);
  const mailbox = await openMailbox(t, app);
  t.same(await mailbox.drain(), []);
  t.match(await outbox(app), [{ state: 'dead', lastError: 'expired', secretsSealed: null }]);
});

t.test('a mail whose sealing key is gone does not hold up the others', async (t) => {
  const app = await startApp(t, { demo: false });
  await owe(app);
  await app.ctx.db.updateTable('mailOutbox').set({ secretsSealed: '00000000.AAAA' }).execute();
  await owe(app);
  const mailbox = await openMailbox(t, app);
  t.equal((await mailbox.drain()).length, 1);
  t.match(await outbox(app), [{ state: 'dead' }, { state: 'sent' }]);
});

t.test('pauses grow to an hour, and differ from mail to mail', async (t) => {
  for (const attempts of [1, 2, 5, 9, 40]) {
    const base = Math.min(3600, 10 * 2 ** (attempts - 1));
    for (const id of ['mail_a', 'mail_b']) {
      t.ok(pauseSeconds(id, attempts) >= base * 0.75 && pauseSeconds(id, attempts) <= base * 1.25);
      t.equal(pauseSeconds(id, attempts), pauseSeconds(id, attempts));
    }
    t.not(pauseSeconds('mail_a', attempts), pauseSeconds('mail_b', attempts));
  }
});
