/** RFC 6749 §4.4 and §2.3: services act for themselves, and every client authenticates in its one way. */
import { createRemoteJWKSet, jwtVerify } from 'jose';
import t from 'tap';
import { operatorScopes } from '../../src/core/clients/clients.ts';
import { Agent } from '../support/agent.ts';
import { startApp } from '../support/app.ts';
import { makeClient } from '../support/make.ts';
import { assistApi, basic, demoBasic, introspect, meetApi, post, userinfo } from './requests.ts';

t.test('client credentials', async (t) => {
  const { issuer, ctx } = await startApp(t);
  const request = (form: Readonly<Record<string, string>>, headers = demoBasic('service')) =>
    post(issuer, '/token', { grant_type: 'client_credentials', ...form }, headers);
  const verify = (token: string, audience: string) =>
    jwtVerify(token, createRemoteJWKSet(new URL(`${issuer}/jwks`)), {
      issuer,
      audience,
      typ: 'at+jwt',
      algorithms: ['ES256'],
    });

  t.test('a service gets a JWT for its resource, and nothing of a person', async (t) => {
    const answer = await request({ resource: assistApi, scope: 'assist:read' });
    t.equal(answer.status, 200);
    t.equal(answer.headers.get('cache-control'), 'no-store');
    const { access_token: token, ...rest } = answer.json();
    t.same(rest, { token_type: 'Bearer', expires_in: 600, scope: 'assist:read' });
    const { payload } = await verify(token, assistApi);
    const { iat = 0, exp = 0, jti, ...claims } = payload;
    t.equal(exp - iat, 600);
    t.ok(jti);
    t.same(claims, {
      iss: issuer,
      aud: assistApi,
      sub: 'demo-service',
      client_id: 'demo-service',
      scope: 'assist:read',
    });
    t.equal((await userinfo(issuer, token)).status, 401, 'it is nobody');
    t.match(await introspect(issuer, token), { active: true, sub: 'demo-service' });
  });

  t.test('the scope is what both the client and the resource know of what was asked', async (t) => {
    const scopeOf = async (scope: string) => (await request({ resource: assistApi, scope })).json();
    t.match(await scopeOf('assist:write assist:read'), { scope: 'assist:write assist:read' });
    for (const foreign of ['meet:read', 'admin:users:read', 'self', 'openid', 'offline_access', 'made:up']) {
      const alone = await scopeOf(foreign);
      t.ok(alone.error === 'invalid_scope' || alone.scope === undefined, foreign);
      const mixed = await scopeOf(`assist:read ${foreign}`);
      t.ok(mixed.error === 'invalid_scope' || mixed.scope === 'assist:read', foreign);
    }
    t.equal(
      (await request({ resource: assistApi })).json().scope,
      undefined,
      'asked for nothing, got nothing',
    );
  });

  t.test('a resource that is not the client’s is no target', async (t) => {
    for (const resource of [
      meetApi,
      `${assistApi}/`,
      assistApi.toUpperCase(),
      `${issuer}/api/v1`,
      issuer,
      'https://evil.test',
      'not an address',
      `${assistApi}#a`,
    ]) {
      const answer = await request({ resource, scope: 'assist:read' });
      t.equal(answer.status, 400, resource);
      t.equal(answer.json().error, 'invalid_target', resource);
    }
    const two = new URLSearchParams({ grant_type: 'client_credentials', resource: assistApi });
    two.append('resource', meetApi);
    t.match((await post(issuer, '/token', two, demoBasic('service'))).json(), { error: 'invalid_target' });
  });

  t.test('an operator gets a token for our own interface with what it asked for', async (t) => {
    const own = `${issuer}/api/v1`;
    const scope = 'admin:users:read admin:seats:write';
    const answer = await request({ resource: own, scope }, demoBasic('operator'));
    const { payload } = await verify(answer.json().access_token, own);
    t.match(payload, { aud: own, sub: 'demo-operator', scope });
    const all = await request({ resource: own, scope: operatorScopes.join(' ') }, demoBasic('operator'));
    t.equal(all.json().scope, operatorScopes.join(' '));
    const beyond = await request({ resource: own, scope: 'account:manage' }, demoBasic('operator'));
    t.notMatch(beyond.json().scope, 'account:manage', 'which is for people');
    const service = await request({ resource: own, scope: 'admin:users:read' });
    t.match(service.json(), { error: 'invalid_target' });
  });

  t.test('without a resource the token is opaque and good for nothing', async (t) => {
    const { access_token: token } = (await request({})).json();
    t.equal(token.split('.').length, 1);
    t.equal((await userinfo(issuer, token)).status, 401);
    t.match(await introspect(issuer, token, demoBasic('service')), { active: true });
    t.same(await introspect(issuer, token), { active: false }, 'and nobody else hears of it');
  });

  t.test('a client that fails to prove itself gets nothing', async (t) => {
    const form = { resource: assistApi, scope: 'assist:read' };
    const named = { ...form, client_id: 'demo-service' };
    const long = 'x'.repeat(10_000);
    const refused: [
      how: string,
      status: number,
      form: Record<string, string>,
      headers: Record<string, string>,
    ][] = [
      ['a wrong secret', 401, form, basic('demo-service', 'demo-operator-secret')],
      ['a secret in another case', 401, form, basic('demo-service', 'DEMO-SERVICE-SECRET')],
      ['a secret cut short', 401, form, basic('demo-service', 'demo-service-secre')],
      ['a secret and more', 401, form, basic('demo-service', 'demo-service-secret1')],
      ['a long secret', 401, form, basic('demo-service', long)],
      ['the hash of the secret', 401, form, basic('demo-service', await storedSecret('demo-service'))],
      ['an unknown client', 401, form, basic('nobody', 'demo-service-secret')],
      ['only its name', 401, named, {}],
      ['an empty secret', 400, form, basic('demo-service', '')],
      ['no name', 400, form, {}],
      ['a bearer token', 400, form, { authorization: 'Bearer demo-service-secret' }],
      ['no base64', 400, form, { authorization: 'Basic demo-service:demo-service-secret' }],
      ['no colon', 400, form, { authorization: `Basic ${btoa('demo-service')}` }],
      ['a bad escape', 400, form, basic('demo-service', '%zz')],
      ['two methods', 400, { ...named, client_secret: 'demo-service-secret' }, demoBasic('service')],
      ['two names', 400, { ...form, client_id: 'demo-operator' }, demoBasic('service')],
    ];
    for (const [how, status, sent, headers] of refused) {
      const answer = await post(issuer, '/token', { grant_type: 'client_credentials', ...sent }, headers);
      t.equal(answer.status, status, how);
      t.equal(answer.json().error, status === 401 ? 'invalid_client' : 'invalid_request', how);
      if (status === 401 && headers['authorization'] !== undefined)
        t.match(answer.headers.get('www-authenticate'), /^Basic /, how);
    }
  });

  const storedSecret = async (clientId: string): Promise<string> => {
    const row = await ctx.db
      .selectFrom('clients')
      .select('secretHash')
      .where('clientId', '=', clientId)
      .executeTakeFirstOrThrow();
    return row.secretHash?.toString('hex') ?? '';
  };

  t.test('a secret in the address is not looked at', async (t) => {
    const query = new URLSearchParams({
      grant_type: 'client_credentials',
      client_id: 'demo-service',
      client_secret: 'demo-service-secret',
      resource: assistApi,
    });
    const form = { grant_type: 'client_credentials', resource: assistApi };
    t.equal((await post(issuer, `/token?${query.toString()}`, form)).status, 400);
    t.equal((await post(issuer, `/token?${query.toString()}`, {})).status, 400);
    t.equal((await new Agent(issuer).get(`/token?${query.toString()}`)).status, 404);
  });

  t.test('a client authenticates in the way that is registered for it and in no other', async (t) => {
    await makeClient(ctx, {
      clientId: 'by-post',
      name: 'By post',
      secret: 'the-secret-of-by-post',
      firstParty: true,
      applicationType: 'web',
      authMethod: 'client_secret_post',
      grantTypes: ['client_credentials'],
      resources: [assistApi],
      scopes: ['assist:read'],
    });
    const form = { grant_type: 'client_credentials', resource: assistApi };
    const byPost = { ...form, client_id: 'by-post', client_secret: 'the-secret-of-by-post' };
    t.equal((await post(issuer, '/token', byPost)).status, 200);
    t.equal((await post(issuer, '/token', form, basic('by-post', 'the-secret-of-by-post'))).status, 401);
    const serviceByPost = { ...form, client_id: 'demo-service', client_secret: 'demo-service-secret' };
    t.equal((await post(issuer, '/token', serviceByPost)).status, 401);
  });

  t.test('a grant is for the clients that have it', async (t) => {
    // RFC 6749 §5.2 would have the first; the engine says the second
    const notAllowed = /^(unauthorized_client|invalid_request)$/;
    const form = { grant_type: 'client_credentials', resource: assistApi, scope: 'assist:read' };
    for (const name of ['assist', 'native', 'meet']) {
      const answer = await post(issuer, '/token', { ...form, client_id: `demo-${name}` });
      t.equal(answer.status, 400, name);
      t.match(answer.json().error, notAllowed, name);
    }
    const confidential = await post(issuer, '/token', form, demoBasic('confidential'));
    t.match(confidential.json(), { error: notAllowed });
    for (const grantType of ['authorization_code', 'refresh_token']) {
      const answer = await post(issuer, '/token', { grant_type: grantType }, demoBasic('service'));
      t.match(answer.json(), { error: notAllowed }, grantType);
    }
    const query = new URLSearchParams({ client_id: 'demo-service', response_type: 'code', scope: 'openid' });
    const answer = await new Agent(issuer).get(`/authorize?${query.toString()}`);
    t.same([answer.status, answer.location], [400, undefined]);
  });

  t.test('the database refuses the grant to a public client', async (t) => {
    const insert = makeClient(ctx, {
      clientId: 'public-service',
      name: 'Public service',
      firstParty: true,
      applicationType: 'web',
      authMethod: 'none',
      grantTypes: ['client_credentials'],
    });
    await t.rejects(insert, { code: '23514', constraint: 'clients_service_check' });
  });
});
