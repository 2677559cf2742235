import { chooseLocale, type Locale } from '../../kernel/locale.ts';
import { de } from './de.ts';
import { en, type Texts } from './en.ts';
import { es } from './es.ts';
import { fr } from './fr.ts';
import { ja } from './ja.ts';

const catalogues: Readonly<Record<Locale, Texts>> = { en, de, es, fr, ja };

/** The catalogue of a language; English where there is none. */
export function texts(locale: string): Texts {
  return catalogues[chooseLocale(locale)];
}

/** What a page says of a failure; of the protocol's own errors only that something is not right. */
export function failureTitle(code: string, t: Texts): string {
  return new Map(Object.entries(t.failures)).get(code) ?? t.problem;
}
