/** LG-06 on the wire: one recipient, whatever a name says, and nothing that was asked for with another host. */
import t from 'tap';
import { inTransaction } from '../../src/context.ts';
import { enqueueMail, type MailTemplate, type NewMail } from '../../src/core/outbox/outbox.ts';
import { type EmailAddress, parseEmail } from '../../src/kernel/email-address.ts';
import { Agent } from '../support/agent.ts';
import { startApp } from '../support/app.ts';
import { mailSamples, poisonedSample } from '../support/mail-samples.ts';
import { type Mail, openMailbox } from '../support/mailbox.ts';

const recipient = 'ada@acme.test' as EmailAddress;
/** Every header that a mail has: another one would be somebody else's. */
const headerNames = 'auto-submitted content-type date from message-id mime-version subject to'.split(' ');

t.test('mail on the wire', async (t) => {
  const app = await startApp(t, { env: { MAIL_FROM: 'Lumen, Sign-in <no-reply@lumen.test>' } });
  const mailbox = await openMailbox(t, app);
  await mailbox.drain(); // what the demo world begins with

  const hostile = {
    'a header': 'Ada\r\nBcc: thief@example.test',
    'a body': 'Ada\r\n\r\n<script>alert(1)</script>',
    'a list of addresses': 'a@b.test, c@d.test; e@f.test: g@h.test',
    'an end of the quotes': '"; <x@y.test>',
    'an encoded word': '=?UTF-8?Q?x=0D=0ABcc:_thief@example.test?=',
    'every separator there is': `"'<>()[]{},;:\\/@ \t\r\n.\r\nQUIT\r\n`,
    'separators of lines': 'Zoë 名前\u2028\u0085\u007f',
  };
  const templates = Object.keys(mailSamples);
  /** Every mail there is, with the name in each of its fields. */
  const owed = (name: string): NewMail<MailTemplate>[] =>
    templates.map((template) => {
      const mail = { template, recipient, locale: name, ...poisonedSample(template, name) };
      return mail as unknown as NewMail<MailTemplate>;
    });

  const sendAll = async (name: string) => {
    await inTransaction(app.ctx, async (tx) => {
      for (const mail of owed(name)) await enqueueMail(tx, mail);
    });
    return mailbox.drain();
  };
  const tagsOf = (mails: readonly Mail[]): string[] =>
    mails.map(({ html }) => (html.match(/<[!/]?[a-z]+/gi) ?? []).join(' ')).sort();
  const harmless = await sendAll('en');

  for (const [what, name] of Object.entries(hostile)) {
    t.test(`LG-06: a name that is ${what} reaches one mailbox, as text`, async (t) => {
      const mails = await sendAll(name);
      t.equal(mails.length, templates.length);
      t.same(tagsOf(mails), tagsOf(harmless), 'no tag more or less than for anybody else');
      for (const { to, headers, subject, html } of mails) {
        t.same(to, [recipient]);
        t.same(Object.keys(headers).sort(), headerNames);
        t.equal(headers['to'], recipient);
        t.equal(headers['from'], '"Lumen, Sign-in" <no-reply@lumen.test>');
        t.equal(headers['auto-submitted'], 'auto-generated');
        t.match(headers['content-type'], /^multipart\/alternative/);
        t.notMatch(subject, /[\p{Cc}\p{Zl}\p{Zp}]/u);
        t.notMatch(html, /<script|<x@/);
      }
    });
  }

  t.test('LG-06: an address that two programs read in two ways still is one recipient', async (t) => {
    const addresses = [
      'ada@acme.test,thief@example.test',
      'ada@acme.test>\r\nRCPT TO:<thief@example.test',
      '"thief@example.test" <ada@acme.test>',
      'Staff: ada@acme.test, thief@example.test;',
    ];
    for (const address of addresses) {
      t.equal(parseEmail(address), undefined, address);
      // and if one were stored all the same
      await inTransaction(app.ctx, (tx) =>
        enqueueMail(tx, {
          template: 'password_changed',
          recipient: address as EmailAddress,
          locale: 'en',
          data: {},
        }),
      );
      const mails = await mailbox.drain();
      t.ok(mails.length <= 1);
      for (const { to, headers } of mails) {
        t.equal(to.length, 1, address);
        t.not(to[0], 'thief@example.test');
        t.notOk('bcc' in headers);
      }
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
