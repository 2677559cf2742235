/**
 * SimpleSAMLphp as an identity provider: Debian's, under PHP's own server on loopback, with its whole configuration and
 * all it keeps in a directory of its own. Its PHP reads JSON, so that what it is told stands here.
 */
import { type ChildProcess, type ChildProcessByStdio, spawn } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import type { Test } from 'tap';
import { Agent, type Answer } from './agent.ts';
import { freePort } from './app.ts';
import { formsOf } from './company.ts';
import { hasSimplesamlphp, paths } from './find-peers.ts';
import { hasEnded } from './has-ended.ts';
import { makeIdpKey } from './saml-idp.ts';

export interface Simplesamlphp {
  readonly origin: string;
  /** Where its metadata is; its entity id, too. */
  readonly metadataUrl: string;
  /** Takes a service provider's metadata, and settings of its own about it; in the place of what it had of it. */
  trust(metadata: string, settings?: Settings): Promise<void>;
  /** Takes somebody in, with the attributes that are asserted of them. All have one password. */
  enrol(username: string, attributes: Readonly<Record<string, readonly string[]>>): Promise<void>;
}

/** As its documentation names them. @see https://simplesamlphp.org/docs/1.19/simplesamlphp-reference-sp-remote.html */
export type Settings = Readonly<Record<string, unknown>>;

export const password = 'a password at SimpleSAMLphp';

