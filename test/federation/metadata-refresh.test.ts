/** S38, S39, SA-16: what an identity provider publishes comes in by itself, and what is wrong with it does not. */
import { generateKeyPairSync } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import t from 'tap';
import { type Context, inTransaction } from '../../src/context.ts';
import {
  createConnectionKey,
  disableConnection,
  type IdpCertificate,
  makeKey,
  reviseConnection,
  type SamlConnection,
  usableCertificates,
  warnOfCertificates,
} from '../../src/core/connections/connections.ts';
import { fetchMetadata, refreshMetadata, refreshSoon } from '../../src/federation/refresh.ts';
import { selfSignedCertificate } from '../../src/kernel/certificate.ts';
import { addSeconds, day, hour, minute } from '../../src/kernel/time.ts';
import { startApp, type TestApp } from '../support/app.ts';
import { idpMetadata, type MetadataSite, serveMetadata } from '../support/idp-metadata.ts';
import { makeAccount, makeMember, makeUser } from '../support/make.ts';
import { attempt, openSamlCase, outcomeOf } from '../support/saml-case.ts';
import {
  getConnection,
  makeSaml,
  namedCertificate,
  publishedWith,
  readIdpCertificate,
} from '../support/make-connection.ts';

const realCertificate = async (now: Date) => readIdpCertificate((await makeKey('idp', now)).certificate);

async function due(app: TestApp, site: { url: string }, certificates: readonly IdpCertificate[]) {
  const accountId = await makeAccount(app.ctx);
  return makeSaml(app.ctx, accountId, {
    settings: { entityId: 'urn:idp', metadataUrl: site.url },
    published: publishedWith(...certificates),
    refreshAt: app.ctx.now(),
  });
}

const fingerprintsOf = ({ certificates }: SamlConnection['published']): string[] =>
  certificates.map(({ fingerprint }) => fingerprint);

async function reload(ctx: Context, { id }: SamlConnection): Promise<SamlConnection> {
  return (await getConnection(ctx, id)) as SamlConnection;
}

const app = await startApp(t, { demo: false });
const { ctx } = app;
const [first, second] = [await realCertificate(ctx.now()), await realCertificate(ctx.now())];

t.test('S39: a rollover: old and new are accepted, the old one is refused after its grace', async (t) => {
  const site = await serveMetadata(t);
  const connection = await due(app, site, [first]);
  site.answer = { body: idpMetadata([first, second]) };
  await app.runJob('connection metadata');
  const both = await reload(ctx, connection);
  t.same(fingerprintsOf(both.published), [first.fingerprint, second.fingerprint]);
  t.equal(both.revision, connection.revision, 'nobody on their way is sent back');
  t.ok(both.refreshAt && both.refreshAt > addSeconds(ctx.now(), 20 * hour));

  site.answer = { body: idpMetadata([second]) };
  app.advance(1.2 * day);
  await app.runJob('connection metadata');
  const retiring = await reload(ctx, connection);
  t.equal(usableCertificates(retiring.published, ctx.now()).length, 2);
  t.same(usableCertificates(retiring.published, addSeconds(ctx.now(), 7 * day)).length, 1);
  app.advance(7 * day);
  await app.runJob('connection metadata');
  t.same(fingerprintsOf((await reload(ctx, connection)).published), [second.fingerprint]);
  const events = await ctx.db
    .selectFrom('events')
    .select('details')
    .where('type', '=', 'connection.metadata_changed')
    .where('accountId', '=', connection.accountId)
    .orderBy('id')
    .execute();
  t.match(
    events.map(({ details }) => details),
    [
      { certificatesAdded: [second.fingerprint] },
      { certificatesRetiring: [first.fingerprint] },
      { certificatesRemoved: [first.fingerprint] },
    ],
  );
});

