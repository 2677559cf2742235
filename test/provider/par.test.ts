/** RFC 9126: a request that comes by the back door is held to the same rules, and is for one use and one client. */
import t from 'tap';
import { Agent } from '../support/agent.ts';
import { startApp } from '../support/app.ts';
import { makeClient } from '../support/make.ts';
import {
  callbackParams,
  RelyingParty,
  signIn,
  type Started,
  submitPassword,
  toStep,
} from '../support/relying-party.ts';
import { basic, demoBasic, demoParty, post } from './requests.ts';

t.test('pushed authorization requests', async (t) => {
  const app = await startApp(t);
  const { issuer, ctx } = app;
  const assist = demoParty(issuer, 'assist');
  const confidential = demoParty(issuer, 'confidential');
  const browser = new Agent(issuer);
  await signIn(browser, assist, 'alan@acme.test');

  const push = async (
    party: RelyingParty,
    extra: Readonly<Record<string, string>> = {},
    headers: Readonly<Record<string, string>> = {},
  ) => {
    const started = await party.start(extra);
    return { started, answer: await post(issuer, '/par', started.url.searchParams, headers) };
  };
  /** The address the browser is sent to after a push. */
  const pushed = async (party: RelyingParty, extra: Readonly<Record<string, string>> = {}) => {
    const headers = party === confidential ? demoBasic('confidential') : {};
    const { started, answer } = await push(party, extra, headers);
    if (answer.status !== 201) throw new Error(answer.text);
    const requestUri = (answer.json() as { request_uri: string }).request_uri;
    const query = new URLSearchParams({ client_id: party.client.clientId, request_uri: requestUri });
    return { started, requestUri, url: new URL(`/authorize?${query.toString()}`, issuer) };
  };
  const finishes = async (party: RelyingParty, started: Started, location: string | undefined) =>
    Boolean((await party.finish(location, started)).access_token);

  t.test('become codes for public and confidential clients', async (t) => {
    for (const party of [assist, confidential]) {
      const { started, url } = await pushed(party);
      const back = await browser.get(url.href);
      t.equal(callbackParams(back).get('iss'), issuer);
      t.ok(await finishes(party, started, back.location));
    }
  });

  t.test('are answered with a name for a minute that nobody keeps', async (t) => {
    const { answer } = await push(assist);
    t.equal(answer.status, 201);
    t.equal(answer.headers.get('cache-control'), 'no-store');
    t.match(answer.json(), { request_uri: /^urn:ietf:params:oauth:request_uri:[\w-]{43,}$/, expires_in: 60 });
  });

  t.test('are stored so that nobody can read or use them', async (t) => {
    const { requestUri } = await pushed(assist, { login_hint: 'somebody@acme.test', state: 'the-state' });
    const rows = await ctx.db
      .selectFrom('artifacts')
      .select(['payload', 'idHash'])
      .where('model', '=', 'PushedAuthorizationRequest')
      .execute();
    const stored = JSON.stringify(rows);
    for (const secret of ['somebody', 'the-state', 'code_challenge', requestUri.split(':').at(-1) ?? ''])
      t.notOk(stored.includes(secret), secret);
    t.notOk(stored.includes(Buffer.from('somebody').toString('base64url').slice(0, 8)));
  });

  t.test('are for one use', async (t) => {
    const { started, url } = await pushed(assist);
    const back = await browser.get(url.href);
    t.ok(callbackParams(back).get('code'));
    const again = await browser.get(url.href);
    t.same([again.status, again.location], [400, undefined]);
    t.equal(again.json().error, 'invalid_request_uri');
    t.ok(await finishes(assist, started, back.location), 'which the second has not spoiled');
  });

  t.test('may be looked at again while nobody has signed in', async (t) => {
    const person = new Agent(issuer);
    const { started, url } = await pushed(assist);
    t.match((await toStep(person, url)).json(), { step: 'identify' });
    const step = await toStep(person, url);
    const done = await submitPassword(person, step, 'alan@acme.test');
    const back = await person.follow((done.json() as { location: string }).location);
    t.ok(await finishes(assist, started, back.location));
  });

  t.test('give one code, whoever started two sign-ins with one', async (t) => {
    for (const wait of [0, 120]) {
      const first = new Agent(issuer);
      const second = new Agent(issuer);
      const { url } = await pushed(assist);
      const steps = [await toStep(first, url), await toStep(second, url)] as const;
      app.advance(wait);
      const codes = [];
      for (const [person, step] of [
        [first, steps[0]],
        [second, steps[1]],
      ] as const) {
        const done = await submitPassword(person, step, 'alan@acme.test');
        const back = await person.follow((done.json() as { location: string }).location);
        codes.push(callbackParams(back).get('code'));
      }
      t.equal(codes.filter((code) => code !== null).length, 1, `${wait} seconds later`);
    }
  });

  t.test('bind the sign-in to the minute they were used in, not to the minute it ends in', async (t) => {
    const person = new Agent(issuer);
    const { started, url } = await pushed(assist);
    const step = await toStep(person, url);
    app.advance(300);
    const done = await submitPassword(person, step, 'alan@acme.test');
    const back = await person.follow((done.json() as { location: string }).location);
    t.ok(await finishes(assist, started, back.location), 'five minutes to type a password are allowed');
  });

  t.test('are nothing after a minute, for another client, or when made up', async (t) => {
    const { requestUri, url: own } = await pushed(assist);
    const asked = async (clientId: string, uri: string) =>
      browser.get(`/authorize?${new URLSearchParams({ client_id: clientId, request_uri: uri }).toString()}`);
    for (const clientId of ['demo-meet', 'demo-native', 'demo-confidential']) {
      const answer = await asked(clientId, requestUri);
      t.same([answer.status, answer.location], [400, undefined], clientId);
    }
    const { requestUri: ofConfidential } = await pushed(confidential);
    t.equal((await asked('demo-assist', ofConfidential)).status, 400);
    for (const madeUp of [
      `${requestUri}a`,
      requestUri.slice(0, -1),
      requestUri.toUpperCase(),
      'urn:ietf:params:oauth:request_uri:',
      'urn:ietf:params:oauth:request_uri:../../x',
      `${issuer}/request.jwt`,
    ]) {
      const answer = await asked('demo-assist', madeUp);
      t.same([answer.status, answer.location], [400, undefined], madeUp);
    }
    app.advance(61);
    const late = await browser.get(own.href);
    t.same([late.status, late.location], [400, undefined]);
    t.equal(late.json().error, 'invalid_request_uri');
  });

  t.test('hold: what stands beside the name in the address does not count', async (t) => {
    const { started, url } = await pushed(assist);
    url.searchParams.set('redirect_uri', 'https://evil.test/callback');
    url.searchParams.set('state', 'another');
    url.searchParams.set('scope', 'openid assist:write');
    const back = await browser.get(url.href);
    if (back.status === 303) {
      t.ok(back.location?.startsWith(`${assist.client.redirectUri}?`));
      t.equal(callbackParams(back).get('state'), started.state);
    } else t.same([back.status, back.location], [400, undefined]);
  });

  t.test('need the client to prove itself', async (t) => {
    const unproven: [status: number, headers: Readonly<Record<string, string>>][] = [
      [401, {}],
      [401, basic('demo-confidential', 'wrong')],
      [400, demoBasic('third-party')],
      [400, { authorization: 'Basic !' }],
    ];
    for (const [status, headers] of unproven) {
      const { answer } = await push(confidential, {}, headers);
      t.equal(answer.status, status);
      t.notOk('request_uri' in answer.json());
    }
    const { url } = await assist.start();
    t.equal((await browser.get(`/par${url.search}`)).status, 404, 'and a POST');
  });

  t.test('are refused when they could not be answered', async (t) => {
    const refused: [extra: Readonly<Record<string, string>>, error: string][] = [
      [{ redirect_uri: 'https://evil.test/callback' }, 'invalid_request'],
      [{ redirect_uri: `${assist.client.redirectUri}/` }, 'invalid_request'],
      [{ redirect_uri: '' }, 'invalid_request'],
      [{ response_type: 'token' }, 'unsupported_response_type'],
      [{ response_type: 'id_token' }, 'unsupported_response_type'],
      [{ response_mode: 'jwt' }, 'unsupported_response_mode'],
      [{ scope: 'openid "' }, 'invalid_scope'],
      [{ scope: 'openid offline_access', prompt: 'consent' }, 'invalid_scope'],
      [{ resource: 'https://api.meet.test' }, 'invalid_target'],
      [{ request: 'ey.ey.' }, 'request_not_supported'],
      [{ request_uri: 'urn:ietf:params:oauth:request_uri:a' }, 'request_uri_not_supported'],
      [{ client_id: 'nobody' }, 'invalid_client'],
    ];
    for (const [extra, error] of refused) {
      const { answer } = await push(assist, extra);
      t.ok([400, 401].includes(answer.status), JSON.stringify(extra));
      t.equal(answer.json().error, error, JSON.stringify(extra));
    }
  });

  t.test('can be made the only way in', async (t) => {
    const redirectUri = `${issuer}/demo/pushes/callback`;
    await makeClient(ctx, {
      clientId: 'pushes',
      name: 'Pushes',
      firstParty: true,
      applicationType: 'web',
      authMethod: 'none',
      grantTypes: ['authorization_code'],
      redirectUris: [redirectUri],
      requirePushedAuthorizationRequests: true,
    });
    const party = new RelyingParty(issuer, { clientId: 'pushes', redirectUri });
    const direct = await browser.get((await party.start()).url.href);
    t.equal(callbackParams(direct).get('code'), null);
    t.equal(callbackParams(direct).get('error'), 'invalid_request');
    const { started, url } = await pushed(party);
    t.ok(await finishes(party, started, (await browser.get(url.href)).location));
  });
});
