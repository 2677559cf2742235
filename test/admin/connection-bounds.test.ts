/** What the admin interface takes of a connection and what it refuses: other accounts, hostile documents, addresses inside. */
import t from 'tap';
import { createOperatorClient } from '../../src/core/clients/clients.ts';
import { makeKey } from '../../src/core/connections/connections.ts';
import type { AccountId } from '../../src/kernel/ids.ts';
import { type ApiAnswer, apiWith, operatorApi, signInToApi } from '../support/api.ts';
import { startApp } from '../support/app.ts';
import { idpMetadata, serveMetadata } from '../support/idp-metadata.ts';
import { makeAccount } from '../support/make.ts';
import { readIdpCertificate } from '../support/make-connection.ts';

const app = await startApp(t);
const { ctx, issuer } = app;
const operator = await operatorApi(app);
const { api: ada } = await signInToApi(app, 'ada@acme.test');

async function accountOf(slug: string): Promise<AccountId> {
  return (await operator.get(`/accounts?slug=${slug}`)).body.items[0].id as AccountId;
}

const [acme, globex] = [await accountOf('acme'), await accountOf('globex')];
const at = `/accounts/${acme}/connections`;
const [{ certificate }, other] = [await makeKey('idp', ctx.now()), await makeKey('idp', ctx.now())];
const xml = idpMetadata([readIdpCertificate(certificate)]);
const saml = { kind: 'saml', label: 'Acme', metadata_xml: xml };
const oidc = {
  kind: 'oidc',
  label: 'Acme',
  issuer: `${issuer}/demo/idp/oidc`,
  client_id: 'doorward-demo',
  client_secret: 'rehearsal-secret',
};

async function productId(slug: string): Promise<string> {
  const query = ctx.db.selectFrom('products').select('id').where('slug', '=', slug);
  return (await query.executeTakeFirstOrThrow()).id;
}