t.test(
  'S38, S39: whatever is wrong with it, the last good one is kept and the reason is stored',
  async (t) => {
    const site = await serveMetadata(t);
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 1024 });
    const notAfter = addSeconds(ctx.now(), day);
    const weak = readIdpCertificate(
      selfSignedCertificate(privateKey, { name: 'weak', notBefore: ctx.now(), notAfter }),
    );
    const good = idpMetadata([first]);
    const wrong: Readonly<Record<string, MetadataSite['answer']>> = {
      'another entity id': { body: idpMetadata([second], { entityId: 'urn:evil' }) },
      'a page': { body: '<!doctype html><html><body>Sign in</body></html>' },
      nothing: { body: '' },
      'not there': { status: 404, body: good },
      'a fault': { status: 500, body: good },
      'a redirect': { status: 302, body: good, headers: { location: site.url } },
      'a weak key': { body: idpMetadata([weak]) },
      'no certificate': { body: idpMetadata([]) },
      'an address that runs': { body: idpMetadata([second], { ssoUrl: 'javascript:alert(1)' }) },
      'an address in the open': { body: idpMetadata([second], { ssoUrl: 'http://idp.example.test/sso' }) },
      'a document type': { body: `<!DOCTYPE x [<!ENTITY e "x">]>${idpMetadata([second])}` },
      expired: { body: idpMetadata([second], { attributes: 'validUntil="2020-01-01T00:00:00Z"' }) },
      'too large': { body: idpMetadata([second]) + ' '.repeat(600 * 1024) },
      'not UTF-8': { body: Buffer.concat([Buffer.from(idpMetadata([second])), Buffer.from([0xff])]) },
      'an aggregate without it': {
        body: `<md:EntitiesDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata">${idpMetadata([second], { entityId: 'urn:other' })}</md:EntitiesDescriptor>`,
      },
    };
    const connection = await due(app, site, [first]);
    for (const [why, answer] of Object.entries(wrong)) {
      site.answer = answer;
      await ctx.db
        .updateTable('connections')
        .set({ refreshAt: ctx.now(), refreshError: null })
        .where('id', '=', connection.id)
        .execute();
      await app.runJob('connection metadata');
      const after = await reload(ctx, connection);
      t.same(after.published.certificates, connection.published.certificates, why);
      t.equal(after.published.ssoUrl, connection.published.ssoUrl, why);
      t.ok(after.refreshError, why);
      t.ok(
        after.refreshAt && after.refreshAt > addSeconds(ctx.now(), 50 * minute),
        `${why}: tried again later`,
      );
      t.ok(
        after.refreshAt && after.refreshAt < addSeconds(ctx.now(), 70 * minute),
        `${why}: and not much later`,
      );
    }
    t.equal(site.asked, Object.keys(wrong).length, 'a redirect is not followed');
    site.answer = { body: good };
    app.advance(2 * hour);
    await app.runJob('connection metadata');
    t.equal((await reload(ctx, connection)).refreshError, null, 'and forgotten when it is well again');
  },
);

t.test('CF-07: no address but a public one is asked', async (t) => {
  const production = await startApp(t, {
    demo: false,
    env: { NODE_ENV: 'production', ISSUER: 'https://id.example.test' },
  });
  const site = await serveMetadata(t);
  const { port } = new URL(site.url);
  for (const url of [
    site.url,
    `https://127.0.0.1:${port}/`,
    'https://127.0.0.1/',
    'https://[::ffff:7f00:1]/',
    'https://169.254.169.254/latest/meta-data',
    'https://10.0.0.1/',
    'file:///etc/passwd',
    'https://user:pass@idp.example.test/',
  ])
    await t.rejects(fetchMetadata(production.ctx, url), { code: 'metadata_refused' }, url);
  t.equal(site.asked, 0);
});

