/** A company's sign-in set up from a shell: `doorward connection …`, as processes of their own. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import t, { type Test } from 'tap';
import { inTransaction } from '../../src/context.ts';
import {
  findHome,
  isTested,
  listConnectionKeys,
  listConnections,
  makeKey,
  openClientSecret,
} from '../../src/core/connections/connections.ts';
import { vouchForDomain } from '../../src/core/domains/domains.ts';
import { parseEmail } from '../../src/kernel/email-address.ts';
import type { ConnectionId } from '../../src/kernel/ids.ts';
import { startApp } from '../support/app.ts';
import { doorward } from '../support/command.ts';
import { idpMetadata, serveMetadata } from '../support/idp-metadata.ts';
import { makeAccount, makeMember, makeUser } from '../support/make.ts';
import { getConnection, passNow, readIdpCertificate, signedIn } from '../support/make-connection.ts';

const app = await startApp(t, { demo: false });
const { ctx } = app;
const { db } = ctx;
const connection = (...args: string[]) => doorward(app, 'connection', ...args);

const folder = await mkdtemp(path.join(tmpdir(), 'doorward-'));
t.teardown(() => rm(folder, { recursive: true }));
async function file(name: string, text: string): Promise<string> {
  const at = path.join(folder, name);
  await writeFile(at, text);
  return at;
}

const { certificate } = await makeKey('idp', ctx.now());
const metadata = idpMetadata([readIdpCertificate(certificate)]);

/** What was just made, by what the command says. */
async function madeBy(output: string) {
  const [id = ''] = /con_[0-9a-z]{26}/.exec(output) ?? [];
  return getConnection(ctx, id as ConnectionId);
}

const [cannotBeDone, wrongUse] = [1, 2];

/** Refused, with a reason and without a stack. */
async function refuses(
  t: Test,
  args: readonly string[],
  { why, code: expected = cannotBeDone }: { readonly why: string; readonly code?: number },
): Promise<void> {
  const { code, output, errors } = await connection(...args);
  t.same({ code, output }, { code: expected, output: '' }, why);
  t.match(errors, /^doorward: \S+/, why);
  t.notMatch(errors, /\n {4}at /, `${why}: no stack`);
}

