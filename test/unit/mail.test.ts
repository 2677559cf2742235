/** Mails as they are written: in five languages, with the brand, and without a way to write more into them. */
import t from 'tap';
import { luminance, textColorOn } from '../../src/kernel/color.ts';
import { locales } from '../../src/kernel/locale.ts';
import { renderMail } from '../../src/mail/render.ts';
import { testConfig } from '../support/app.ts';
import { mailSamples as samples } from '../support/mail-samples.ts';

const hostile = `<b>"O'Neil"</b> & Söhne,;:\r\nBcc: thief@example.test\u2028\u0000`;

const render = (
  template: string,
  locale: string,
  env: Readonly<Record<string, string>> = {},
  data?: object,
) => {
  const sample = samples[template as keyof typeof samples];
  const config = testConfig({
    DATABASE_URL: 'postgres:///test',
    ISSUER: 'https://login.example.com',
    ...env,
  });
  const rendered = renderMail(config, { template, locale, ...sample, ...(data && { data }) } as never);
  if (!rendered) throw new Error('nothing was rendered');
  return rendered;
};

t.test('every mail is there in every language, and in no two languages the same', async (t) => {
  for (const template of Object.keys(samples)) {
    const mails = locales.map((locale) => render(template, locale));
    for (const { subject, text, html } of mails) {
      for (const part of [subject, text, html]) {
        t.ok(part.trim().length > 5, template);
        t.notMatch(part, /undefined|null|\[object/, template);
      }
    }
    t.equal(new Set(mails.map(({ subject }) => subject)).size, locales.length, template);
    t.equal(new Set(mails.map(({ text }) => text)).size, locales.length, template);
  }
  t.equal(render('password_changed', 'pt-BR').subject, render('password_changed', 'en').subject);
});

t.test('link and code stand in both parts, and the link begins with the issuer', async (t) => {
  const { text, html } = render('password_reset', 'en');
  const link = 'https://login.example.com/password-resets/open?token=a%2Bb%2Fc';
  for (const part of [text, html]) {
    t.ok(part.includes(link));
    t.ok(part.includes('012345'));
  }
  t.match(render('invitation', 'en').text, 'https://login.example.com/invitations/open?token=tok');
});

t.test('who was given a seat is led to the application, or told from when on there is one', async (t) => {
  const { data } = samples.seat_granted;
  for (const locale of locales) {
    const granted = render('seat_granted', locale);
    for (const part of [granted.text, granted.html]) t.match(part, 'https://assist.test/sign-in');
    const later = render('seat_granted', locale, {}, { ...data, from: '2027-01-31', url: null });
    t.match(later.text, '2027-01-31');
    t.notMatch(later.text + later.html, /https?:|href/);
  }
  t.match(render('seat_requested', 'en').text, 'https://login.example.com/seat-requests/open?token=tok');
});

t.test('a code for a link stands in both parts, beside no address to go to', async (t) => {
  for (const locale of locales) {
    const { text, html, subject } = render('link_code', locale);
    for (const part of [text, html]) {
      for (const said of ['012345', 'octo', 'GitHub', '10']) t.ok(part.includes(said), `${locale} ${said}`);
      t.notMatch(part, /https?:|href/, 'it is typed where somebody has started');
    }
    t.notMatch(subject, '012345', 'nothing shows it on a locked phone');
  }
});

t.test('a mail whose link or code was wiped is not sent', async (t) => {
  const config = testConfig({ DATABASE_URL: 'postgres:///test' });
  for (const [template, { data, secrets }] of Object.entries(samples)) {
    const mail = { template, locale: 'en', data, secrets: undefined } as never;
    t.equal(renderMail(config, mail) === undefined, secrets !== undefined, template);
  }
});

t.test(
  'LG-06: what somebody is called elsewhere becomes no link in a mail of ours, and no essay',
  async (t) => {
    const long = `click https://evil.test/login now: www.evil.test ${'x'.repeat(150)}`;
    for (const template of ['link_code', 'social_identity_linked', 'social_identity_unlinked']) {
      for (const locale of locales) {
        const { text } = render(
          template,
          locale,
          {},
          { ...samples.link_code.data, days: 30, external: long },
        );
        t.notMatch(text, /https?:\/\/\w|evil\.test|x{80}/, `${template} ${locale}`);
      }
      const { text } = render(
        template,
        'en',
        {},
        { provider: 'GitHub', external: 'ada.b@acme.test', days: 30 },
      );
      t.match(text, 'ada.b@acme.test', 'an address is told as it is');
    }
  },
);

t.test('LG-06: a name can write neither a header nor markup', async (t) => {
  for (const template of ['seat_requested', 'password_reset_by_company', 'invitation', 'link_code']) {
    const { data } = samples[template as 'invitation'];
    const poisoned = Object.fromEntries(
      Object.entries(data).map(([key, value]) => [
        key,
        typeof value === 'string' ? hostile : Array.isArray(value) ? [hostile] : value,
      ]),
    );
    for (const locale of locales) {
      const { subject, html } = render(template, locale, {}, poisoned);
      t.notMatch(subject, /[\p{Cc}\p{Zl}\p{Zp}]/u, `${template} ${locale}`);
      t.notOk(html.includes('<b>'), `${template} ${locale}`);
      t.ok(html.includes('&lt;b&gt;&quot;O&#39;Neil&quot;'), `${template} ${locale}`);
    }
  }
});

t.test('the brand is named, coloured and helped', async (t) => {
  const env = { BRAND_NAME: 'Lumen', BRAND_COLOR: '#ffcc00', SUPPORT_EMAIL: 'help@lumen.test' };
  const { text, html } = render('password_reset', 'de', env);
  t.match(text, /— Lumen\n$/);
  t.match(text, /help@lumen\.test/);
  t.match(html, /background:#ffcc00;color:#000000/);
  t.notMatch(render('password_reset', 'en').text, /Questions/, 'nobody is named where nobody was configured');
});

t.test('text on every colour can be read', async (t) => {
  for (let step = 0; step < 4096; step += 1) {
    const hex = step.toString(16).padStart(3, '0');
    const color = `#${Array.from(hex, (digit) => digit + digit).join('')}`;
    const [a, b] = [luminance(color), luminance(textColorOn(color))].sort((x, y) => y - x);
    if (((a ?? 0) + 0.05) / ((b ?? 0) + 0.05) < 4.5) t.fail(color);
  }
  t.equal(textColorOn('#ffffff'), '#000000');
  t.equal(textColorOn('#0f5c5c'), '#ffffff');
});