t.test('another address for the people is taken, told to the admins, and on the trail', async (t) => {
  const site = await serveMetadata(t);
  const connection = await due(app, site, [first]);
  const admin = await makeUser(ctx);
  await makeMember(ctx, admin.id, connection.accountId, 'admin');
  const agent = await makeUser(ctx);
  await makeMember(ctx, agent.id, connection.accountId);
  site.answer = { body: idpMetadata([first], { ssoUrl: 'https://new.example.test/sso' }) };
  await app.runJob('connection metadata');
  t.equal((await reload(ctx, connection)).published.ssoUrl, 'https://new.example.test/sso');
  const mails = await ctx.db
    .selectFrom('mailOutbox')
    .select(['recipient', 'data'])
    .where('template', '=', 'sign_in_address_changed')
    .execute();
  t.match(mails, [{ recipient: admin.email, data: { host: 'new.example.test', connection: 'Company' } }]);
  t.equal(mails.length, 1);
  const event = await ctx.db
    .selectFrom('events')
    .select('details')
    .where('type', '=', 'connection.metadata_changed')
    .where('accountId', '=', connection.accountId)
    .executeTakeFirstOrThrow();
  t.match(event.details, {
    endpoint: { before: 'https://idp.example.test/sso', after: 'https://new.example.test/sso' },
  });
});

t.test('how long it may be believed is heard, but not less than an hour', async (t) => {
  const site = await serveMetadata(t);
  for (const [duration, least, most] of [
    ['PT1S', hour, hour + minute],
    ['PT6H', 5 * hour, 7 * hour],
    ['P30D', 0.9 * day, 1.1 * day + minute],
  ] as const) {
    const connection = await due(app, site, [first]);
    site.answer = { body: idpMetadata([first], { attributes: `cacheDuration="${duration}"` }) };
    await app.runJob('connection metadata');
    const { refreshAt } = await reload(ctx, connection);
    t.ok(refreshAt && refreshAt >= addSeconds(ctx.now(), least - 5), duration);
    t.ok(refreshAt && refreshAt <= addSeconds(ctx.now(), most), duration);
  }
});

t.test('of any number of replicas one fetches', async (t) => {
  const site = await serveMetadata(t);
  site.answer = { body: idpMetadata([first]) };
  await due(app, site, [first]);
  await due(app, site, [first]);
  const done = await Promise.all(Array.from({ length: 10 }, () => refreshMetadata(ctx)));
  t.equal(done.filter((count) => count === 1).length, 2);
  t.equal(site.asked, 2);
});

t.test('what has no address, is disabled, or is not due, is left alone', async (t) => {
  const site = await serveMetadata(t);
  const accountId = await makeAccount(ctx);
  await makeSaml(ctx, accountId, { refreshAt: ctx.now() });
  const disabled = await due(app, site, [first]);
  await inTransaction(ctx, (tx) => disableConnection(tx, { connectionId: disabled.id }));
  await makeSaml(ctx, accountId, {
    settings: { metadataUrl: site.url },
    refreshAt: addSeconds(ctx.now(), minute),
  });
  await app.runJob('connection metadata');
  t.equal(site.asked, 0);
});

t.test(
  'a signature that does not fit is answered by fetching, once in five minutes, whoever asks',
  async (t) => {
    const site = await serveMetadata(t);
    const connection = await makeSaml(ctx, await makeAccount(ctx), {
      settings: { entityId: 'urn:idp', metadataUrl: site.url },
      published: publishedWith(first),
      refreshAt: addSeconds(ctx.now(), day),
    });
    site.answer = { body: idpMetadata([second]) };
    const raced = await Promise.all(Array.from({ length: 10 }, () => refreshSoon(ctx, connection)));
    const [refreshed, ...others] = raced.filter((one) => one !== undefined);
    t.same(others, []);
    t.same(refreshed && fingerprintsOf(refreshed.published), [second.fingerprint, first.fingerprint]);
    t.equal(site.asked, 1);
    app.advance(5 * minute - 1);
    t.equal(await refreshSoon(ctx, connection), undefined);
    site.answer = { status: 503, body: '' };
    app.advance(1);
    const failed = await refreshSoon(ctx, connection);
    t.same(failed?.published.certificates, refreshed?.published.certificates, 'the last good one is kept');
    t.equal(await refreshSoon(ctx, connection), undefined, 'a failure counts as well');
    t.equal(site.asked, 2);
    const fromFile = await makeSaml(ctx, connection.accountId);
    t.equal(await refreshSoon(ctx, fromFile), undefined, 'nowhere to ask');
  },
);