t.test('a SAML connection, from its metadata to the day it is required', async (t) => {
  const accountId = await makeAccount(ctx, { slug: 'acme' });
  const site = await serveMetadata(t);
  site.answer = { body: metadata };
  const made = await connection(
    'create-saml',
    'acme',
    '--label',
    'Acme ID',
    '--metadata-url',
    site.url,
    '--policy',
    'both',
  );
  t.equal(made.code, 0, made.errors);
  const { id } = await madeBy(made.output);
  t.match(await getConnection(ctx, id), {
    accountId,
    label: 'Acme ID',
    state: 'draft',
    settings: { entityId: 'urn:idp', metadataUrl: site.url, signaturePolicy: 'both' },
    refreshAt: Date,
  });
  t.match(await listConnectionKeys(db, id), [{ use: 'signing', state: 'current' }]);
  t.match(made.output, `${app.issuer}/federation/${id}/acs`, 'what the company’s IT needs');

  await refuses(t, ['enable', id], { why: 'untested' });
  const link = (await connection('test', id)).output;
  t.match(link, new RegExp(`^${app.issuer}/federation/${id}/start[?]test=[\\w-]{43}\n`));
  await passNow(ctx, id);

  await refuses(t, ['bind', id, 'acme.example'], { why: 'not claimed' });
  await inTransaction(ctx, (tx) => vouchForDomain(tx, { accountId, name: 'acme.example' }));
  t.equal((await connection('bind', id, 'ACME.example', '--priority', '3')).code, 0);
  t.equal((await connection('pilot', id, 'Ada@acme.example')).code, 0);
  const ada = parseEmail('ada@acme.example');
  const bob = parseEmail('bob@acme.example');
  if (!ada || !bob) throw new Error('not email addresses');
  t.equal((await findHome(db, ada)).connections[0]?.id, id);
  t.same((await findHome(db, bob)).connections, []);
  t.equal((await connection('enable', id)).code, 0);
  t.equal((await findHome(db, bob)).connections[0]?.id, id);

  const admin = await makeUser(ctx, { email: 'admin@acme.example' });
  await makeMember(ctx, admin.id, accountId, 'admin');
  const required = ['require', id, '--break-glass', admin.email];
  await refuses(t, [...required, '--yes'], { why: 'no admin has come in by it' });
  await signedIn(ctx, { id, accountId }, admin.id);
  await refuses(t, ['require', id], { why: 'nobody breaks the glass', code: wrongUse });
  await refuses(t, ['require', id, '--break-glass', 'nobody@acme.example'], {
    why: 'somebody who is not there',
  });
  await refuses(t, required, { why: 'nobody is there to say yes', code: wrongUse });
  t.equal((await getConnection(ctx, id)).state, 'enabled');
  t.equal((await connection(...required, '--yes')).code, 0);
  t.equal((await getConnection(ctx, id)).state, 'required');

  const shown = (await connection('show', id)).output;
  for (const part of [
    `${app.issuer}/federation/${id}/metadata`,
    `${app.issuer}/federation/${id}/acs`,
    'acme.example: verified',
    'required',
    readIdpCertificate(certificate).fingerprint,
    'https://idp.example.test/sso',
  ])
    t.ok(shown.includes(part), part);
  t.match((await connection('attempts', id)).output, /sign_in {2}done {2}passed/);
  t.match((await connection('list', 'acme')).output, new RegExp(`^${id} .*required\n$`));

  for (const end of [
    ['unbind', id, 'acme.example'],
    ['disable', id],
    ['delete', id],
  ])
    await refuses(t, end, { why: 'nobody is there to say yes', code: wrongUse });
  t.equal((await findHome(db, bob)).connections[0]?.id, id, 'nothing has happened');
  t.equal((await connection('disable', id, '--yes')).code, 0);
  t.same((await findHome(db, bob)).connections, []);
  t.equal((await connection('unbind', id, 'acme.example', '--yes')).code, 0);
  t.equal((await connection('delete', id, '--yes')).code, 0);
  t.same(await listConnections(db, accountId), []);
  await refuses(t, ['show', id], { why: 'gone' });
});

t.test('metadata as a file, and its keys', async (t) => {
  const accountId = await makeAccount(ctx, { slug: 'globex' });
  const settings = await file('settings.json', '{"encryption":true,"idpInitiated":"off"}');
  const mapping = await file(
    'mapping.json',
    '{"groups":"groups","roles":{"admins":"admin"},"roleCeiling":"admin"}',
  );
  const made = await connection(
    ...['create-saml', 'globex', '--metadata-file', await file('idp.xml', metadata)],
    ...['--settings', settings, '--mapping', mapping],
  );
  t.equal(made.code, 0, made.errors);
  const { id } = await madeBy(made.output);
  t.match(await getConnection(ctx, id), {
    accountId,
    refreshAt: null,
    settings: { metadataUrl: null, encryption: true, idpInitiated: 'off' },
    mapping: { groups: 'groups', roles: { admins: 'admin' } },
  });
  const keys = async () =>
    (await listConnectionKeys(db, id)).map((key) => [key.use, key.state, key.id] as const);
  const before = await keys();
  t.same(
    before.map(([use]) => use),
    ['encryption', 'signing'],
  );
  t.equal((await connection('rotate-keys', id)).code, 0);
  const published = await keys();
  t.same(
    published.map(([, state]) => state),
    ['current', 'next', 'current', 'next'],
  );
  await refuses(t, ['rotate-keys', id], { why: 'what cannot be taken back', code: wrongUse });
  t.same(await keys(), published);
  t.equal((await connection('rotate-keys', id, '--yes')).code, 0);
  t.same(
    (await keys()).map(([, , key]) => key),
    published.filter(([, state]) => state === 'next').map(([, , key]) => key),
  );

  await passNow(ctx, id);
  t.equal((await connection('change', id, '--label', 'Globex ID')).code, 0);
  t.equal(isTested(await getConnection(ctx, id)), true);
  const less = await file('less.json', '{"roles":{}}');
  t.equal((await connection('change', id, '--mapping', less)).code, 0);
  t.match(await getConnection(ctx, id), {
    label: 'Globex ID',
    state: 'draft',
    mapping: { groups: 'groups', roles: { admins: undefined } },
  });
});

