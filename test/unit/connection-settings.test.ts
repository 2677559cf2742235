/** CF-07, FD-11: what an admin may decide about a connection, and what is refused before it is stored. */
import { inspect } from 'node:util';
import t from 'tap';
import { parseMapping, parseSettings } from '../../src/core/connections/connections.ts';

const saml = { kind: 'saml', entityId: 'urn:example:idp' };
const oidc = { kind: 'oidc', issuer: 'https://idp.example.test/', clientId: 'doorward' };

t.test('settings are read from whatever was handed in', async (t) => {
  const rules = { production: true };
  t.strictSame(parseSettings(saml, rules), {
    kind: 'saml',
    entityId: 'urn:example:idp',
    metadataUrl: null,
    signaturePolicy: 'either',
    subject: { from: 'name_id' },
    idpInitiated: 'restart',
    idpInitiatedClients: [],
    encryption: false,
    refuseExpiredCertificates: false,
  });
  t.strictSame(parseSettings(oidc, rules), {
    ...oidc,
    clientAuth: 'client_secret_post',
    idTokenAlgorithm: 'RS256',
    scopes: ['openid', 'profile', 'email'],
    subject: ['sub'],
    tenants: [],
  });
  const local = { ...saml, metadataUrl: 'http://127.0.0.1:8080/metadata' };
  t.match(parseSettings(local, { production: false }), local);
  const entra = { ...oidc, issuer: 'https://login.microsoftonline.com/common/v2.0', tenants: ['t1'] };
  t.match(parseSettings(entra, rules), entra);
});

const wrongSettings: Readonly<Record<string, unknown[]>> = {
  kind: [undefined, null, 'saml', [], { ...saml, kind: 'ldap' }, { kind: ['saml'], entityId: 'x' }],
  entityId: [{ ...saml, entityId: 'x'.repeat(1001) }, { ...saml, entityId: 'a b' }, { kind: 'saml' }],
  metadataUrl: [
    'http://idp.example.test/',
    'https://user:pass@idp.example.test/',
    'https://idp.example.test:8443/',
    'https://idp.example.test/#x',
    'javascript:alert(1)',
    'file:///etc/passwd',
    'idp.example.test',
    `https://idp.example.test/${'x'.repeat(1000)}`,
    17,
  ].map((metadataUrl) => ({ ...saml, metadataUrl })),
  signaturePolicy: [{ ...saml, signaturePolicy: 'none' }],
  subject: [
    { ...saml, subject: { from: 'email' } },
    { ...saml, subject: { from: 'attribute' } },
    { ...saml, subject: 'name_id' },
    { ...oidc, subject: [] },
    { ...oidc, subject: ['sub', 'sub'] },
  ],
  idpInitiatedClients: [{ ...saml, idpInitiated: 'allow' }],
  encryption: [{ ...saml, encryption: 'true' }],
  issuer: [
    { ...oidc, issuer: 'https://idp.example.test/?tenant=1' },
    { ...oidc, issuer: 'https://idp.example.test/.well-known/openid-configuration' },
    { ...oidc, issuer: 'http://127.0.0.1/' },
    { ...oidc, issuer: ' https://idp.example.test/' },
  ],
  idTokenAlgorithm: [
    { ...oidc, idTokenAlgorithm: 'none' },
    { ...oidc, idTokenAlgorithm: 'HS256' },
  ],
  clientAuth: [{ ...oidc, clientAuth: 'none' }],
  scopes: [
    { ...oidc, scopes: ['email'] },
    { ...oidc, scopes: ['openid email'] },
    { ...oidc, scopes: ['openid', 'a"b'] },
  ],
  tenants: [
    { ...oidc, issuer: 'https://login.microsoftonline.com/common/v2.0' },
    { ...oidc, issuer: 'https://LOGIN.microsoftonline.com/{tenantid}/v2.0' },
  ],
  nonsense: [{ ...saml, nonsense: 1 }],
};

t.test('CF-07, SA-16: settings that cannot be right are refused, and the field is named', async (t) => {
  for (const [field, inputs] of Object.entries(wrongSettings)) {
    for (const input of inputs) {
      t.throws(
        () => parseSettings(input, { production: true }),
        { code: 'invalid_input', fields: { [field]: String } },
        `${field}: ${inspect(input).slice(0, 100)}`,
      );
    }
  }
  t.throws(() => parseSettings({ kind: 'oidc', issuer: 1, x: 1 }, { production: true }), {
    code: 'invalid_input',
    fields: { issuer: String, clientId: String, x: String },
  });
});

t.test('FD-11: a mapping gives roles of an account, and no other', async (t) => {
  t.match(parseMapping({ groups: 'groups', roles: { staff: 'agent' } }), { roles: { staff: 'agent' } });
  const proto = parseMapping(JSON.parse('{"roles":{"__proto__":"admin"}}'));
  t.ok(Object.hasOwn(proto.roles, '__proto__'), 'a name like any other');
  t.equal(({} as Record<string, unknown>)['admin'], undefined);
  const wrong: Readonly<Record<string, unknown>> = {
    roles: { roles: { staff: 'operator' } },
    roleCeiling: { roleCeiling: 'operator' },
    products: { products: { staff: ['assist'] } },
    everybodysProducts: { everybodysProducts: 'prd_1' },
    email: { email: 'mail' },
    groups: { groups: 7 },
    mode: { mode: 'strict' },
    provisioning: { provisioning: 'scim' },
    operator: { operator: true },
  };
  for (const [field, input] of Object.entries(wrong)) {
    t.throws(() => parseMapping(input), { code: 'invalid_input', fields: { [field]: String } }, field);
  }
  const many = Object.fromEntries(Array.from({ length: 501 }, (_one, at) => [`group ${at}`, 'agent']));
  t.throws(() => parseMapping({ roles: many }), { code: 'invalid_input', fields: { roles: String } });
  t.throws(() => parseMapping([]), { code: 'invalid_input' });
});
