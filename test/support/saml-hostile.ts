/** Documents that nobody sends in order to sign in: what they cost whoever reads them is their point. */

export interface Hostile {
  readonly name: string;
  readonly expected: string;
  readonly xml: string;
}

const head = '<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" ID="_a" Version="2.0">';
const response = (inside: string): string => `${head}${inside}</samlp:Response>`;

export function hostile(): Hostile[] {
  const dtd = (subset: string, inside = '&a;') => `<!DOCTYPE x [${subset}]>${response(inside)}`;
  const laughs = [
    '<!ENTITY a "ha">',
    ...Array.from(
      'bcdefghij',
      (name, at) => `<!ENTITY ${name} "${`&${'abcdefghij'[at] ?? ''};`.repeat(10)}">`,
    ),
  ];
  const attributes = (count: number) => Array.from({ length: count }, (_, at) => ` a${at}=""`).join('');
  return [
    { name: 'S36: a document type', expected: 'saml_doctype', xml: `<!DOCTYPE x>${response('')}` },
    {
      name: 'S36: an external entity',
      expected: 'saml_doctype',
      xml: dtd('<!ENTITY a SYSTEM "file:///etc/passwd">'),
    },
    {
      name: 'S36: a parameter entity',
      expected: 'saml_doctype',
      xml: dtd('<!ENTITY % a SYSTEM "http://127.0.0.1:1/">%a;', ''),
    },
    { name: 'S36: a billion laughs', expected: 'saml_doctype', xml: dtd(laughs.join(''), '&j;') },
    { name: 'S36: a processing instruction', expected: 'saml_pi', xml: response('<?x y?>') },
    {
      name: 'S36: a style sheet before the root',
      expected: 'saml_pi',
      xml: `<?xml-stylesheet href="http://127.0.0.1:1/"?>${response('')}`,
    },
    { name: 'S36: an entity that nobody knows', expected: 'saml_malformed', xml: response('&nbsp;') },
    {
      name: 'S36: another encoding',
      expected: 'saml_malformed',
      xml: `<?xml version="1.0" encoding="UTF-7"?>${response('')}`,
    },
    { name: 'S36: XML 1.1', expected: 'saml_malformed', xml: `<?xml version="1.1"?>${response('')}` },
    { name: 'S36: two roots', expected: 'saml_malformed', xml: response('') + response('') },
    { name: 'S36: no XML', expected: 'saml_malformed', xml: 'SAMLResponse' },
    { name: 'S36: nothing but an element of another name', expected: 'saml_malformed', xml: '<html/>' },
    {
      name: 'a response to a logout',
      expected: 'saml_malformed',
      xml: response('').replaceAll('Response', 'LogoutResponse'),
    },
    {
      name: 'S37: five megabytes of text',
      expected: 'saml_too_large',
      xml: response('x'.repeat(5 * 1024 * 1024)),
    },
    {
      name: 'S37: a hundred thousand elements',
      expected: 'saml_too_large',
      xml: response('<a/>'.repeat(100_000)),
    },
    {
      name: 'S37: ten thousand elements in 41 KB',
      expected: 'saml_too_large',
      xml: response('<a/>'.repeat(10_000)),
    },
    {
      name: 'S37: a thousand and one elements',
      expected: 'saml_too_large',
      xml: response('<a/>'.repeat(1001)),
    },
    {
      name: 'S37: a depth of twenty thousand',
      expected: 'saml_too_large',
      xml: response('<a>'.repeat(20_000) + '</a>'.repeat(20_000)),
    },
    {
      name: 'S37: a depth of four hundred',
      expected: 'saml_too_large',
      xml: response('<a>'.repeat(400) + '</a>'.repeat(400)),
    },
    {
      name: 'S37: ten thousand attributes on one element',
      expected: 'saml_too_large',
      xml: response(`<a${attributes(7000)}/>`),
    },
    {
      name: 'S37: a name of sixty kilobytes',
      expected: 'saml_malformed',
      xml: response(`<${'a'.repeat(60_000)}>`),
    },
    {
      name: 'S37: a tag that never ends',
      expected: 'saml_malformed',
      xml: `<samlp:Response a="${'x'.repeat(60_000)}`,
    },
    {
      name: 'S37: sixty kilobytes of predefined entities',
      expected: 'saml_malformed',
      xml: response('&amp;'.repeat(12_000)),
    },
    {
      name: 'S37: namespaces one within the other',
      expected: 'saml_malformed',
      xml: response(
        `${Array.from({ length: 40 }, (_, at) => `<a xmlns:n${at}="urn:${at}">`).join('')}${'</a>'.repeat(40)}`,
      ),
    },
  ];
}
