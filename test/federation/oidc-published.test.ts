/** What an OpenID provider publishes is fetched once for all replicas, and again when it is time. */
import t, { type Test } from 'tap';
import { inTransaction } from '../../src/context.ts';
import { reviseConnection, updateOidcPublished } from '../../src/core/connections/connections.ts';
import { refreshProvider, verifyLogoutToken } from '../../src/federation/oidc/oidc.ts';
import type { ConnectionId } from '../../src/kernel/ids.ts';
import { startApp } from '../support/app.ts';
import { comeBack, goThere, leave, type Left, startOidcCase } from '../support/oidc-case.ts';
import { getOidcConnection, startOidcIdp } from '../support/oidc-idp.ts';

const document = '/.well-known/openid-configuration';

/** Until what happens beside a sign-in has happened; bounded by the time-out of the file. */
async function until(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo()));
}

t.test('what a provider publishes', async (t) => {
  const world = await startOidcCase(t);
  const { app, ctx, idp } = world;
  const asked = () => [idp.count(document), idp.count('/jwks')];
  const publishedOf = async (id: ConnectionId) => (await getOidcConnection(ctx, id)).published;

  t.test('is fetched once, for every replica and after a restart', async (t) => {
    const id = await world.connect();
    t.match(await goThere(world, id), { identity: {} });
    t.strictSame(asked(), [1, 1]);
    const other = await startApp(t, { demo: false, databaseUrl: app.databaseUrl });
    t.match(await goThere({ ctx: other.ctx, idp }, id), { identity: {} }, 'a process that knows nothing');
    t.match(await verifyLogoutToken(other.ctx, await getOidcConnection(ctx, id), await idp.logoutToken()), {
      sessionId: 'session-1',
    });
    t.strictSame(asked(), [1, 1], 'and asks for nothing');
  });

  t.test('is fetched once by a crowd', async (t) => {
    const id = await world.connect();
    const [documents] = asked();
    const connection = await getOidcConnection(ctx, id);
    const crowd = await Promise.all(Array.from({ length: 20 }, () => refreshProvider(ctx, connection)));
    for (const one of crowd) t.match(one, { answer: { issuer: idp.issuer } });
    t.equal(asked()[0], (documents ?? 0) + 1);
  });

  t.test('only what is used of it is kept', async (t) => {
    idp.forge = {
      metadata: { note: 'x'.repeat(50_000), claims_supported: ['\u0000'], ['__proto__']: { issuer: 'x' } },
      keys: (keys) => ({ keys: keys.map((key) => ({ ...key, d: 'private', x5c: ['x'.repeat(50_000)] })) }),
    };
    const id = await world.connect();
    t.match(await goThere(world, id), { identity: {} });
    t.ok(JSON.stringify(await publishedOf(id)).length < 2000);
    idp.forge = {};
  });

  t.test(
    'keys live for five minutes; the metadata is asked for again beside a sign-in after an hour',
    async (t) => {
      const id = await world.connect();
      await goThere(world, id);
      const [documents = 0, keys = 0] = asked();
      app.advance(290);
      t.match(await goThere(world, id), { identity: {} });
      t.strictSame(asked(), [documents, keys], 'nothing yet');
      app.advance(20);
      t.match(await goThere(world, id), { identity: {} });
      t.strictSame(asked(), [documents, keys + 1], 'the keys');
      const { metadataAt } = await publishedOf(id);
      app.advance(3600);
      t.match(await goThere(world, id), { identity: {} });
      await until(async () => (await publishedOf(id)).metadataAt !== metadataAt);
      t.ok(idp.count(document) > documents, 'the metadata');
    },
  );

  t.test('an ID token ends by our clock, whatever the process has for one', async (t) => {
    const id = await world.connect();
    const now = Math.floor(ctx.now().getTime() / 1000);
    idp.forge = { claims: { exp: now - 60 } };
    t.match(await goThere(world, id), { refused: 'oidc_id_token' });
    idp.forge = { claims: { exp: now + 60 } };
    t.match(await goThere(world, id), { identity: {} });
    idp.forge = {};
  });

  t.test('the last good metadata is used while a new one cannot be had, for a day', async (t) => {
    const id = await world.connect();
    await goThere(world, id);
    idp.forge = { endpoints: { [document]: (_request, response) => response.writeHead(500).end() } };
    app.advance(2 * 3600);
    t.match(await goThere(world, id), { identity: {} });
    const errorOf = async () => (await getOidcConnection(ctx, id)).refreshError;
    await until(async () => (await errorOf()) !== null);
    t.equal(await errorOf(), 'a document of the provider answered 500', 'its admins see it');
    app.advance(23 * 3600);
    t.match(await goThere(world, id), { refused: 'idp_not_reachable' });
    idp.forge = {};
    t.match(await goThere(world, id), { identity: {} });
    t.equal(await errorOf(), null);
  });

  t.test('a metadata that changes its issuer does not come in', async (t) => {
    const id = await world.connect();
    await goThere(world, id);
    idp.forge = { metadata: { issuer: 'https://evil.test', jwks_uri: 'https://evil.test/jwks' } };
    const { metadata } = await publishedOf(id);
    t.match(await refreshProvider(ctx, await getOidcConnection(ctx, id)), { refused: 'oidc_metadata' });
    t.strictSame((await publishedOf(id)).metadata, metadata);
    t.match(await goThere(world, id), { identity: {} });
    idp.forge = {};
  });

  t.test(
    'a new key is taken at once where the keys are a minute old, and the old one is not any more',
    async (t) => {
      const id = await world.connect();
      await goThere(world, id);
      const keys = idp.count('/jwks');
      const old = await idp.logoutToken();
      await idp.rotateKeys();
      t.match(
        await goThere(world, id),
        { refused: 'oidc_id_token' },
        'within the minute nobody is asked again',
      );
      t.equal(idp.count('/jwks'), keys);
      app.advance(61);
      t.match(await goThere(world, id), { identity: {} });
      t.equal(idp.count('/jwks'), keys + 1);
      const connection = await getOidcConnection(ctx, id);
      t.match(await verifyLogoutToken(ctx, connection, old), { refused: 'oidc_token' }, 'the old one');
      t.match(await verifyLogoutToken(ctx, connection, await idp.logoutToken()), { jti: String });
      t.equal(idp.count('/jwks'), keys + 1);
    },
  );

  t.test('whoever invents names of keys makes us ask once a minute', async (t) => {
    const id = await world.connect();
    await goThere(world, id);
    const keys = idp.count('/jwks');
    app.advance(61);
    for (let count = 0; count < 5; count += 1) {
      const token = await idp.logoutToken({}, { kid: `invented-${count}` });
      t.match(await verifyLogoutToken(ctx, await getOidcConnection(ctx, id), token), {
        refused: 'oidc_token',
      });
    }
    t.equal(idp.count('/jwks'), keys + 1);
  });

  t.test('keys that were fetched for a token that is refused are kept', async (t) => {
    const id = await world.connect();
    idp.forge = { claims: { azp: 'another' } };
    t.match(await goThere(world, id), { refused: 'oidc_id_token' });
    t.match(await publishedOf(id), { jwks: { keys: [{ kid: idp.key().kid }] } });
    idp.forge = {};
  });

  t.test('nothing is kept of the provider that the connection was of before', async (t) => {
    const id = await world.connect();
    const before = await getOidcConnection(ctx, id);
    await goThere(world, id);
    const next = await startOidcIdp(t, { now: ctx.now });
    const settings = { ...before.settings, issuer: next.issuer };
    await inTransaction(ctx, (tx) => reviseConnection(tx, { connectionId: id, settings, by: undefined }));
    t.match(await publishedOf(id), { metadata: null, jwks: null });
    await refreshProvider(ctx, before);
    await inTransaction(ctx, (tx) => updateOidcPublished(tx, before, { published: { jwks: { keys: [] } } }));
    t.match(await publishedOf(id), { metadata: null, jwks: null }, 'one who left before changes nothing');
    t.match(await goThere({ ctx, idp: next }, id), { identity: { issuer: next.issuer } });
    t.match(await publishedOf(id), { jwks: { keys: [{ kid: next.key().kid }] } });
  });

  t.test('metadata in the row is judged like any other', async (t) => {
    const id = await world.connect();
    await goThere(world, id);
    const of = await getOidcConnection(ctx, id);
    const metadata = { ...of.published.metadata, issuer: 'https://evil.test' };
    await inTransaction(ctx, (tx) => updateOidcPublished(tx, of, { published: { metadata } }));
    t.match(await leave(ctx, id), { refused: 'oidc_metadata' });
  });

  t.test('FD-04: the code of one provider is not redeemed at another', async (t) => {
    const id = await world.connect();
    const honest = (await leave(ctx, id)) as Left;
    const evil = await startOidcIdp(t, { now: ctx.now });
    const evilId = await world.connect({ settings: { issuer: evil.issuer } });
    const left = (await leave(ctx, evilId)) as Left;
    const stolen = await idp.visit(honest.way.location);
    const { redirect } = redirects(honest, left);
    t.not(redirect[0], redirect[1], 'each connection has an address of its own');
    const response = new URLSearchParams({ ...Object.fromEntries(stolen), state: left.ask.token });
    t.match(await comeBack(ctx, evilId, { left, response }), { refused: 'oidc_issuer' });
    t.equal(evil.count('/token'), 0, 'and did not see the code');
    t.match(await comeBack(ctx, id, { left: honest, response: stolen }), { identity: {} });
  });
});

t.test('every algorithm that a connection may have', async (t) => {
  for (const algorithm of ['PS256', 'ES256', 'EdDSA'] as const) await useAlgorithm(t, algorithm);
});

async function useAlgorithm(t: Test, algorithm: 'PS256' | 'ES256' | 'EdDSA'): Promise<void> {
  const world = await startOidcCase(t, { algorithm, settings: { idTokenAlgorithm: algorithm } });
  const { ctx, id, idp } = world;
  t.match(await goThere(world, id), { identity: { subject: 'person-1' } }, algorithm);
  const token = await idp.logoutToken();
  t.match(await verifyLogoutToken(ctx, await getOidcConnection(ctx, id), token), { subject: 'person-1' });
  const pinned = await world.connect();
  t.match(await goThere(world, pinned), { refused: 'oidc_id_token' }, `${algorithm} where RS256 is pinned`);
}

function redirects(...left: Left[]) {
  return { redirect: left.map(({ way }) => new URL(way.location).searchParams.get('redirect_uri')) };
}