export async function startSimplesamlphp(t: Test): Promise<Simplesamlphp> {
  if (!(await hasSimplesamlphp()))
    throw new Error('install simplesamlphp, php-cli, php-xml and php-mbstring');
  const directory = await mkdtemp(join(tmpdir(), 'doorward-simplesamlphp-'));
  const port = await freePort();
  const origin = `http://127.0.0.1:${port}`;
  await configure(directory, origin);
  const child = spawn(paths.php, phpArguments(directory, port), {
    env: { SIMPLESAMLPHP_CONFIG_DIR: directory },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  t.teardown(async () => {
    await end(child);
    await rm(directory, { recursive: true, force: true });
  });
  await listening(child);
  return { origin, metadataUrl: `${origin}/saml2/idp/metadata.php`, ...keepBooks(directory) };
}

/** PHP says so when it does; it writes its log there, too, which has to go somewhere. */
function listening({ stderr }: ChildProcessByStdio<null, null, Readable>): Promise<void> {
  return new Promise((resolve, reject) => {
    let said = '';
    stderr.on('data', (chunk: Buffer) => {
      said = `${said}${chunk.toString()}`.slice(-5000);
      if (/Development Server .* started/.test(said)) resolve();
    });
    stderr.once('end', () => {
      reject(new Error(`PHP has ended:\n${said}`));
    });
  });
}

/** Whom it knows: read again at each request. */
function keepBooks(directory: string): Pick<Simplesamlphp, 'trust' | 'enrol'> {
  const [trusted, people] = [new Map<string, object>(), new Map<string, object>()];
  return {
    trust: (xml, settings = {}) => {
      trusted.set(xml, { xml, settings });
      return writeJson(join(directory, 'metadata/saml20-sp-remote.json'), [...trusted.values()]);
    },
    enrol: (username, attributes) => {
      people.set(`${username}:${password}`, attributes);
      const source = { 0: 'exampleauth:UserPass', ...Object.fromEntries(people) };
      return writeJson(join(directory, 'authsources.json'), { people: source });
    },
  };
}

function writeJson(file: string, content: object): Promise<void> {
  return writeFile(file, JSON.stringify(content));
}

function phpArguments(directory: string, port: number): string[] {
  const settings = { 'session.save_path': `${directory}/sessions`, 'opcache.enable': '0' };
  const given = Object.entries(settings).flatMap(([name, value]) => ['-d', `${name}=${value}`]);
  return [...given, '-S', `127.0.0.1:${port}`, '-t', `${paths.simplesamlphp}/www`];
}

async function end(child: ChildProcess): Promise<void> {
  if (hasEnded(child)) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill();
  await ended;
}

async function configure(directory: string, origin: string): Promise<void> {
  for (const name of ['metadata', 'cert', 'sessions', 'data', 'log', 'tmp'])
    await mkdir(join(directory, name));
  const { privatePem, certificatePem } = makeIdpKey();
  const files = {
    'cert/idp.pem': privatePem,
    'cert/idp.crt': certificatePem,
    'config.php': readJson('config'),
    'config.json': JSON.stringify(configuration(directory, origin)),
    'authsources.php': readJson('config', 'authsources'),
    'authsources.json': '{}',
    'metadata/saml20-idp-hosted.php': readJson('metadata', 'saml20-idp-hosted'),
    'metadata/saml20-idp-hosted.json': JSON.stringify({ '__DYNAMIC:1__': identityProvider }),
    'metadata/saml20-sp-remote.php': readServiceProviders,
    'metadata/saml20-sp-remote.json': '[]',
  };
  for (const [name, text] of Object.entries(files)) await writeFile(join(directory, name), text);
}

function readJson(variable: string, name = variable): string {
  return `<?php $${variable} = json_decode(file_get_contents(__DIR__ . '/${name}.json'), true);`;
}

/** By its own reader of metadata; what it is told of one goes before. */
const readServiceProviders = `<?php
foreach (json_decode(file_get_contents(__DIR__ . '/saml20-sp-remote.json'), true) as $given) {
    $read = SimpleSAML\\Metadata\\SAMLParser::parseString($given['xml']);
    $metadata[$read->getEntityId()] = $given['settings'] + $read->getMetadata20SP();
}
`;

function configuration(directory: string, origin: string) {
  return {
    baseurlpath: `${origin}/`,
    'enable.saml20-idp': true,
    'module.enable': { core: true, saml: true, exampleauth: true },
    secretsalt: 'of a test',
    'auth.adminpassword': 'of a test',
    timezone: 'UTC',
    certdir: `${directory}/cert/`,
    metadatadir: `${directory}/metadata/`,
    datadir: `${directory}/data/`,
    loggingdir: `${directory}/log/`,
    tempdir: `${directory}/tmp/`,
    attributenamemapdir: '/etc/simplesamlphp/attributemap/',
    'logging.handler': 'errorlog',
    'logging.level': 4,
    'store.type': 'phpsession',
    'session.phpsession.savepath': `${directory}/sessions`,
    // of a test on http
    'session.cookie.secure': false,
    'language.cookie.secure': false,
  };
}

const persistent = 'urn:oasis:names:tc:SAML:2.0:nameid-format:persistent';

/** Everything as it is out of the box, but: NameIDs that last, names of attributes as others have them, signed metadata. */
const identityProvider = {
  host: '__DEFAULT__',
  auth: 'people',
  privatekey: 'idp.pem',
  certificate: 'idp.crt',
  NameIDFormat: persistent,
  'metadata.sign.enable': true,
  'attributes.NameFormat': 'urn:oasis:names:tc:SAML:2.0:attrname-format:uri',
  authproc: {
    10: { class: 'saml:PersistentNameID', attribute: 'uid', NameQualifier: true },
    90: { class: 'core:AttributeMap', 0: 'name2oid' },
  },
};

/** The page for name and password, and no other. */
export function isLoginForm(answer: Answer): boolean {
  return formsOf(answer).some(({ fields }) => 'AuthState' in fields && 'password' in fields);
}

/** Fills in the login form. Answers with what comes then: the form that brings the response to us, or the login form again. */
export async function logIn(
  browser: Agent,
  form: Answer,
  username: string,
  secret = password,
): Promise<Answer> {
  const [login] = formsOf(form);
  if (!login || !isLoginForm(form)) throw new Error(`no form to log in with: ${form.status}`);
  const to = new URL(login.action, form.url).href;
  const answer = await browser.post(to, { form: { ...login.fields, username, password: secret } });
  return answer.location === undefined ? answer : browser.follow(answer.location);
}
