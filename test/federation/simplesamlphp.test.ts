/** SimpleSAMLphp, whose code has nothing in common with ours: it takes what we send, and we take what it sends. */
import t from 'tap';
import { Agent } from '../support/agent.ts';
import { startApp } from '../support/app.ts';
import { bringBack, comeHome, formsOf } from '../support/company.ts';
import type { Company, CompanyOptions } from '../support/company-account.ts';
import {
  isRefused,
  latestAttempt,
  leaveForPeer,
  makePeerCompany,
  readOurMetadata,
  startAtClient,
  whoCame,
} from '../support/peer-company.ts';
import { isLoginForm, logIn, type Settings, startSimplesamlphp } from '../support/simplesamlphp.ts';

const groups = 'urn:oid:1.3.6.1.4.1.5923.1.1.1.1'; // eduPersonAffiliation
const transient = 'urn:oasis:names:tc:SAML:2.0:nameid-format:transient';
const rsaSha1 = 'http://www.w3.org/2000/09/xmldsig#rsa-sha1';
const rsaSha512 = 'http://www.w3.org/2001/04/xmldsig-more#rsa-sha512';
const email = 'urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress';
/** The NameID is the address, which is no attribute; and there is an attribute that is an element. */
const emailAsNameId = {
  NameIDFormat: email,
  authproc: {
    40: { class: 'core:TargetedID', attributename: 'uid', nameId: true },
    50: { class: 'saml:AttributeNameID', attribute: 'mail', Format: email },
    60: { class: 'core:AttributeLimit', 0: 'eduPersonTargetedID', 1: 'eduPersonAffiliation' },
  },
  attributeencodings: { 'urn:oid:1.3.6.1.4.1.5923.1.1.1.10': 'raw' },
};
const signsAssertion = { 'saml20.sign.response': false };
const signsResponse = { 'saml20.sign.assertion': false };

const app = await startApp(t);
const idp = await startSimplesamlphp(t);
const metadata = await (await fetch(idp.metadataUrl)).text();

interface Options extends Partial<CompanyOptions> {
  /** What the identity provider is told of us. */
  readonly told?: Settings;
}

/** A company there, and Gina, who works for it. */
async function found(domain: string, { told, ...options }: Options = {}): Promise<Company> {
  const company = await makePeerCompany(app, metadata, { domain, ...options });
  await idp.trust(await readOurMetadata(company), told);
  const mail = `gina@${domain}`;
  await idp.enrol(mail, { uid: ['gina'], mail: [mail], eduPersonAffiliation: ['member', 'staff'] });
  return company;
}

const leave = (domain: string, extra?: Readonly<Record<string, string>>) =>
  leaveForPeer(app, `gina@${domain}`, extra);
const visitor = () => new Agent(idp.origin, 'text/html');

/** There and back. */
async function travel(domain: string, username = `gina@${domain}`) {
  const { browser, started, location } = await leave(domain);
  const atIdp = visitor();
  const answer = await logIn(atIdp, await atIdp.follow(location), username);
  return { browser, started, atIdp, home: await comeHome(browser, await bringBack(browser, answer)) };
}

for (const [domain, signaturePolicy, told] of [
  ['both.test', 'both', {}],
  ['assertion.test', 'assertion', signsAssertion],
  ['response.test', 'response', signsResponse],
  ['sha512.test', 'both', { 'signature.algorithm': rsaSha512 }],
  ['email.test', 'both', emailAsNameId],
] as const) {
  t.test(`${domain}: what is signed like that is taken, with tokens in the end`, async (t) => {
    const mapping = { groups, roles: { staff: 'admin' }, roleCeiling: 'admin' } as const;
    const company = await found(domain, { told, mapping, settings: { signaturePolicy } });
    const journey = await travel(domain);
    t.match(journey.home.json(), { step: 'done' });
    t.match(await whoCame(app, journey), { email: `gina@${domain}`, role: 'admin', amr: ['fed'] });
    t.match(await latestAttempt(app, company), { stage: 'done', outcome: 'passed', code: null });
  });
}

