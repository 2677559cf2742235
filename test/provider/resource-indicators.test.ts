/** RFC 8707 and RFC 9068: a token is for one interface, says no more than that needs, and ends with what it rests on. */
import { createRemoteJWKSet, decodeJwt, decodeProtectedHeader, jwtVerify } from 'jose';
import t from 'tap';
import { addSeconds } from '../../src/kernel/time.ts';
import { Agent } from '../support/agent.ts';
import { startApp } from '../support/app.ts';
import { makeClient } from '../support/make.ts';
import { callbackParams, RelyingParty, signIn } from '../support/relying-party.ts';
import {
  assistApi,
  type Coded,
  demoParty,
  introspect,
  meetApi,
  obtainCode,
  post,
  refreshForm,
  seatOf,
  userinfo,
} from './requests.ts';

t.test('resource indicators', async (t) => {
  const { issuer, ctx } = await startApp(t);
  const scope = 'openid profile email assist:read assist:write meet:read';
  const assist = demoParty(issuer, 'assist', scope);
  const browser = new Agent(issuer);
  await signIn(browser, demoParty(issuer, 'assist'), 'alan@acme.test');

  const both = new RelyingParty(issuer, {
    clientId: 'both',
    redirectUri: `${issuer}/demo/both/callback`,
    scope,
  });
  await makeClient(ctx, {
    clientId: 'both',
    name: 'Both',
    firstParty: true,
    applicationType: 'web',
    authMethod: 'none',
    grantTypes: ['authorization_code', 'refresh_token'],
    redirectUris: [both.client.redirectUri],
    scopes: ['assist:read', 'meet:read'],
    resources: [assistApi, meetApi],
  });
  /** A code for both resources. */
  const codeForBoth = async (): Promise<Coded> => {
    const started = await both.start();
    for (const resource of [assistApi, meetApi]) started.url.searchParams.append('resource', resource);
    const code = callbackParams(await browser.get(started.url.href)).get('code') ?? '';
    const form = {
      grant_type: 'authorization_code',
      client_id: 'both',
      code,
      code_verifier: started.codeVerifier,
      redirect_uri: both.client.redirectUri,
    };
    return { started, code, form };
  };

  t.test('make a JWT for that resource, which says who, for whom and for how long', async (t) => {
    const { form } = await obtainCode(assist, { browser, extra: { resource: assistApi } });
    const answer = (await post(issuer, '/token', form)).json();
    const { payload, protectedHeader } = await jwtVerify(
      answer.access_token as string,
      createRemoteJWKSet(new URL(`${issuer}/jwks`)),
      { issuer, audience: assistApi },
    );
    t.same(Object.keys(protectedHeader).sort(), ['alg', 'kid', 'typ']);
    t.match(protectedHeader, { alg: 'ES256', typ: 'at+jwt' });
    t.same(
      Object.keys(payload).sort(),
      [
        'account',
        'acr',
        'amr',
        'aud',
        'auth_time',
        'client_id',
        'exp',
        'grant_id',
        'iat',
        'iss',
        'jti',
        'products',
        'role',
        'scope',
        'sid',
        'sub',
      ],
      'and no name, no email',
    );
    t.equal(payload.aud, assistApi, 'one audience, as a string');
    t.equal(payload['scope'], 'assist:read assist:write', 'of the scopes those the resource knows');
    t.equal((payload.exp ?? 0) - (payload.iat ?? 0), 600);
    t.equal(answer.expires_in, 600);
  });

  t.test('make a token that opens no other door', async (t) => {
    const { form } = await obtainCode(assist, { browser, extra: { resource: assistApi } });
    const answer = (await post(issuer, '/token', form)).json();
    t.equal((await userinfo(issuer, answer.access_token)).status, 401);
    t.equal((await userinfo(issuer, answer.id_token)).status, 401, 'nor is the ID token a key');
    t.match(decodeProtectedHeader(answer.id_token as string).typ ?? 'JWT', /^JWT$/);
  });

  t.test('of others are refused at every endpoint', async (t) => {
    for (const resource of [
      meetApi,
      `${assistApi}/`,
      `${assistApi}?a`,
      `${issuer}/api/v1`,
      'https://evil.test',
      'relative',
      `${assistApi}#a`,
    ]) {
      const back = callbackParams(await browser.get((await assist.start({ resource })).url.href));
      t.same([back.get('error'), back.get('code')], ['invalid_target', null], resource);
      const { form } = await obtainCode(assist, { browser, extra: { resource: assistApi } });
      const answer = await post(issuer, '/token', { ...form, resource });
      t.same([answer.status, answer.json().error], [400, 'invalid_target'], resource);
    }
  });

  t.test('that were not asked for at the beginning are not given later', async (t) => {
    const { form: narrow } = await obtainCode(both, { browser, extra: { resource: assistApi } });
    const foreign = await post(issuer, '/token', { ...narrow, resource: meetApi });
    t.equal(foreign.json().error, 'invalid_target');
    const { form } = await obtainCode(both, { browser, extra: { resource: assistApi } });
    const tokens = (await post(issuer, '/token', form)).json();
    const refreshed = await post(issuer, '/token', {
      ...refreshForm(tokens.refresh_token, 'both'),
      resource: meetApi,
    });
    t.equal(refreshed.json().error, 'invalid_target');
  });

  t.test('of which there are two make one token at a time', async (t) => {
    const unsaid = await post(issuer, '/token', (await codeForBoth()).form);
    t.equal(unsaid.json().error, 'invalid_target', 'it must be said which');
    const twice = new URLSearchParams((await codeForBoth()).form);
    for (const resource of [assistApi, meetApi]) twice.append('resource', resource);
    t.equal((await post(issuer, '/token', twice)).status, 400);

    const { form } = await codeForBoth();
    const first = (await post(issuer, '/token', { ...form, resource: assistApi })).json();
    t.match(decodeJwt(first.access_token as string), { aud: assistApi, scope: 'assist:read' });
    const second = await post(issuer, '/token', {
      ...refreshForm(first.refresh_token, 'both'),
      resource: meetApi,
    });
    t.match(decodeJwt(second.json().access_token as string), { aud: meetApi, scope: 'meet:read' });
  });

  t.test('that nobody asked for make an opaque token for userinfo', async (t) => {
    const { form } = await obtainCode(assist, { browser });
    const answer = (await post(issuer, '/token', form)).json();
    t.equal(answer.access_token.split('.').length, 1);
    t.equal(answer.scope, 'openid profile email', 'with none of the scopes of an interface');
    t.equal((await userinfo(issuer, answer.access_token)).status, 200);
  });

  t.test('the interface of our own is a resource like any other', async (t) => {
    const admin = demoParty(issuer, 'admin', 'openid account:manage self admin:users:read');
    const own = `${issuer}/api/v1`;
    const { tokens } = await signIn(new Agent(issuer), admin, 'ada@acme.test', { resource: own });
    t.match(decodeJwt(tokens.access_token), { aud: own, scope: 'account:manage self', role: 'admin' });
  });

  t.test('no token outlives the seat, the subscription or the account it rests on', async (t) => {
    const account = (expiresAt: Date | null) =>
      ctx.db.updateTable('accounts').set({ expiresAt }).where('slug', '=', 'acme').execute();
    const subscriptions = (expiresAt: Date | null) =>
      ctx.db.updateTable('subscriptions').set({ expiresAt }).execute();
    const seat = await seatOf(ctx, 'alan@acme.test', 'assist');
    const ends: [what: string, end: (at: Date) => Promise<unknown>, giveBack: () => Promise<unknown>][] = [
      ['the seat', (at) => seat.end(at), () => seat.giveBack()],
      ['the subscription', subscriptions, () => subscriptions(null)],
      ['the account', account, () => account(null)],
    ];
    for (const [what, end, giveBack] of ends) {
      const until = addSeconds(ctx.now(), 120);
      const latest = Math.floor(until.getTime() / 1000);
      const { form } = await obtainCode(assist, { browser, extra: { resource: assistApi } });
      const { form: plain } = await obtainCode(assist, { browser });
      await end(until);
      const first = (await post(issuer, '/token', form)).json();
      const opaque = (await post(issuer, '/token', plain)).json();
      const refreshed = (await post(issuer, '/token', refreshForm(first.refresh_token))).json();
      for (const answer of [first, opaque, refreshed]) {
        t.ok(answer.expires_in > 100 && answer.expires_in <= 120, `${what}: ${answer.expires_in}`);
        t.ok((decodeJwt(answer.id_token as string).exp ?? 0) <= latest, `${what}: ID token`);
      }
      for (const { access_token: token } of [first, refreshed]) {
        t.ok((decodeJwt(token as string).exp ?? 0) <= latest, `${what}: JWT`);
        t.match(await introspect(issuer, token as string), { active: true });
      }
      await giveBack();
    }
    const { form } = await obtainCode(assist, { browser });
    t.equal((await post(issuer, '/token', form)).json().expires_in, 600, 'and then it is as before');
  });
});

t.test('when the seat has ended everything that rests on it has', async (t) => {
  const app = await startApp(t);
  const { issuer, ctx } = app;
  const { tokens } = await signIn(
    new Agent(issuer),
    demoParty(issuer, 'assist', 'openid assist:read'),
    'alan@acme.test',
    { resource: assistApi },
  );
  const seat = await seatOf(ctx, 'alan@acme.test', 'assist');
  await seat.end(addSeconds(ctx.now(), 120));
  t.match(await introspect(issuer, tokens.access_token), { active: true });
  app.advance(121);
  t.same(await introspect(issuer, tokens.access_token), { active: false });
  const refused = await post(issuer, '/token', refreshForm(tokens.refresh_token));
  t.match(refused.json(), { error: 'invalid_grant', error_description: /^seat_ended: / });
});
