/** What we ask an OpenID provider for, and how we prove to it who we are. */
import { X509Certificate } from 'node:crypto';
import type { JSONWebKeySet } from 'jose';
import { decodeJwt, decodeProtectedHeader } from 'jose';
import t from 'tap';
import type { Context } from '../../src/context.ts';
import {
  createConnectionKey,
  listConnectionKeys,
  rotateConnectionKeys,
} from '../../src/core/connections/connections.ts';
import { inTransaction } from '../../src/context.ts';
import { clientMetadata } from '../../src/federation/oidc/oidc.ts';
import { comeBack, goThere, leave, type Left, startOidcCase } from '../support/oidc-case.ts';
import { type Forgery, getOidcConnection, metadataOf, sendJson } from '../support/oidc-idp.ts';

t.test('as a client of an OpenID provider', async (t) => {
  const world = await startOidcCase(t);
  const { ctx, idp, id, app } = world;
  const asked = async (connection = id, ask = {}, context: Context = ctx) => {
    const left = (await leave(context, connection, ask)) as Left;
    return {
      left,
      url: new URL(left.way.location),
      ...Object.fromEntries(new URL(left.way.location).searchParams),
    };
  };

  t.test('FD-03: a sign-in is asked for with state, nonce and a challenge, each once', async (t) => {
    const one = await asked();
    const other = await asked();
    const redirectUri = `${app.issuer}/federation/${id}/callback`;
    const { left, url } = one;
    t.equal(`${url.origin}${url.pathname}`, `${idp.issuer}/authorize`);
    t.match(one, {
      client_id: idp.clientId,
      response_type: 'code',
      redirect_uri: redirectUri,
      scope: 'openid email profile',
      state: left.ask.token,
      nonce: left.way.memory.nonce,
      code_challenge_method: 'S256',
    });
    for (const name of ['prompt', 'max_age', 'login_hint', 'hd', 'domain_hint', 'code_verifier'])
      t.notOk(url.searchParams.has(name), name);
    t.equal(new Set([...url.searchParams.keys()]).size, [...url.searchParams].length, 'nothing twice');
    t.not(left.way.memory.nonce, other.left.way.memory.nonce);
    t.not(left.way.memory.codeVerifier, other.left.way.memory.codeVerifier);
    const response = await idp.visit(url.href);
    const swapped = { ask: left.ask, way: { ...left.way, memory: other.left.way.memory } };
    t.match(
      await comeBack(ctx, id, { left: swapped, response }),
      { refused: 'oidc_token' },
      'another verifier',
    );
  });

  t.test('a challenge goes to every provider that does not rule it out', async (t) => {
    for (const [methods, goes] of [
      [['S256'], true],
      [['plain', 'S256'], true],
      [undefined, true],
      [['plain'], false],
      [[], false],
    ] as const) {
      idp.forge = { metadata: { code_challenge_methods_supported: methods } };
      const fresh = await world.connect();
      const { url, left } = await asked(fresh);
      t.equal(url.searchParams.has('code_challenge'), goes, JSON.stringify(methods));
      const response = await idp.visit(url.href);
      t.match(await comeBack(ctx, fresh, { left, response }), { identity: {} });
    }
    idp.forge = {};
  });

  t.test('who the person says they are goes along', async (t) => {
    const { url } = await asked(id, { loginHint: 'pat+x@acme.test' });
    t.equal(url.searchParams.get('login_hint'), 'pat+x@acme.test');
  });

  t.test('a fresh proof is asked for, and must be one', async (t) => {
    const force = { forceAuthn: true };
    const { url } = await asked(id, force);
    t.match(Object.fromEntries(url.searchParams), { prompt: 'login', max_age: '0' });
    t.match((await asked(id, { maxAge: 300 })).url.search, /max_age=300/);
    const now = Math.floor(ctx.now().getTime() / 1000);
    t.match(await goThere(world, id, force), { identity: { authenticatedAt: /^20/ } });
    for (const [ask, authTime, isFine] of [
      [force, undefined, false],
      [force, now - 300, false],
      [force, now - 10, true],
      [{ maxAge: 300 }, now - 200, true],
      [{ maxAge: 300 }, now - 3600, false],
      [{ maxAge: 300 }, undefined, false],
      [{}, now - 86_400, true],
    ] as const) {
      idp.forge = { claims: { auth_time: authTime } };
      const answer = await goThere(world, id, ask);
      t.match(answer, isFine ? { identity: {} } : { refused: 'oidc_id_token', detail: 'auth_time' });
    }
    idp.forge = {};
  });

  t.test('the secret is sent as the connection says', async (t) => {
    t.match(await goThere(world, id), { identity: {} });
    const posted = idp.requests.findLast(({ path }) => path === '/token');
    t.equal(posted?.form.get('client_secret'), idp.clientSecret);
    const basic = await world.connect({ settings: { clientAuth: 'client_secret_basic' } });
    t.match(await goThere(world, basic), { identity: {} });
    const request = idp.requests.findLast(({ path }) => path === '/token');
    t.match(request?.headers.authorization, /^Basic /);
    t.notOk(request?.form.has('client_secret'));
    const wrong = await world.connect({ secret: 'wrong' });
    t.match(await goThere(world, wrong), { refused: 'oidc_token', detail: 'answered 400 invalid_client' });
    const none = await world.connect({ secret: undefined });
    t.match(await leave(ctx, none), { refused: 'connection_not_available' }, 'nobody is sent there without');
  });

  t.test('a key of the connection proves it, and rotates', async (t) => {
    const keyed = await world.connect({ settings: { clientAuth: 'private_key_jwt' }, secret: undefined });
    t.match(await leave(ctx, keyed), { refused: 'connection_not_available' }, 'without a key nobody leaves');
    const place = { connectionId: keyed, use: 'signing' } as const;
    await createConnectionKey(ctx, { ...place, state: 'current' });
    await createConnectionKey(ctx, { ...place, state: 'next' });
    await createConnectionKey(ctx, { connectionId: keyed, use: 'encryption', state: 'current' });
    const published = await clientMetadata(ctx, await getOidcConnection(ctx, keyed));
    idp.clientKeys = published['jwks'] as JSONWebKeySet;
    t.equal(idp.clientKeys.keys.length, 2, 'the next one is known before it is used');
    for (const jwk of idp.clientKeys.keys) {
      t.match(jwk, { kty: 'RSA', use: 'sig', alg: 'RS256' });
      for (const secret of ['d', 'p', 'q', 'dp', 'dq', 'qi']) t.notOk(secret in jwk, secret);
    }
    const [current] = await listConnectionKeys(ctx.db, keyed).then((keys) =>
      keys.filter(({ use, state }) => use === 'signing' && state === 'current'),
    );
    t.match(await goThere(world, keyed), { identity: {} });
    const sent = idp.requests.findLast(({ path }) => path === '/token')?.form;
    const assertion = sent?.get('client_assertion') ?? '';
    const thumbprint = new X509Certificate(current?.certificate ?? '').fingerprint256;
    t.match(decodeProtectedHeader(assertion), {
      alg: 'RS256',
      kid: current?.id,
      'x5t#S256': Buffer.from(thumbprint.replaceAll(':', ''), 'hex').toString('base64url'),
    });
    t.match(decodeJwt(assertion), { aud: idp.issuer, iss: idp.clientId, sub: idp.clientId, jti: String });
    t.notOk(sent?.has('client_secret'));
    await inTransaction(ctx, (tx) => rotateConnectionKeys(tx, place));
    t.match(await goThere(world, keyed), { identity: {} }, 'the provider knew the next one');
    const after = idp.requests.findLast(({ path }) => path === '/token')?.form.get('client_assertion') ?? '';
    t.not(decodeProtectedHeader(after).kid, current?.id);
  });

  t.test('what its admins need to know of us says nothing secret', async (t) => {
    const metadata = await clientMetadata(ctx, await getOidcConnection(ctx, id));
    t.match(metadata, {
      redirect_uris: [`${app.issuer}/federation/${id}/callback`],
      backchannel_logout_uri: `${app.issuer}/federation/${id}/backchannel-logout`,
      token_endpoint_auth_method: 'client_secret_post',
      id_token_signed_response_alg: 'RS256',
    });
    t.notOk('jwks' in metadata);
    t.notMatch(JSON.stringify(metadata), idp.clientSecret);
  });
});

