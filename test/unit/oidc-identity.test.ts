import t from 'tap';
import type { OidcSettings } from '../../src/core/connections/connections.ts';
import { attributesOf, identityOf, subjectOf } from '../../src/federation/oidc/identity.ts';

const settings: OidcSettings = {
  kind: 'oidc',
  issuer: 'https://idp.test',
  clientId: 'doorward',
  clientAuth: 'client_secret_post',
  idTokenAlgorithm: 'RS256',
  scopes: ['openid'],
  subject: ['sub'],
  tenants: [],
};

t.test('claims become attributes: texts, and what can be one', (t) => {
  const attributes = attributesOf({
    email: 'pat@acme.test',
    groups: ['a', 'b', 3, true, null, ['c'], { d: 1 }],
    none: [],
    age: 42,
    email_verified: false,
    nothing: null,
    address: { street: 'x' },
    empty: '',
    iss: 'x',
    nonce: 'x',
    at_hash: 'x',
    sub: 'person-1',
  });
  t.strictSame(attributes, {
    email: ['pat@acme.test'],
    groups: ['a', 'b', '3', 'true'],
    none: [],
    age: ['42'],
    email_verified: ['false'],
    sub: ['person-1'],
  });
  t.end();
});

t.test('FD-10: what could forge a line or cannot be kept is left out, never cut', (t) => {
  const long = 'x'.repeat(1001);
  const claims = JSON.parse(
    '{"__proto__":"polluted","constructor":"c","a\\nb":"x","name":"Pat\\r\\nBcc: x","nul":"a\\u0000b","half":"\\ud800"}',
  ) as Record<string, unknown>;
  const attributes = attributesOf({ ...claims, long, [long]: 'x', groups: ['fine', 'a\u0007b', long] });
  t.strictSame(Object.keys(attributes).sort(), ['__proto__', 'constructor', 'groups']);
  t.strictSame(
    Object.getOwnPropertyDescriptor(attributes, '__proto__')?.value,
    ['polluted'],
    'a name like any other',
  );
  t.equal(Object.getPrototypeOf(attributes), Object.prototype);
  t.strictSame(attributes['groups'], ['fine']);
  t.notOk(({} as Record<string, unknown>)['polluted']);
  t.end();
});

t.test('five hundred values at most; a claim with more of them is left out and said to be', (t) => {
  const many = (count: number) => Array.from({ length: count }, (_, at) => `group ${at}`);
  t.equal(attributesOf({ groups: many(500) })['groups']?.length, 500);
  t.strictSame(attributesOf({ groups: many(501) }), { 'groups.link': ['more'] });
  const attributes = attributesOf({ a: many(300), b: many(300), name: 'Pat' });
  t.strictSame(Object.keys(attributes), ['a', 'b.link', 'name']);
  const full = { all: many(500), groups: ['a'] };
  t.match(attributesOf(full), { 'groups.link': ['more'] }, 'where there is no room left, too');
  t.notOk('groups' in attributesOf(full));
  const claims = [...many(20_000), 'groups'].map((name) => [name, name === 'group 1' ? [] : ['a']] as const);
  const some = attributesOf(Object.fromEntries(claims));
  t.equal(Object.keys(some).length, 501);
  t.match(some, { hasgroups: ['true'] }, 'claims without end are told by one sign');
  t.end();
});

t.test('groups that Entra ID does not send are told by its sign for it', (t) => {
  t.strictSame(attributesOf({ _claim_names: { groups: 'src1' }, _claim_sources: { src1: {} } }), {
    _claim_names: ['groups'],
  });
  t.strictSame(attributesOf({ _claim_names: null, hasgroups: true }), {
    _claim_names: [],
    hasgroups: ['true'],
  });
  t.end();
});

t.test('a subject of several claims cannot be read in two ways', (t) => {
  const two = { ...settings, subject: ['a', 'b'] };
  t.equal(subjectOf(settings, { sub: 'person-1' }), 'person-1');
  const subjects = [
    { a: 'x', b: 'y' },
    { a: 'xy', b: '' },
    { a: 'x","y', b: 'z' },
    { a: 'x', b: 'y","z' },
    { a: 'x,y', b: 'z' },
    { a: 'x', b: 'y,z' },
  ].map((claims) => subjectOf(two, claims));
  t.equal(subjects[1], undefined, 'an empty part is none');
  t.equal(new Set(subjects).size, subjects.length);
  for (const claims of [
    {},
    { a: 'x' },
    { a: 'x', b: 1 },
    { a: 'x', b: ['y'] },
    { a: 'x', b: 'y'.repeat(300) },
  ])
    t.equal(subjectOf(two, claims), undefined, JSON.stringify(claims).slice(0, 40));
  t.equal(
    subjectOf({ ...settings, subject: ['toString'] }, {}),
    undefined,
    'what every object has is no claim',
  );
  t.end();
});

t.test('how it was proven is kept, as far as it can be', (t) => {
  const claims = { iss: 'https://idp.test', sub: 'person-1', auth_time: 1_700_000_000 };
  t.strictSame(
    identityOf(settings, { ...claims, amr: ['pwd', 'otp', 1, '', 'a\nb'], acr: 'urn:x', sid: 's1' }),
    {
      issuer: 'https://idp.test',
      subject: 'person-1',
      attributes: { sub: ['person-1'] },
      authenticatedAt: '2023-11-14T22:13:20.000Z',
      amr: ['pwd', 'otp'],
      acr: 'urn:x',
      sessionId: 's1',
    },
  );
  t.match(identityOf(settings, { ...claims, amr: 'pwd', acr: 1, sid: {} }), { amr: ['pwd'] });
  const many = Array.from({ length: 100 }, (_, at) => String(at));
  t.match(identityOf(settings, { ...claims, amr: many }), { amr: many.slice(0, 20) });
  t.match(identityOf(settings, { ...claims, iss: 'x'.repeat(1001) }), { refused: 'oidc_issuer' });
  t.end();
});
