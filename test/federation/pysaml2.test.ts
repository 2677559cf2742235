/** pysaml2 and xmlsec1: they verify our requests by our metadata alone, and what they sign is verified by theirs. */
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import t from 'tap';
import { Agent, type Answer } from '../support/agent.ts';
import { startApp } from '../support/app.ts';
import { comeHome, formsOf } from '../support/company.ts';
import { type Company, type CompanyOptions, postResponse } from '../support/company-account.ts';
import {
  isRefused,
  latestAttempt,
  leaveForPeer,
  makePeerCompany,
  readOurMetadata,
  startAtClient,
  whoCame,
} from '../support/peer-company.ts';
import { type Question, startPysaml2 } from '../support/pysaml2.ts';

/** What it does by itself is SHA-1. */
const signatures = {
  sign_alg: 'http://www.w3.org/2001/04/xmldsig-more#rsa-sha256',
  digest_alg: 'http://www.w3.org/2001/04/xmlenc#sha256',
};
const both = { sign_response: true, sign_assertion: true, ...signatures };
const response = { sign_response: true, sign_assertion: false, ...signatures };
const assertion = { sign_response: false, sign_assertion: true, ...signatures };
/** What it does by itself is 3DES. */
const encrypted = { encrypt_assertion: true };

const app = await startApp(t);
const idp = await startPysaml2(t);

async function found(domain: string, options: Partial<CompanyOptions> = {}) {
  const company = await makePeerCompany(app, idp.metadata, { domain, ...options });
  const serviceProvider = await readOurMetadata(company);
  const about = { serviceProvider, subject: 'paul', attributes: { mail: [`paul@${domain}`] } };
  return { domain, company, about };
}

type Found = Awaited<ReturnType<typeof found>>;

/** What the browser carries to the identity provider, by redirect or as a form. */
async function ask({ domain }: Found) {
  const { browser, started, location } = await leaveForPeer(app, `paul@${domain}`);
  if (location.startsWith('https://pysaml2.example/'))
    return { browser, started, request: Object.fromEntries(new URL(location).searchParams) };
  const page = await browser.get(location, { headers: { accept: 'text/html' } });
  return { browser, started, request: formsOf(page)[0]?.fields ?? {} };
}

/** Its response, posted; throws when it has none for us. */
async function bring(browser: Agent, company: Company, question: Question): Promise<Answer> {
  const { said, refused } = await idp.respond(question);
  if (said === undefined) throw new Error(refused);
  return postResponse(browser, company, said);
}

/** There and back. */
async function travel(there: Found, more: Pick<Question, 'options' | 'authenticated'>) {
  const { browser, started, request } = await ask(there);
  const posted = await bring(browser, there.company, { ...there.about, request, ...more });
  return { browser, started, home: await comeHome(browser, posted) };
}

for (const [domain, signaturePolicy, more] of [
  ['both.test', 'both', { options: both }],
  ['response.test', 'response', { options: response }],
  ['assertion.test', 'assertion', { options: assertion }],
  ['gcm.test', 'both', { options: { ...both, ...encrypted }, authenticated: true }],
  ['gcm-assertion.test', 'assertion', { options: { ...assertion, ...encrypted }, authenticated: true }],
] as const) {
  t.test(`${domain}: taken, with tokens in the end`, async (t) => {
    const there = await found(domain, { settings: { signaturePolicy, encryption: true } });
    t.match(await whoCame(app, await travel(there, more)), { email: `paul@${domain}`, amr: ['fed'] });
  });
}

for (const [domain, code, options, signaturePolicy] of [
  ['unsigned.test', 'saml_signature', { ...both, sign_response: false, sign_assertion: false }, 'either'],
  ['unsigned-assertion.test', 'saml_signature', response, 'assertion'],
  ['unsigned-response.test', 'saml_signature', assertion, 'response'],
  ['sha1.test', 'saml_algorithm', { sign_response: true, sign_assertion: true }, 'either'],
  ['triple-des.test', 'saml_algorithm', { ...both, ...encrypted }, 'either'],
] as const) {
  t.test(`${domain}: refused (${code})`, async (t) => {
    const { company, ...there } = await found(domain, { settings: { signaturePolicy, encryption: true } });
    const { home } = await travel({ company, ...there }, { options });
    await isRefused(t, app, { company, home, code });
  });
}

type Request = Readonly<Record<string, string>>;

/** Another request under the same signature. */
function change({ SAMLRequest = '', ...request }: Request, edit: (xml: string) => string): Request {
  const bytes = Buffer.from(SAMLRequest, 'base64');
  const isDeflated = 'SigAlg' in request;
  const xml = edit((isDeflated ? inflateRawSync(bytes) : bytes).toString());
  return {
    ...request,
    SAMLRequest: (isDeflated ? deflateRawSync(xml) : Buffer.from(xml)).toString('base64'),
  };
}

const forbid = (xml: string) => xml.replace('AllowCreate="true"', 'AllowCreate="false"');

for (const [binding, refused, changes] of [
  [
    'redirect',
    /not signed as its sender signs/,
    [
      (request: Request) => change(request, forbid),
      (request: Request) => ({ ...request, Signature: Buffer.alloc(256, 1).toString('base64') }),
    ],
  ],
  [
    'post',
    /IncorrectlySigned/,
    [
      (request: Request) => change(request, forbid),
      (request: Request) => change(request, (xml) => xml.replace(/<(\w+:)?Signature[ >].*Signature>/s, '')),
    ],
  ],
] as const) {
  t.test(`by ${binding} it takes our request, and none that was changed on the way`, async (t) => {
    const there = await found(`${binding}.test`, { binding });
    const { request } = await ask(there);
    const accept = (given: Request) => idp.respond({ ...there.about, request: given, options: both });
    t.match(await accept(request), { said: String });
    for (const changed of changes.map((each) => each(request))) {
      t.notSame(changed, request);
      t.match(await accept(changed), { refused });
    }
  });
}

t.test('what nobody asked it for is believed once, where that is allowed', async (t) => {
  const settings = { idpInitiated: 'allow', idpInitiatedClients: ['demo-assist'] } as const;
  const { company, about } = await found('allow.test', { settings });
  const browser = new Agent(app.issuer);
  const { said = '' } = await idp.respond({ ...about, options: both });
  t.equal((await postResponse(browser, company, said)).status, 303);
  t.match(await whoCame(app, await startAtClient(app, browser)), { email: 'paul@allow.test' });
  t.equal((await postResponse(new Agent(app.issuer), company, said)).status, 403);
  t.match(await latestAttempt(app, company), { outcome: 'refused', code: 'response_replayed' });
});
