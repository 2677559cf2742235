import { chooseLocale, type Locale } from '../../kernel/locale.ts';
import type { DenialCode } from './decide.ts';
import { remedies, type Remedy, whoDoes } from './remedies.ts';
import { de } from './text/de.ts';
import type { DenialTexts } from './text/denial-texts.ts';
import { en } from './text/en.ts';
import { es } from './text/es.ts';
import { fr } from './text/fr.ts';
import { ja } from './text/ja.ts';

export type { Remedy } from './remedies.ts';

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
