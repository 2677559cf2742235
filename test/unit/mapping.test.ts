/** FD-11: what an identity provider asserts becomes what was configured, and never more: thousands of assertions. */
import t from 'tap';
import {
  defaultMapping,
  type ExternalIdentity,
  type Mapping,
  mapIdentity,
  rolesAndProducts,
} from '../../src/core/connections/connections.ts';
import { pick, type Random, seeded } from '../support/worlds.ts';

type Attributes = Readonly<Record<string, readonly string[]>>;

const external = (attributes: Attributes, subject = 'subject-1'): ExternalIdentity => ({
  issuer: 'https://idp.example.test',
  subject,
  attributes,
  amr: [],
});
const mapping = (but: Partial<Mapping> = {}): Mapping => ({ ...defaultMapping, ...but });
const map = (attributes: Attributes, but: Partial<Mapping> = {}) =>
  mapIdentity(mapping(but), external(attributes));

t.test('the first candidate with one value is taken', (t) => {
  t.equal(map({ mail: ['b@acme.test'], email: ['a@acme.test'] }).email, 'a@acme.test');
  t.equal(map({ mail: ['b@acme.test'], email: [] }).email, 'b@acme.test');
  t.equal(map({ mail: ['b@acme.test'], email: ['', '  '] }).email, 'b@acme.test');
  t.equal(map({ email: [' a@acme.test ', 'a@acme.test'] }).email, 'a@acme.test', 'twice the same is one');
  t.end();
});

t.test('of several values none is taken: whoever can add one must not be believed', (t) => {
  t.equal(map({ email: ['a@acme.test', 'ceo@acme.test'], mail: ['b@acme.test'] }).email, 'b@acme.test');
  t.equal(map({ name: ['Ada', 'Somebody Else'] }).name, undefined);
  t.end();
});

t.test('what is too long or cannot be stored is passed over, and never cut', (t) => {
  t.equal(map({ email: [`${'x'.repeat(250)}@a.test`], mail: ['b@acme.test'] }).email, 'b@acme.test');
  t.equal(map({ name: ['x'.repeat(200)] }).name?.length, 200);
  for (const name of ['x'.repeat(201), 'A\u0000da', 'A\u0007da', 'Ada\uD800']) {
    t.equal(map({ name: [name] }).name, undefined, JSON.stringify(name.slice(0, 10)));
  }
  t.end();
});

t.test('a name is made of its parts where there is no whole one', (t) => {
  t.equal(map({ given_name: ['Ada'], family_name: ['Lovelace'] }).name, 'Ada Lovelace');
  t.equal(map({ name: ['A. L.'], given_name: ['Ada'] }).name, 'A. L.');
  t.equal(map({ family_name: ['Lovelace'] }).name, 'Lovelace');
  t.equal(map({ given_name: ['x'.repeat(150)], family_name: ['y'.repeat(150)] }).name, undefined);
  t.notOk('name' in map({}), 'absent, and not empty');
  t.end();
});

t.test('the words for the subject stand for it, unless something of that name is asserted', (t) => {
  const of = (attributes: Attributes, email: string[]) =>
    mapIdentity(mapping({ email }), external(attributes, 'a@acme.test')).email;
  t.equal(of({}, ['name_id']), undefined, 'the subject of OpenID Connect is no address');
  t.equal(of({}, ['sub']), 'a@acme.test');
  t.equal(of({}, ['sub']), 'a@acme.test');
  t.equal(of({ name_id: ['b@acme.test'] }, ['name_id']), 'b@acme.test', 'where the subject is an attribute');
  t.equal(of({}, ['subject']), undefined);
  t.end();
});

t.test('names that objects are born with name nothing', (t) => {
  for (const name of ['__proto__', 'constructor', 'toString', 'hasOwnProperty']) {
    t.same(map({}, { email: [name], name: [name], groups: name }), { groups: [] }, name);
    t.strictSame(
      rolesAndProducts(mapping(), [name]),
      { role: 'agent', products: [], aboveCeiling: [] },
      name,
    );
  }
  const attributes = JSON.parse('{"__proto__":["ada@acme.test"]}') as Attributes;
  t.equal(
    map(attributes, { email: ['__proto__'] }).email,
    'ada@acme.test',
    'one that is asserted is a name like others',
  );
  t.end();
});

t.test('groups: those that were sent, none, or not known', (t) => {
  const of = (attributes: Attributes) => map(attributes, { groups: 'groups' }).groups;
  t.strictSame(of({ groups: ['a', 'b', 'a', ''] }), ['a', 'b']);
  t.strictSame(of({ groups: ['A ', ' a'] }), ['A ', ' a'], 'as they are: a blank makes another one');
  t.strictSame(of({}), [], 'whoever is in none sends none');
  t.equal(map({ groups: ['a'] }).groups, undefined, 'not asked for');
  const many = (count: number) => Array.from({ length: count }, (_one, at) => `group ${at}`);
  t.equal(of({ groups: many(500) })?.length, 500);
  t.equal(of({ groups: many(501) }), undefined, 'who knows whether all have come');
  t.strictSame(of({ groups: ['x'.repeat(1001), 'a'] }), ['a']);
  t.end();
});

