import type { MailTexts } from './mail-texts.ts';

export const fr: MailTexts = {
  seat_requested: ({ person, personEmail, product, account }) => ({
    subject: `${person} demande une place pour ${product}`,
    lines: [
      `${person} (${personEmail}) souhaite utiliser ${product} et n’a pas de place.`,
      `Vous recevez ce message parce que vous administrez ${account}. Attribuez une place si ${person} doit en avoir une.`,
    ],
  }),
  password_reset: ({ minutes }) => ({
    subject: 'Définissez un nouveau mot de passe',
    lines: ['Quelqu’un, vous nous l’espérons, a demandé un nouveau mot de passe pour cette adresse.'],
    button: 'Définir un nouveau mot de passe',
    codeLabel: 'Ou saisissez ce code dans la fenêtre où vous l’avez demandé :',
    after: [
      `Le lien et le code ne servent qu’une fois, pendant ${minutes} minutes.`,
      'Ce n’était pas vous ? Vous n’avez rien à faire : votre mot de passe n’a pas changé.',
    ],
  }),
  password_reset_by_company: ({ account }) => ({
    subject: 'Vous vous connectez avec votre entreprise',
    lines: [
      'Quelqu’un, vous nous l’espérons, a demandé un nouveau mot de passe pour cette adresse.',
      `Vous n’en avez pas ici : les personnes de ${account} se connectent avec My Company ID. En cas de difficulté, le support de votre entreprise peut vous aider.`,
    ],
  }),
  password_changed: () => ({
    subject: 'Votre mot de passe a été modifié',
    lines: [
      'Votre mot de passe vient d’être modifié, et vous avez été déconnecté partout.',
      'Ce n’était pas vous ? Définissez-en un autre sans attendre et prévenez votre administrateur.',
    ],
  }),
  invitation: ({ account, inviter, products, days }) => ({
    subject: `Votre invitation à rejoindre ${account}`,
    lines: [
      `${inviter ?? account} vous invite à rejoindre ${account}${products.length > 0 ? ` (${products.join(', ')})` : ''}.`,
    ],
    button: 'Accepter l’invitation',
    after: [`Le lien ne sert qu’une fois, pendant ${days} jours.`],
  }),
  help: ({ url, email }) => `Des questions ? ${[url, email].filter(Boolean).join(' · ')}`,
};
