/** The documents say what is true: their links lead somewhere, and what they list is what the code has. */
import { existsSync } from 'node:fs';
import { glob, readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { settings } from '../config/settings.ts';
import { composeProblems, dockerfileProblems } from '../scripts/check-deploy.ts';
import { commands, findCommand } from '../src/cli/commands.ts';
import { denialCodes } from '../src/core/access/access.ts';
import { refusalCodes } from '../src/core/attempts/attempts.ts';
import type { SocialIdentity } from '../src/core/identities/identities.ts';
import { nextStep, type SignIn, type SignInState, type Step } from '../src/core/sign-in/sign-in.ts';
import type { EmailAddress } from '../src/kernel/email-address.ts';
import { failures, type FailureCode } from '../src/kernel/failures.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const read = (file: string): Promise<string> => readFile(path.join(root, file), 'utf8');
const found = await Array.fromAsync(glob('{*.md,docs/**/*.md}', { cwd: root }));
const documents = await Promise.all(found.sort().map(async (file) => ({ file, text: await read(file) })));

t.test('every document there must be is there', (t) => {
  const names = ['README', 'CONTRIBUTING', 'CHANGELOG'].map((name) => `${name}.md`);
  const inDocs = ['architecture', 'configuration', 'errors', 'interactions', 'standards'];
  for (const file of [...names, ...inDocs.map((name) => `docs/${name}.md`)]) t.ok(found.includes(file), file);
  t.ok(existsSync(path.join(root, 'LICENSE')));
  t.end();
});

t.test('every link leads to a file, and to a heading in it', async (t) => {
  for (const { file, text } of documents) {
    for (const [, target = ''] of withoutCode(text).matchAll(/\]\(([^)]+)\)/g)) {
      if (/^[a-z]+:/.test(target)) continue;
      const [name = '', anchor] = target.split('#', 2);
      const to = name === '' ? file : path.join(path.dirname(file), name);
      const isThere = existsSync(path.join(root, to));
      t.ok(isThere, `${file} links to ${target}`);
      if (isThere && anchor !== undefined)
        t.ok(anchorsOf(await read(to)).includes(anchor), `${file} links to ${target}`);
    }
  }
});

t.test('every path that a document or a comment names exists', async (t) => {
  for (const { file, text } of documents) {
    for (const [, name = ''] of text.matchAll(
      /`((?:config|src|test|scripts|migrations|docs)\/[\w./-]*|\.dependency-cruiser\.cjs)`/g,
    ))
      t.ok(existsSync(path.join(root, name)), `${file} names ${name}`);
  }
  for await (const file of glob('{config,src,scripts}/**/*.{ts,js}', { cwd: root })) {
    for (const [name] of (await read(file)).matchAll(/\bdocs\/[\w/-]+\.md\b/g))
      t.ok(existsSync(path.join(root, name)), `${file} names ${name}`);
  }
});

t.test('every npm script that a document names exists', async (t) => {
  const { scripts } = JSON.parse(await read('package.json')) as { scripts: Record<string, string> };
  for (const { file, text } of documents) {
    for (const [, name = ''] of text.matchAll(/npm (?:run )?(start|test|(?<=npm run )[\w:]+)/g))
      t.ok(scripts[name], `${file} names npm run ${name}`);
  }
});

t.test('every doorward command that a document names exists', (t) => {
  const named = documents.flatMap(({ text }) =>
    Array.from(text.matchAll(/\bdoorward ([a-z]+(?: [a-z][a-z-]*)?)/g), ([, name = '']) => name),
  );
  const first = new Set(Object.keys(commands).map((name) => name.split(' ')[0]));
  for (const name of new Set(named))
    // alone, it stands for all that begin with it
    if (first.has(name.split(' ')[0])) t.ok(first.has(name) || findCommand(name.split(' ')), name);
  t.ok(named.includes('connection require'), 'the roll-out is among them');
  t.end();
});

t.test('docs/errors.md lists the failures, and the denials in their order', async (t) => {
  const [errors = '', denials = ''] = (await read('docs/errors.md')).split('\n## ');
  const table = Object.entries(failures).map(([code, { status, title }]) => [code, String(status), title]);
  t.same(rowsOf(errors), table);
  t.same(
    rowsOf(denials).map(([code]) => code),
    [...denialCodes],
  );
});

