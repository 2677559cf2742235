import type { MailTexts } from './mail-texts.ts';

export const de: MailTexts = {
  seat_requested: ({ person, personEmail, product, account }) => ({
    subject: `${person} bittet um einen Platz für ${product}`,
    lines: [
      `${person} (${personEmail}) möchte ${product} nutzen und hat noch keinen Platz dafür.`,
      `Sie erhalten diese E-Mail, weil Sie ${account} verwalten. Weisen Sie einen Platz zu, wenn ${person} einen haben soll.`,
    ],
  }),
  password_reset: ({ minutes }) => ({
    subject: 'Neues Passwort festlegen',
    lines: ['Jemand, hoffentlich Sie, hat für diese Adresse ein neues Passwort angefordert.'],
    button: 'Neues Passwort festlegen',
    codeLabel: 'Oder geben Sie diesen Code in dem Fenster ein, in dem Sie angefragt haben:',
    after: [
      `Link und Code gelten einmal und ${minutes} Minuten lang.`,
      'Sie waren es nicht? Dann müssen Sie nichts tun: Ihr Passwort ist unverändert.',
    ],
  }),
  password_reset_by_company: ({ account }) => ({
    subject: 'Sie melden sich über Ihre Firma an',
    lines: [
      'Jemand, hoffentlich Sie, hat für diese Adresse ein neues Passwort angefordert.',
      `Sie haben hier keines: Wer zu ${account} gehört, meldet sich mit „My Company ID“ an. Wenn das nicht gelingt, hilft die IT Ihrer Firma.`,
    ],
  }),
  password_changed: () => ({
    subject: 'Ihr Passwort wurde geändert',
    lines: [
      'Ihr Passwort wurde soeben geändert, und Sie wurden überall abgemeldet.',
      'Sie waren es nicht? Dann legen Sie sofort ein neues fest und sagen Sie es Ihrer Verwaltung.',
    ],
  }),
  invitation: ({ account, inviter, products, days }) => ({
    subject: `Ihre Einladung zu ${account}`,
    lines: [
      `${inviter ?? account} hat Sie zu ${account}${products.length > 0 ? ` (${products.join(', ')})` : ''} eingeladen.`,
    ],
    button: 'Einladung annehmen',
    after: [`Der Link gilt einmal und ${days} Tage lang.`],
  }),
  help: ({ url, email }) => `Fragen? ${[url, email].filter(Boolean).join(' · ')}`,
};
