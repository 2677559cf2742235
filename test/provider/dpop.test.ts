/** RFC 9449: a token that is worth nothing without the key it was asked for with. */
import { createHash, generateKeyPairSync, type KeyObject, randomUUID } from 'node:crypto';
import { calculateJwkThumbprint, decodeJwt, type JWK, type JWTPayload, SignJWT } from 'jose';
import * as oidc from 'openid-client';
import t from 'tap';
import { Agent } from '../support/agent.ts';
import { startApp } from '../support/app.ts';
import { makeClient } from '../support/make.ts';
import { RelyingParty, signIn } from '../support/relying-party.ts';
import {
  assistApi,
  demoBasic,
  demoParty,
  introspect,
  obtainCode,
  post,
  refreshForm,
  userinfo,
} from './requests.ts';

interface Key {
  readonly privateKey: KeyObject;
  readonly jwk: JWK;
  readonly thumbprint: string;
}

async function makeKey(): Promise<Key> {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const jwk = publicKey.export({ format: 'jwk' }) as JWK;
  return { privateKey, jwk, thumbprint: await calculateJwkThumbprint(jwk) };
}

interface Proof extends JWTPayload {
  readonly htm?: string;
  readonly htu?: string;
  readonly ath?: string;
}

/** A proof made by hand, so that one thing of it can be wrong. */
function prove(key: Key, claims: Proof, header: object = {}): Promise<string> {
  return new SignJWT({ jti: randomUUID(), iat: Math.floor(Date.now() / 1000), ...claims })
    .setProtectedHeader({ alg: 'ES256', typ: 'dpop+jwt', jwk: key.jwk, ...header })
    .sign(key.privateKey);
}

const athOf = (token: string): string => createHash('sha256').update(token).digest('base64url');

