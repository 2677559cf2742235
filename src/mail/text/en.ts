/** The texts of mails in English: the source of every other language. */
import { foreignName, type MailTexts } from './mail-texts.ts';

export const en: MailTexts = {
  seat_requested: ({ person, personEmail, product, account, days }) => ({
    subject: `${person} asks for a seat on ${product}`,
    lines: [
      `${person} (${personEmail}) would like to use ${product} and has no seat on it.`,
      `You get this mail because you are an administrator of ${account}.`,
    ],
    button: 'Grant or refuse',
    after: [
      `The link works for ${days} days. It is yours alone: whoever has it decides in your name, so do not forward this mail.`,
    ],
  }),
  seat_granted: ({ product, account, from }) => ({
    subject: `You have a seat on ${product}`,
    lines: [
      `You asked for a seat on ${product}, and ${account} has given you one.`,
      from === null ? 'You can sign in now.' : `It begins on ${from}.`,
    ],
    button: `Go to ${product}`,
  }),
  seat_refused: ({ product, account }) => ({
    subject: `No seat on ${product} for now`,
    lines: [
      `You asked for a seat on ${product}. ${account} has decided not to give you one.`,
      'If you need it all the same, talk to your administrator.',
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
  certificate_expiring: ({ account, connection, whose, days, date }) => ({
    subject: `${account}: a certificate of My Company ID ends in ${days === 1 ? 'a day' : `${days} days`}`,
    lines: [
      whose === 'idp'
        ? `The certificate with which your identity provider signs for the connection “${connection}” ends on ${date}. Renew it there, and see that its new metadata has reached us.`
        : `The certificate with which we sign towards your identity provider, for the connection “${connection}”, ends on ${date}. It has to be replaced, and your identity provider has to be given the new one.`,
      'After that day, people may not be able to sign in.',
    ],
  }),
  sign_in_address_changed: ({ account, connection, host }) => ({
    subject: `${account}: My Company ID now leads to another address`,
    lines: [
      `The metadata of the connection “${connection}” names another address. People who sign in are now sent to ${host}.`,
      'You did not change this? Then have it checked by whoever runs your identity provider.',
    ],
  }),
  break_glass_used: ({ person, account }) => ({
    subject: `${person} signed in to ${account} past My Company ID`,
    lines: [
      `${person} has just signed in with a password, although ${account} requires My Company ID. This is what emergency administrators are for.`,
      'If you do not know why, ask them, and look at the audit trail.',
    ],
  }),
  identity_linked: ({ account }) => ({
    subject: 'You can now sign in with My Company ID',
    lines: [
      `You have just signed in with the My Company ID of ${account} for the first time. It belongs to you from now on, and you were signed out everywhere else.`,
      'It was not you? Then tell your administrator at once.',
    ],
  }),
  link_code: ({ provider, external, minutes }) => ({
    subject: `Your code to go on with ${provider}`,
    lines: [
      `Somebody, you we hope, wants to sign in with the ${provider} account “${foreignName(external)}” and says that this mailbox is theirs.`,
    ],
    codeLabel: 'To go on, type this code in the window in which you started:',
    after: [
      `The code works for ${minutes} minutes. Type it nowhere else, and give it to nobody: whoever has it connects their ${provider} account to you.`,
      'It was not you? Then there is nothing to do: without the code nothing is connected.',
    ],
  }),
  social_identity_linked: ({ provider, external }) => ({
    subject: `You can now sign in with ${provider}`,
    lines: [
      `The ${provider} account “${foreignName(external)}” has just been connected to you. From now on you can sign in with it.`,
      'It was not you? Then set a new password and tell your administrator at once: it can be disconnected.',
    ],
  }),
  social_identity_unlinked: ({ provider, external, days }) => ({
    subject: `You no longer sign in with ${provider}`,
    lines: [
      `The ${provider} account “${foreignName(external)}” has just been disconnected from you. Nobody can sign in with it any more.`,
      `It was not you? Then tell your administrator at once: for ${days} days it can be undone.`,
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
  domain_disputed: ({ account, domain, owns }) => ({
    subject: `Two accounts claim ${domain}`,
    lines: owns
      ? [
          `Another account has proven that it has ${domain}, which belongs to ${account} here.`,
          'Nothing changes for you until we have looked into it. Has the domain been sold or handed on? Then please tell us.',
        ]
      : [
          `You have proven ${domain} for ${account}, but another account has it already.`,
          'We look into it and tell you how it was decided.',
        ],
  }),
  domain_dispute_resolved: ({ account, domain, owns }) => ({
    subject: `It is decided who has ${domain}`,
    lines: [
      owns
        ? `${domain} belongs to ${account}.`
        : `${domain} does not belong to ${account}. Who signed in with My Company ID by this domain cannot do so any more.`,
    ],
  }),
  domain_stale: ({ account, domain, recordName, recordValue, days }) => ({
    subject: `The proof of ${domain} is missing`,
    lines: [
      `The record that proves ${domain} for ${account} has not been found for three days. New people of this domain cannot come in with My Company ID; those who were here before still can.`,
      `Please put this TXT record into the DNS again. In ${days} days ${account} will lose the domain otherwise.`,
      recordName,
      recordValue,
    ],
  }),
  domain_released: ({ account, domain }) => ({
    subject: `${account} has lost ${domain}`,
    lines: [
      `The record that proves ${domain} has been missing for over a month. The domain does not belong to ${account} any more, and nobody can sign in with My Company ID by it.`,
      'You can claim it again at any time.',
    ],
  }),
  help: ({ url, email }) => `Questions? ${[url, email].filter(Boolean).join(' · ')}`,
};
