/** O01–O07, O14: what a hostile OpenID provider, or somebody in its place, may send, and what comes of it. */
import { base64url, exportSPKI, generateKeyPair, SignJWT } from 'jose';
import t from 'tap';
import type { Refusal } from '../../src/core/attempts/attempts.ts';
import type { Verified } from '../../src/federation/connector.ts';
import { oidcConnector } from '../../src/federation/oidc/oidc.ts';
import { comeBack, goThere, leave, type Left, startOidcCase } from '../support/oidc-case.ts';
import { type Forgery, forPss, getOidcConnection, sendJson } from '../support/oidc-idp.ts';

const json = (value: unknown): string => base64url.encode(JSON.stringify(value));

t.test('a hostile provider', async (t) => {
  const world = await startOidcCase(t);
  const { ctx, idp, id } = world;
  t.match(await goThere(world, id), { identity: { issuer: idp.issuer, subject: 'person-1' } }, 'the truth');

  const refuses = async (test: typeof t, code: Refusal['refused'], forgeries: Record<string, Forgery>) => {
    for (const [name, forgery] of Object.entries(forgeries)) {
      idp.forge = forgery;
      test.match(await goThere(world, id), { refused: code }, name);
    }
    idp.forge = {};
    test.match(await goThere(world, id), { identity: {} }, 'and the truth is taken again');
  };

  t.test('O01: a signature by anybody else', async (t) => {
    const { privateKey, publicKey } = await generateKeyPair('RS256', { extractable: true });
    const sign = (claims: object, header: object) =>
      new SignJWT({ ...claims }).setProtectedHeader(header as { alg: string }).sign(privateKey);
    const jwk = { kty: 'RSA', pem: await exportSPKI(publicKey) };
    await refuses(t, 'oidc_id_token', {
      'another key under the right name': { idToken: sign },
      'another key under its own name': { idToken: sign, header: { kid: 'other' } },
      'another key without a name': { idToken: sign, header: { kid: undefined } },
      'another key that comes along': { idToken: sign, header: { jwk } },
      'claims that were changed afterwards': {
        idToken: async (claims, header) => {
          const [head, , signature] = (await sign(claims, header)).split('.');
          return [head, json({ ...claims, sub: 'somebody else' }), signature].join('.');
        },
      },
      'no signature': { idToken: (claims, header) => `${json(header)}.${json(claims)}.` },
    });
  });

  t.test('O02: no algorithm, though the metadata offers it', async (t) => {
    const metadata = { id_token_signing_alg_values_supported: ['none', 'RS256'] };
    const fresh = await world.connect();
    idp.forge = {
      metadata,
      idToken: (claims, header) => `${json({ ...header, alg: 'none' })}.${json(claims)}.`,
    };
    t.match(await goThere(world, fresh), { refused: 'oidc_id_token' });
    idp.forge = {};
  });

  t.test('O03: a signature with a secret, or with a public key for one', async (t) => {
    const hmac = (secret: string) => (claims: object, header: object) =>
      new SignJWT({ ...claims })
        .setProtectedHeader({ ...header, alg: 'HS256' })
        .sign(new TextEncoder().encode(secret));
    const fresh = await world.connect();
    for (const secret of [idp.clientSecret, await exportSPKI(idp.key().publicKey)]) {
      idp.forge = {
        metadata: { id_token_signing_alg_values_supported: ['HS256', 'RS256'] },
        idToken: hmac(secret),
      };
      t.match(await goThere(world, fresh), { refused: 'oidc_id_token' });
    }
    idp.forge = {};
  });

  t.test('another algorithm than that of the connection', async (t) => {
    await refuses(t, 'oidc_id_token', {
      'with the right key': {
        idToken: async (claims) =>
          new SignJWT(claims)
            .setProtectedHeader({ alg: 'PS256', kid: idp.key().kid })
            .sign(await forPss(idp.key())),
      },
    });
  });

  t.test('O04: a nonce that is not ours', (t) =>
    refuses(t, 'oidc_id_token', {
      wrong: { claims: { nonce: 'another' } },
      missing: { claims: { nonce: undefined } },
      'not text': { claims: { nonce: 1 } },
    }),
  );

  t.test('O05: a token for another client', (t) =>
    refuses(t, 'oidc_id_token', {
      'another audience': { claims: { aud: 'another' } },
      'no audience': { claims: { aud: undefined } },
      'another one beside ours': { claims: { aud: [idp.clientId, 'another'] } },
      'another one that it is lent to': { claims: { aud: [idp.clientId, 'another'], azp: 'another' } },
      'lent to another, for us alone': { claims: { azp: 'another' } },
    }),
  );

  t.test('O06: another issuer', async (t) => {
    await refuses(t, 'oidc_issuer', {
      'in the token': { claims: { iss: 'https://accounts.google.com' } },
      'in the token, by a slash': { claims: { iss: `${idp.issuer}/` } },
      'in the response': { response: [['iss', 'https://accounts.google.com']] },
      'in the response, by a slash': { response: [['iss', `${idp.issuer}/`]] },
      'not in the response, as was announced': { response: [['iss', '']] },
      'beside an error': {
        response: [
          ['iss', 'https://evil.test'],
          ['error', 'access_denied'],
        ],
      },
    });
    const asked = idp.count('/token');
    idp.forge = { response: [['iss', 'https://accounts.google.com']] };
    await goThere(world, id);
    t.equal(idp.count('/token'), asked, 'the code of another one is not handed on');
    idp.forge = { metadata: { authorization_response_iss_parameter_supported: undefined } };
    const silent = await world.connect();
    t.match(await goThere(world, silent), { identity: {} }, 'one that does not announce it may say it');
    idp.forge = { ...idp.forge, response: [['iss', '']] };
    t.match(await goThere(world, silent), { identity: {} }, 'or not');
    idp.forge = { ...idp.forge, response: [['iss', 'https://evil.test']] };
    t.match(await goThere(world, silent), { refused: 'oidc_issuer' }, 'but not say another');
    idp.forge = {};
  });

  t.test('O07: a response of another departure, or two in one', async (t) => {
    await refuses(t, 'oidc_state', {
      'another state': { response: [['state', 'another']] },
      'no state': { response: [['state', '']] },
      'the state of somebody else': { response: [['state', 'A'.repeat(43)]] },
    });
    const left = (await leave(ctx, id)) as Left;
    const good = await idp.visit(left.way.location);
    const asked = idp.count('/token');
    const twice = (name: string, value: string) => {
      const response = new URLSearchParams(good);
      response.append(name, value);
      return comeBack(ctx, id, { left, response });
    };
    t.match(await twice('state', left.ask.token), { refused: 'oidc_state' }, 'the state twice');
    t.match(await twice('state', 'another'), { refused: 'oidc_state' }, 'two states');
    t.match(await twice('code', 'another'), { refused: 'oidc_error' }, 'two codes');
    t.match(await twice('iss', idp.issuer), { refused: 'oidc_error' }, 'the issuer twice');
    t.match(await twice('error', 'access_denied'), { refused: 'idp_error' }, 'an error and a code');
    t.match(await twice('id_token', 'x.y.z'), { refused: 'oidc_token' }, 'a token that passed the browser');
    t.match(await twice('response', 'x.y.z'), { refused: 'oidc_token' }, 'a response inside the response');
    const none = new URLSearchParams(good);
    none.delete('code');
    t.match(await comeBack(ctx, id, { left, response: none }), { refused: 'oidc_error' }, 'no code');
    const empty = new URLSearchParams();
    t.match(await comeBack(ctx, id, { left, response: empty }), { refused: 'oidc_state' }, 'nothing at all');
    t.equal(idp.count('/token'), asked, 'nobody was asked for any of them');
    const forgotten = { ...left, way: { ...left.way, memory: {} } };
    t.match(
      await comeBack(ctx, id, { left: forgotten, response: good }),
      { refused: 'oidc_state' },
      'no nonce',
    );
    const unasked = { response: good, ask: undefined, memory: left.way.memory };
    const connection = await getOidcConnection(ctx, id);
    t.match(await oidcConnector.verify(ctx, connection, unasked), { refused: 'oidc_state' }, 'unsolicited');
    t.match(await comeBack(ctx, id, { left, response: good }), { identity: {} }, 'the good one still works');
    t.match(await comeBack(ctx, id, { left, response: good }), { refused: 'oidc_token' }, 'once');
  });

  t.test('FD-10: errors are words of a stranger', async (t) => {
    const words: [string, string][] = [
      ['access_denied', 'access_denied'],
      ['<script>alert(1)</script>', 'an unreadable error'],
      ['a\r\nforged: line', 'an unreadable error'],
      ['x'.repeat(5000), 'an unreadable error'],
    ];
    for (const [error, detail] of words) {
      idp.forge = { response: [['error', error], ['error_description', '<b>x</b>'], ['code', '']] }; // prettier-ignore
      t.strictSame(await goThere(world, id), { refused: 'idp_error', detail });
    }
    idp.forge = {
      endpoints: {
        '/token': (_request, response) => {
          sendJson(response, { error: '<img src=x>', error_description: 'x' }, 400);
        },
      },
    };
    const answered = { refused: 'oidc_token', detail: 'answered 400 an unreadable error' };
    t.strictSame(await goThere(world, id), answered);
    idp.forge = {};
  });

  t.test('O14: a subject or a time that cannot be', async (t) => {
    const now = Math.floor(ctx.now().getTime() / 1000);
    const years = 10 * 365 * 86_400;
    await refuses(t, 'oidc_subject', {
      'an empty subject': { claims: { sub: '' } },
      'a long subject': { claims: { sub: 'x'.repeat(256) } },
      'a very long subject': { claims: { sub: 'x'.repeat(10_000) } },
      'a subject with NUL': { claims: { sub: 'a\u0000b' } },
      'a subject with a line break': { claims: { sub: 'a\nb' } },
      'half a character': { claims: { sub: '\ud800' } },
    });
    const byOid = await world.connect({ settings: { subject: ['oid'] } });
    idp.forge = { claims: { sub: 'x'.repeat(10_000), oid: 'object-1' } };
    t.match(
      await goThere(world, byOid),
      { refused: 'oidc_subject' },
      'where another claim names the person, too',
    );
    await refuses(t, 'oidc_id_token', {
      'issued ten years ago': { claims: { iat: now - years } },
      'issued eleven minutes ago': { claims: { iat: now - 660 } },
      'issued in two minutes': { claims: { iat: now + 120 } },
      'not issued': { claims: { iat: undefined } },
      ended: { claims: { exp: now - 60 } },
      'ends in ten years': { claims: { exp: now + years } },
      'no end': { claims: { exp: undefined } },
      'an end in words': { claims: { exp: 'tomorrow' } },
      'not yet': { claims: { nbf: now + 120 } },
      'proven tomorrow': { claims: { auth_time: now + 86_400 } },
      'proven beyond all time': { claims: { auth_time: 1e300 } },
      'no subject': { claims: { sub: undefined } },
      'a number for a subject': { claims: { sub: 1 } },
    });
    idp.forge = { claims: { sub: 'x'.repeat(255), iat: now - 500, exp: now + 30 * 86_400 } };
    t.match(await goThere(world, id), { identity: {} }, 'and up to there it is fine');
    idp.forge = {};
  });

  t.test('tokens and keys that are none', async (t) => {
    await refuses(t, 'oidc_token', {
      'no access token': { tokens: { access_token: undefined } },
      'another kind of token': { tokens: { token_type: 'mac' } },
      'no ID token': { tokens: { id_token: undefined } },
      'a refusal in its words': { tokens: { refused: 'x', access_token: undefined } },
    });
    await refuses(t, 'oidc_id_token', {
      'not a token': { idToken: () => 'nonsense' },
      encrypted: { idToken: () => 'a.b.c.d.e' },
      critical: {
        header: { crit: ['x'], x: 1 },
        idToken: (claims, header) =>
          new SignJWT(claims)
            .setProtectedHeader(header as { alg: string })
            .sign(idp.key().privateKey, { crit: { x: true } }),
      },
    });
    idp.forge = { tokens: { refused: 'nonsense' } };
    t.match(await goThere(world, id), { identity: {} }, 'a member called like a refusal is none');
    for (const keys of [
      { keys: 'x' },
      [],
      { keys: [] },
      { keys: [1, null, {}] },
      { keys: [{ kty: 'oct', k: 'x' }] },
    ]) {
      idp.forge = { keys: () => keys };
      t.match(
        await goThere(world, await world.connect()),
        { refused: 'oidc_id_token' },
        JSON.stringify(keys),
      );
    }
    idp.forge = { keys: (keys) => ({ keys: [null, { kty: 'RSA\u0000' }, ...keys, { kty: 'EC', x: 'é' }] }) };
    t.match(await goThere(world, await world.connect()), { identity: {} }, 'good ones among bad ones');
    idp.forge = { keys: (keys) => ({ keys: [...keys, ...keys] }) };
    t.match(await goThere(world, await world.connect()), { refused: 'oidc_id_token' }, 'two of one name');
    idp.forge = {};
  });

  t.test('userinfo of somebody else', async (t) => {
    idp.forge = { claims: { email: undefined } };
    t.match(await goThere(world, id), { identity: { attributes: { email: ['pat@acme.test'] } } });
    for (const sub of ['another', '', undefined, 1]) {
      idp.forge = { claims: { email: undefined }, userinfo: { sub } };
      t.match(await goThere(world, id), { refused: 'oidc_userinfo' }, String(sub));
    }
    idp.forge = { claims: { email: undefined }, userinfo: { name: 'Somebody Else', iss: 'x', amr: ['x'] } };
    const { identity } = (await goThere(world, id)) as Verified;
    t.match(identity, { issuer: idp.issuer, amr: [] }, 'it adds, and changes nothing');
    t.match(identity.attributes, { name: ['Pat'] });
    idp.forge = {};
  });

  t.test('FD-09: nothing that a provider gave is kept', async (t) => {
    idp.forge = { claims: { email: undefined } };
    const verified = await goThere(world, id);
    t.notMatch(JSON.stringify(verified), /canary-upstream/);
    const tables = await ctx.db
      .selectFrom('connections')
      .select(['published', 'settings', 'refreshError'])
      .execute();
    t.notMatch(JSON.stringify(tables), /canary-upstream/);
    t.notMatch(world.app.lines.join('\n'), /canary-upstream/);
    idp.forge = {};
  });
});