t.test('Entra ID points to groups it has not sent: then nothing follows from them', (t) => {
  const of = (attributes: Attributes) => map(attributes, { groups: 'groups', roles: { staff: 'admin' } });
  const signs: Attributes[] = [
    { _claim_names: ['groups'] },
    { hasgroups: ['true'] },
    { 'groups.link': ['more'] },
    { 'http://schemas.microsoft.com/claims/groups.link': ['https://graph.example.test/'] },
  ];
  for (const sign of signs) {
    const { groups } = of(sign);
    const why = JSON.stringify(sign);
    t.equal(groups, undefined, why);
    t.equal(rolesAndProducts(mapping({ roles: { staff: 'admin' } }), groups).role, undefined, why);
  }
  t.strictSame(of({ _claim_names: ['address'] }).groups, [], 'a pointer to something else');
  t.strictSame(of({ hasgroups: ['true'], groups: ['staff'] }).groups, ['staff'], 'they were sent');
  t.end();
});

t.test('roles: the highest that is not above the ceiling; the rest is told', (t) => {
  const roles = { staff: 'agent', boss: 'admin' } as const;
  const of = (groups: string[] | undefined, but: Partial<Mapping> = {}) =>
    rolesAndProducts(mapping({ roles, ...but }), groups);
  const admin = { roleCeiling: 'admin' } as const;
  t.match(of(['staff', 'boss'], admin), { role: 'admin', aboveCeiling: [] });
  t.match(of(['staff', 'boss']), { role: 'agent', aboveCeiling: ['boss'] });
  t.match(of(['boss']), { role: 'agent', aboveCeiling: ['boss'] });
  t.match(of(['unmapped'], admin), { role: 'agent' });
  t.match(of([], admin), { role: 'agent' });
  t.equal(of(undefined, admin).role, undefined);
  for (const group of ['Boss', 'boss ', 'bos', '.*', 'boss\n'])
    t.match(of([group], admin), { role: 'agent' }, `${JSON.stringify(group)} is another group`);
  t.end();
});

t.test('a table that names a role there is not gives none', (t) => {
  const roles = { root: 'operator', proto: 'constructor' } as unknown as Mapping['roles'];
  t.strictSame(rolesAndProducts(mapping({ roles, roleCeiling: 'admin' }), ['root', 'proto']), {
    role: 'agent',
    products: [],
    aboveCeiling: [],
  });
  t.end();
});

t.test('products: those of the groups besides those that everybody gets, each once', (t) => {
  const products = { staff: ['prd_a', 'prd_b'], sales: ['prd_b', 'prd_c'] } as const;
  const table = mapping({ products, everybodysProducts: ['prd_a'] });
  t.strictSame(rolesAndProducts(table, ['staff', 'sales', 'x']).products, ['prd_a', 'prd_b', 'prd_c']);
  t.strictSame(rolesAndProducts(table, undefined).products, ['prd_a']);
  t.end();
});

const names = ['email', 'mail', 'name', 'groups', '__proto__', 'constructor', 'role', 'hasgroups'] as const;
const values = [
  '',
  ' ',
  'a@acme.test',
  'admin',
  'operator',
  'staff',
  'boss',
  '__proto__',
  '\u0000',
  'x'.repeat(2000),
] as const;

function randomAttributes(random: Random): Attributes {
  const count = Math.floor(random() * 6);
  const entries = Array.from({ length: count }, () => {
    const of = Array.from({ length: Math.floor(random() * 4) }, () => pick(random, values));
    return [pick(random, names), of] as const;
  });
  return Object.fromEntries(entries);
}

t.test(
  'whatever is asserted: no value but an asserted one, no role above the ceiling, nothing of nowhere',
  (t) => {
    const random = seeded(20_261_126);
    const seen = new Set<string>();
    for (let round = 0; round < 5000; round += 1) {
      const attributes = randomAttributes(random);
      const roleCeiling = pick(random, ['agent', 'admin']);
      const table = mapping({
        groups: pick(random, [null, 'groups', '__proto__']),
        roles: { staff: 'agent', boss: 'admin', ['__proto__' as string]: 'admin' },
        roleCeiling,
        products: { staff: ['prd_staff'] },
      });
      const mapped = mapIdentity(table, external(attributes));
      const follows = rolesAndProducts(table, mapped.groups);
      const asserted = new Set(Object.values(attributes).flat());
      asserted.add('subject-1');
      for (const value of [mapped.email, mapped.name, ...(mapped.groups ?? [])])
        if (value !== undefined && !asserted.has(value)) return t.fail(`${value} was not asserted`);
      if (roleCeiling === 'agent' && follows.role === 'admin') return t.fail('above the ceiling');
      if (
        follows.role === 'admin' &&
        !mapped.groups?.some((group) => group === 'boss' || group === '__proto__')
      )
        return t.fail('admin out of nothing');
      if (follows.products.length > 0 && !mapped.groups?.includes('staff'))
        return t.fail('a product out of nothing');
      if ((follows.role === undefined) !== (mapped.groups === undefined))
        return t.fail('a role out of the unknown');
      seen.add(
        `${follows.role ?? 'none'} ${follows.aboveCeiling.length > 0 ? 'above' : ''} ${mapped.email ?? ''}`,
      );
    }
    t.ok(seen.size > 8, 'the worlds differ');
    t.equal(({} as Record<string, unknown>)['admin'], undefined, 'no prototype was touched');
    return t.end();
  },
);