const count = async () => {
  const row = await ctx.db
    .selectFrom('connections')
    .select((each) => each.fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow();
  return row.count;
};

const refusal = ({ status, body }: ApiAnswer) => [status, body.code, Object.keys(body.fields ?? {})];

t.test('another account’s connection and a missing one answer alike, whatever is tried', async (t) => {
  const [theirs] = (await operator.get(`/accounts/${globex}/connections`)).body.items;
  const domain = (await operator.post(`/accounts/${acme}/domains`, { name: 'bounds.example' })).body.id;
  const missing = `con_${'0'.repeat(26)}`;
  const person = `usr_${'0'.repeat(26)}`;
  const tries = [
    (path: string) => ada.get(path),
    (path: string) => ada.patch(path, { label: 'Mine' }),
    (path: string) => ada.patch(path, { metadata_xml: xml }),
    (path: string) => ada.delete(path),
    (path: string) => ada.delete(path, { 'if-match': '*' }),
    (path: string) => ada.post(`${path}/test`),
    (path: string) => ada.post(`${path}/pilot`, { emails: ['ada@acme.test'] }),
    (path: string) => ada.post(`${path}/enable`),
    (path: string) => ada.post(`${path}/require`, { break_glass: [person] }),
    (path: string) => ada.post(`${path}/disable`),
    (path: string) => ada.post(`${path}/refresh-metadata`),
    (path: string) => ada.put(`${path}/domains/${domain}`, {}),
    (path: string) => ada.delete(`${path}/domains/${domain}`),
    (path: string) => ada.get(`${path}/keys`),
    (path: string) => ada.post(`${path}/keys`, { use: 'signing' }),
    (path: string) => ada.post(`${path}/keys/rotate`, { use: 'signing' }),
    (path: string) => ada.get(`${path}/attempts`),
  ];
  const events = await ctx.db.selectFrom('events').select('id').execute();
  for (const attempt of tries) {
    const [foreign, none] = [await attempt(`${at}/${theirs.id}`), await attempt(`${at}/${missing}`)];
    t.strictSame([foreign.status, none.status], [404, 404]);
    t.strictSame({ ...foreign.body, instance: '' }, { ...none.body, instance: '' });
    t.equal((await attempt(`/accounts/${globex}/connections/${theirs.id}`)).status, 404);
  }
  t.equal(
    (await ctx.db.selectFrom('events').select('id').execute()).length,
    events.length,
    'nothing happened',
  );
  t.strictSame((await operator.get(`/accounts/${globex}/connections`)).body.items, [theirs]);
});

t.test('names in a body reach no further than the account', async (t) => {
  const umbrella = await makeAccount(ctx);
  const theirDomain = (await operator.post(`/accounts/${umbrella}/domains`, { name: 'theirs.example' })).body
    .id;
  const made = await ada.post(at, saml);
  const path = `${at}/${made.body.id}`;
  const [foreign, none] = [
    await ada.put(`${path}/domains/${theirDomain}`, {}),
    await ada.put(`${path}/domains/dom_${'0'.repeat(26)}`, {}),
  ];
  t.strictSame([foreign.status, { ...foreign.body, instance: '' }], [404, { ...none.body, instance: '' }]);

  const unsold = (await operator.post('/products', { slug: 'unsold', name: 'Unsold' })).body.id as string;
  const assist = await productId('assist');
  for (const id of [unsold, `prd_${'0'.repeat(26)}`]) {
    const everybody = { mapping: { everybodys_products: [id] } };
    const staff = { mapping: { groups: 'groups', products: { staff: [id] } } };
    for (const body of [everybody, staff]) {
      t.strictSame(refusal(await ada.post(at, { ...saml, ...body })), [
        400,
        'invalid_input',
        ['mapping.products'],
      ]);
      t.strictSame(refusal(await ada.patch(path, body)), [400, 'invalid_input', ['mapping.products']]);
    }
  }
  t.equal((await ada.patch(path, { mapping: { everybodys_products: [assist] } })).status, 200);

  for (const client of ['nobody', 'demo-operator']) {
    const body = { settings: { idp_initiated: 'allow', idp_initiated_clients: [client] } };
    t.strictSame(refusal(await ada.patch(path, body)), [
      400,
      'invalid_input',
      ['settings.idp_initiated_clients'],
    ]);
  }
  const known = { settings: { idp_initiated: 'allow', idp_initiated_clients: ['demo-assist'] } };
  t.match((await ada.patch(path, known)).body, known);
  await ada.delete(path);
});

t.test('what an admin sends is read strictly, and refused by the names they sent', async (t) => {
  const before = await count();
  const cases: readonly [object, readonly string[]][] = [
    [{}, ['kind']],
    [{ ...saml, kind: 'ldap' }, ['kind']],
    [{ kind: 'saml', label: 'Acme' }, ['metadata_url']],
    [{ ...saml, metadata_url: 'https://idp.example.test/metadata' }, ['metadata_xml']],
    [{ ...saml, settings: { idp_initiated: 'allow' } }, ['settings.idp_initiated_clients']],
    [{ ...saml, settings: { subject: { from: 'attribute', name: ' uid' } } }, ['settings.subject']],
    [{ ...saml, mapping: { role_ceiling: 'owner' } }, ['mapping.role_ceiling']],
    [{ ...saml, mapping: { everybodys_products: ['x'] } }, ['mapping.everybodys_products']],
    [{ ...saml, mapping: { family_name: ['sn', 'sn'] } }, ['mapping.family_name']],
    [{ ...oidc, issuer: `${oidc.issuer}/.well-known/openid-configuration` }, ['issuer']],
    [{ ...oidc, client_secret: undefined }, ['client_secret']],
    [{ ...oidc, client_id: ' x' }, ['client_id']],
    [{ ...oidc, settings: { scopes: ['email'] } }, ['settings.scopes']],
    [{ ...oidc, issuer: 'https://login.microsoftonline.com/common/v2.0' }, ['settings.tenants']],
  ];
  for (const [body, fields] of cases)
    t.strictSame(refusal(await ada.post(at, body)), [400, 'invalid_input', fields], JSON.stringify(fields));
  for (const body of [
    { ...saml, label: '' },
    { ...saml, label: 'a\u0000b' },
    { ...saml, label: 'x'.repeat(101) },
    { ...saml, state: 'enabled' },
    { ...saml, client_secret: 'x' },
    { ...oidc, metadata_xml: xml },
    { ...oidc, client_secret: 'line\nbreak' },
    { ...saml, settings: { tenants: [] } },
    { ...saml, settings: { signature_policy: 'none' } },
    { ...saml, mapping: { roles: { staff: 'operator' } } },
  ])
    t.match((await ada.post(at, body)).body, { code: 'invalid_input' }, JSON.stringify(body).slice(-60));
  const raw = `{"kind":"saml","label":"Acme","mapping":{"roles":{"__proto__":"admin"}}}`;
  t.equal(
    (await ada.send('POST', at, { body: raw, headers: { 'content-type': 'application/json' } })).status,
    400,
  );
  t.equal(await count(), before, 'nothing was made');
});

t.test('hostile metadata is refused, and makes nothing', async (t) => {
  const before = await count();
  const site = await serveMetadata(t);
  const documents = {
    'no XML': 'no XML',
    'a page': '<!doctype html><title>Sign in</title>',
    'an entity': `<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>${xml}`,
    'a script for an address': xml.replace('https://idp.example.test/sso', 'javascript:alert(1)'),
    'an address without TLS': xml.replace('https://idp.example.test/sso', 'http://idp.example.test/sso'),
    'an end in the past': idpMetadata([readIdpCertificate(certificate)], {
      attributes: 'validUntil="2001-01-01T00:00:00Z"',
    }),
    'no certificate': idpMetadata([]),
    'deep nesting': `${'<a>'.repeat(5000)}${'</a>'.repeat(5000)}`,
    'a service provider': xml.replaceAll('IDPSSODescriptor', 'SPSSODescriptor'),
  };
  for (const [name, document] of Object.entries(documents)) {
    const handed = await ada.post(at, { ...saml, metadata_xml: document });
    t.strictSame([handed.status, handed.body.code], [422, 'metadata_refused'], name);
    site.answer = { body: document };
    const fetched = await ada.post(at, { kind: 'saml', label: 'Acme', metadata_url: site.url });
    t.strictSame([fetched.status, fetched.body.code], [422, 'metadata_refused'], `${name}, fetched`);
  }
  site.answer = { body: xml, status: 302, headers: { location: site.url } };
  const moved = await ada.post(at, { kind: 'saml', label: 'Acme', metadata_url: site.url });
  t.match(moved.body, { code: 'metadata_refused' }, 'a redirect');
  site.answer = { body: JSON.stringify({ issuer: 'https://other.example' }) };
  const { origin } = new URL(site.url);
  t.match(
    (await ada.post(at, { ...oidc, issuer: origin })).body,
    { code: 'metadata_refused' },
    'of another issuer',
  );
  t.match((await ada.post(at, { ...oidc, issuer: 'http://127.0.0.1:1' })).body, { code: 'metadata_refused' });
  const pinned = await ada.post(at, { ...saml, entity_id: 'urn:another' });
  t.match(pinned.body, { code: 'metadata_refused' }, 'not the one that is meant');
  const huge = await ada.post(at, { ...saml, metadata_xml: `${xml}${' '.repeat(513 * 1024)}` });
  t.match(huge.body, { code: 'invalid_input' });
  t.equal((await ada.post(at, { ...saml, metadata_xml: ' '.repeat(1100 * 1024) })).status, 413);
  t.equal(await count(), before);
});

t.test('in production nothing inside is asked, and what is there is not told', async (t) => {
  const production = await startApp(t, {
    demo: false,
    env: { NODE_ENV: 'production', ISSUER: 'https://id.example.test' },
  });
  const base = `http://127.0.0.1:${production.ctx.config.port}`;
  const { clientId, secret } = await createOperatorClient(production.ctx, 'first');
  const response = await fetch(`${base}/token`, {
    method: 'POST',
    headers: { authorization: `Basic ${btoa(`${clientId}:${secret}`)}` },
    body: new URLSearchParams({
      grant_type: 'client_credentials',
      resource: 'https://id.example.test/api/v1',
      scope: 'admin:connections:write admin:connections:read',
    }),
  });
  const { access_token: token } = (await response.json()) as { access_token: string };
  const api = apiWith({ issuer: base }, token);
  const connections = `/accounts/${await makeAccount(production.ctx)}/connections`;
  const site = await serveMetadata(t);
  site.answer = { body: xml };
  const { port } = new URL(site.url);
  const details = new Set<string>();
  for (const address of [
    site.url,
    `https://127.0.0.1:${port}/`,
    'https://127.0.0.1/',
    'https://localhost/',
    'https://[::ffff:7f00:1]/',
    'https://169.254.169.254/latest/meta-data',
    'https://10.0.0.1/',
    'file:///etc/passwd',
    'https://user:pass@idp.example.test/',
    'nonsense',
  ]) {
    const bySaml = await api.post(connections, { kind: 'saml', label: 'A', metadata_url: address });
    t.strictSame([bySaml.status, bySaml.body.code], [422, 'metadata_refused'], address);
    details.add(bySaml.body.detail as string);
    const byOidc = await api.post(connections, { ...oidc, issuer: address.replace(/\/$/, '') });
    t.match([400, 422].includes(byOidc.status), true, address);
  }
  t.equal(details.size, 1, 'one answer for all of them');
  t.equal(site.asked, 0);
  const plain = xml.replace('https://idp.example.test/sso', 'http://127.0.0.1/sso');
  t.match((await api.post(connections, { ...saml, metadata_xml: plain })).body, { code: 'metadata_refused' });
  t.equal((await api.post(connections, saml)).status, 201, 'a document that is handed over will do');
});

t.test('a change is merged into what stands, and null clears', async (t) => {
  const mapping = { groups: 'groups', roles: { staff: 'agent', chiefs: 'admin' }, role_ceiling: 'admin' };
  const settings = { subject: { from: 'attribute', name: 'uid' }, signature_policy: 'both' };
  const made = await ada.post(at, { ...saml, settings, mapping });
  t.match(made.body, {
    settings,
    mapping,
    metadata_url: null,
    entity_id: 'urn:idp',
    refresh: { next_at: null },
  });
  const path = `${at}/${made.body.id}`;
  const merged = await ada.patch(path, {
    label: 'Acme ID',
    mapping: { roles: { staff: null, bosses: 'admin' } },
    settings: { subject: { name: 'mail' } },
  });
  t.match(merged.body, {
    label: 'Acme ID',
    mapping: { groups: 'groups', role_ceiling: 'admin' },
    settings: { subject: { from: 'attribute', name: 'mail' }, signature_policy: 'both' },
  });
  t.strictSame(merged.body.mapping.roles, { chiefs: 'admin', bosses: 'admin' });
  const event = await ctx.db
    .selectFrom('events')
    .select(['details', 'actorId'])
    .where('type', '=', 'connection.changed')
    .orderBy('id', 'desc')
    .executeTakeFirstOrThrow();
  t.match(event, { actorId: /^usr_/, details: { changes: { label: { before: 'Acme', after: 'Acme ID' } } } });
  const cleared = await ada.patch(path, {
    mapping: { groups: null, roles: null, role_ceiling: null },
    settings: { subject: { from: 'name_id' }, signature_policy: null },
  });
  t.strictSame(
    [cleared.body.mapping.groups, cleared.body.mapping.roles, cleared.body.mapping.role_ceiling],
    [null, {}, 'agent'],
  );
  t.strictSame(cleared.body.settings.subject, { from: 'name_id' });
  t.equal(cleared.body.settings.signature_policy, 'either');

  const { revision } = await rowOf(made.body.id as string);
  t.strictSame((await ada.patch(path, {})).body, cleared.body);
  t.equal(
    (await rowOf(made.body.id as string)).revision,
    revision,
    'nothing asked: nobody’s sign-in ends for it',
  );

  for (const [body, field] of [
    [{ settings: { tenants: ['x'] } }, 'settings.tenants'],
    [{ issuer: 'https://idp.example.test' }, 'issuer'],
    [{ client_secret: 'x' }, 'client_secret'],
    [{ entity_id: 'urn:other' }, 'entity_id'],
    [{ metadata_url: 'https://a.example/', metadata_xml: xml }, 'metadata_xml'],
  ] as const)
    t.strictSame(refusal(await ada.patch(path, body)), [400, 'invalid_input', [field]]);
  t.match((await ada.patch(path, { kind: 'oidc' })).body, { code: 'invalid_input' }, 'read-only');
  t.match((await ada.patch(path, { state: 'enabled' })).body, { code: 'invalid_input' });
  t.strictSame((await ada.get(path)).body, cleared.body);

  const encrypted = await ada.patch(path, { settings: { encryption: true } });
  t.equal(encrypted.status, 200);
  t.match((await ada.get(`${path}/keys`)).body.items, [
    { use: 'encryption', state: 'current' },
    { use: 'signing' },
  ]);
  await ada.delete(path);
});

async function rowOf(id: string) {
  return ctx.db
    .selectFrom('connections')
    .select(['revision', 'settings', 'published'])
    .where('id', '=', id as 'con_x')
    .executeTakeFirstOrThrow();
}

t.test('another identity provider is read before it is taken', async (t) => {
  const made = await ada.post(at, saml);
  const path = `${at}/${made.body.id}`;
  const site = await serveMetadata(t);
  site.answer = { body: idpMetadata([readIdpCertificate(other.certificate)], { entityId: 'urn:moved' }) };
  const moved = await ada.patch(path, { metadata_url: site.url });
  t.match(moved.body, {
    entity_id: 'urn:moved',
    metadata_url: site.url,
    refresh: { next_at: /Z$/ },
    identity_provider: { certificates: [{ fingerprint: readIdpCertificate(other.certificate).fingerprint }] },
  });
  t.equal(moved.body.identity_provider.certificates.length, 1, 'none of the old one');
  site.answer = { body: 'no metadata' };
  t.match((await ada.patch(path, { metadata_url: site.url })).body, { code: 'metadata_refused' });
  t.match((await ada.patch(path, { metadata_url: site.url, entity_id: 'urn:x' })).body, {
    code: 'metadata_refused',
  });
  t.strictSame((await ada.get(path)).body, moved.body);
  const back = await ada.patch(path, { metadata_xml: xml });
  t.match(back.body, { entity_id: 'urn:idp', metadata_url: null, refresh: { next_at: null } });
  await ada.delete(path);

  const openid = await ada.post(at, oidc);
  const ofOpenid = `${at}/${openid.body.id}`;
  t.match((await ada.patch(ofOpenid, { issuer: 'http://127.0.0.1:1' })).body, { code: 'metadata_refused' });
  t.match((await ada.patch(ofOpenid, { metadata_xml: xml })).body, { code: 'invalid_input' });
  t.strictSame((await ada.get(ofOpenid)).body, openid.body);
  await ada.delete(ofOpenid);
});

t.test('metadata is fetched on demand, once in five minutes, and the last good one is kept', async (t) => {
  const site = await serveMetadata(t);
  site.answer = { body: xml };
  const made = await ada.post(at, { kind: 'saml', label: 'Acme', metadata_url: site.url });
  const path = `${at}/${made.body.id}`;
  site.answer = { body: idpMetadata([readIdpCertificate(other.certificate)]) };
  const refreshed = await ada.post(`${path}/refresh-metadata`);
  t.match(refreshed.body, {
    refresh: { last_at: /Z$/, error: null },
    identity_provider: { certificates: [{ retiring_since: null }, { retiring_since: /Z$/ }] },
  });
  const soon = await ada.post(`${path}/refresh-metadata`);
  t.strictSame([soon.status, soon.body.code, soon.headers.get('retry-after')], [429, 'throttled', '300']);
  app.advance(301);
  site.answer = { body: '', status: 500 };
  const { api } = await signInToApi(app, 'ada@acme.test');
  t.match((await api.post(`${path}/refresh-metadata`)).body, { code: 'metadata_refused', status: 422 });
  const kept = await api.get(path);
  t.match(kept.body, { refresh: { error: String }, identity_provider: refreshed.body.identity_provider });
  const handed = await api.post(at, saml);
  t.match((await api.post(`${at}/${handed.body.id}/refresh-metadata`)).body, {
    code: 'action_not_available',
  });
  const openid = await api.post(at, oidc);
  t.match((await api.post(`${at}/${openid.body.id}/refresh-metadata`)).body, { refresh: { error: null } });
  for (const { body } of [made, handed, openid]) await api.delete(`${at}/${body.id}`);
});

t.test('a repeat is answered without fetching again, and a lost update is refused', async (t) => {
  const site = await serveMetadata(t);
  site.answer = { body: xml };
  const { api } = await signInToApi(app, 'ada@acme.test');
  const body = { kind: 'saml', label: 'Once', metadata_url: site.url };
  const key = { 'idempotency-key': 'once' };
  const [one, two] = [await api.post(at, body, key), await api.post(at, body, key)];
  t.strictSame([one.status, two.status, two.body], [201, 201, one.body]);
  t.equal(site.asked, 1);
  t.equal((await api.post(at, { ...body, label: 'Twice' }, key)).body.code, 'idempotency_key_reused');
  const path = `${at}/${one.body.id}`;
  const stale = { 'if-match': String(one.headers.get('etag')) };
  t.equal((await api.patch(path, { label: 'First' }, stale)).status, 200);
  const refused = [
    await api.patch(path, { label: 'Second' }, stale),
    await api.post(`${path}/disable`, undefined, stale),
    await api.delete(path, stale),
  ];
  for (const { status, body } of refused) t.match([status, body.code], [412, 'precondition_failed']);
  t.match((await api.get(path)).body, { label: 'First', state: 'draft' });
  await api.delete(path);
});

t.test('operators need the scope for what they do', async (t) => {
  const reader = await operatorApi(app, ['admin:connections:read']);
  t.equal((await reader.get(at)).status, 200);
  t.equal((await reader.post(at, saml)).body.code, 'insufficient_scope');
});
