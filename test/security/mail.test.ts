/** LG-06 on the wire: one recipient, whatever a name says, and nothing that was asked for with another host. */
import t from 'tap';
import { inTransaction } from '../../src/context.ts';
import { enqueueMail } from '../../src/core/outbox/outbox.ts';
import type { EmailAddress } from '../../src/kernel/email-address.ts';
import { Agent } from '../support/agent.ts';
import { startApp } from '../support/app.ts';
import { openMailbox } from '../support/mailbox.ts';

t.test('mail on the wire', async (t) => {
  const app = await startApp(t, { env: { MAIL_FROM: 'Lumen Sign-in <no-reply@lumen.test>' } });
  const mailbox = await openMailbox(t, app);
  await mailbox.drain(); // what the demo world begins with

  t.test('LG-06: hostile names reach one mailbox, in one header, as text', async (t) => {
    const names = [
      'Ada\r\nBcc: thief@example.test',
      'a@b.test, c@d.test',
      '"; <x@y.test>',
      '=?UTF-8?Q?x?=',
      'Zoë 名前',
    ];
    for (const person of names) {
      await inTransaction(app.ctx, (tx) =>
        enqueueMail(tx, {
          template: 'seat_requested',
          recipient: 'ada@acme.test' as EmailAddress,
          locale: 'en',
          data: { person, personEmail: person, product: person, account: person, requestId: 'srq_1' },
        }),
      );
      const mails = await mailbox.drain();
      t.equal(mails.length, 1);
      const [mail] = mails;
      t.same(mail?.to, ['ada@acme.test'], person);
      t.equal(mail?.headers['to'], 'ada@acme.test');
      t.notOk('bcc' in (mail?.headers ?? {}));
      t.equal(mail?.headers['from'], '"Lumen Sign-in" <no-reply@lumen.test>');
      t.equal(mail?.subject.includes('\n'), false);
      t.match(mail?.headers['content-type'], /^multipart\/alternative/);
      t.equal(mail?.headers['auto-submitted'], 'auto-generated');
    }
  });

  t.test('RC-05: the link is made from the issuer, whatever the request said of hosts', async (t) => {
    const evil = 'evil.example';
    const headers = {
      'x-forwarded-host': evil,
      'x-forwarded-proto': 'ftp',
      forwarded: `host=${evil}`,
      'x-original-host': evil,
    };
    const asked = await new Agent(app.issuer).post('/password-resets', {
      json: { email: 'alan@acme.test' },
      headers,
    });
    t.equal(asked.status, 202);
    await app.runJob('password resets');
    const [mail] = await mailbox.drain();
    const link = /\S+\/password-resets\/open\?token=\S+/.exec(mail?.text ?? '')?.[0] ?? '';
    t.ok(link.startsWith(`${app.issuer}/password-resets/open?token=`), link);
    t.notOk(`${mail?.text}${mail?.html}`.includes(evil));
    const opened = await new Agent(app.issuer).follow(link);
    t.equal(opened.status, 200);
  });

  t.test('in the demo it can be read at /demo/mail, newest first', async (t) => {
    await new Agent(app.issuer).post('/password-resets', { json: { email: 'ian@initech.test' } });
    await app.runJob('password resets');
    await app.runJob('mail');
    const [newest] = (await new Agent(app.issuer).get('/demo/mail')).json();
    t.match(newest, {
      to: 'ian@initech.test',
      subject: String,
      text: /token=/,
      html: /token=/,
      at: /^\d{4}-/,
    });
    const page = await new Agent(app.issuer, 'text/html').get('/demo/mail');
    t.match(page.text, /<a href="http:\/\/127\.0\.0\.1:\d+\/password-resets\/open/);
  });
});
