import { foreignName, type MailTexts } from './mail-texts.ts';

export const fr: MailTexts = {
  seat_requested: ({ person, personEmail, product, account, days }) => ({
    subject: `${person} demande une place pour ${product}`,
    lines: [
      `${person} (${personEmail}) souhaite utiliser ${product} et n’a pas de place.`,
      `Vous recevez ce message parce que vous administrez ${account}.`,
    ],
    button: 'Attribuer ou refuser',
    after: [
      `Le lien fonctionne pendant ${days} jours. Il n’est qu’à vous : quiconque le possède décide en votre nom, ne transférez donc pas ce message.`,
    ],
  }),
  seat_granted: ({ product, account, from }) => ({
    subject: `Vous avez une place pour ${product}`,
    lines: [
      `Vous avez demandé une place pour ${product}, et ${account} vous en a attribué une.`,
      from === null ? 'Vous pouvez vous connecter dès maintenant.' : `Elle commence le ${from}.`,
    ],
    button: `Aller à ${product}`,
  }),
  seat_refused: ({ product, account }) => ({
    subject: `Pas de place pour ${product} pour le moment`,
    lines: [
      `Vous avez demandé une place pour ${product}. ${account} a décidé de ne pas vous en attribuer.`,
      'Si vous en avez tout de même besoin, parlez-en à votre administrateur.',
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
  certificate_expiring: ({ account, connection, whose, days, date }) => ({
    subject: `${account} : un certificat de My Company ID expire dans ${days === 1 ? 'un jour' : `${days} jours`}`,
    lines: [
      whose === 'idp'
        ? `Le certificat avec lequel votre fournisseur d’identité signe pour la connexion « ${connection} » expire le ${date}. Renouvelez-le chez lui et vérifiez que ses nouvelles métadonnées nous sont parvenues.`
        : `Le certificat avec lequel nous signons auprès de votre fournisseur d’identité, pour la connexion « ${connection} », expire le ${date}. Il faut le remplacer et remettre le nouveau à votre fournisseur d’identité.`,
      'Après ce jour, il se peut que personne ne puisse plus se connecter.',
    ],
  }),
  sign_in_address_changed: ({ account, connection, host }) => ({
    subject: `${account} : My Company ID mène désormais à une autre adresse`,
    lines: [
      `Les métadonnées de la connexion « ${connection} » indiquent une autre adresse. Les personnes qui se connectent sont désormais envoyées vers ${host}.`,
      'Vous n’êtes pas à l’origine de ce changement ? Faites-le vérifier par les responsables de votre fournisseur d’identité.',
    ],
  }),
  break_glass_used: ({ person, account }) => ({
    subject: `${person} s’est connecté à ${account} sans My Company ID`,
    lines: [
      `${person} vient de se connecter avec un mot de passe, alors que ${account} exige My Company ID. C’est le rôle des administrateurs d’urgence.`,
      'Si vous n’en connaissez pas la raison, demandez-la et consultez le journal d’audit.',
    ],
  }),
  identity_linked: ({ account }) => ({
    subject: 'Vous pouvez maintenant vous connecter avec My Company ID',
    lines: [
      `Vous venez de vous connecter pour la première fois avec le My Company ID de ${account}. Il est désormais le vôtre, et vous avez été déconnecté partout ailleurs.`,
      'Ce n’était pas vous ? Prévenez tout de suite votre administrateur.',
    ],
  }),
  link_code: ({ provider, external, minutes }) => ({
    subject: `Votre code pour continuer avec ${provider}`,
    lines: [
      `Quelqu’un, vous nous l’espérons, souhaite se connecter avec le compte ${provider} « ${foreignName(external)} » et dit que cette boîte est la sienne.`,
    ],
    codeLabel: 'Pour continuer, saisissez ce code dans la fenêtre où vous avez commencé :',
    after: [
      `Le code est valable ${minutes} minutes. Ne le saisissez pas ailleurs et ne le donnez à personne : qui l’a associe son compte ${provider} à vous.`,
      'Ce n’était pas vous ? Vous n’avez rien à faire : sans le code, rien n’est associé.',
    ],
  }),
  social_identity_linked: ({ provider, external }) => ({
    subject: `Vous pouvez maintenant vous connecter avec ${provider}`,
    lines: [
      `Le compte ${provider} « ${foreignName(external)} » vient de vous être associé. Vous pouvez désormais vous connecter avec lui.`,
      'Ce n’était pas vous ? Définissez un nouveau mot de passe et prévenez tout de suite votre administrateur : il peut être dissocié.',
    ],
  }),
  social_identity_unlinked: ({ provider, external, days }) => ({
    subject: `Vous ne vous connectez plus avec ${provider}`,
    lines: [
      `Le compte ${provider} « ${foreignName(external)} » ne vous est plus associé. Personne ne peut plus se connecter avec lui.`,
      `Ce n’était pas vous ? Prévenez tout de suite votre administrateur : cela peut être annulé pendant ${days} jours.`,
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
  domain_disputed: ({ account, domain, owns }) => ({
    subject: `Deux comptes revendiquent ${domain}`,
    lines: owns
      ? [
          `Un autre compte a prouvé que ${domain} est à lui ; ici, il appartient à ${account}.`,
          'Rien ne change pour vous tant que nous ne l’avons pas vérifié. Le domaine a-t-il été vendu ou cédé ? Alors dites-le-nous, s’il vous plaît.',
        ]
      : [
          `Vous avez vérifié ${domain} pour ${account}, mais un autre compte l’a déjà.`,
          'Nous examinons la question et vous dirons ce qui a été décidé.',
        ],
  }),
  domain_dispute_resolved: ({ account, domain, owns }) => ({
    subject: `La question de ${domain} est tranchée`,
    lines: [
      owns
        ? `${domain} appartient à ${account}.`
        : `${domain} n’appartient pas à ${account}. Les personnes qui se connectaient avec My Company ID par ce domaine ne le peuvent plus.`,
    ],
  }),
  domain_stale: ({ account, domain, recordName, recordValue, days }) => ({
    subject: `La preuve de ${domain} est introuvable`,
    lines: [
      `L’enregistrement qui prouve ${domain} pour ${account} est introuvable depuis trois jours. Les nouvelles personnes de ce domaine ne peuvent pas entrer avec My Company ID ; celles qui étaient déjà là le peuvent toujours.`,
      `Veuillez remettre cet enregistrement TXT dans le DNS. Sinon, ${account} perdra le domaine dans ${days} jours.`,
      recordName,
      recordValue,
    ],
  }),
  domain_released: ({ account, domain }) => ({
    subject: `${account} a perdu ${domain}`,
    lines: [
      `L’enregistrement qui prouve ${domain} manque depuis plus d’un mois. Le domaine n’appartient plus à ${account}, et personne ne peut se connecter avec My Company ID par lui.`,
      'Vous pouvez le revendiquer à nouveau à tout moment.',
    ],
  }),
  help: ({ url, email }) => `Des questions ? ${[url, email].filter(Boolean).join(' · ')}`,
};
