/** The rehearsal identity provider of Globex, with a service provider that is not ours: node-saml as it comes. */
import { X509Certificate } from 'node:crypto';
import { SAML, type SamlConfig, ValidateInResponseTo } from '@node-saml/node-saml';
import { DOMParser } from '@xmldom/xmldom';
import t from 'tap';
import {
  findConnection,
  listConnectionKeys,
  openConnectionKey,
  type SamlConnection,
} from '../../src/core/connections/connections.ts';
import { buildSamlResponse } from '../../src/demo/rehearsal/saml-response.ts';
import { rehearsalKey } from '../../src/demo/rehearsal/keys.ts';
import { seedDemoWorld } from '../../src/demo/world.ts';
import { parseSamlMetadata } from '../../src/federation/saml/metadata.ts';
import { Agent, type Answer } from '../support/agent.ts';
import { startApp, type TestApp } from '../support/app.ts';
import { signInAtIdp } from '../support/company.ts';
import { formOf, openBrowser, sayWho, switchFault } from '../support/rehearsal.ts';

t.test('the rehearsal of SAML', async (t) => {
  const app = await startApp(t);
  const { issuer, ctx } = app;
  const connection = await globexOf(app);
  const sp = await serviceProviderOf(app, connection);

  t.test('its metadata says what the connection of Globex knows', async (t) => {
    const answer = await new Agent(issuer).get('/demo/idp/saml/metadata');
    t.match(answer.headers.get('content-type'), /^application\/samlmetadata\+xml/);
    const { entityId, published } = parseSamlMetadata(answer.text, { now: ctx.now(), allowHttp: true });
    t.equal(entityId, connection.settings.entityId);
    t.equal(published.ssoUrl, connection.published.ssoUrl);
    t.same(
      published.certificates.map(({ fingerprint }) => fingerprint),
      connection.published.certificates.map(({ fingerprint }) => fingerprint),
    );
  });

  t.test(
    'a signed request is answered by a response that verifies, for somebody of the company',
    async (t) => {
      const saml = sp();
      const url = await saml.getAuthorizeUrlAsync('canary-relay', undefined, {});
      const page = await signInAtIdp(openBrowser(issuer), url, 'gina@globex.test');
      const { action, fields } = formOf(page);
      t.equal(action, `${issuer}/federation/${connection.id}/acs`);
      t.equal(fields['RelayState'], 'canary-relay');
      const { profile } = await saml.validatePostResponseAsync({
        SAMLResponse: fields['SAMLResponse'] ?? '',
      });
      t.match(profile, {
        issuer: connection.settings.entityId,
        nameIDFormat: 'urn:oasis:names:tc:SAML:2.0:nameid-format:persistent',
        email: 'gina@globex.test',
        displayName: 'Gina Globex',
        groups: 'staff',
      });
      t.notMatch(profile?.nameID, /gina/, 'the name that stays says nothing of the person');
    },
  );

  t.test(
    'a posted request is answered in the same way, and where scripts are on the page goes on',
    async (t) => {
      const saml = sp({ authnRequestBinding: 'HTTP-POST', skipRequestCompression: true });
      const message = await saml.getAuthorizeMessageAsync('canary-relay', undefined, {});
      const browser = openBrowser(issuer);
      const page = await browser.post('/demo/idp/saml/sso', { form: message as Record<string, string> });
      const answer = await sayWho(browser, page, 'greg@globex.test');
      t.match(await profileIn(saml, answer), { email: 'greg@globex.test', groups: ['staff', 'it'] });
      t.match(answer.headers.get('content-security-policy'), /script-src 'self' 'sha256-[\w+/]{43}='/);
    },
  );

  t.test('whoever has signed in is not asked again, until the request insists', async (t) => {
    const browser = openBrowser(issuer);
    const first = await signInAtIdp(browser, await requestUrl(sp()), 'gina@globex.test');
    const again = await browser.get(await requestUrl(sp()));
    t.match(responseIn(again), { nameId: responseIn(first).nameId, email: 'gina@globex.test' });
    t.equal(responseIn(again).sessionIndex, responseIn(first).sessionIndex);
    const insisting = await browser.get(await requestUrl(sp({ forceAuthn: true })));
    t.notOk(formOf(insisting).fields['SAMLResponse'], 'asked again');
    const other = await openBrowser(issuer).get(await requestUrl(sp()));
    t.notOk(formOf(other).fields['SAMLResponse'], 'another browser is a stranger');
    await browser.post('/demo/idp/sign-out');
    const after = await browser.get(await requestUrl(sp()));
    t.notOk(formOf(after).fields['SAMLResponse'], 'and whoever has signed out is asked');
  });

  t.test('a request that its service provider has not signed as it stands is refused', async (t) => {
    const url = await requestUrl(sp());
    const stranger = await rehearsalKey('rotated');
    const foreign = sp({
      privateKey: stranger.privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
    });
    const refused = [
      url.replace(/Signature=[^&]*/, 'Signature=AAAA'),
      url.replace(/&Signature=[^&]*/, ''),
      url.replace(
        /SigAlg=[^&]*/,
        `SigAlg=${encodeURIComponent('http://www.w3.org/2000/09/xmldsig#rsa-sha1')}`,
      ),
      url.replace('RelayState=canary', 'RelayState=other'),
      await requestUrl(foreign),
      await requestUrl(sp({ issuer: `${issuer}/federation/con_unknown/metadata` })),
      await requestUrl(sp({ issuer: 'http://127.0.0.1:9/federation/con_1/metadata' })),
      `${issuer}/demo/idp/saml/sso?SAMLRequest=AAAA`,
    ];
    for (const address of refused)
      t.equal((await new Agent(issuer).get(address)).status, 400, address.slice(-60));

    const message = (await sp({
      authnRequestBinding: 'HTTP-POST',
      skipRequestCompression: true,
    }).getAuthorizeMessageAsync('', undefined, {})) as {
      SAMLRequest: string;
    };
    const xml = Buffer.from(message.SAMLRequest, 'base64').toString();
    const forged = [
      xml.replace(/ ID="_?/, ' ID="_0'),
      xml.replace(/<Signature[\s\S]*<\/Signature>/, ''),
      `<!DOCTYPE a>${xml}`,
      'not XML',
      `<a>${xml.replace(/^<\?xml[^>]*>/, '')}</a>`,
    ];
    for (const document of forged) {
      const SAMLRequest = Buffer.from(document).toString('base64');
      const answer = await new Agent(issuer).post('/demo/idp/saml/sso', { form: { SAMLRequest } });
      t.equal(answer.status, 400, document.slice(0, 60));
    }
    t.not(xml, forged[1], 'it was signed');
  });

  t.test('without being asked it sends its people to the connection of Globex', async (t) => {
    const page = await signInAtIdp(
      openBrowser(issuer),
      '/demo/idp/saml/start?relay_state=demo-assist',
      'gina@globex.test',
    );
    t.equal(formOf(page).action, `${issuer}/federation/${connection.id}/acs`);
    t.equal(formOf(page).fields['RelayState'], 'demo-assist');
    t.match(responseIn(page), { answersTo: 0, email: 'gina@globex.test', audience: sp().options.issuer });
  });

  t.test('anybody may be anybody, as long as it is an address', async (t) => {
    const browser = openBrowser(issuer);
    const page = await browser.get(`${await requestUrl(sp())}&login_hint=canary%40globex.test`);
    t.match(page.text, /value="canary@globex\.test"/, 'the hint is filled in');
    const wrong = await sayWho(browser, page, 'not an address');
    t.equal(wrong.status, 400);
    const answer = await sayWho(browser, wrong, 'somebody.new@elsewhere.test');
    t.match(responseIn(answer), { email: 'somebody.new@elsewhere.test', displayName: 'Somebody.new' });
    const unknown = await browser.post('/demo/idp/sign-in', {
      form: { ticket: 'a', email: 'a@globex.test' },
    });
    t.equal(unknown.status, 410);
  });

  const wrong: Readonly<Record<string, object>> = {
    wrong_audience: { audience: 'https://idp.elsewhere.test/metadata' },
    wrong_recipient: { recipient: 'https://idp.elsewhere.test/metadata' },
    wrong_issuer: { issuer: 'https://idp.elsewhere.test/metadata' },
    missing_email: { email: undefined },
    unsolicited: { answersTo: 0 },
  };
  for (const [fault, difference] of Object.entries(wrong)) {
    t.test(`the fault ${fault} is what it says, and the rest is as it was`, async (t) => {
      const saml = sp();
      const browser = openBrowser(issuer);
      await switchFault(browser, fault);
      const answer = await signInAtIdp(browser, await requestUrl(saml), 'gina@globex.test');
      const good = await signInAtIdp(openBrowser(issuer), await requestUrl(saml), 'gina@globex.test');
      const { nameId, displayName, destination } = responseIn(good);
      t.match(responseIn(answer), { nameId, displayName, destination, ...difference });
      t.notMatch(responseIn(good), difference, 'another browser is not disturbed');
      await switchFault(browser, 'none');
      t.notMatch(
        responseIn(await browser.get(await requestUrl(saml))),
        difference,
        'and it can be switched off',
      );
    });
  }

  t.test('with a wrong clock what it says has ended before it arrives', async (t) => {
    const saml = sp();
    const browser = openBrowser(issuer);
    await switchFault(browser, 'skewed_clock');
    const answer = await signInAtIdp(browser, await requestUrl(saml), 'gina@globex.test');
    t.ok(Date.parse(responseIn(answer).notOnOrAfter) < Date.now() - 3000_000);
    await t.rejects(profileIn(saml, answer));
  });

  t.test('the same response comes again where that is the fault', async (t) => {
    const browser = openBrowser(issuer);
    await switchFault(browser, 'replayed');
    const first = await signInAtIdp(browser, await requestUrl(sp()), 'gina@globex.test');
    const second = await browser.get(await requestUrl(sp()));
    t.equal(formOf(second).fields['SAMLResponse'], formOf(first).fields['SAMLResponse']);
  });

  for (const fault of ['rotated_certificate', 'expired_certificate']) {
    t.test(`with the fault ${fault} it signs with a key that was published with the switch`, async (t) => {
      const before = await certificatesIn(app);
      const browser = openBrowser(issuer);
      await switchFault(browser, fault);
      const after = await certificatesIn(app);
      t.equal(after.length, before.length + 1);
      const added = after.find(({ fingerprint256 }) =>
        before.every((known) => known.fingerprint256 !== fingerprint256),
      );
      t.equal(Date.parse(added?.validTo ?? '') < Date.now(), fault === 'expired_certificate');
      const known = sp();
      const answer = await signInAtIdp(browser, await requestUrl(known), 'gina@globex.test');
      await t.rejects(profileIn(known, answer), 'whoever has not read of it does not take it');
      const informed = sp({ idpCert: added?.toString() ?? '' });
      const next = await browser.get(await requestUrl(informed));
      t.match(await profileIn(informed, next), { email: 'gina@globex.test' });
      const undisturbed = sp();
      const other = await signInAtIdp(openBrowser(issuer), await requestUrl(undisturbed), 'gina@globex.test');
      t.match(await profileIn(undisturbed, other), { email: 'gina@globex.test' });
    });
  }

  t.test('it can be out of order, and slow', async (t) => {
    const broken = openBrowser(issuer);
    await switchFault(broken, 'server_error');
    for (const address of [await requestUrl(sp()), '/demo/idp/saml/start'])
      t.equal((await broken.get(address)).status, 500);
    const slow = openBrowser(issuer);
    await switchFault(slow, 'slow');
    let isAnswered = false;
    const patience = new AbortController();
    const cookie = slow.cookies.map(({ name, value }) => `${name}=${value}`).join('; ');
    const waiting = fetch(await requestUrl(sp()), { headers: { cookie }, signal: patience.signal }).finally(
      () => {
        isAnswered = true;
      },
    );
    for (let others = 0; others < 20; others += 1) await openBrowser(issuer).get(await requestUrl(sp()));
    t.notOk(isAnswered, 'others were served meanwhile');
    patience.abort();
    await t.rejects(waiting);
  });

  t.test('a fault there is none of is refused, and which is on is told', async (t) => {
    const browser = new Agent(issuer);
    t.equal((await browser.post('/demo/idp/faults', { json: { fault: 'canary' } })).status, 400);
    t.same((await browser.post('/demo/idp/faults', { json: { fault: 'slow' } })).json(), { fault: 'slow' });
    t.match((await browser.get('/demo/idp')).json(), { fault: 'slow' });
    t.match((await new Agent(issuer).get('/demo/idp')).json(), { fault: 'none' });
  });
});

t.test('what a person is called cannot become markup of a response', async (t) => {
  const hostile = `<a b="c">'&amp;</a>]]><saml:Attribute Name="x"/>`;
  const at = new Date();
  const text = {
    responseId: '_r',
    assertionId: '_a',
    sessionIndex: hostile,
    destination: hostile,
    recipient: hostile,
  };
  const document = buildSamlResponse(
    {
      ...text,
      issuer: hostile,
      inResponseTo: hostile,
      audience: hostile,
      nameId: hostile,
      attributes: { [hostile]: [hostile] },
      issuedAt: at,
      authenticatedAt: at,
    },
    await rehearsalKey('current'),
  );
  const read = readResponse(document);
  t.match(read, {
    destination: hostile,
    issuer: hostile,
    audience: hostile,
    nameId: hostile,
    sessionIndex: hostile,
  });
  t.same(read.attributes, { [hostile]: hostile });
});

t.test('the world of the demo', async (t) => {
  const app = await startApp(t);
  const { ctx } = app;

  t.test('has the domains of both companies, and Greg for emergencies', async (t) => {
    const domains = await ctx.db
      .selectFrom('domains')
      .innerJoin('connectionDomains', 'connectionDomains.domainId', 'domains.id')
      .innerJoin('connections', 'connections.id', 'connectionDomains.connectionId')
      .select(['domains.name', 'domains.state as domain', 'connections.state', 'connections.kind'])
      .orderBy('domains.name')
      .execute();
    t.same(domains, [
      { name: 'globex.test', domain: 'verified', state: 'required', kind: 'saml' },
      { name: 'initech.test', domain: 'verified', state: 'enabled', kind: 'oidc' },
    ]);
    const glass = await ctx.db
      .selectFrom('memberships')
      .innerJoin('users', 'users.id', 'memberships.userId')
      .select('users.email')
      .where('breakGlass', '=', true)
      .execute();
    t.same(glass, [{ email: 'greg@globex.test' }]);
  });

  t.test('changes nothing when it is started again', async (t) => {
    const before = await connectionsOf(app);
    await seedDemoWorld(ctx);
    t.same(await connectionsOf(app), before);
  });

  t.test('follows an issuer that has moved, and keeps what was decided meanwhile', async (t) => {
    await ctx.db.updateTable('connections').set({ state: 'disabled' }).where('kind', '=', 'oidc').execute();
    const moved = 'http://127.0.0.1:9';
    await seedDemoWorld({ ...ctx, config: { ...ctx.config, issuer: moved } });
    const [saml, oidc] = await connectionsOf(app);
    t.match(saml, {
      state: 'required',
      settings: { entityId: `${moved}/demo/idp/saml/metadata` },
      published: { ssoUrl: `${moved}/demo/idp/saml/sso` },
    });
    t.match(oidc, { state: 'disabled', settings: { issuer: `${moved}/demo/idp/oidc` } });
    for (const { testedHash, settingsHash } of [saml, oidc] as SamlConnection[])
      t.same(testedHash, settingsHash, 'still tested');
    t.equal((await ctx.db.selectFrom('connectionKeys').select('id').execute()).length, 1);
  });

  t.test('has the key of this process first, and takes those of others a while longer', async (t) => {
    const { id, published } = await globexOf(app);
    const others = ['a', 'b', 'c'].map((fingerprint) => ({
      ...published.certificates[0],
      fingerprint,
      retiringSince: fingerprint === 'a' ? null : '2026-01-01T00:00:00.000Z',
    }));
    const stale = JSON.stringify({ ...published, certificates: others });
    await ctx.db.updateTable('connections').set({ published: stale }).where('id', '=', id).execute();
    await seedDemoWorld(ctx);
    const { certificates } = (await globexOf(app)).published;
    t.same(
      certificates.map(({ fingerprint }) => fingerprint),
      [published.certificates[0]?.fingerprint, 'a', 'b'],
    );
    t.same(
      certificates.map(({ retiringSince }) => retiringSince === null),
      [true, false, false],
    );
  });
});

async function connectionsOf({ ctx }: TestApp) {
  const rows = await ctx.db.selectFrom('connections').select('id').orderBy('kind', 'desc').execute();
  return Promise.all(rows.map(({ id }) => findConnection(ctx.db, id)));
}

async function globexOf(app: TestApp): Promise<SamlConnection> {
  const [saml] = await connectionsOf(app);
  return saml as SamlConnection;
}

type NodeSaml = SAML;

/** Makes service providers with the names and the key of the connection. */
async function serviceProviderOf(
  { ctx, issuer }: TestApp,
  { id, settings, published }: SamlConnection,
): Promise<(differences?: Partial<SamlConfig>) => NodeSaml> {
  const [key] = await listConnectionKeys(ctx.db, id);
  if (!key) throw new Error('the connection has no key');
  const privateKey = openConnectionKey(ctx.config, key);
  const entityId = `${issuer}/federation/${id}/metadata`;
  return (differences = {}) =>
    new SAML({
      issuer: entityId,
      audience: entityId,
      callbackUrl: `${issuer}/federation/${id}/acs`,
      entryPoint: published.ssoUrl,
      idpIssuer: settings.entityId,
      idpCert: published.certificates.map(({ der }) => der),
      privateKey,
      signatureAlgorithm: 'sha256',
      digestAlgorithm: 'sha256',
      wantAssertionsSigned: true,
      wantAuthnResponseSigned: true,
      validateInResponseTo: ValidateInResponseTo.always,
      identifierFormat: null,
      ...differences,
    });
}

function requestUrl(saml: NodeSaml): Promise<string> {
  return saml.getAuthorizeUrlAsync('canary', undefined, {});
}

async function profileIn(saml: NodeSaml, answer: Answer) {
  const { profile } = await saml.validatePostResponseAsync({
    SAMLResponse: formOf(answer).fields['SAMLResponse'] ?? '',
  });
  return profile;
}

async function certificatesIn({ issuer }: TestApp): Promise<X509Certificate[]> {
  const { text } = await new Agent(issuer).get('/demo/idp/saml/metadata');
  const found = [...text.matchAll(/<ds:X509Certificate>([^<]+)</g)];
  return found.map(([, der = '']) => new X509Certificate(Buffer.from(der, 'base64')));
}

function responseIn(answer: Answer) {
  return readResponse(Buffer.from(formOf(answer).fields['SAMLResponse'] ?? '', 'base64').toString());
}

/** What a response says, whoever signed it. */
function readResponse(xml: string) {
  const document = new DOMParser().parseFromString(xml, 'text/xml');
  const all = (name: string) => Array.from(document.getElementsByTagNameNS('*', name));
  const text = (name: string) => all(name)[0]?.textContent;
  const attribute = (element: string, name: string) => all(element)[0]?.getAttribute(name);
  const attributes = Object.fromEntries(
    all('Attribute').map((element) => [element.getAttribute('Name'), element.textContent]),
  ) as Record<string, string>;
  const answers = ['Response', 'SubjectConfirmationData'].map((name) => attribute(name, 'InResponseTo'));
  return {
    destination: attribute('Response', 'Destination'),
    recipient: attribute('SubjectConfirmationData', 'Recipient'),
    notOnOrAfter: attribute('Conditions', 'NotOnOrAfter') ?? '',
    answersTo: answers.filter(Boolean).length,
    issuer: all('Assertion')[0]?.getElementsByTagNameNS('*', 'Issuer')[0]?.textContent,
    audience: text('Audience'),
    nameId: text('NameID'),
    sessionIndex: attribute('AuthnStatement', 'SessionIndex'),
    email: attributes['email'],
    displayName: attributes['displayName'],
    attributes,
  };
}
