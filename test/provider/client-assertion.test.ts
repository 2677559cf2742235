/** RFC 7523 and security.md TK-12: a client that proves itself by a key, once, for minutes, and to this server only. */
import { generateKeyPairSync, type KeyObject, randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { exportJWK, SignJWT } from 'jose';
import t from 'tap';
import { startApp } from '../support/app.ts';
import { makeClient } from '../support/make.ts';
import { assistApi, demoBasic, post } from './requests.ts';

t.test('private_key_jwt', async (t) => {
  const app = await startApp(t);
  const { issuer, ctx } = app;
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const other = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
  const clientId = 'by-key';
  const service = {
    name: 'By key',
    firstParty: true,
    applicationType: 'web',
    authMethod: 'private_key_jwt',
    grantTypes: ['client_credentials'],
    resources: [assistApi],
    scopes: ['assist:read'],
  } as const;
  const publicJwk = { ...(await exportJWK(publicKey)), alg: 'ES256', use: 'sig', kid: 'one' };
  await makeClient(ctx, { ...service, clientId, jwks: { keys: [publicJwk] } });

  const now = (): number => Math.floor(Date.now() / 1000);
  const assertion = (
    changed: Readonly<Record<string, unknown>> = {},
    header: object = {},
    key: KeyObject | Uint8Array = privateKey,
  ): Promise<string> =>
    new SignJWT({
      iss: clientId,
      sub: clientId,
      aud: issuer,
      jti: randomUUID(),
      iat: now(),
      exp: now() + 120,
      ...changed,
    })
      .setProtectedHeader({ alg: 'ES256', kid: 'one', ...header })
      .sign(key);
  const request = (signed: string, extra: Readonly<Record<string, string>> = {}, path = '/token') =>
    post(issuer, path, {
      grant_type: 'client_credentials',
      resource: assistApi,
      scope: 'assist:read',
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: signed,
      ...extra,
    });

  t.test('is accepted at each endpoint that asks who is there', async (t) => {
    const answer = await request(await assertion());
    t.equal(answer.status, 200);
    const { access_token: token } = answer.json();
    const introspected = await request(await assertion(), { token }, '/introspect');
    t.match(introspected.json(), { active: true, client_id: clientId });
    t.equal((await request(await assertion(), { token }, '/revoke')).status, 200);
    t.same((await request(await assertion(), { token }, '/introspect')).json(), { active: false });
    t.equal((await request(await assertion(), { client_id: clientId })).status, 200, 'beside its name');
  });

  t.test('is good for one use, anywhere', async (t) => {
    const signed = await assertion();
    t.equal((await request(signed)).status, 200);
    const again = await request(signed);
    t.equal(again.status, 401);
    t.equal(again.json().error, 'invalid_client');
    t.equal((await request(signed, { token: 'a' }, '/introspect')).status, 401);
    const jti = randomUUID();
    t.equal((await request(await assertion({ jti }))).status, 200);
    t.equal((await request(await assertion({ jti, exp: now() + 60 }))).status, 401, 'whatever else it says');
  });

  t.test('is for this issuer alone, which is named as a string', async (t) => {
    const wrong: readonly unknown[] = [
      [issuer],
      [issuer, 'https://other.test'],
      `${issuer}/token`,
      `${issuer}/`,
      `${issuer}/introspect`,
      'https://other.test',
      issuer.toUpperCase(),
      '',
      undefined,
    ];
    for (const aud of wrong) {
      const answer = await request(await assertion({ aud }));
      t.equal(answer.status, 401, JSON.stringify(aud));
      t.equal(answer.json().error, 'invalid_client');
    }
  });

  t.test('lives for five minutes at most', async (t) => {
    t.equal((await request(await assertion({ exp: now() + 295 }))).status, 200);
    const wrong: Readonly<Record<string, unknown>>[] = [
      { exp: now() + 310 },
      { exp: now() + 86_400 },
      { exp: now() - 60 },
      { exp: undefined },
      { exp: Number.MAX_SAFE_INTEGER },
      { nbf: now() + 120 },
    ];
    for (const changed of wrong) {
      t.equal((await request(await assertion(changed))).status, 401, JSON.stringify(changed));
    }
  });

  t.test('is signed by the client’s own key, about the client itself', async (t) => {
    const pem = publicKey.export({ type: 'spki', format: 'pem' }) as string;
    const none = Buffer.from('{"alg":"none"}').toString('base64url');
    const [, body = ''] = (await assertion()).split('.');
    const wrong: Record<string, string | Promise<string>> = {
      'another key': assertion({}, {}, other),
      'a key it brings': assertion({}, { jwk: await exportJWK(other), kid: undefined }, other),
      'a key from elsewhere': assertion({}, { jku: 'http://127.0.0.1:1/', kid: 'two' }, other),
      'the public key as a secret': assertion({}, { alg: 'HS256' }, new TextEncoder().encode(pem)),
      'no signature': `${none}.${body}.`,
      'another issuer': assertion({ iss: 'demo-service' }),
      'another subject': assertion({ sub: 'demo-service' }),
      'no issuer': assertion({ iss: undefined }),
      'no name': assertion({ jti: undefined }),
      'a path for a key': assertion({}, { kid: '../../etc/passwd' }, other),
    };
    for (const [what, signed] of Object.entries(wrong)) {
      const answer = await request(await signed);
      t.equal(answer.status, 401, what);
      t.equal(answer.json().error, 'invalid_client', what);
    }
    for (const garbage of ['garbage', 'a.b.c', '..', 'a'.repeat(20_000)]) {
      const { status } = await request(garbage);
      t.ok(status === 400 || status === 401, garbage.slice(0, 10));
    }
  });

  t.test('cannot be done without, or beside something else', async (t) => {
    const form = { grant_type: 'client_credentials', resource: assistApi };
    t.equal((await post(issuer, '/token', { ...form, client_id: clientId })).status, 401);
    t.equal((await post(issuer, '/token', { ...form, client_id: clientId, client_secret: 'a' })).status, 401);
    const beside = { ...form, client_assertion: await assertion() };
    t.equal((await post(issuer, '/token', beside)).status, 400, 'it must be said what it is');
    t.equal((await request(await assertion(), { client_secret: 'a' })).status, 400);
    t.equal((await request(await assertion(), { client_id: 'demo-service' })).status, 400);
    const both = {
      ...beside,
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    };
    t.equal((await post(issuer, '/token', both, demoBasic('service'))).status, 400);
    t.equal(
      (await request(await assertion({ iss: 'demo-service', sub: 'demo-service' }))).status,
      401,
      'and a client with a secret has no key',
    );
  });

  t.test('finds the keys of a client at its address', async (t) => {
    const { privateKey: remote, publicKey: published } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const keys = { keys: [{ ...(await exportJWK(published)), alg: 'ES256', use: 'sig', kid: 'remote' }] };
    let asked = 0;
    const server = createServer((_request, answer) => {
      asked += 1;
      answer.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(keys));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    t.teardown(() => {
      server.closeAllConnections();
      server.close();
    });
    const { port } = server.address() as { port: number };
    await makeClient(ctx, {
      ...service,
      clientId: 'by-remote-key',
      jwksUri: `http://127.0.0.1:${port}/jwks.json`,
    });
    const own = { iss: 'by-remote-key', sub: 'by-remote-key' };
    t.equal((await request(await assertion(own, { kid: 'remote' }, remote))).status, 200);
    t.equal((await request(await assertion(own, { kid: 'remote' }, other))).status, 401);
    t.ok(asked >= 1);
  });

  t.test('needs a key: the database refuses a client without', async (t) => {
    await t.rejects(makeClient(ctx, { ...service, clientId: 'keyless' }), {
      code: '23514',
      constraint: 'clients_keys_check',
    });
  });
});
