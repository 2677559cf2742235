/** RFC 7662: what is true of a token now, told to those it concerns and to nobody else. */
import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { decodeJwt, importJWK, type JWTPayload, SignJWT } from 'jose';
import t from 'tap';
import { inTransaction } from '../../src/context.ts';
import { deleteClient } from '../../src/core/clients/clients.ts';
import { listSigningKeys } from '../../src/core/keys/keys.ts';
import { Agent } from '../support/agent.ts';
import { startApp } from '../support/app.ts';
import { signIn } from '../support/relying-party.ts';
import {
  assistApi,
  basic,
  demoBasic,
  demoParty,
  introspect,
  makeService,
  meetApi,
  post,
  seatOf,
} from './requests.ts';

t.test('introspection', async (t) => {
  const app = await startApp(t);
  const { issuer, ctx } = app;
  const assist = demoParty(issuer, 'assist', 'openid profile email assist:read assist:write');
  const inactive = { active: false };
  const browser = new Agent(issuer);
  const { tokens: opaque } = await signIn(browser, demoParty(issuer, 'confidential'), 'alan@acme.test');
  const { tokens: jwt } = await signIn(new Agent(issuer), assist, 'alan@acme.test', { resource: assistApi });
  const operator = demoBasic('operator');

  const asPublic = async (clientId: string, token: string) =>
    (await post(issuer, '/introspect', { client_id: clientId, token })).json();

  t.test('of a JWT access token says what it says, and that it is true', async (t) => {
    const claims = decodeJwt(jwt.access_token);
    const said = await introspect(issuer, jwt.access_token);
    const { grant_id: _ours, ...shown } = claims;
    t.same(said, { ...shown, active: true, token_type: 'Bearer' });
    t.match(said, {
      iss: issuer,
      sub: jwt.claims()?.sub,
      aud: assistApi,
      client_id: 'demo-assist',
      scope: 'assist:read assist:write',
      account: /^acc_/,
      role: 'agent',
      products: ['assist', 'meet'],
      amr: ['pwd'],
      acr: 'urn:doorward:acr:single-factor',
      auth_time: Number,
      sid: jwt.claims()?.['sid'],
    });
    for (const personal of ['email', 'name', 'locale']) t.notOk(personal in said, personal);
  });

  t.test('of an opaque access token says whose it is', async (t) => {
    const said = await introspect(issuer, opaque.access_token);
    t.match(said, {
      active: true,
      iss: issuer,
      sub: opaque.claims()?.sub,
      client_id: 'demo-confidential',
      scope: 'openid profile email',
      token_type: 'Bearer',
      account: /^acc_/,
      role: 'agent',
      products: ['assist', 'meet'],
    });
    t.equal((said['exp'] as number) - (said['iat'] as number), 600);
    t.notOk('grant_id' in said, 'how we file it is not told, as with a JWT');
    t.notOk('jti' in said && said['jti'] === opaque.access_token);
  });

  t.test('of a refresh token says that it works', async (t) => {
    const said = await introspect(issuer, opaque.refresh_token ?? '');
    t.match(said, { active: true, client_id: 'demo-confidential', sub: opaque.claims()?.sub });
    t.equal(said['token_type'], undefined);
    t.match(await asPublic('demo-assist', jwt.refresh_token ?? ''), { active: true });
  });

  t.test('is for the client of the token, whatever the hint', async (t) => {
    t.match(await asPublic('demo-assist', jwt.access_token), { active: true });
    for (const hint of ['access_token', 'refresh_token', 'id_token', 'nonsense']) {
      const form = { token: opaque.access_token, token_type_hint: hint };
      const answer = await post(issuer, '/introspect', form, demoBasic('confidential'));
      t.match(answer.json(), { active: true }, hint);
      t.equal(answer.headers.get('cache-control'), 'no-store');
    }
  });

  t.test('of a JWT is for confidential clients of the product it is meant for as well', async (t) => {
    for (const name of ['confidential', 'third-party', 'service']) {
      t.match(await introspect(issuer, jwt.access_token, demoBasic(name)), { active: true }, name);
    }
    t.same(await introspect(issuer, jwt.access_token, operator), inactive, 'a client of no product');
    for (const clientId of ['demo-native', 'demo-meet', 'demo-admin']) {
      t.same(await asPublic(clientId, jwt.access_token), inactive, `${clientId} is anybody`);
    }
    const meet = demoParty(issuer, 'meet', 'openid meet:read');
    const { tokens } = await signIn(new Agent(issuer), meet, 'alan@acme.test', { resource: meetApi });
    t.same(await introspect(issuer, tokens.access_token), inactive, 'the token of another product');
  });

  t.test("nobody else hears anything of somebody's opaque token or refresh token", async (t) => {
    for (const token of [opaque.access_token, opaque.refresh_token ?? '']) {
      for (const name of ['third-party', 'service', 'operator']) {
        t.same(await introspect(issuer, token, demoBasic(name)), inactive, name);
      }
      t.same(await asPublic('demo-assist', token), inactive);
    }
    t.same(await introspect(issuer, jwt.refresh_token ?? ''), inactive);
  });

  t.test('needs a client that proves itself', async (t) => {
    const token = jwt.access_token;
    const unproven: [status: number, form: Record<string, string>, headers: Record<string, string>][] = [
      [401, { token, client_id: 'demo-confidential' }, {}],
      [401, { token }, basic('demo-confidential', 'wrong')],
      [401, { token }, basic('nobody', 'wrong')],
      [401, { token, client_id: 'nobody' }, {}],
      [400, { token }, {}],
      [400, { token }, { authorization: `Bearer ${token}` }],
      [400, { token, client_secret: 'demo-confidential-secret' }, demoBasic('confidential')],
    ];
    for (const [status, form, headers] of unproven) {
      const answer = await post(issuer, '/introspect', form, headers);
      t.equal(answer.status, status);
      t.notOk('active' in answer.json());
    }
    t.equal((await post(issuer, '/introspect', {}, demoBasic('confidential'))).status, 400, 'and a token');
    t.equal((await new Agent(issuer).get(`/introspect?token=${token}`)).status, 404, 'and a POST');
  });

  t.test('of what is no access token of ours is inactive', async (t) => {
    const keys = await listSigningKeys(ctx.db, ctx.config.secretKeys, ctx.now());
    const jwkOf = (alg: string) => keys.find((key) => key.alg === alg)?.privateJwk ?? {};
    const own = jwkOf('ES256');
    const foreign = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
    const claims = { ...decodeJwt(jwt.access_token), jti: randomUUID() };
    const header = { alg: 'ES256', typ: 'at+jwt', kid: own.kid ?? '' };
    const signed = async (
      payload: JWTPayload,
      more: object = {},
      key: Parameters<SignJWT['sign']>[0] = own,
    ) => new SignJWT(payload).setProtectedHeader({ ...header, ...more }).sign(key);
    t.match(await introspect(issuer, await signed(claims)), { active: true }, 'the forger is good');

    const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
    const published = await (await fetch(`${issuer}/jwks`)).text();
    const [head = '', body = '', signature = ''] = jwt.access_token.split('.');
    const { exp: _exp, ...endless } = claims;
    const { jti: _jti, ...nameless } = claims;
    const { client_id: _client, ...ownerless } = claims as JWTPayload & { client_id?: string };
    const forged: Record<string, string | Promise<string>> = {
      garbage: 'garbage',
      'two dots': 'a.b.c',
      'a long one': 'a'.repeat(20_000),
      'the ID token': jwt.id_token ?? '',
      'a code of nobody': randomUUID(),
      'a foreign key': signed(claims, {}, foreign),
      'a foreign key that it brings itself': signed(
        claims,
        { jwk: { ...foreign.export({ format: 'jwk' }), d: undefined }, kid: 'foreign' },
        foreign,
      ),
      'a key somewhere else': signed(claims, { jku: 'http://127.0.0.1:1/jwks', kid: 'foreign' }, foreign),
      'the key of another algorithm': signed(
        claims,
        { alg: 'RS256', kid: jwkOf('RS256').kid },
        await importJWK(jwkOf('RS256'), 'RS256'),
      ),
      'the public key as a secret': signed(claims, { alg: 'HS256' }, new TextEncoder().encode(published)),
      'no algorithm': `${encode({ ...header, alg: 'none' })}.${body}.`,
      'no signature': `${head}.${body}.`,
      'other claims': `${head}.${encode({ ...claims, role: 'admin' })}.${signature}`,
      'another type': signed(claims, { typ: 'JWT' }),
      'no type': signed(claims, { typ: undefined }),
      'the type of a logout token': signed(claims, { typ: 'logout+jwt' }),
      'another issuer': signed({ ...claims, iss: 'https://evil.test' }),
      'no end': signed(endless),
      'an end in the past': signed({ ...claims, exp: 1 }),
      'no name': signed(nameless),
      'no client': signed(ownerless),
      'a client that is gone': signed({ ...claims, client_id: 'gone' }),
      'a grant that is gone': signed({ ...claims, grant_id: 'gone' }),
      'another person on that grant': signed({ ...claims, sub: 'usr_nobody' }),
    };
    for (const [what, token] of Object.entries(forged)) {
      t.same(await introspect(issuer, await token), inactive, what);
    }
  });

  t.test('asks the access decision of each kind of token', async (t) => {
    const seat = await seatOf(ctx, 'alan@acme.test', 'assist');
    const everything = async () => [
      (await introspect(issuer, jwt.access_token))['active'],
      (await introspect(issuer, opaque.access_token))['active'],
      (await introspect(issuer, opaque.refresh_token ?? ''))['active'],
    ];
    t.same(await everything(), [true, true, true]);
    await seat.remove();
    t.same(await everything(), [false, false, false]);
    await seat.giveBack();
    t.same(await everything(), [true, true, true]);
  });

  t.test("of a client's own token has nobody to ask about, but the client must be there", async (t) => {
    await makeService(ctx, { clientId: 'short-lived', secret: 'the-secret-of-short-lived' });
    const form = { grant_type: 'client_credentials', resource: assistApi, scope: 'assist:read' };
    const headers = basic('short-lived', 'the-secret-of-short-lived');
    const { access_token: token } = (await post(issuer, '/token', form, headers)).json();
    t.match(await introspect(issuer, token), { active: true, sub: 'short-lived', client_id: 'short-lived' });
    await inTransaction(ctx, (tx) => deleteClient(tx, 'short-lived'));
    let said = await introspect(issuer, token);
    const deadline = Date.now() + 1000;
    while (said['active'] === true && Date.now() < deadline) said = await introspect(issuer, token);
    t.same(said, inactive);
  });

  t.test('ends with the ten minutes of the token', async (t) => {
    const { tokens } = await signIn(new Agent(issuer), assist, 'alan@acme.test', { resource: assistApi });
    app.advance(570);
    t.match(await introspect(issuer, tokens.access_token), { active: true });
    app.advance(31);
    for (const token of [tokens.access_token, opaque.access_token])
      t.same(await introspect(issuer, token), inactive);
  });
});
