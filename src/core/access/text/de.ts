import type { DenialTexts } from './denial-texts.ts';

const support = 'Wenden Sie sich an den Support und nennen Sie die Fallnummer.';

export const de: DenialTexts = {
  names: ({ account, product = 'diese Anwendung' }) => ({
    account: account === undefined ? 'Ihrer Firma' : `„${account}“`,
    product,
  }),
  signUp: 'Oder registrieren Sie sich.',
  denials: {
    user_deactivated: () => ({
      title: 'Ihr Zugang ist abgeschaltet',
      text: 'Ihr Zugang wurde von der Verwaltung Ihres Kontos abgeschaltet.',
      remedies: ['Bitten Sie die Verwaltung Ihres Kontos, ihn wieder einzuschalten.'],
    }),
    user_not_activated: () => ({
      title: 'Ihr Zugang ist noch nicht aktiviert',
      text: 'Sie wurden eingeladen, haben Ihren Zugang aber noch nicht aktiviert.',
      remedies: [
        'Suchen Sie die Einladung in Ihren E-Mails, oder lassen Sie sie noch einmal senden.',
        'Oder bitten Sie die Verwaltung Ihres Kontos, Sie noch einmal einzuladen.',
      ],
    }),
    no_account: ({ product }) => ({
      title: 'Sie haben hier kein Konto',
      text: `Sie gehören zu keinem Konto, das ${product} nutzen könnte.`,
      remedies: [
        'Bitten Sie die Person, die bei Ihnen Verträge oder Konten verwaltet, Sie in das Konto Ihrer Firma aufzunehmen.',
      ],
    }),
    account_lapsed: ({ account }) => ({
      title: 'Das Konto ist abgelaufen',
      text: `Das Abonnement von ${account} ist abgelaufen.`,
      remedies: ['Bitten Sie die Person, die bei Ihnen den Vertrag verwaltet, es zu verlängern.'],
    }),
    account_suspended: ({ account }) => ({
      title: 'Das Konto ist gesperrt',
      text: `Das Konto ${account} wurde gesperrt.`,
      remedies: [support],
    }),
    account_closed: ({ account }) => ({
      title: 'Das Konto ist geschlossen',
      text: `Das Konto ${account} wurde geschlossen.`,
      remedies: [support],
    }),
    product_not_subscribed: ({ account, product }) => ({
      title: `${product} gehört nicht zu Ihrem Abonnement`,
      text: `Das Konto ${account} hat kein Abonnement für ${product}.`,
      remedies: ['Sprechen Sie die Verwaltung Ihres Kontos darauf an.'],
    }),
    no_seat: ({ account, product }) => ({
      title: `Sie haben keinen Platz für ${product}`,
      text: `Das Konto ${account} nutzt ${product}, aber Ihnen ist kein Platz zugewiesen.`,
      remedies: [
        'Bitten Sie um einen Platz: Die Verwaltung Ihres Kontos bekommt eine E-Mail.',
        'Oder sprechen Sie die Verwaltung Ihres Kontos selbst an.',
      ],
    }),
    seat_not_yet: ({ product }) => ({
      title: 'Ihr Platz gilt noch nicht',
      text: `Ihr Platz für ${product} beginnt erst später.`,
      remedies: ['Sprechen Sie die Verwaltung Ihres Kontos an, wenn Sie ihn früher brauchen.'],
    }),
    seat_ended: ({ product }) => ({
      title: 'Ihr Platz ist abgelaufen',
      text: `Ihr Platz für ${product} ist abgelaufen.`,
      remedies: ['Bitten Sie die Verwaltung Ihres Kontos, ihn wieder zuzuweisen.'],
    }),
    sso_required: ({ account }) => ({
      title: 'Melden Sie sich mit „My Company ID“ an',
      text: `Das Konto ${account} verlangt die Anmeldung mit „My Company ID“.`,
      remedies: ['Melden Sie sich mit „My Company ID“ an.'],
    }),
    role_required: ({ account }) => ({
      title: 'Das ist der Verwaltung vorbehalten',
      text: `Das darf nur, wer das Konto ${account} verwaltet.`,
      remedies: ['Bitten Sie die Verwaltung Ihres Kontos, es zu tun oder Ihnen die Rolle zu geben.'],
    }),
  },
};
