/** H02, H03, H04: a domain has one form, the same as in an address, and some names are nobody's to claim. */
import { domainToUnicode } from 'node:url';
import t from 'tap';
import { isFreeMail, parseDomainName } from '../../src/core/domains/name.ts';
import { namesAbove } from '../../src/kernel/domain-name.ts';
import { domainOf, parseEmail } from '../../src/kernel/email-address.ts';

/** Punycode of what IDNA would write in another way: the Kelvin sign, full width, what is not seen, upper case. */
const disguisedLabels = ['xn--nic-0k1a.com', 'xn--cme-n76s.com', 'xn--acme-w76a.com', 'xn--bcher-2pa.com'];

t.test('H02: what people type for a name becomes its one form', async (t) => {
  const spellings = {
    'acme.com': ['acme.com', 'ACME.com.', ' Acme.Com ', 'acme.com\n', '\u{feff}acme.com'],
    'mail.acme.co.uk': ['mail.acme.co.uk', 'Mail.Acme.CO.UK.'],
    'xn--bcher-kva.de': [
      'b\u{fc}cher.de',
      'B\u{dc}CHER.de',
      'bu\u{308}cher.de',
      'xn--bcher-kva.de',
      'XN--BCHER-KVA.DE.',
    ],
    'acme.github.io': ['acme.github.io'],
    'acme.test': ['acme.test'],
    'x--y.example': ['x--y.example'],
  };
  for (const [name, texts] of Object.entries(spellings))
    for (const text of texts) t.equal(parseDomainName(text), name, JSON.stringify(text));
});

t.test('H02: what only becomes a name when something else has a go at it is none', async (t) => {
  const traps = {
    'an escape': ['%61cme.com', 'acme%2ecom', 'acme.com%00', 'acme%E3%80%82com'],
    'a path, a port, a user, a query': [
      'acme.com/x',
      'acme.com\\x',
      'acme.com:25',
      'acme.com?x',
      'acme.com#x',
    ],
    'an address': ['ada@acme.com', '@acme.com', 'acme.com@evil.com', 'https://acme.com', '[acme.com]'],
    'full width': ['\u{ff41}\u{ff43}\u{ff4d}\u{ff45}.com', 'acme\u{ff0e}com', 'acme.\u{ff43}om'],
    'full stops of other scripts': ['acme\u{3002}com', 'b\u{fc}cher\u{3002}com', 'acme.com\u{3002}'],
    'what is not seen': [
      'ac\u{200b}me.com',
      'ac\u{ad}me.com',
      'acme\u{200d}.com',
      'ac\u{2060}me.com',
      'acme.\u{202e}com',
    ],
    'what lowers to ASCII': ['nic\u{212a}.com', 'bo\u{17f}s.com'],
    'blanks and controls': [
      'ac me.com',
      'acme .com',
      'ac\tme.com',
      'acme.com\0',
      'acme\u{a0}.com',
      'acme\n.com',
    ],
    'IP addresses': [
      '127.0.0.1',
      '0x7f.1',
      '0x7f000001',
      '2130706433',
      '127.1',
      '[::1]',
      '::1',
      '1.2.3.0x4',
      '1.2.3.4.',
    ],
    underscores: ['_dmarc.acme.com', 'ac_me.com'],
    'labels that are none': [
      'acme..com',
      '.acme.com',
      'acme.com..',
      '-acme.com',
      'acme-.com',
      'acme',
      'acme.',
      '.',
      '',
    ],
    'a top level that is none': ['acme.1', 'acme.c', 'acme.1com'],
    'A-labels that stand for nothing': ['xn--a.com', 'xn--acme.com', 'xn--.com'],
    'A-labels that stand for something else': [
      'xn--acme-.com',
      'xn--bcher-kva\u{3002}com',
      ...disguisedLabels,
    ],
    'what is too long': [
      `${'a'.repeat(64)}.com`,
      `${'a.'.repeat(125)}com`,
      'a'.repeat(1_000_000),
      '\u{308}'.repeat(1_000_000),
      'a.'.repeat(1_000_000),
    ],
    'no text': [undefined, null, 5, ['acme.com'], { toString: () => 'acme.com' }],
  };
  for (const [what, texts] of Object.entries(traps))
    for (const text of texts)
      t.equal(
        parseDomainName(text),
        undefined,
        `${what}: ${(JSON.stringify(text) as string | undefined)?.slice(0, 60)}`,
      );
});