t.test('an OpenID Connect connection', async (t) => {
  await makeAccount(ctx, { slug: 'initech' });
  const secret = await file('secret', 'their very own secret\n');
  const args = ['--issuer', 'https://idp.example.test', '--client-id', 'doorward'];
  const made = await connection(
    'create-oidc',
    'initech',
    ...args,
    '--secret-file',
    secret,
    '--label',
    'Initech',
  );
  t.equal(made.code, 0, made.errors);
  const { id } = await madeBy(made.output);
  const stored = await getConnection(ctx, id);
  t.equal(openClientSecret(ctx.config, stored), 'their very own secret');
  t.match(made.output, `${app.issuer}/federation/${id}/callback`);
  t.same(await listConnectionKeys(db, id), []);
  for (const shown of [made.output, (await connection('show', id)).output])
    t.notMatch(shown, /very own secret/, 'it is never shown');
  const keyed = await connection('create-oidc', 'initech', ...args, '--client-auth', 'private_key_jwt');
  const { id: keyedId } = await madeBy(keyed.output);
  t.match(await listConnectionKeys(db, keyedId), [{ use: 'signing', state: 'current' }]);
});

t.test('what cannot be right is refused, and nothing is made', async (t) => {
  const accountId = await makeAccount(ctx, { slug: 'umbrella' });
  const idp = await file('umbrella.xml', metadata);
  const site = await serveMetadata(t);
  site.answer = { body: '<!doctype html><title>Sign in</title>' };
  const saml = ['create-saml', 'umbrella'];
  const oidc = ['create-oidc', 'umbrella', '--client-id', 'x', '--issuer'];
  const refused: Readonly<Record<string, readonly string[]>> = {
    'no such account': ['create-saml', 'nowhere', '--metadata-file', idp],
    'a page': [...saml, '--metadata-url', site.url],
    'another entity id': [...saml, '--metadata-file', idp, '--entity-id', 'urn:other'],
    'no such policy': [...saml, '--metadata-file', idp, '--policy', 'none'],
    'no secret': [...oidc, 'https://idp.example.test'],
    'not an issuer': [...oidc, 'idp.example.test', '--client-auth', 'private_key_jwt'],
    'everybody’s tenant': [
      ...oidc,
      'https://login.microsoftonline.com/common/v2.0',
      '--client-auth',
      'private_key_jwt',
    ],
    'no connection': ['show', 'con_nowhere'],
  };
  const misused: Readonly<Record<string, readonly string[]>> = {
    'no metadata': saml,
    'two of them': [...saml, '--metadata-file', idp, '--metadata-url', site.url],
    'no such file': [...saml, '--metadata-file', '/nowhere/idp.xml'],
    'no label': [...saml, '--metadata-file', idp, '--label', ' '],
    'a label twice': [...saml, '--metadata-file', idp, '--label', 'a', '--label', 'b'],
    'no such option': [...saml, '--metadata-file', idp, '--trust', 'all'],
    'settings that are no JSON': [...saml, '--metadata-file', idp, '--settings', idp],
    'no account': ['create-saml', '--metadata-file', idp],
    'no client id': ['create-oidc', 'umbrella', '--issuer', 'https://idp.example.test'],
    'no id': ['enable'],
    'too many': ['enable', 'con_a', 'con_b'],
  };
  for (const [why, args] of Object.entries(refused)) await refuses(t, args, { why });
  for (const [why, args] of Object.entries(misused)) await refuses(t, args, { why, code: wrongUse });
  t.same(await listConnections(db, accountId), []);
});
