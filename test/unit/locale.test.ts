import t from 'tap';
import { chooseLocale, preferredLocale } from '../../src/kernel/locale.ts';

t.test('the first language there are texts in is taken', async (t) => {
  t.equal(chooseLocale('pt-BR', 'de-AT', 'fr'), 'de');
  t.equal(chooseLocale('JA'), 'ja');
  t.equal(chooseLocale(undefined, null, 'es'), 'es');
});

t.test('English stands in for every other, and for what is no language', async (t) => {
  for (const tag of ['pt', '', '-', 'constructor', '__proto__', '../en', 'english']) {
    t.equal(chooseLocale(tag), 'en', tag);
  }
  t.equal(chooseLocale(), 'en');
});

t.test('a browser says what it prefers', async (t) => {
  const wanted: readonly [header: string | undefined, locale: string][] = [
    ['fr-CH, fr;q=0.9, en;q=0.8, de;q=0.7, *;q=0.5', 'fr'],
    ['pt-BR, es;q=0.5, de;q=0.7', 'de'],
    ['ja;q=0, en', 'en'],
    ['nothing we have', 'en'],
    [undefined, 'en'],
    [';;;,,,q=1', 'en'],
    ['de;q=nonsense', 'en'],
    [`${'x-'.repeat(50_000)},de`, 'en'],
  ];
  for (const [header, locale] of wanted)
    t.equal(preferredLocale(header), locale, String(header).slice(0, 40));
});
