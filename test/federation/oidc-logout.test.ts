/** Logout tokens of an OpenID provider: whoever can post can send one, so each has to be right in everything. */
import { base64url, generateKeyPair, SignJWT } from 'jose';
import t from 'tap';
import { verifyLogoutToken } from '../../src/federation/oidc/oidc.ts';
import { startOidcCase } from '../support/oidc-case.ts';
import { forPss, getOidcConnection, sendJson } from '../support/oidc-idp.ts';

const event = 'http://schemas.openid.net/event/backchannel-logout';

t.test('a logout token', async (t) => {
  const { ctx, idp, id, app, connect } = await startOidcCase(t);
  const verify = async (token: string, connection = id) =>
    verifyLogoutToken(ctx, await getOidcConnection(ctx, connection), token);
  const now = () => Math.floor(ctx.now().getTime() / 1000);

  t.test('says who has signed out, or where', async (t) => {
    const token = await idp.logoutToken({ jti: 'once' });
    const notice = await verify(token);
    t.match(notice, { issuer: idp.issuer, subject: 'person-1', sessionId: 'session-1', jti: 'once' });
    t.strictSame(await verify(token), notice, 'it is for the caller to hear it once');
    t.strictSame(
      Object.keys(await verify(await idp.logoutToken({ sid: undefined }))).includes('sessionId'),
      false,
    );
    t.strictSame(
      Object.keys(await verify(await idp.logoutToken({ sub: undefined }))).includes('subject'),
      false,
    );
    for (const typ of ['logout+jwt', 'LOGOUT+JWT', 'application/logout+jwt', 'JWT', undefined])
      t.match(await verify(await idp.logoutToken({}, { typ })), { jti: String }, String(typ));
    t.match(
      await verify(await idp.logoutToken({ exp: undefined })),
      { jti: String },
      'older ones have no end',
    );
    t.match(await verify(await idp.logoutToken({ aud: [idp.clientId] })), { jti: String });
    const both = { aud: [idp.clientId, 'another'], azp: idp.clientId };
    t.match(await verify(await idp.logoutToken(both)), { jti: String });
  });

  t.test('is refused when anything is wrong with it', async (t) => {
    const wrong: Record<string, Record<string, unknown>> = {
      'another issuer': { iss: 'https://evil.test' },
      'no issuer': { iss: undefined },
      'another audience': { aud: 'another' },
      'no audience': { aud: undefined },
      'another audience beside ours': { aud: [idp.clientId, 'another'] },
      'lent to another': { azp: 'another' },
      'issued long ago': { iat: now() - 700, exp: now() + 100 },
      'issued in the future': { iat: now() + 120 },
      'not issued': { iat: undefined },
      'issued in words': { iat: 'now' },
      ended: { exp: now() - 60 },
      'no event': { events: undefined },
      'another event': { events: { 'http://schemas.openid.net/event/other': {} } },
      'an event that is no object': { events: { [event]: true } },
      'events that are a list': { events: [event] },
      'events that are text': { events: event },
      'a nonce': { nonce: 'x' },
      'an empty nonce': { nonce: '' },
      'a nonce of null': { nonce: null },
      'no name': { jti: undefined },
      'an empty name': { jti: '' },
      'a number for a name': { jti: 1 },
      'a very long name': { jti: 'x'.repeat(5000) },
    };
    for (const [name, claims] of Object.entries(wrong))
      t.match(await verify(await idp.logoutToken(claims)), { refused: 'oidc_token' }, name);
    for (const claims of [
      { sub: undefined, sid: undefined },
      { sub: '', sid: '' },
      { sub: 1, sid: 1 },
      { sub: 'a\u0000', sid: 'b\u0000' },
    ])
      t.match(
        await verify(await idp.logoutToken(claims)),
        { refused: /^oidc_(subject|token)$/ },
        JSON.stringify(claims),
      );
    for (const typ of ['at+jwt', 'secevent+jwt', 'x'])
      t.match(await verify(await idp.logoutToken({}, { typ })), { refused: 'oidc_token' }, typ);
    t.match(await verify(await idp.logoutToken()), { jti: String }, 'the right one is still taken');
  });

  t.test('is refused with any signature but the one of the connection', async (t) => {
    const [head = '', body = '', signature = ''] = (await idp.logoutToken()).split('.');
    const json = (value: unknown) => base64url.encode(JSON.stringify(value));
    const { privateKey } = await generateKeyPair('RS256');
    const claims = JSON.parse(Buffer.from(body, 'base64url').toString()) as Record<string, unknown>;
    const { kid } = idp.key();
    const forged = (header: { alg: string; kid?: string }) => new SignJWT(claims).setProtectedHeader(header);
    const tokens: Record<string, string> = {
      'another key': await forged({ alg: 'RS256', kid }).sign(privateKey),
      'another key without a name': await forged({ alg: 'RS256' }).sign(privateKey),
      'the secret': await forged({ alg: 'HS256', kid }).sign(new TextEncoder().encode(idp.clientSecret)),
      none: `${json({ alg: 'none' })}.${body}.`,
      cut: `${head}.${body}.`,
      changed: `${head}.${json({ ...claims, sub: 'another' })}.${signature}`,
      nothing: '',
      nonsense: 'a.b.c',
      'too long': await idp.logoutToken({ more: 'x'.repeat(20_000) }),
    };
    for (const [name, token] of Object.entries(tokens))
      t.match(await verify(token), { refused: 'oidc_token' }, name);
    // keys that do not say what they are for
    idp.forge = { keys: (keys) => ({ keys: keys.map((key) => ({ ...key, alg: undefined })) }) };
    const pinned = await connect();
    const otherwise = await forged({ alg: 'PS256', kid }).sign(await forPss(idp.key()));
    t.match(await verify(otherwise, pinned), { refused: 'oidc_token' }, 'the right key, another algorithm');
    t.match(await verify(await idp.logoutToken(), pinned), { jti: String });
    idp.forge = {};
  });

  t.test('an ID token is none, though the same key has signed it', async (t) => {
    const idToken = await idp.logoutToken({ events: undefined, nonce: 'x' }, { typ: undefined });
    t.match(await verify(idToken), { refused: 'oidc_token' });
  });

  t.test('ages by our clock, and is remembered for as long as it could come again', async (t) => {
    const token = await idp.logoutToken({ exp: now() + 86_400 });
    const notice = await verify(token);
    if (!('expiresAt' in notice)) throw new Error('refused');
    app.advance(600);
    t.match(await verify(token), { jti: String }, 'still within the tolerance');
    app.advance(60);
    t.match(await verify(token), { refused: 'oidc_token' });
    t.ok(ctx.now() >= notice.expiresAt, 'only now may its name be forgotten');
  });

  t.test('names people as the connection does', async (t) => {
    const settings = { subject: ['tid', 'oid'] };
    const composed = await connect({ settings });
    const named = await idp.logoutToken({ tid: 'a', oid: 'b' });
    t.match(await verify(named, composed), { subject: '["a","b"]' });
    t.strictSame(
      'subject' in (await verify(await idp.logoutToken(), composed)),
      false,
      'by the session alone',
    );
    const neither = await idp.logoutToken({ sid: undefined });
    t.match(await verify(neither, composed), { refused: 'oidc_subject' });
  });

  t.test('keys that cannot be had refuse it', async (t) => {
    const cold = await connect();
    for (const status of [500, 404]) {
      idp.forge = { endpoints: { '/jwks': (_request, response) => { sendJson(response, {}, status); } } }; // prettier-ignore
      t.match(await verify(await idp.logoutToken(), cold), {
        refused: /^(idp_not_reachable|oidc_metadata)$/,
      });
    }
    idp.forge = {};
    t.match(await verify(await idp.logoutToken(), cold), { jti: String });
  });
});