t.test('a name that leaves no room for the label of its proof is refused', async (t) => {
  const ofLength = (length: number) =>
    `${'a'.repeat(63)}.${'b'.repeat(63)}.${'c'.repeat(63)}.${'d'.repeat(length - 196)}.com`;
  t.equal(parseDomainName(ofLength(233))?.length, 233);
  t.equal(parseDomainName(ofLength(234)), undefined);
});

t.test('H03: a name that looks like another is another', async (t) => {
  const cyrillic = parseDomainName('\u{430}cme.com');
  t.equal(cyrillic, 'xn--cme-5cd.com');
  t.not(cyrillic, parseDomainName('acme.com'));
  t.equal(parseDomainName('xn--cme-5cd.com'), cyrillic);
});

t.test('H04: what anybody can have a part of is nobody’s', async (t) => {
  const suffixes = [
    'com',
    'co.uk',
    'github.io',
    'GitHub.io.',
    'kobe.jp',
    'x.kobe.jp',
    'foo.ck',
    '\u{516c}\u{53f8}.cn',
    'xn--55qx5d.cn',
    'xn--p1ai',
    'test',
    'localhost',
  ];
  for (const suffix of suffixes) t.equal(parseDomainName(suffix), undefined, suffix);
  const isFree = (text: string) => {
    const name = parseDomainName(text);
    return name === undefined ? undefined : isFreeMail(name);
  };
  for (const name of [
    'gmail.com',
    'GMAIL.COM.',
    'outlook.com',
    'gmx.de',
    'web.de',
    'mail.gmail.com',
    'm\u{fc}ll.email',
    'example.com',
  ])
    t.equal(isFree(name), true, name);
  // pp.ua is in the list of providers, and a public suffix: who has a name below it has it for itself
  for (const name of [
    'acme.test',
    'globex.test',
    'acme.com',
    'notgmail.com',
    'gmail.com.acme.test',
    'acme.pp.ua',
  ])
    t.equal(isFree(name), false, name);
});

t.test('a name that both take is the same for a claim and for an address', async (t) => {
  let both = 0;
  const differ: string[] = [];
  for (const name of names()) {
    const claimed = parseDomainName(name);
    const email = parseEmail(`ada@${name}`);
    if (claimed === undefined || email === undefined) continue;
    both += 1;
    if (domainOf(email) !== claimed) differ.push(name);
  }
  t.same(differ, []);
  t.ok(both > 10_000, `${both} names`);
});

t.test('a claimed name is its own form, and an address of it can be written', async (t) => {
  for (const name of names()) {
    const claimed = parseDomainName(name);
    if (claimed === undefined) continue;
    if (
      parseDomainName(claimed) !== claimed ||
      domainOf(parseEmail(`a@${claimed}`) ?? ('' as never)) !== claimed
    )
      t.fail(JSON.stringify(name));
    if (parseDomainName(domainToUnicode(claimed)) !== claimed)
      t.fail(`back from Unicode: ${JSON.stringify(name)}`);
  }
});

t.test('the names above a name', async (t) => {
  t.same(namesAbove('a.b.acme.test'), ['a.b.acme.test', 'b.acme.test', 'acme.test']);
  t.same(namesAbove('test'), []);
});

/** Names from the parts that have made trouble, the same ones every time. */
function* names(): Generator<string> {
  for (let code = 0x21; code < 0x3000; code += 1) yield `a${String.fromCodePoint(code)}c.test`;
  const random = randomFrom(20_261_126);
  const letters = [
    'a',
    'K',
    'z',
    '0',
    '-',
    '.',
    '.',
    'xn--',
    'bcher-kva',
    'B\u{fc}cher',
    'u\u{308}',
    '\u{df}',
    '\u{3c2}',
    '\u{212a}',
    '\u{17f}',
    '\u{130}',
    '\u{131}',
    '\u{ff41}',
    '\u{3002}',
    '\u{ff0e}',
    '\u{200b}',
    '\u{200d}',
    '\u{ad}',
    '\u{430}',
    '\u{65e5}',
    '\u{5d0}',
    '\u{fb01}',
    '\u{1f600}',
    '%61',
    '/',
    '@',
    '_',
    ' ',
  ];
  const pick = (from: readonly string[]) => from[Math.floor(random() * from.length)] ?? '';
  for (let made = 0; made < 60_000; made += 1) {
    const text = Array.from({ length: 1 + Math.floor(random() * 5) }, () => pick(letters)).join('');
    yield `${text}${pick(['.test', '.com', '.TEST.', '.co.uk', '', '.\u{440}\u{444}'])}`;
  }
}

/** mulberry32: enough to mix letters. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