t.test('settings that change while metadata is fetched win', async (t) => {
  const site = await serveMetadata(t);
  const connection = await due(app, site, [first]);
  const moved = { ...connection.settings, entityId: 'urn:other' };
  const published = publishedWith(namedCertificate('b'));
  const server = createServer((_request, response) => {
    void inTransaction(ctx, (tx) =>
      reviseConnection(tx, { connectionId: connection.id, settings: moved, published }),
    ).then(() => response.end(idpMetadata([second])));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => server.close());
  const slow = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  await ctx.db
    .updateTable('connections')
    .set({ settings: JSON.stringify({ ...connection.settings, metadataUrl: slow }) })
    .where('id', '=', connection.id)
    .execute();
  await app.runJob('connection metadata');
  t.same(fingerprintsOf((await reload(ctx, connection)).published), fingerprintsOf(published));
});

t.test(
  'certificates that end are told to the admins: once at each step, by one of all replicas',
  async (t) => {
    const app = await startApp(t, { demo: false });
    const { ctx } = app;
    const accountId = await makeAccount(ctx);
    const admin = await makeUser(ctx);
    await makeMember(ctx, admin.id, accountId, 'admin');
    const theirs = namedCertificate('theirs', { notAfter: addSeconds(ctx.now(), 40 * day).toISOString() });
    const connection = await makeSaml(ctx, accountId, { published: publishedWith(theirs) });
    await createConnectionKey(ctx, { connectionId: connection.id, use: 'signing', state: 'current' });
    await ctx.db
      .updateTable('connectionKeys')
      .set({ expiresAt: addSeconds(ctx.now(), 25 * day) })
      .execute();
    const warnings = async (): Promise<string[]> => {
      const rows = await ctx.db
        .selectFrom('events')
        .select('details')
        .where('type', '=', 'connection.certificate_expiring')
        .orderBy('id')
        .execute();
      return rows.map(({ details }) => {
        const { whose, days } = details as { whose: string; days: number };
        return `${whose} ${days}`;
      });
    };
    await app.runJob('certificate warnings');
    t.same(await warnings(), [], 'a draft is nobody’s sign-in');
    await ctx.db.updateTable('connections').set({ state: 'enabled' }).execute();
    const told = await Promise.all(Array.from({ length: 5 }, () => warnOfCertificates(ctx)));
    t.same(told.sort(), [0, 0, 0, 0, 1]);
    t.same(await warnings(), ['ours 30']);
    for (let passed = 1; passed <= 45; passed += 1) {
      app.advance(day);
      await app.runJob('certificate warnings');
    }
    t.same(await warnings(), [
      ...['ours 30', 'idp 30', 'ours 14', 'ours 7', 'ours 1', 'idp 14', 'idp 7', 'idp 1'],
    ]);
    const mails = await ctx.db
      .selectFrom('mailOutbox')
      .select(['recipient', 'data'])
      .where('template', '=', 'certificate_expiring')
      .execute();
    t.equal(mails.length, 8);
    t.ok(mails.every(({ recipient }) => recipient === admin.email));
  },
);

t.test(
  'S39: what is signed by a certificate that is retiring is taken for seven days, though nothing is fetched',
  async (t) => {
    const saml = await openSamlCase(t);
    const retiringSince = saml.ctx.now().toISOString();
    const old = { ...saml.idp.key.certificate, retiringSince };
    const published = { certificates: [second, old] };
    t.match(outcomeOf(await attempt(saml, {}, { published })), /^taken/);
    saml.advance(7 * day - minute);
    t.match(outcomeOf(await attempt(saml, {}, { published })), /^taken/);
    saml.advance(minute);
    t.equal(outcomeOf(await attempt(saml, {}, { published })), 'saml_signature');
  },
);
