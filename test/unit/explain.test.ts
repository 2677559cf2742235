/** What a person and a client are told of a denial. */
import t from 'tap';
import { denialCodes, describeDenial, explainDenial } from '../../src/core/access/access.ts';
import type { DenialCode, Remedy } from '../../src/core/access/access.ts';
import { newCaseId } from '../../src/kernel/ids.ts';
import { locales } from '../../src/kernel/locale.ts';

const client = { product: { name: 'Assist' }, signUpUri: null };
const account = { name: 'Acme Inc.' };

/** Who can help, in the order in which it is said: from the product's description of the decision. */
const remedies: Readonly<Record<DenialCode, readonly Remedy['action'][]>> = {
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
  sso_required: ['company_sign_in'],
  role_required: ['contact_admin'],
};
const helpers: Readonly<Record<Remedy['action'], Remedy['who']>> = {
  request_seat: 'self',
  company_sign_in: 'self',
  resend_activation: 'self',
  sign_up: 'self',
  contact_admin: 'account_admin',
  contact_billing: 'billing_contact',
  contact_support: 'support',
};

t.test('every reason has a title, a text, and somebody who can help, in every language', async (t) => {
  t.strictSame(Object.keys(remedies).sort(), [...denialCodes].sort());
  const [title, sentence] = [/^[^\p{Ll}\s].*[^.。\s]$/u, /^[^\p{Ll}\s].*[.。]$/u];
  for (const locale of locales) {
    const told = denialCodes.map((code) => explainDenial(code, { client, account, locale }));
    for (const [index, code] of denialCodes.entries()) {
      const explanation = told[index];
      t.match(explanation?.title, title, `${locale}: ${code}`);
      t.match(explanation?.text, sentence, `${locale}: ${code}`);
      t.strictSame(
        explanation?.remedies.map(({ action, who }) => ({ action, who })),
        remedies[code].map((action) => ({ action, who: helpers[action] })),
      );
      for (const { text } of explanation?.remedies ?? []) t.match(text, sentence, `${locale}: ${code}`);
    }
    t.equal(new Set(told.map(({ text }) => text)).size, told.length, `${locale}: each its own text`);
  }
});

t.test('the languages differ, and one there is not is English', async (t) => {
  for (const code of denialCodes) {
    const texts = locales.map((locale) => explainDenial(code, { client, account, locale }).text);
    t.equal(new Set(texts).size, locales.length, code);
    for (const locale of [undefined, 'en', 'en-GB', 'tlh', ''])
      t.equal(
        explainDenial(code, { client, account, ...(locale !== undefined && { locale }) }).text,
        texts[0],
      );
  }
});

t.test('names stand in the texts, and where there is none the sentence is whole all the same', async (t) => {
  const ofAccount = [
    'account_lapsed',
    'account_suspended',
    'account_closed',
    'no_seat',
    'role_required',
  ] as const;
  const ofProduct = [
    'product_not_subscribed',
    'no_seat',
    'seat_not_yet',
    'seat_ended',
    'no_account',
  ] as const;
  for (const locale of locales) {
    const textOf = (code: DenialCode) => explainDenial(code, { client, account, locale }).text;
    for (const code of ofAccount) t.ok(textOf(code).includes(account.name), `${locale}: ${code}`);
    for (const code of ofProduct) t.ok(textOf(code).includes('Assist'), `${locale}: ${code}`);
    for (const code of denialCodes) {
      const nameless = explainDenial(code, { client: { product: null, signUpUri: null }, locale });
      t.notMatch(JSON.stringify(nameless), /undefined|null|\[object|\s{2}|Acme|Assist/, `${locale}: ${code}`);
    }
  }
});

t.test('signing up is offered to who has no account, where the client has a page for it', async (t) => {
  const signUpUri = 'https://assist.example/sign-up';
  const remediesOf = (code: DenialCode, uri: string | null) =>
    explainDenial(code, { client: { ...client, signUpUri: uri }, account }).remedies;
  for (const code of denialCodes) {
    const added = remediesOf(code, signUpUri).slice(remediesOf(code, null).length);
    t.strictSame(
      added.map(({ action, who, href }) => ({ action, who, href })),
      code === 'no_account' ? [{ action: 'sign_up', who: 'self', href: signUpUri }] : [],
      code,
    );
  }
  t.equal(remediesOf('no_account', null).length, 1, 'and what was told once stays as it was');
});

const names = {
  plain: 'Acme Inc.',
  accents: 'Müller & Söhne Größe',
  'another script': '日本株式会社',
  quotes: '"Acme" \'Inc\'',
  backslashes: 'Acme \\" \\u0022 C:\\',
  'a new header': 'Acme\r\nSet-Cookie: a=b\r\n\r\n<script>',
  'control characters': 'Acme\0\t\x1b[31m\x7f\x85\u{2028}',
  'text that runs backwards': '\u{202e}emcA\u{2066}\u{200b}\u{feff}',
  emoji: '👩‍🚀 Acme',
  'half a pair': 'Acme \u{d83d}',
  'full-width quotes': '\u{ff02}Acme\u{ff3c}',
  'an accent that was apart': 'Acme\u{301}',
  long: '"x\\é'.repeat(5000),
  empty: '',
};

t.test('what the client is told is printable ASCII without quotes and backslashes (RFC 6749)', async (t) => {
  for (const code of denialCodes) {
    for (const [what, name] of Object.entries(names)) {
      const caseId = newCaseId();
      const denied = { client: { product: { name }, signUpUri: null }, account: { name } };
      const { text } = explainDenial(code, denied);
      const said = describeDenial(code, text, caseId);
      t.match(said, /^[\x20\x21\x23-\x5b\x5d-\x7e]+$/, `${code}, ${what}`);
      t.ok(said.startsWith(`${code}: `), `${code}, ${what}`);
      t.ok(said.endsWith(` (case ${caseId})`), `${code}, ${what}`);
      t.ok(said.length <= 400, `${code}, ${what}`);
      t.strictSame(new URLSearchParams({ said }).get('said'), said);
    }
  }
});

t.test('of every character of the first plane only those are kept', async (t) => {
  const all = Array.from({ length: 0x10000 }, (_, code) => String.fromCharCode(code));
  const kept = new Set<string>();
  for (const letter of all) {
    for (const left of describeDenial('no_seat', letter, 'C').slice('no_seat: '.length, -' (case C)'.length))
      kept.add(left);
  }
  const allowed = all.filter((letter) => /^[\x20\x21\x23-\x5b\x5d-\x7e]$/.test(letter));
  t.strictSame([...kept].sort(), allowed.sort());
});

t.test('a letter with an accent leaves its letter', async (t) => {
  t.equal(describeDenial('no_seat', 'Müller Société', 'C'), 'no_seat: Muller Societe (case C)');
});
