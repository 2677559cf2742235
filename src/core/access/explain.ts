import { chooseLocale, type Locale } from '../../kernel/locale.ts';
import type { DenialCode } from './decide.ts';
import { de } from './text/de.ts';
import type { DenialTexts } from './text/denial-texts.ts';
import { en } from './text/en.ts';
import { es } from './text/es.ts';
import { fr } from './text/fr.ts';
import { ja } from './text/ja.ts';

/** What can be done about a denial, and by whom. `action` names the button where the person can do it alone. */
export interface Remedy {
  readonly action:
    | 'request_seat'
    | 'resend_activation'
    | 'contact_admin'
    | 'contact_billing'
    | 'contact_support'
    | 'sign_up';
  readonly who: 'self' | 'account_admin' | 'billing_contact' | 'support';
  readonly text: string;
  readonly href?: string;
}

export interface Explanation {
  readonly title: string;
  readonly text: string;
  readonly remedies: readonly Remedy[];
}

/** What the texts need to know of the client. */
interface DeniedClient {
  readonly product: { readonly name: string } | null;
  readonly signUpUri: string | null;
}

/** Who can do each of them. */
const whoDoes = {
  request_seat: 'self',
  resend_activation: 'self',
  contact_admin: 'account_admin',
  contact_billing: 'billing_contact',
  contact_support: 'support',
} as const satisfies Partial<Record<Remedy['action'], Remedy['who']>>;

/** What helps against each denial, whatever the language. */
const remedies = {
  user_deactivated: ['contact_admin'],
  user_not_activated: ['resend_activation', 'contact_admin'],
  no_account: ['contact_billing'],
  account_lapsed: ['contact_billing'],
  account_suspended: ['contact_support'],
  account_closed: ['contact_support'],
  product_not_subscribed: ['contact_admin'],
  no_seat: ['request_seat', 'contact_admin'],
  seat_not_yet: ['contact_admin'],
  seat_ended: ['contact_admin'],
  role_required: ['contact_admin'],
} as const satisfies Record<DenialCode, readonly (keyof typeof whoDoes)[]>;

type OneTextEach<Of extends readonly unknown[]> = { readonly [At in keyof Of]: string };

/** One text for each remedy of a denial: with more or fewer a catalogue does not compile. */
export type RemedyTexts<Code extends DenialCode> = OneTextEach<(typeof remedies)[Code]>;

const catalogues: Readonly<Record<Locale, DenialTexts>> = { en, de, es, fr, ja };

interface Denied {
  readonly client: DeniedClient;
  readonly account?: { readonly name: string } | undefined;
  /** English when there is none: what is said to clients always is. */
  readonly locale?: string;
}

/** The text and the remedies of a denial, for the person it was refused to. */
export function explainDenial(code: DenialCode, { client, account, locale }: Denied): Explanation {
  const { names, signUp, denials } = catalogues[chooseLocale(locale)];
  const known = {
    ...(account && { account: account.name }),
    ...(client.product && { product: client.product.name }),
  };
  const { title, text, remedies: texts } = denials[code](names(known));
  const explained = remedies[code].map((action, index): Remedy => ({
    action,
    who: whoDoes[action],
    text: texts[index] ?? '',
  }));
  if (code === 'no_account' && client.signUpUri) {
    explained.push({ action: 'sign_up', who: 'self', text: signUp, href: client.signUpUri });
  }
  return { title, text, remedies: explained };
}

/**
 * A denial for the client: stable code, a sentence, the case. English printable ASCII without quotes or backslashes,
 * because names out of the database go into it.
 *
 * @see RFC 6749 §4.1.2.1
 */
export function describeDenial(code: DenialCode, text: string, caseId: string): string {
  const ascii = text.normalize('NFD').replace(/[^ !#-[\]-~]/g, '');
  return `${code}: ${ascii.slice(0, 300)} (case ${caseId})`;
}
