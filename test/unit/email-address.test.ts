/** AU-12: one address has one form, and nothing that is only similar to it becomes it. */
import t, { type Test } from 'tap';
import { domainOf, parseEmail } from '../../src/kernel/email-address.ts';

/** Every character but the halves of pairs, from the first that is not ASCII. */
function* beyondAscii(): Generator<string> {
  for (let code = 0x80; code < 0x20000; code += 1) {
    if (code < 0xd800 || code > 0xdfff) yield String.fromCodePoint(code);
  }
}

t.test('letters that are ASCII are lowered, and blanks around fall away', async (t) => {
  for (const text of [
    'ada@acme.test',
    'ADA@ACME.TEST',
    'Ada@Acme.Test',
    ' ada@acme.test\t',
    'ada@acme.test\n',
  ])
    t.equal(parseEmail(text), 'ada@acme.test', JSON.stringify(text));
});

t.test('what every mail system reads alike is kept as it is', async (t) => {
  const locals = [
    'a',
    '0',
    'ada.lovelace',
    'ada+tag',
    "o'brien",
    'a_b-c',
    '-',
    '!#$%&*/=?^`{|}~',
    'a'.repeat(64),
  ];
  const domains = [
    'x.io',
    'a.b.c.d.test',
    '1and1.test',
    'x--y.test',
    `${'d'.repeat(63)}.test`,
    'acme.xn--p1ai',
  ];
  for (const local of locals) t.equal(parseEmail(`${local}@acme.test`), `${local}@acme.test`);
  for (const domain of domains) t.equal(parseEmail(`ada@${domain}`), `ada@${domain}`);
});

t.test('letters that some program takes for ASCII are none', async (t) => {
  const similar = {
    'U+212A, the Kelvin sign, that lowers to k': 'nic\u{212a}@nick.test',
    'U+0130, that lowers to i in some places': 'al\u{130}ce@alice.test',
    'U+0131, that is upper I in some places': 'al\u{131}ce@alice.test',
    'U+017F, that is upper S': 'bo\u{17f}s@boss.test',
    'full width': '\u{ff41}da@acme.test',
    'U+FB01, that NFKC makes two letters': '\u{fb01}nn@finn.test',
    'the Cyrillic a': '\u{430}da@acme.test',
    'a zero-width space': 'ad\u{200b}a@acme.test',
    'a soft hyphen': 'ad\u{ad}a@acme.test',
    'a combining accent': 'ada\u{301}@acme.test',
    'the letter with its accent': 'ad\u{e1}@acme.test',
    'a full-width @': 'ada\u{ff20}acme.test',
    'a small @': 'ada\u{fe6b}acme.test',
    'half a pair': 'ad\u{d83d}a@acme.test',
    'text that runs backwards': '\u{202e}ada@acme.test',
  };
  for (const [what, text] of Object.entries(similar)) t.equal(parseEmail(text), undefined, what);
});

t.test('no character beyond ASCII is let in before the @', async (t) => {
  const accepted = [...beyondAscii()].filter((letter) => parseEmail(`a${letter}b@acme.test`) !== undefined);
  t.strictSame(accepted, []);
});

t.test('in a domain each is refused, or is a label of its own and never ASCII', async (t) => {
  const forms = new Map<string, string>();
  const confused: string[] = [];
  for (const letter of beyondAscii()) {
    const given = `ada@a${letter}c.test`;
    const form = parseEmail(given);
    if (form === undefined) continue;
    const other = forms.get(form) ?? given.toLowerCase();
    if (!form.startsWith('ada@xn--') || other !== given.toLowerCase()) confused.push(letter);
    forms.set(form, given.toLowerCase());
  }
  t.strictSame(confused, []);
  t.ok(forms.size > 10_000);
});

t.test('letters of a domain that are ASCII in disguise are refused', async (t) => {
  const domains = {
    'the Kelvin sign': 'nic\u{212a}.test',
    'the long s': 'bo\u{17f}s.test',
    'full width': '\u{ff41}cme.test',
    'full width beside an umlaut': '\u{ff42}\u{fc}cher.test',
    'a ligature': '\u{fb01}nn.test',
    'a ligature beside an umlaut': '\u{fb01}\u{fc}.test',
    'a zero-width space': 'acme\u{200b}.test',
    'a zero-width space beside an umlaut': 'b\u{fc}\u{200b}cher.test',
    'a soft hyphen beside an umlaut': 'b\u{fc}\u{ad}cher.test',
    'a full stop of another script': 'acme\u{3002}test',
    'a full stop of another script behind an umlaut': 'b\u{fc}cher\u{3002}acme.test',
    'a disguise behind an A-label': 'xn--bcher-kva\u{3002}\u{ff41}cme.test',
    'a path behind an umlaut': 'b\u{fc}cher/acme.test',
    'a query behind an umlaut': 'b\u{fc}cher?acme.test',
    'a fragment behind an umlaut': 'b\u{fc}cher#acme.test',
    'a port behind an umlaut': 'b\u{fc}cher:25.test',
    'an escaped full stop': 'b\u{fc}cher%2eacme.test',
    'letters apart from their accents': 'bu\u{308}cher.test',
  };
  for (const [what, domain] of Object.entries(domains)) t.equal(parseEmail(`ada@${domain}`), undefined, what);
});

