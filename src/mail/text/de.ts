import { foreignName, type MailTexts } from './mail-texts.ts';

export const de: MailTexts = {
  seat_requested: ({ person, personEmail, product, account, days }) => ({
    subject: `${person} bittet um einen Platz für ${product}`,
    lines: [
      `${person} (${personEmail}) möchte ${product} nutzen und hat noch keinen Platz dafür.`,
      `Sie erhalten diese E-Mail, weil Sie ${account} verwalten.`,
    ],
    button: 'Zuweisen oder ablehnen',
    after: [
      `Der Link gilt ${days} Tage lang. Er gehört nur Ihnen: Wer ihn hat, entscheidet in Ihrem Namen. Leiten Sie diese E-Mail deshalb nicht weiter.`,
    ],
  }),
  seat_granted: ({ product, account, from }) => ({
    subject: `Sie haben einen Platz für ${product}`,
    lines: [
      `Sie haben um einen Platz für ${product} gebeten, und ${account} hat Ihnen einen zugewiesen.`,
      from === null ? 'Sie können sich jetzt anmelden.' : `Er beginnt am ${from}.`,
    ],
    button: `Weiter zu ${product}`,
  }),
  seat_refused: ({ product, account }) => ({
    subject: `Vorerst kein Platz für ${product}`,
    lines: [
      `Sie haben um einen Platz für ${product} gebeten. ${account} hat entschieden, Ihnen keinen zuzuweisen.`,
      'Wenn Sie ihn dennoch brauchen, sprechen Sie mit der Verwaltung Ihres Kontos.',
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
  certificate_expiring: ({ account, connection, whose, days, date }) => ({
    subject: `${account}: Ein Zertifikat von My Company ID endet in ${days === 1 ? 'einem Tag' : `${days} Tagen`}`,
    lines: [
      whose === 'idp'
        ? `Das Zertifikat, mit dem Ihr Identitätsanbieter für die Verbindung „${connection}“ signiert, endet am ${date}. Erneuern Sie es dort und sehen Sie nach, ob die neuen Metadaten bei uns angekommen sind.`
        : `Das Zertifikat, mit dem wir für die Verbindung „${connection}“ gegenüber Ihrem Identitätsanbieter signieren, endet am ${date}. Es muss ersetzt werden, und Ihr Identitätsanbieter braucht das neue.`,
      'Nach diesem Tag ist die Anmeldung womöglich nicht mehr möglich.',
    ],
  }),
  sign_in_address_changed: ({ account, connection, host }) => ({
    subject: `${account}: My Company ID führt jetzt zu einer anderen Adresse`,
    lines: [
      `Die Metadaten der Verbindung „${connection}“ nennen eine andere Adresse. Wer sich anmeldet, wird jetzt zu ${host} geschickt.`,
      'Sie haben das nicht geändert? Dann lassen Sie es von den Betreibern Ihres Identitätsanbieters prüfen.',
    ],
  }),
  break_glass_used: ({ person, account }) => ({
    subject: `${person} hat sich bei ${account} ohne My Company ID angemeldet`,
    lines: [
      `${person} hat sich eben mit einem Passwort angemeldet, obwohl ${account} My Company ID verlangt. Dafür sind die Notfall-Administratoren da.`,
      'Wenn Sie den Grund nicht kennen, fragen Sie nach und sehen Sie ins Protokoll.',
    ],
  }),
  identity_linked: ({ account }) => ({
    subject: 'Sie können sich jetzt mit My Company ID anmelden',
    lines: [
      `Sie haben sich eben zum ersten Mal mit der My Company ID von ${account} angemeldet. Sie gehört von nun an zu Ihnen, und überall sonst wurden Sie abgemeldet.`,
      'Sie waren das nicht? Dann sagen Sie sofort Ihrem Administrator Bescheid.',
    ],
  }),
  link_code: ({ provider, external, minutes }) => ({
    subject: `Ihr Code, um mit ${provider} fortzufahren`,
    lines: [
      `Jemand, hoffentlich Sie, möchte sich mit dem ${provider}-Konto „${foreignName(external)}“ anmelden und sagt, dass dieses Postfach ihm gehört.`,
    ],
    codeLabel: 'Um fortzufahren, geben Sie diesen Code in dem Fenster ein, in dem Sie begonnen haben:',
    after: [
      `Der Code gilt ${minutes} Minuten. Geben Sie ihn nirgends sonst ein und sagen Sie ihn niemandem: Wer ihn hat, verbindet sein ${provider}-Konto mit Ihnen.`,
      'Sie waren das nicht? Dann brauchen Sie nichts zu tun: Ohne den Code wird nichts verbunden.',
    ],
  }),
  social_identity_linked: ({ provider, external }) => ({
    subject: `Sie können sich jetzt mit ${provider} anmelden`,
    lines: [
      `Das ${provider}-Konto „${foreignName(external)}“ wurde eben mit Ihnen verbunden. Von nun an können Sie sich damit anmelden.`,
      'Sie waren das nicht? Dann legen Sie ein neues Passwort fest und sagen Sie sofort Ihrem Administrator Bescheid: Es lässt sich wieder trennen.',
    ],
  }),
  social_identity_unlinked: ({ provider, external, days }) => ({
    subject: `Sie melden sich nicht mehr mit ${provider} an`,
    lines: [
      `Das ${provider}-Konto „${foreignName(external)}“ wurde eben von Ihnen getrennt. Niemand kann sich mehr damit anmelden.`,
      `Sie waren das nicht? Dann sagen Sie sofort Ihrem Administrator Bescheid: ${days} Tage lang lässt es sich rückgängig machen.`,
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
  domain_disputed: ({ account, domain, owns }) => ({
    subject: `Zwei Konten beanspruchen ${domain}`,
    lines: owns
      ? [
          `Ein anderes Konto hat nachgewiesen, dass ihm ${domain} gehört. Hier gehört die Domain zu ${account}.`,
          'Für Sie ändert sich nichts, bis wir das geprüft haben. Wurde die Domain verkauft oder weitergegeben? Dann sagen Sie es uns bitte.',
        ]
      : [
          `Sie haben ${domain} für ${account} nachgewiesen, aber ein anderes Konto hat die Domain schon.`,
          'Wir prüfen das und sagen Ihnen, wie entschieden wurde.',
        ],
  }),
  domain_dispute_resolved: ({ account, domain, owns }) => ({
    subject: `Es ist entschieden, wem ${domain} gehört`,
    lines: [
      owns
        ? `${domain} gehört zu ${account}.`
        : `${domain} gehört nicht zu ${account}. Wer sich mit dieser Domain über „My Company ID“ angemeldet hat, kann das nicht mehr tun.`,
    ],
  }),
  domain_stale: ({ account, domain, recordName, recordValue, days }) => ({
    subject: `Der Nachweis für ${domain} fehlt`,
    lines: [
      `Der Eintrag, der ${domain} für ${account} nachweist, wurde seit drei Tagen nicht gefunden. Neue Personen mit dieser Domain können sich nicht mit „My Company ID“ anmelden; wer schon hier war, kann es weiterhin.`,
      `Bitte tragen Sie diesen TXT-Eintrag wieder ins DNS ein. Sonst verliert ${account} die Domain in ${days} Tagen.`,
      recordName,
      recordValue,
    ],
  }),
  domain_released: ({ account, domain }) => ({
    subject: `${account} hat ${domain} verloren`,
    lines: [
      `Der Eintrag, der ${domain} nachweist, fehlt seit über einem Monat. Die Domain gehört nicht mehr zu ${account}, und niemand kann sich mit ihr über „My Company ID“ anmelden.`,
      'Sie können sie jederzeit wieder beanspruchen.',
    ],
  }),
  help: ({ url, email }) => `Fragen? ${[url, email].filter(Boolean).join(' · ')}`,
};
