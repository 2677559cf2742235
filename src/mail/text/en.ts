/** The texts of mails in English: the source of every other language. */
import type { MailTexts } from './mail-texts.ts';

export const en: MailTexts = {
  seat_requested: ({ person, personEmail, product, account }) => ({
    subject: `${person} asks for a seat on ${product}`,
    lines: [
      `${person} (${personEmail}) would like to use ${product} and has no seat on it.`,
      `You get this mail because you are an administrator of ${account}. Assign a seat if ${person} should have one.`,
    ],
  }),
  password_reset: ({ minutes }) => ({
    subject: 'Set a new password',
    lines: ['Somebody, you we hope, asked for a new password for this address.'],
    button: 'Set a new password',
    codeLabel: 'Or type this code in the window in which you asked:',
    after: [
      `Link and code work once, for ${minutes} minutes.`,
      'It was not you? Then there is nothing to do: your password has not changed.',
    ],
  }),
  password_reset_by_company: ({ account }) => ({
    subject: 'You sign in with your company',
    lines: [
      'Somebody, you we hope, asked for a new password for this address.',
      `You have none here: people of ${account} sign in with My Company ID. If that does not work, your company’s own help desk can help.`,
    ],
  }),
  password_changed: () => ({
    subject: 'Your password was changed',
    lines: [
      'Your password has just been changed, and you were signed out everywhere.',
      'It was not you? Then set a new one at once, and tell your administrator.',
    ],
  }),
  invitation: ({ account, inviter, products, days }) => ({
    subject: `Your invitation to ${account}`,
    lines: [
      `${inviter ?? account} has invited you to ${account}${products.length > 0 ? ` (${products.join(', ')})` : ''}.`,
    ],
    button: 'Accept the invitation',
    after: [`The link works once, for ${days} days.`],
  }),
  help: ({ url, email }) => `Questions? ${[url, email].filter(Boolean).join(' · ')}`,
};