t.test('docs/integration/troubleshooting.md explains every reason to refuse a company sign-in', async (t) => {
  const [, ...sections] = (await read('docs/integration/troubleshooting.md')).split('\n## ');
  const codes = sections.flatMap((section) => rowsOf(section).map(([code]) => code));
  t.same(codes.toSorted(), [...refusalCodes].sort());
});

t.test('docs/commands.md lists the commands', async (t) => {
  const names = Array.from(
    (await read('docs/commands.md')).matchAll(/^### `doorward (.+)`$/gm),
    ([, name]) => name,
  );
  t.same(names.sort(), Object.keys(commands).sort());
});

t.test('docs/configuration.md lists the settings', async (t) => {
  const rows = rowsOf(await read('docs/configuration.md'));
  t.same(
    rows.map(([name]) => name),
    Object.keys(settings),
  );
});

t.test('the changelog says what is not released', async (t) => {
  const [, unreleased = ''] = (await read('CHANGELOG.md')).split('\n## [Unreleased]\n');
  t.match(unreleased, /^- \S/m);
});

t.test('docs/interactions.md shows every step with the members and actions it has', async (t) => {
  const text = await read('docs/interactions.md');
  const blocks = Array.from(text.matchAll(/```json\n([\s\S]*?)```/g), ([, json = '']) => JSON.parse(json));
  const leftOut = new Set(['interaction', 'expires_at', 'locale', 'client']);
  for (const state of Object.values(states)) {
    const step = nextStep({ ...signIn, state });
    const shown = blocks.filter((block) => block.step === step.step);
    t.ok(shown.length > 0, step.step);
    for (const example of shown) {
      t.same(membersOf(example, leftOut), membersOf(step, leftOut), step.step);
      t.same(Object.keys(example.actions), actionsOf(step), `the actions of ${step.step}`);
    }
    for (const action of actionsOf(step)) t.match(text, `| \`${action}\``, `the table has ${action}`);
  }
  for (const code of met) t.match(text, new RegExp(`\`${code}\` +\\| ${failures[code].status} `));
});

t.test('the container files keep their rules, and the check of them is awake', async (t) => {
  const [dockerfile, ignored, compose] = await Promise.all(
    ['Dockerfile', '.dockerignore', 'docker-compose.yml'].map(read),
  );
  t.same(dockerfileProblems(dockerfile ?? '', ignored ?? ''), []);
  t.same(composeProblems(compose ?? '', dockerfile ?? ''), []);

  const worse: [what: string, from: string | RegExp, to: string][] = [
    ['an unpinned base image', /node:[\d.]+-bookworm-slim/, 'node:latest'],
    ['a base image without a tag', /node:[\d.]+-bookworm-slim/, 'node'],
    ['root', 'USER 1000:1000', 'USER root'],
    ['nobody named', 'USER 1000:1000', ''],
    ['no health check', /HEALTHCHECK[^\n]*\\\n/, 'HEALTHCHECK NONE\n# '],
    ['a shell between us and the signals', 'CMD ["node", "src/main.ts"]', 'CMD node src/main.ts'],
    ['a secret in the image', 'PORT=3000', 'PORT=3000 SECRET_KEYS=abc'],
    ['dependencies of development', ' --omit=dev', ''],
    ['a folder that is not let through', 'COPY config', 'COPY docs'],
    ['an instruction that is none', 'WORKDIR', 'WORKDIRECTORY'],
  ];
  for (const [what, from, to] of worse) {
    t.not(dockerfile, dockerfile?.replace(from, to), `${what}: the text is there to be changed`);
    t.not(dockerfileProblems(dockerfile?.replace(from, to) ?? '', ignored ?? '').length, 0, what);
  }
  const worseCompose: [what: string, from: string | RegExp, to: string][] = [
    ['the newest image', 'postgres:18', 'postgres:latest'],
    ['a password as text', /POSTGRES_PASSWORD_FILE: .*/, 'POSTGRES_PASSWORD: hunter2'],
    ['a password in an address', 'smtp://mail', 'smtp://me:hunter2@mail'],
    [
      'a secret of another service',
      '[database_url, secret_keys, cookie_keys]',
      '[database_url, secret_keys]',
    ],
    ['a writable file system', 'read_only: true', 'read_only: false'],
    ['a misspelt member', 'read_only: true', 'readonly: true'],
    ['no health check', 'healthcheck:', 'x-healthcheck:'],
    ['a port open to everybody', '127.0.0.1:3000:3000', '3000:3000'],
    ['a service that is not there', 'postgres:\n        condition', 'database:\n        condition'],
    ['a secret that git could take', 'file: .data/secrets/database_url', 'file: database_url'],
    ['an issuer the service refuses', 'http://localhost:3000', 'http://localhost:3000/'],
    ['a setting there is not', 'MAIL_FROM', 'MAIL_SENDER'],
    ['production without https', 'NODE_ENV: development', 'NODE_ENV: production'],
    ['a key that stands twice', 'services:\n', 'services:\n  mail: {}\n'],
  ];
  for (const [what, from, to] of worseCompose) {
    t.not(compose, compose?.replace(from, to), `${what}: the text is there to be changed`);
    t.not(composeProblems(compose?.replace(from, to) ?? '', dockerfile ?? '').length, 0, what);
  }
});

/** The failures that a step may answer with. */
const met: readonly FailureCode[] = [
  'invalid_input',
  'invalid_credentials',
  'another_proof_needed',
  'company_sign_in_failed',
  'identity_unknown',
  'link_mismatch',
  'social_sign_in_failed',
  'sso_required',
  'company_not_found',
  'identity_taken',
  'action_not_available',
  'interaction_expired',
  'throttled',
];
const account = { id: 'acc_1', name: 'Acme Inc.' } as const;
const subject = { userId: 'usr_1' } as const;
const external: SocialIdentity = {
  ...{ provider: 'github', issuer: 'x', subject: 'x', attributes: {}, amr: [] },
  emailTrust: 'verified_once',
};
const pending = { identity: external, email: 'ada@acme.test' as EmailAddress, emailProven: false };
/** One of each: a state that is new does not compile until it is here, and fails until it is documented. */
const states: { readonly [At in SignInState['at']]: Extract<SignInState, { at: At }> } = {
  identify: { at: 'identify' },
  company: { at: 'company' },
  choose_connection: {
    at: 'choose_connection',
    email: 'gina@globex.test' as EmailAddress,
    connections: [{ id: 'con_1', label: 'Globex Corp' }],
  },
  returned: {
    at: 'returned',
    connectionId: 'con_1',
    attemptId: 'att_1',
    identity: { issuer: 'x', subject: 'x', attributes: {}, amr: [] },
  },
  returned_social: { at: 'returned_social', identity: external },
  code: { at: 'code', pending, sent: { id: 'x', hash: 'x', at: 'x' } },
  sign_in_to_link: { at: 'sign_in_to_link', pending },
  confirm_link: { at: 'confirm_link', pending, subject },
  choose_account: { at: 'choose_account', subject, accounts: [account] },
  denied: {
    at: 'denied',
    subject,
    denial: { code: 'no_seat', caseId: 'AAAA-AAAA', account },
    seatRequested: false,
  },
  consent: { at: 'consent', scopes: ['openid'] },
  done: { at: 'done' },
};
const signIn: Omit<SignIn, 'state'> = {
  uid: 'uid',
  expiresAt: new Date(0),
  locale: 'en',
  client: {
    clientId: 'demo-assist',
    name: 'Assist',
    logoUri: null,
    product: null,
    firstParty: true,
    signUpUri: null,
    startUrl: null,
  },
  loginHint: undefined,
  isNew: false,
  domainHint: undefined,
  connectionHint: undefined,
  providers: ['google', 'github'],
  remembered: undefined,
  forceAuthn: false,
  maxAge: undefined,
  account: undefined,
  session: undefined,
  location: 'http://localhost:3000/authorize/uid',
};

function membersOf(step: object, leftOut: ReadonlySet<string>): string[] {
  return Object.keys(step)
    .filter((name) => !leftOut.has(name))
    .sort();
}

function actionsOf(step: Step): string[] {
  return 'actions' in step ? Object.keys(step.actions) : [];
}

/** The cells of a document's tables without their heads, and without the marks of code. */
function rowsOf(text: string): string[][] {
  const lines = text.split('\n').filter((line) => line.startsWith('| `'));
  return lines.map((line) =>
    line
      .slice(1, -1)
      .split(/(?<!\\)\|/)
      .map((cell) => cell.trim().replace(/^`(.*)`$/, '$1')),
  );
}

function withoutCode(text: string): string {
  return text.replace(/```[\s\S]*?```/g, '').replace(/`[^`\n]*`/g, '');
}

/** The anchors that headings get. */
function anchorsOf(text: string): string[] {
  return Array.from(text.matchAll(/^#+ (.*)$/gm), ([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\w\- ]/g, '')
      .replaceAll(' ', '-'),
  );
}