t.test('a domain in another script is kept as its A-label, in one form', async (t) => {
  const spellings = {
    'ada@xn--bcher-kva.test': [
      'b\u{fc}cher.test',
      'B\u{dc}CHER.TEST',
      'xn--bcher-kva.test',
      'XN--BCHER-KVA.test',
    ],
    'ada@xn--strae-oqa.test': ['stra\u{df}e.test'],
    'ada@xn--wgv71a.xn--p1ai': ['\u{65e5}\u{672c}.\u{440}\u{444}'],
    'ada@mail.xn--bcher-kva.test': ['Mail.b\u{fc}cher.Test'],
  };
  for (const [form, domains] of Object.entries(spellings)) {
    for (const domain of domains) t.equal(parseEmail(`ada@${domain}`), form, domain);
  }
  const cyrillic = parseEmail('ada@\u{430}cme.test');
  t.match(cyrillic, /^ada@xn--/);
  t.not(cyrillic, parseEmail('ada@acme.test'));
});

t.test('what two programs could read in two ways is no address', async (t) => {
  const locals = [
    '"a@b"',
    '"ada"',
    '"a b"',
    '"a\\"b"',
    'a(comment)',
    'a,b',
    'a;b',
    'a:b',
    '<a',
    'a\\b',
    'a b',
    '[a]',
  ];
  const dotted = ['.a', 'a.', 'a..b', '.'];
  for (const local of [...locals, ...dotted, '']) t.equal(parseEmail(`${local}@acme.test`), undefined, local);
  const domains = [
    'x',
    'x.',
    'acme.test.',
    '.acme.test',
    'acme..test',
    '-acme.test',
    'acme-.test',
    'acme.-test',
    '',
  ];
  const numbers = ['[127.0.0.1]', '127.0.0.1', '[::1]', '2130706433', '0x7f.1', 'acme.1', 'acme.t'];
  const others = ['acme_x.test', 'acme.test:25', 'acme.test/x', 'acme.test>', 'acme.test(x)', '%61cme.test'];
  for (const domain of [...domains, ...numbers, ...others])
    t.equal(parseEmail(`ada@${domain}`), undefined, domain);
  const whole = [
    'a@x.test,b@y.test',
    'a@x.test;b@y.test',
    'a@b@x.test',
    '@a@x.test',
    'ada',
    '@',
    'a@',
    '@x.test',
    '',
  ];
  const headers = ['ada@acme.test\r\nBcc: eve@evil.test', 'ada@acme.test%0d%0aBcc', 'Ada <ada@acme.test>'];
  for (const text of [...whole, ...headers]) t.equal(parseEmail(text), undefined, text);
});

t.test('no control character is let in anywhere', async (t) => {
  for (let code = 0; code <= 0x20; code += 1) refuses(t, String.fromCharCode(code));
  for (const letter of ['\u{7f}', '\u{85}', '\u{a0}', '\u{2028}', '\u{feff}']) refuses(t, letter);
});

function refuses(t: Test, letter: string): void {
  for (const text of [`a${letter}da@acme.test`, `ada@ac${letter}me.test`, `ada${letter}@acme.test`])
    t.equal(parseEmail(text), undefined, `U+${letter.charCodeAt(0).toString(16)}`);
}

t.test('what is too long is refused, as it came and as it would be kept', async (t) => {
  const label = 'd'.repeat(63);
  const domain = (length: number) => `${label}.${label}.${'d'.repeat(length - 133)}.test`;
  t.ok(parseEmail(`${'a'.repeat(64)}@${domain(189)}`), 'exactly 254');
  t.equal(parseEmail(`${'a'.repeat(64)}@${domain(190)}`), undefined);
  t.equal(parseEmail(`${'a'.repeat(65)}@acme.test`), undefined);
  t.equal(parseEmail(`ada@${'d'.repeat(64)}.test`), undefined);
  t.equal(parseEmail(`ada@${Array(20).fill('\u{fc}'.repeat(10)).join('.')}.test`), undefined, 'as A-labels');
  t.equal(parseEmail(`ada@${'\u{65e5}'.repeat(60)}.test`), undefined, 'a label that grows');
  for (const text of ['a', '@', '.', '\u{fc}', 'a@', ' '])
    t.equal(parseEmail(text.repeat(1_000_000)), undefined, `a million of ${text}`);
});

t.test('only text is an address', async (t) => {
  const address = 'ada@acme.test';
  const others = [undefined, null, 0, 1, true, {}, [], [address], [address, 'eve@evil.test'], { 0: address }];
  for (const other of [...others, new String(address), { toString: () => address }])
    t.equal(parseEmail(other), undefined);
});

t.test('the form is final, and has one domain', async (t) => {
  for (const text of ['Ada@Acme.Test', 'ada@B\u{dc}CHER.test', "O'Brien+x@Mail.Acme.test"]) {
    const form = parseEmail(text);
    t.ok(form);
    t.equal(parseEmail(form), form);
    t.equal(form && domainOf(form), form?.split('@')[1]);
  }
});