t.test('issuers that serve many companies', async (t) => {
  const world = await startOidcCase(t);
  const { ctx, idp } = world;
  const tenant = '11111111-2222-3333-4444-555555555555';
  const entra = 'https://login.microsoftonline.com';
  /** What stands behind a public name is our own provider; its addresses are its own. */
  const reach = (origin: string): Context => ({
    ...ctx,
    fetch: (address, init) => ctx.fetch(String(address).replace(origin, idp.issuer), init),
  });

  t.test('Entra ID, for one tenant and for all', async (t) => {
    const there = { idp, ctx: reach(entra) };
    const subject = ['tid', 'oid'];
    const make = (path: string, tenants: string[] = []) =>
      world.connect({ settings: { issuer: `${entra}/${path}/v2.0`, tenants, subject } });
    /** Its metadata under one path, which names its issuer by another. */
    const serve = (path: string, name: string, claims: Record<string, unknown>, iss = ''): Forgery => ({
      claims,
      response: [['iss', iss]],
      endpoints: {
        [`/${path}/v2.0/.well-known/openid-configuration`]: (_request, response) => {
          const { authorization_response_iss_parameter_supported: _, ...metadata } = metadataOf(idp.issuer);
          sendJson(response, { ...metadata, issuer: `${entra}/${name}/v2.0` });
        },
      },
    });
    const of = (tid: string) => ({ iss: `${entra}/${tid}/v2.0`, tid, oid: 'object-1' });

    const common = await make('common', [tenant]);
    idp.forge = serve('common', '{tenantid}', of(tenant));
    t.match(await goThere(there, common), {
      identity: { issuer: `${entra}/${tenant}/v2.0`, subject: JSON.stringify([tenant, 'object-1']) },
    });
    const left = (await leave(there.ctx, common, { loginHint: 'pat@acme.test' })) as Left;
    t.equal(new URL(left.way.location).searchParams.get('domain_hint'), 'acme.test');
    idp.forge = serve('common', '{tenantid}', of(tenant), `${entra}/${tenant}/v2.0`);
    t.match(await goThere(there, common), { identity: {} }, 'should it ever say who answers');
    idp.forge = serve('common', '{tenantid}', of(tenant), `${entra}/{tenantid}/v2.0`);
    t.match(await goThere(there, common), { refused: 'oidc_issuer' }, 'the template is nobody');

    const refused: [string, Record<string, unknown>, string][] = [
      ['the tenant of an attacker', of('attacker'), 'oidc_tenant'],
      ['no tenant', { iss: `${entra}/undefined/v2.0` }, 'oidc_tenant'],
      ['a list of tenants', { ...of(tenant), tid: [tenant] }, 'oidc_tenant'],
      ['another tenant than that of the issuer', { ...of('attacker'), tid: tenant }, 'oidc_issuer'],
      ['the issuer of another tenant', { ...of(tenant), iss: `${entra}/attacker/v2.0` }, 'oidc_issuer'],
      ['no object', { ...of(tenant), oid: undefined }, 'oidc_subject'],
    ];
    for (const [name, claims, code] of refused) {
      idp.forge = serve('common', '{tenantid}', claims);
      t.match(await goThere(there, common), { refused: code }, name);
    }

    const two = await make('common', [tenant, 'sister']);
    idp.forge = serve('common', '{tenantid}', of('sister'), `${entra}/${tenant}/v2.0`);
    t.match(
      await goThere(there, two),
      { refused: 'oidc_issuer' },
      'the response of one, the token of another',
    );
    idp.forge = serve('common', '{tenantid}', of('sister'), `${entra}/sister/v2.0`);
    t.match(await goThere(there, two), { identity: {} });

    idp.forge = serve('organizations', '{tenantid}', of('attacker'));
    t.match(
      await goThere(there, await make('organizations')),
      { refused: 'oidc_tenant' },
      'without a list nobody',
    );
    const single = await make(tenant);
    idp.forge = serve(tenant, tenant, of(tenant));
    t.match(await goThere(there, single), { identity: {} }, 'an issuer of one tenant needs no list');
    idp.forge = serve(tenant, tenant, of('attacker'));
    t.match(await goThere(there, single), { refused: 'oidc_issuer' });
    idp.forge = serve('another', tenant, of(tenant));
    t.match(
      await leave(there.ctx, await make('another')),
      { refused: 'oidc_metadata' },
      'one is not another',
    );
    idp.forge = serve('another', '{tenantid}', of(tenant));
    t.match(await leave(there.ctx, await make('another')), { refused: 'oidc_metadata' }, 'nor all of them');
    idp.forge = {};
  });

  t.test('Google: only accounts of a company', async (t) => {
    const google = 'https://accounts.google.com';
    const there = { idp, ctx: reach(google) };
    const any = await world.connect({ settings: { issuer: google } });
    const acme = await world.connect({ settings: { issuer: google, tenants: ['acme.test'] } });
    const truth = { iss: google, sub: 'google-1' };
    const comes = async (id: typeof any, claims: Record<string, unknown>) => {
      idp.forge = { metadata: { issuer: google }, response: [['iss', '']], claims: { ...truth, ...claims } };
      idp.forge.metadata = { ...idp.forge.metadata, authorization_response_iss_parameter_supported: false };
      return goThere(there, id);
    };
    t.match(await comes(any, { hd: 'acme.test' }), { identity: { subject: 'google-1' } });
    t.match(await comes(any, {}), { refused: 'oidc_tenant' }, 'a private account');
    t.match(await comes(any, { hd: '' }), { refused: 'oidc_tenant' });
    t.match(await comes(acme, { hd: 'acme.test' }), { identity: {} });
    t.match(await comes(acme, { hd: 'evil.test' }), { refused: 'oidc_tenant' });
    const url = new URL(((await leave(there.ctx, any, { loginHint: 'pat@acme.test' })) as Left).way.location);
    t.equal(url.searchParams.get('hd'), 'acme.test');
    idp.forge = {};
  });
});
