/** RFC 7636 and OAuth 2.1 §4.1.1: a code is bound to whoever asked for it, for every client. */
import t from 'tap';
import { Agent } from '../support/agent.ts';
import { startApp } from '../support/app.ts';
import { makeClient } from '../support/make.ts';
import { callbackParams, RelyingParty, sha256, signIn } from '../support/relying-party.ts';
import { basic, demoBasic, demoParty, obtainCode, post } from './requests.ts';

const interactive = ['assist', 'meet', 'native', 'confidential', 'third-party', 'admin'];

t.test('PKCE', async (t) => {
  const { issuer, ctx } = await startApp(t);
  const assist = demoParty(issuer, 'assist');
  const browser = new Agent(issuer);
  await signIn(browser, assist, 'ada@acme.test');

  const waived = new RelyingParty(issuer, {
    clientId: 'waived',
    redirectUri: `${issuer}/demo/waived/callback`,
    secret: 'a-secret-of-the-waived-client',
  });
  await makeClient(ctx, {
    clientId: 'waived',
    name: 'Interoperability run',
    secret: 'a-secret-of-the-waived-client',
    firstParty: true,
    applicationType: 'web',
    authMethod: 'client_secret_basic',
    grantTypes: ['authorization_code', 'refresh_token'],
    redirectUris: [waived.client.redirectUri],
    pkceWaived: true,
  });

  /** The authorization request of a client with the parameters of PKCE put in the place of the right ones. */
  const requestWith = async (party: RelyingParty, pkce: Readonly<Record<string, string>>): Promise<URL> => {
    const { url } = await party.start();
    url.searchParams.delete('code_challenge');
    url.searchParams.delete('code_challenge_method');
    for (const [name, value] of Object.entries(pkce)) url.searchParams.set(name, value);
    return url;
  };

  const s256 = sha256('a verifier that nobody needs, of a length that is allowed').toString('base64url');
  const refused: [why: string, pkce: Readonly<Record<string, string>>][] = [
    ['without a challenge', {}],
    ['with a method and no challenge', { code_challenge_method: 'S256' }],
    ['with the method plain', { code_challenge: s256, code_challenge_method: 'plain' }],
    ['with a challenge and no method, which means plain', { code_challenge: s256 }],
    ['with a method in another case', { code_challenge: s256, code_challenge_method: 's256' }],
    ['with a challenge that is too short', { code_challenge: 'short', code_challenge_method: 'S256' }],
    ['with a challenge of other letters', { code_challenge: `${s256}=`, code_challenge_method: 'S256' }],
    ['with an empty challenge', { code_challenge: '', code_challenge_method: 'S256' }],
  ];

  for (const name of interactive) {
    t.test(`demo-${name} gets no code without an S256 challenge`, async (t) => {
      const party = demoParty(issuer, name);
      for (const [why, pkce] of refused) {
        const url = await requestWith(party, pkce);
        const answer = await browser.get(url.href);
        const back = callbackParams(answer);
        t.equal(answer.location?.split('?')[0], party.client.redirectUri, why);
        t.equal(back.get('error'), 'invalid_request', why);
        t.equal(back.get('code'), null);
        t.equal(back.get('iss'), issuer);
        t.equal(back.get('state'), url.searchParams.get('state'));
      }
    });
  }

  t.test('a pushed request needs the challenge as well, whoever pushes it', async (t) => {
    for (const [name, headers] of [
      ['assist', {}],
      ['confidential', demoBasic('confidential')],
    ] as const) {
      for (const [why, pkce] of refused) {
        const { searchParams } = await requestWith(demoParty(issuer, name), pkce);
        const answer = await post(issuer, '/par', searchParams, headers);
        t.equal(answer.status, 400, `${name} ${why}`);
        t.match(answer.json(), { error: 'invalid_request' });
        t.notOk('request_uri' in answer.json());
      }
    }
  });

  t.test('a code is redeemed with the verifier of its challenge and with nothing else', async (t) => {
    for (const [name, headers] of [
      ['assist', {}],
      ['confidential', demoBasic('confidential')],
    ] as const) {
      const { form, started } = await obtainCode(demoParty(issuer, name), { browser });
      const { code_verifier: verifier = '', ...unverified } = form;
      const wrong: [string, Readonly<Record<string, string>>][] = [
        ['none', unverified],
        ['an empty one', { ...form, code_verifier: '' }],
        [
          'another',
          { ...form, code_verifier: `${verifier.slice(0, -1)}${verifier.endsWith('A') ? 'B' : 'A'}` },
        ],
        ['a longer one', { ...form, code_verifier: `${verifier}A` }],
        ['the challenge', { ...form, code_verifier: started.url.searchParams.get('code_challenge') ?? '' }],
        ['one that is too short', { ...form, code_verifier: verifier.slice(0, 42) }],
        ['one that is too long', { ...form, code_verifier: 'a'.repeat(129) }],
        ['one of other letters', { ...form, code_verifier: `${verifier}+` }],
      ];
      for (const [which, sent] of wrong) {
        const answer = await post(issuer, '/token', sent, headers);
        t.equal(answer.status, 400, `${name}: ${which}`);
        t.match(answer.json().error, /^invalid_(grant|request)$/);
        t.notOk('access_token' in answer.json());
      }
      t.equal((await post(issuer, '/token', form, headers)).status, 200, `${name}: the right one`);
    }
  });

  t.test('the database refuses the waiver to a public client', async (t) => {
    const insert = makeClient(ctx, {
      clientId: 'public-without-pkce',
      name: 'Public without PKCE',
      firstParty: true,
      applicationType: 'web',
      authMethod: 'none',
      grantTypes: ['authorization_code'],
      redirectUris: [`${issuer}/demo/public-without-pkce/callback`],
      pkceWaived: true,
    });
    await t.rejects(insert, { code: '23514', constraint: 'clients_pkce_waiver_check' });
    const update = ctx.db
      .updateTable('clients')
      .set({ pkceWaived: true })
      .where('clientId', '=', 'demo-assist')
      .execute();
    await t.rejects(update, { code: '23514', constraint: 'clients_pkce_waiver_check' });
    const change = ctx.db
      .updateTable('clients')
      .set({ authMethod: 'none', secretHash: null })
      .where('clientId', '=', 'waived')
      .execute();
    await t.rejects(change, { code: '23514', constraint: 'clients_pkce_waiver_check' });
  });

  t.test('a confidential client with the waiver may leave the challenge out', async (t) => {
    const code = callbackParams(await browser.follow((await requestWith(waived, {})).href)).get('code');
    const form = {
      grant_type: 'authorization_code',
      code: code ?? '',
      redirect_uri: waived.client.redirectUri,
    };
    const headers = basic('waived', 'a-secret-of-the-waived-client');
    const downgraded = await post(issuer, '/token', { ...form, code_verifier: 'a'.repeat(43) }, headers);
    t.match(downgraded.json(), { error: 'invalid_grant' }, 'a verifier without a challenge is an attack');
    t.equal((await post(issuer, '/token', form, headers)).status, 200);
  });

  t.test('with the waiver, whoever sends a challenge is held to it', async (t) => {
    const headers = basic('waived', 'a-secret-of-the-waived-client');
    const { form } = await obtainCode(waived, { browser });
    const { code_verifier: _verifier, ...unverified } = form;
    t.match((await post(issuer, '/token', unverified, headers)).json(), { error: 'invalid_grant' });
    t.equal((await post(issuer, '/token', form, headers)).status, 200);
    const plain = await browser.get(
      (await requestWith(waived, { code_challenge: s256, code_challenge_method: 'plain' })).href,
    );
    t.equal(callbackParams(plain).get('error'), 'invalid_request');
  });
});
