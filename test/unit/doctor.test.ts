/** What the login doctor makes of what it finds: the order of the ways, and what becomes of each check. */
import t from 'tap';
import type { AccessFacts } from '../../src/core/access/access.ts';
import type { Client } from '../../src/core/clients/clients.ts';
import type { Connection } from '../../src/core/connections/connections.ts';
import { checksOf } from '../../src/core/doctor/checks.ts';
import type { Company } from '../../src/core/doctor/companies.ts';
import { checkNames } from '../../src/core/doctor/diagnosis.ts';
import type { Findings, Person } from '../../src/core/doctor/findings.ts';
import { bestOf, walkAll } from '../../src/core/doctor/ways.ts';
import type { EmailAddress } from '../../src/kernel/email-address.ts';
import { day } from '../../src/kernel/time.ts';
import { namedCertificate, publishedWith } from '../support/make-connection.ts';
import { account, after, before, facts, now } from '../support/worlds.ts';

const email = 'ada@example.test' as EmailAddress;
const open = account('open');

const client = {
  clientId: 'assist-web',
  name: 'Assist',
  product: { slug: 'assist', name: 'Assist', resource: null },
  requiredRole: null,
  firstParty: true,
  grantTypes: ['authorization_code'],
  redirectUris: ['https://assist.test/callback'],
  scopes: [],
  resources: [],
  signUpUri: null,
} as Partial<Client> as Client;

const ada = (but: Partial<Person> = {}): Person => ({
  user: { id: 'usr_ada', state: 'active', emailVerifiedAt: now },
  hasPassword: true,
  providers: [],
  links: [],
  breaksGlass: false,
  facts: facts({ accounts: [open] }),
  ...but,
});

const found = (but: Partial<Findings> = {}): Findings => ({
  email,
  now,
  within: undefined,
  account: undefined,
  client,
  unknownScopes: [],
  home: { connections: [], requiredBy: undefined, account: undefined },
  companies: { owner: undefined, claim: undefined, standings: [], ways: [] },
  person: ada(),
  throttle: { wrong: 0 },
  providersOn: ['google'],
  ...but,
});

const connection = {
  id: 'con_open',
  accountId: open.id,
  label: 'Company',
  kind: 'saml',
  state: 'enabled',
  settings: { kind: 'saml', refuseExpiredCertificates: true },
  published: publishedWith(namedCertificate('a', { notAfter: after(90 * day).toISOString() })),
  mapping: { groups: null },
  pilotEmails: [],
  refreshError: null,
} as unknown as Connection;

const company = (of: AccessFacts, but: Partial<Connection> = {}): Company => ({
  connection: { ...connection, ...but } as Connection,
  foreseen: { does: 'link', facts: of },
});

const required = { connections: [], requiredBy: { accountId: open.id, account: 'Open' }, account: 'Open' };
const withCompany = (one: Company) => ({ owner: undefined, claim: undefined, standings: [], ways: [one] });

function examine(but: Partial<Findings>) {
  const findings = found(but);
  const ways = walkAll(findings);
  const best = bestOf(ways);
  const checks = checksOf({ findings, ways, best });
  const failed = checks.filter(({ status }) => status === 'failed').map(({ name }) => name);
  const warned = checks.filter(({ status }) => status === 'warning').map(({ name }) => name);
  return { verdict: best.verdict, ways: ways.map(({ verdict }) => verdict), checks, failed, warned };
}

t.test('every check is there, in the order of a sign-in, whatever was found', async (t) => {
  for (const but of [{}, { person: undefined }, { client: undefined, person: ada({ facts: undefined }) }])
    t.strictSame(
      examine(but).checks.map(({ name }) => name),
      checkNames,
    );
});