for (const [domain, code, told, settings] of [
  ['unsigned-assertion.test', 'saml_signature', signsResponse, { signaturePolicy: 'assertion' }],
  ['unsigned-response.test', 'saml_signature', signsAssertion, { signaturePolicy: 'response' }],
  ['sha1.test', 'saml_algorithm', { 'signature.algorithm': rsaSha1 }, {}],
  ['transient.test', 'saml_subject', { NameIDFormat: transient }, {}],
  ['encrypted-id.test', 'saml_subject', { 'nameid.encryption': true }, { encryption: true }],
] as const) {
  t.test(`${domain}: refused (${code})`, async (t) => {
    const company = await found(domain, { told, settings });
    const { home } = await travel(domain);
    await isRefused(t, app, { company, home, code });
  });
}

t.test(
  'an encrypted assertion is read; by AES-CBC, which is all it knows, in a signed response only',
  async (t) => {
    const [encrypts, encryption] = [{ 'assertion.encryption': true }, { settings: { encryption: true } }];
    await found('encrypted.test', { told: encrypts, ...encryption });
    const journey = await travel('encrypted.test');
    t.match(await whoCame(app, journey), { email: 'gina@encrypted.test' });
    const company = await found('malleable.test', {
      told: { ...encrypts, ...signsAssertion },
      ...encryption,
    });
    const { home } = await travel('malleable.test');
    await isRefused(t, app, { company, home, code: 'saml_algorithm' });
  },
);

t.test('people who are not whom we expect do not come in', async (t) => {
  const company = await found('globe.test');
  await idp.enrol('stranger', { uid: ['stranger'], mail: ['gina@elsewhere.test'] });
  await idp.enrol('nameless', { uid: ['nameless'] });
  for (const [username, code] of [
    ['stranger', 'domain_not_allowed'],
    ['nameless', 'email_not_valid'], // there is the NameID, which is none
  ] as const) {
    const { home } = await travel('globe.test', username);
    await isRefused(t, app, { company, home, code, stage: 'match' });
  }
  const { location } = await leave('globe.test');
  const atIdp = visitor();
  const again = await logIn(atIdp, await atIdp.follow(location), 'gina@globe.test', 'a wrong password');
  t.ok(isLoginForm(again), 'a wrong password ends there');
});

t.test('whom it bars it sends back without an assertion', async (t) => {
  const [responder, denied] = ['Responder', 'RequestDenied'].map(
    (status) => `'urn:oasis:names:tc:SAML:2.0:status:${status}'`,
  );
  const code = `throw new \\SimpleSAML\\Module\\saml\\Error(${responder}, ${denied});`;
  const company = await found('strict.test', { told: { authproc: { 20: { class: 'core:PHP', code } } } });
  const atIdp = visitor();
  // the first time it only says so on a page of its own
  await logIn(atIdp, await atIdp.follow((await leave('strict.test')).location), 'gina@strict.test');
  const { browser, location } = await leave('strict.test');
  const home = await comeHome(browser, await bringBack(browser, await atIdp.follow(location)));
  await isRefused(t, app, { company, home, code: 'saml_status' });
});

t.test(
  'whoever is signed in there comes straight back; whoever must prove themself anew is asked',
  async (t) => {
    await found('twice.test');
    const { atIdp } = await travel('twice.test');
    const again = await leave('twice.test');
    const straight = await bringBack(again.browser, await atIdp.follow(again.location));
    const home = await comeHome(again.browser, straight);
    t.match(await whoCame(app, { ...again, home }), { email: 'gina@twice.test' });
    const anew = await leave('twice.test', { prompt: 'login' });
    const form = await atIdp.follow(anew.location);
    t.ok(isLoginForm(form));
    const proven = await bringBack(anew.browser, await logIn(atIdp, form, 'gina@twice.test'));
    const arrived = await comeHome(anew.browser, proven);
    t.match(await whoCame(app, { ...anew, home: arrived }), { email: 'gina@twice.test' });
  },
);

