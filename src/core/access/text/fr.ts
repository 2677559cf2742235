import type { DenialTexts } from './denial-texts.ts';

const support = 'Contactez l’assistance en indiquant le numéro de dossier.';

export const fr: DenialTexts = {
  names: ({ account, product = 'cette application' }) => ({
    account: account === undefined ? 'de votre entreprise' : `«\u00a0${account}\u00a0»`,
    product,
  }),
  signUp: 'Ou inscrivez-vous.',
  denials: {
    user_deactivated: () => ({
      title: 'Votre accès est désactivé',
      text: 'Votre accès a été désactivé par un administrateur.',
      remedies: ['Demandez à un administrateur de votre compte de le réactiver.'],
    }),
    user_not_activated: () => ({
      title: 'Votre accès n’est pas encore activé',
      text: 'Vous avez reçu une invitation, mais vous n’avez pas encore activé votre accès.',
      remedies: [
        'Cherchez l’invitation dans vos e-mails, ou faites-la renvoyer.',
        'Ou demandez à votre administrateur de vous inviter à nouveau.',
      ],
    }),
    no_account: ({ product }) => ({
      title: 'Vous n’avez pas de compte ici',
      text: `Vous n’appartenez à aucun compte pouvant utiliser ${product}.`,
      remedies: [
        'Demandez à votre responsable de facturation ou à un administrateur de vous ajouter au compte de votre entreprise.',
      ],
    }),
    account_lapsed: ({ account }) => ({
      title: 'Le compte a expiré',
      text: `L’abonnement du compte ${account} a expiré.`,
      remedies: ['Demandez à votre responsable de facturation de le renouveler.'],
    }),
    account_suspended: ({ account }) => ({
      title: 'Le compte est suspendu',
      text: `Le compte ${account} a été suspendu.`,
      remedies: [support],
    }),
    account_closed: ({ account }) => ({
      title: 'Le compte est fermé',
      text: `Le compte ${account} a été fermé.`,
      remedies: [support],
    }),
    product_not_subscribed: ({ account, product }) => ({
      title: `Votre abonnement ne comprend pas ${product}`,
      text: `Le compte ${account} n’a pas d’abonnement à ${product}.`,
      remedies: ['Parlez-en à un administrateur de votre compte.'],
    }),
    no_seat: ({ account, product }) => ({
      title: `Vous n’avez pas de place pour ${product}`,
      text: `Le compte ${account} utilise ${product}, mais aucune place ne vous est attribuée.`,
      remedies: [
        'Demandez une place\u00a0: les administrateurs de votre compte recevront un e-mail.',
        'Ou adressez-vous vous-même à un administrateur ou à votre responsable de facturation.',
      ],
    }),
    seat_not_yet: ({ product }) => ({
      title: 'Votre place n’est pas encore valable',
      text: `Votre place pour ${product} commence plus tard.`,
      remedies: ['Adressez-vous à un administrateur de votre compte si vous en avez besoin plus tôt.'],
    }),
    seat_ended: ({ product }) => ({
      title: 'Votre place a pris fin',
      text: `Votre place pour ${product} a pris fin.`,
      remedies: ['Demandez à un administrateur de votre compte de vous l’attribuer à nouveau.'],
    }),
    sso_required: ({ account }) => ({
      title: 'Connectez-vous avec My Company ID',
      text: `Le compte ${account} exige la connexion avec My Company ID.`,
      remedies: ['Connectez-vous avec My Company ID.'],
    }),
    role_required: ({ account }) => ({
      title: 'Réservé aux administrateurs',
      text: `Seul un administrateur du compte ${account} peut utiliser ceci.`,
      remedies: ['Demandez à un administrateur de votre compte de le faire, ou de vous donner ce rôle.'],
    }),
  },
};
