import Negotiator from 'negotiator';

/** The languages there are texts in; English where a person asks for none of them. */
export const locales = ['en', 'de', 'es', 'fr', 'ja'] as const;
export type Locale = (typeof locales)[number];

/** The first of these language tags (BCP 47) that there are texts in, region aside. */
export function chooseLocale(...tags: readonly (string | null | undefined)[]): Locale {
  for (const tag of tags) {
    const language = tag?.toLowerCase().split('-', 1)[0];
    const found = locales.find((locale) => locale === language);
    if (found) return found;
  }
  return 'en';
}

/** What a browser prefers of the languages there are (RFC 9110 §12.5.4). */
export function preferredLocale(acceptLanguage: string | undefined): Locale {
  const negotiator = new Negotiator({ headers: { 'accept-language': acceptLanguage?.slice(0, 500) } });
  return chooseLocale(...negotiator.languages([...locales]));
}
