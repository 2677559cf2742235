import { en, type Texts } from './en.ts';

const catalogues: Readonly<Record<string, Texts>> = { en };

/** The catalogue of a language; English where there is none. */
export function texts(locale: string): Texts {
  return catalogues[locale] ?? en;
}