t.test('DPoP', async (t) => {
  const { issuer, ctx } = await startApp(t);
  const assist = demoParty(issuer, 'assist', 'openid email assist:read');
  const browser = new Agent(issuer);
  await signIn(browser, assist, 'alan@acme.test');
  const key = await makeKey();
  const other = await makeKey();
  const atToken = { htm: 'POST', htu: `${issuer}/token` };

  /** Tokens bound to a key, of a code of their own. */
  const boundTokens = async (extra: Readonly<Record<string, string>> = {}) => {
    const { form } = await obtainCode(assist, { browser, extra });
    const answer = await post(issuer, '/token', form, { dpop: await prove(key, atToken) });
    if (answer.status !== 200) throw new Error(answer.text);
    return answer.json();
  };
  const useAtUserinfo = async (token: string, proof: string | Promise<string>, scheme = 'DPoP') =>
    new Agent(issuer).get('/userinfo', {
      headers: { authorization: `${scheme} ${token}`, dpop: await proof },
    });
  const atUserinfo = (token: string): Proof => ({
    htm: 'GET',
    htu: `${issuer}/userinfo`,
    ath: athOf(token),
  });

  t.test('a relying party gets bound tokens, uses them with proofs and refreshes them', async (t) => {
    const configuration = await assist.configuration();
    const keyPair = await oidc.randomDPoPKeyPair('ES256', { extractable: true });
    const options = { DPoP: oidc.getDPoPHandle(configuration, keyPair) };
    const started = await assist.start();
    const back = await browser.follow(started.url.href);
    const tokens = await oidc.authorizationCodeGrant(
      configuration,
      new URL(back.location ?? ''),
      {
        expectedState: started.state,
        expectedNonce: started.nonce,
        pkceCodeVerifier: started.codeVerifier,
      },
      {},
      options,
    );
    t.equal(tokens.token_type, 'dpop');
    const sub = tokens.claims()?.sub ?? '';
    t.equal((await oidc.fetchUserInfo(configuration, tokens.access_token, sub, options)).sub, sub);
    t.equal(
      (await oidc.fetchUserInfo(configuration, tokens.access_token, sub, options)).sub,
      sub,
      'and again',
    );

    const next = await oidc.refreshTokenGrant(configuration, tokens.refresh_token ?? '', {}, options);
    t.equal(next.token_type, 'dpop');
    t.not(next.refresh_token, tokens.refresh_token, 'it is rotated like any other');
    t.equal((await oidc.fetchUserInfo(configuration, next.access_token, sub, options)).sub, sub);
  });

  t.test('a JWT access token names its key, and introspection does too', async (t) => {
    const tokens = await boundTokens({ resource: assistApi });
    t.equal(tokens.token_type, 'DPoP');
    const cnf = { jkt: key.thumbprint };
    t.match(decodeJwt(tokens.access_token), { cnf });
    t.match(await introspect(issuer, tokens.access_token), { active: true, token_type: 'DPoP', cnf });
    const refreshToken = await post(issuer, '/introspect', {
      client_id: 'demo-assist',
      token: tokens.refresh_token,
    });
    t.match(refreshToken.json(), { active: true, cnf });
  });

  t.test('a bound token is no bearer token, and a bearer token is not bound', async (t) => {
    const { access_token: token } = await boundTokens();
    t.equal((await userinfo(issuer, token)).status, 401);
    t.ok((await useAtUserinfo(token, prove(key, atUserinfo(token)), 'Bearer')).status >= 400);
    t.equal((await useAtUserinfo(token, prove(key, atUserinfo(token)))).status, 200);
    const { tokens: plain } = await signIn(new Agent(issuer), assist, 'alan@acme.test');
    const dressed = await useAtUserinfo(plain.access_token, prove(key, atUserinfo(plain.access_token)));
    t.equal(dressed.status, 401);
  });

  t.test('a proof is good for one use', async (t) => {
    const { access_token: token } = await boundTokens();
    const proof = await prove(key, atUserinfo(token));
    t.equal((await useAtUserinfo(token, proof)).status, 200);
    const replayed = await useAtUserinfo(token, proof);
    t.equal(replayed.status, 401);
    t.equal(replayed.json().error, 'invalid_token');

    const first = await obtainCode(assist, { browser });
    const second = await obtainCode(assist, { browser });
    const dpop = await prove(key, atToken);
    const bound = await post(issuer, '/token', first.form, { dpop });
    t.equal(bound.status, 200);
    const again = await post(issuer, '/token', second.form, { dpop });
    t.equal(again.status, 400);
    t.equal(again.json().error, 'invalid_grant');
    t.equal(
      (await post(issuer, '/token', second.form, { dpop: await prove(key, atToken) })).status,
      200,
      'the code was not used up',
    );
    const refreshed = await post(issuer, '/token', refreshForm(bound.json().refresh_token), { dpop });
    t.equal(refreshed.json().error, 'invalid_grant');
  });

  t.test('a proof is of this key for this token, this address and this minute', async (t) => {
    const { access_token: token } = await boundTokens();
    const right = atUserinfo(token);
    const now = Math.floor(Date.now() / 1000);
    const secret = key.privateKey.export({ format: 'jwk' });
    const wrong: Record<string, Promise<string> | string> = {
      'another key': prove(other, right),
      'another token': prove(key, { ...right, ath: athOf('another') }),
      'no token': prove(key, { htm: 'GET', htu: `${issuer}/userinfo` }),
      'another method': prove(key, { ...right, htm: 'POST' }),
      'another address': prove(key, { ...right, htu: `${issuer}/token` }),
      'another host': prove(key, { ...right, htu: 'https://evil.test/userinfo' }),
      'no address': prove(key, { ...right, htu: undefined } as unknown as Proof),
      'an old one': prove(key, { ...right, iat: now - 600 }),
      'one of the future': prove(key, { ...right, iat: now + 600 }),
      'no date': prove(key, { ...right, iat: undefined } as unknown as Proof),
      'no name': prove(key, { ...right, jti: undefined } as unknown as Proof),
      'a made-up nonce': prove(key, { ...right, nonce: 'made-up' }),
      'another type': prove(key, right, { typ: 'JWT' }),
      'a private key in it': prove(key, right, { jwk: secret }),
      'the key of somebody else in it': prove(key, right, { jwk: other.jwk }),
      'no key in it': prove(key, right, { jwk: undefined }),
      'no algorithm': `${Buffer.from(JSON.stringify({ alg: 'none', typ: 'dpop+jwt', jwk: key.jwk })).toString('base64url')}.e30.`,
      'two proofs': Promise.all([prove(key, right), prove(key, right)]).then((both) => both.join(', ')),
      garbage: 'garbage',
    };
    for (const [what, proof] of Object.entries(wrong)) {
      const answer = await useAtUserinfo(token, proof);
      t.ok([400, 401].includes(answer.status), `${what}: ${answer.status}`);
      t.match(answer.json().error, /^(invalid_dpop_proof|invalid_token|use_dpop_nonce)$/, what);
    }
    t.equal((await useAtUserinfo(token, prove(key, right))).status, 200);
    const elsewhere = prove(key, { ...right, htu: `${issuer}/userinfo?a=b#c` });
    t.equal((await useAtUserinfo(token, elsewhere)).status, 200, 'query and fragment do not count');
  });

  t.test('a clock that is wrong is helped by a nonce', async (t) => {
    const { access_token: token } = await boundTokens();
    const late = { ...atUserinfo(token), iat: Math.floor(Date.now() / 1000) - 600 };
    const told = await useAtUserinfo(token, prove(key, late));
    t.equal(told.json().error, 'use_dpop_nonce');
    const nonce = told.headers.get('dpop-nonce') ?? '';
    t.equal((await useAtUserinfo(token, prove(key, { ...late, nonce }))).status, 200);
  });

  t.test('a public client refreshes with the key of the beginning and with no other', async (t) => {
    const tokens = await boundTokens();
    const form = refreshForm(tokens.refresh_token);
    const refresh = (headers: Readonly<Record<string, string>>) => post(issuer, '/token', form, headers);
    t.equal((await refresh({})).json().error, 'invalid_grant', 'without a proof');
    t.equal((await refresh({ dpop: await prove(other, atToken) })).json().error, 'invalid_grant');
    t.equal((await refresh({ dpop: 'garbage' })).json().error, 'invalid_dpop_proof');
    const answer = await refresh({ dpop: await prove(key, atToken) });
    t.equal(answer.status, 200, 'nothing of that has rotated or ended it');
    const repeated = await refresh({ dpop: await prove(key, atToken) });
    t.equal(repeated.json().refresh_token, answer.json().refresh_token, 'the grace is there');
    t.equal((await refresh({ dpop: await prove(other, atToken) })).status, 400, 'but not for another key');
  });

  t.test('a confidential client may bring another key, since it proves itself', async (t) => {
    const confidential = demoParty(issuer, 'confidential');
    const { form } = await obtainCode(confidential, { browser });
    const first = await post(issuer, '/token', form, {
      ...demoBasic('confidential'),
      dpop: await prove(key, atToken),
    });
    t.equal(first.json().token_type, 'DPoP');
    const next = await post(issuer, '/token', refreshForm(first.json().refresh_token, 'demo-confidential'), {
      ...demoBasic('confidential'),
      dpop: await prove(other, atToken),
    });
    t.equal(next.json().token_type, 'DPoP');
  });

  t.test('a code may be bound to a key before it exists', async (t) => {
    const { form } = await obtainCode(assist, { browser, extra: { dpop_jkt: key.thumbprint } });
    t.equal((await post(issuer, '/token', form)).json().error, 'invalid_grant');
    const { form: second } = await obtainCode(assist, { browser, extra: { dpop_jkt: key.thumbprint } });
    const stolen = await post(issuer, '/token', second, { dpop: await prove(other, atToken) });
    t.equal(stolen.json().error, 'invalid_grant');
    const { form: third } = await obtainCode(assist, { browser, extra: { dpop_jkt: key.thumbprint } });
    t.equal((await post(issuer, '/token', third, { dpop: await prove(key, atToken) })).status, 200);
  });

  t.test('a client can be held to it', async (t) => {
    await makeClient(ctx, {
      clientId: 'always-bound',
      name: 'Always bound',
      firstParty: true,
      applicationType: 'web',
      authMethod: 'none',
      grantTypes: ['authorization_code', 'refresh_token'],
      redirectUris: [assist.client.redirectUri],
      dpopBoundAccessTokens: true,
    });
    const bound = new RelyingParty(issuer, {
      clientId: 'always-bound',
      redirectUri: assist.client.redirectUri,
    });
    const { form } = await obtainCode(bound, { browser });
    const refused = await post(issuer, '/token', form);
    t.equal(refused.status, 400);
    t.notOk('access_token' in refused.json());
    t.equal((await post(issuer, '/token', form, { dpop: await prove(key, atToken) })).status, 200);
  });
});