t.test('the way that leads furthest is the verdict; of two that end alike the usual one', async (t) => {
  const closed = facts({ accounts: [account('closed', { status: 'closed' })] });
  const kindsOf = (but: Partial<Findings>) => examine(but).ways.map(({ way }) => way.kind);
  const both = { companies: withCompany(company(facts({ accounts: [open] }))) };
  t.strictSame(kindsOf(both), ['password', 'company']);
  t.strictSame(kindsOf({ ...both, person: ada({ hasPassword: false }) }), ['company', 'password']);
  t.strictSame(kindsOf({ ...both, home: required }), ['company', 'password']);
  t.strictSame(kindsOf({ ...both, home: required, person: ada({ breaksGlass: true }) }), [
    'password',
    'company',
  ]);
  t.match(examine({ companies: withCompany(company(closed)) }).verdict, { way: { kind: 'password' } });
  t.match(examine({ ...both, person: ada({ facts: closed }) }).verdict, {
    outcome: 'allowed',
    way: { kind: 'company' },
  });
});

t.test(
  'what keeps nobody out is a warning, and the same thing fails where nothing else leads in',
  async (t) => {
    const throttle = { wrong: 7, retryAfter: 20 };
    t.match(examine({ throttle }), { failed: ['throttle', 'decision'], warned: [] });
    const both = { throttle, companies: withCompany(company(facts({ accounts: [open] }))) };
    t.match(examine(both), { verdict: { outcome: 'allowed' }, failed: [], warned: ['throttle'] });
  },
);

t.test('somebody switched off is examined further: what else is wrong is said at once', async (t) => {
  const person = ada({
    user: { id: 'usr_ada', state: 'deactivated', emailVerifiedAt: now },
    facts: facts({ accounts: [account('bare', { seats: [] })], user: { state: 'deactivated' } }),
  });
  const told = examine({ person });
  t.match(told, { verdict: { code: 'user_deactivated' }, failed: ['user', 'seat', 'decision'] });
});

t.test(
  'certificates that have all expired let nobody in where they are refused, and else warn',
  async (t) => {
    const person = ada({ hasPassword: false });
    const expired = publishedWith(namedCertificate('a', { notAfter: before(1).toISOString() }));
    const of = (but: Partial<Connection>) =>
      examine({ person, companies: withCompany(company(facts({ accounts: [open] }), but)) });
    t.match(of({ published: expired }).verdict, { code: 'saml_certificate_expired' });
    const lenient = { ...connection.settings, refuseExpiredCertificates: false };
    const told = of({ published: expired, settings: lenient } as Partial<Connection>);
    t.match(told.verdict, { outcome: 'allowed' });
  },
);

t.test('the company of another account is no proof towards the one that is asked for', async (t) => {
  const elsewhere = company(facts({ accounts: [open] }), { accountId: 'acc_elsewhere' });
  const told = examine({ person: ada({ hasPassword: false }), companies: withCompany(elsewhere) });
  t.match(told.ways[0], { outcome: 'cannot_prove', code: 'another_proof_needed' });
});

t.test('roles by groups are the identity provider’s to say', async (t) => {
  const mapping = { ...connection.mapping, groups: 'groups' };
  const grouped = company(facts({ accounts: [open] }), { mapping });
  const told = examine({ person: ada({ hasPassword: false }), companies: withCompany(grouped) });
  t.match(told.verdict, { outcome: 'allowed', dependsOnGroups: true });
});

t.test('a social identity is a way where its provider is on', async (t) => {
  const person = ada({ hasPassword: false, providers: ['github', 'google'] });
  t.match(examine({ person }), {
    verdict: { outcome: 'allowed', way: { kind: 'social', provider: 'google' } },
    ways: [{ outcome: 'cannot_prove', code: 'social_sign_in_failed' }, { outcome: 'allowed' }, {}],
  });
  t.match(examine({ person, within: open.id }).ways, [
    { outcome: 'allowed', way: { kind: 'social', provider: undefined } },
    { way: { kind: 'password' } },
  ]);
});

t.test('scopes that nothing knows are told to an operator', async (t) => {
  t.match(examine({ unknownScopes: ['nonsense'] }), { failed: [], warned: ['client'] });
  t.match(examine({ unknownScopes: ['nonsense'], within: open.id }), { failed: [], warned: [] });
});