t.test('it verifies our request by redirect', async (t) => {
  await found('redirect.test', { told: { 'validate.authnrequest': true } });
  const { location } = await leave('redirect.test');
  t.ok(isLoginForm(await visitor().follow(location)));
  for (const [change, why] of [
    [withoutSignature, /no signature found on message/],
    [withRelayState, /Unable to validate signature/],
    [withOtherSignature, /Unable to validate signature/],
  ] as const) {
    const answer = await visitor().follow(change(new URL(location)).href);
    t.notOk(isLoginForm(answer));
    t.match(answer.text, why, change.name);
  }
});

function withoutSignature(url: URL): URL {
  for (const name of ['Signature', 'SigAlg']) url.searchParams.delete(name);
  return url;
}

function withRelayState(url: URL): URL {
  url.searchParams.set('RelayState', 'https://elsewhere.test/');
  return url;
}

function withOtherSignature(url: URL): URL {
  const signature = Buffer.from(url.searchParams.get('Signature') ?? '', 'base64');
  signature[0] = (signature[0] ?? 0) ^ 1;
  url.searchParams.set('Signature', signature.toString('base64'));
  return url;
}

t.test('it verifies our request by POST', async (t) => {
  await found('post.test', { binding: 'post', told: { 'validate.authnrequest': true } });
  const { browser, started, location } = await leave('post.test');
  const page = await browser.get(location, { headers: { accept: 'text/html' } });
  const [{ action, fields } = { action: '', fields: {} }] = formsOf(page);
  const post = async (atIdp: Agent, form: Readonly<Record<string, string>>) => {
    const answer = await atIdp.post(action, { form });
    return answer.location === undefined ? answer : atIdp.follow(answer.location);
  };
  const atIdp = visitor();
  const answer = await logIn(atIdp, await post(atIdp, fields), 'gina@post.test');
  const home = await comeHome(browser, await bringBack(browser, answer));
  t.match(await whoCame(app, { browser, started, home }), { email: 'gina@post.test' });
  const xml = Buffer.from(fields['SAMLRequest'] ?? '', 'base64').toString();
  // a signature that does not verify counts as none
  const changed = Buffer.from(xml.replace('AllowCreate="true"', 'AllowCreate="false"')).toString('base64');
  t.match((await post(visitor(), { SAMLRequest: changed })).text, /no signature found on message/);
});

/** Presses our tile at the identity provider. */
async function press(company: Company, domain: string) {
  const [browser, atIdp] = [new Agent(app.issuer), visitor()];
  const asks = new URLSearchParams({ spentityid: company.to.entityId, RelayState: 'demo-assist' });
  const form = await atIdp.follow(`/saml2/idp/SSOService.php?${asks}`);
  const answer = await logIn(atIdp, form, `gina@${domain}`);
  return { browser, atIdp, answer, posted: await bringBack(browser, answer) };
}

const idpInitiatedClients = ['demo-assist'];

t.test('restart: its tile begins a sign-in of our own, for which nobody is asked again', async (t) => {
  const company = await found('restart.test', { settings: { idpInitiatedClients } });
  const { browser, atIdp, posted } = await press(company, 'restart.test');
  t.ok(posted.location?.startsWith(`${app.issuer}/demo/assist/sign-in?iss=`));
  const { started, home } = await startAtClient(app, browser);
  t.match(home.json(), { step: 'redirect' });
  const answer = await atIdp.follow((home.json() as { location: string }).location);
  const back = await comeHome(browser, await bringBack(browser, answer));
  t.match(await whoCame(app, { browser, started, home: back }), { email: 'gina@restart.test' });
});

t.test('allow: its tile is believed once', async (t) => {
  const company = await found('allow.test', { settings: { idpInitiated: 'allow', idpInitiatedClients } });
  const { browser, answer } = await press(company, 'allow.test');
  t.match(await whoCame(app, await startAtClient(app, browser)), { email: 'gina@allow.test' });
  t.equal((await bringBack(new Agent(app.issuer), answer)).status, 403);
  t.match(await latestAttempt(app, company), { outcome: 'refused', code: 'response_replayed' });
});

t.test('off: its tile leads nowhere', async (t) => {
  const company = await found('off.test', { settings: { idpInitiated: 'off', idpInitiatedClients } });
  t.equal((await press(company, 'off.test')).posted.status, 403);
  t.match(await latestAttempt(app, company), { outcome: 'refused', code: 'response_unexpected' });
});
