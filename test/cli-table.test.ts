/** The whole table of commands: each has help with an example, answers JSON, refuses what it does not know. */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import path from 'node:path';
import t from 'tap';
import type { Called } from '../src/cli/called.ts';
import { commands, findCommand } from '../src/cli/commands.ts';
import { readGiven, WrongUse } from '../src/cli/given.ts';
import { helpOf } from '../src/cli/help.ts';
import { makeKey } from '../src/core/connections/connections.ts';
import { findClaim, parseDomainName } from '../src/core/domains/domains.ts';
import type { ConnectionId } from '../src/kernel/ids.ts';
import { freePort, startApp } from './support/app.ts';
import { doorward, run } from './support/command.ts';
import { createDatabase } from './support/database.ts';
import { startResolvers } from './support/domains.ts';
import { idpMetadata } from './support/idp-metadata.ts';
import { passNow, readIdpCertificate } from './support/make-connection.ts';

const names = Object.keys(commands);
const key = (): string => randomBytes(32).toString('base64url');
/** As a shell would take it apart. */
const wordsOf = (line: string): string[] =>
  Array.from(line.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g), ([, a, b, c]) => a ?? b ?? c ?? '');

t.test('every command has help, with an example that is one of it', (t) => {
  for (const [name, command] of Object.entries(commands)) {
    const help = helpOf(name, command);
    t.match(help, `Usage: doorward ${name}`);
    t.match(help, `  doorward ${command.example}\n`);
    t.match(command.about, /^[A-Z].*\.$/, `${name} is a sentence`);
    const words = wordsOf(command.example);
    t.equal(findCommand(words)?.[0], name);
    t.doesNotThrow(() => readGiven(words.slice(name.split(' ').length), command), command.example);
    for (const option of command.required ?? []) t.ok(command.options?.[option], `--${option} is an option`);
  }
  t.end();
});

t.test('every command refuses what it does not know, what is not complete, and what is too much', (t) => {
  for (const [name, command] of Object.entries(commands)) {
    const { words: shape = '', options = {}, required = [] } = command;
    const words = wordsOf(command.example).slice(name.split(' ').length);
    const once = Object.keys(options).filter((option) => !options[option]?.endsWith('…'));
    const refused = [
      [...words, '--no-such-option'],
      [...words, '--constructor', 'x'],
      ...(shape.includes('…') ? [] : [[...words, ...Array.from({ length: 9 }, () => 'more')]]),
      ...(shape === '' || shape.startsWith('[') ? [] : [[]]),
      ...Object.keys(options).map((option) => [...words, `--${option}`]),
      ...once.map((option) => [...words, `--${option}`, 'a', `--${option}`, 'b']),
      ...required.map((option) => words.filter((word) => word !== `--${option}`)),
    ];
    for (const args of refused) t.ok(isWrongUse(args, command), `${name} ${args.join(' ')}`);
  }
  t.end();
});

function isWrongUse(args: readonly string[], command: Called): boolean {
  try {
    readGiven(args, command);
    return false;
  } catch (error) {
    return error instanceof WrongUse;
  }
}

t.test('a word may begin with a dash, and an option have its value attached', (t) => {
  const called = { about: '', example: '', words: '<kid>', options: { alg: '<alg>' }, flags: ['now'] };
  const given = readGiven(['-dash', '--alg=a=b', '--now'], called);
  t.same(
    [given.words, given.one('alg'), given.has('now'), given.has('yes')],
    [['-dash'], 'a=b', true, false],
  );
  t.same(readGiven(['--', '--now'], called).words, ['--now']);
  t.end();
});

t.test('every command answers JSON, or says in a line why not', async (t) => {
  const { env, prove } = await startResolvers(t);
  const app = await startApp(t, { env });
  const { ctx } = app;
  const { certificate } = await makeKey('idp', ctx.now());
  const dir = t.testdir({
    'idp.xml': idpMetadata([readIdpCertificate(certificate)]),
    secret: 'hush',
  });
  // these have tests of their own: they read the settings themselves, or print as they go
  const seen = new Set<string>(['serve', 'import', 'doctor']);

  /** What a command answers with --json; in this process, since each of its own would take a second. */
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- answers of every shape
  const ask = async (name: string, args: readonly string[] = []): Promise<any> => {
    seen.add(name);
    const command = commands[name];
    if (!command || !('run' in command)) throw new Error(`${name} is no such command`);
    const { text, data } = await command.run(ctx, readGiven([...args, '--json'], command));
    t.not(text, '', name);
    return JSON.parse(JSON.stringify(data));
  };
  const fails = (name: string, args: readonly string[]) =>
    t.rejects(ask(name, args), { message: /\S/ }, name);

  t.same(await ask('migrate'), { applied: [] });
  t.same(await ask('seed'), { seeded: true });
  t.match(await ask('client create-operator', ['Ops']), { client_id: String, client_secret: String });
  t.match(await ask('product create', ['parasol', 'Parasol']), { slug: 'parasol', resource: null });
  t.match(await ask('product change', ['parasol', '--name', 'The parasol']), { name: 'The parasol' });
  t.match(await ask('product list', ['--limit', '1']), [{ slug: 'parasol', created_at: String }]);
  t.same(await ask('product delete', ['parasol', '--yes']), { slug: 'parasol', state: 'deleted' });
  const client = ['umbrella-app', 'Umbrella', '--auth-method', 'client_secret_basic'];
  const uri = ['--grant-type', 'authorization_code', '--redirect-uri', 'https://umbrella.test/callback'];
  const secret = { client_id: 'umbrella-app', client_secret: /^[\w-]{43}$/ };
  t.match(await ask('client create', [...client, ...uri]), secret);
  const clients = await ask('client list', ['--limit', '99']);
  t.ok(clients.some(({ client_id: id }: { client_id: string }) => id === 'umbrella-app'));
  t.match(await ask('client show', ['umbrella-app']), { client_id: 'umbrella-app', product: null });
  const overlap = ['--overlap-seconds', '60', '--yes'];
  t.match(await ask('client change', ['umbrella-app', '--name', 'The app']), {
    name: 'The app',
    client_secret: null,
  });
  t.match(await ask('client rotate-secret', ['umbrella-app', ...overlap]), secret);
  t.match(await ask('client delete', ['umbrella-app', '--yes']), { state: 'deleted' });
  t.match(await ask('account create', ['umbrella', 'Umbrella']), { slug: 'umbrella', status: 'active' });
  for (const [verb, status] of [
    ['lapse', 'lapsed'],
    ['suspend', 'suspended'],
  ] as const)
    t.match(await ask(`account ${verb}`, ['umbrella', '--yes']), { status });
  t.match(await ask('account renew', ['umbrella', '--until', 'never']), { expires_at: null });
  t.match(await ask('account list', ['--status', 'active']), [{ slug: 'umbrella', grace_days: Number }]);
  t.match(await ask('user list', ['--email', 'ada@acme.test']), [{ email: 'ada@acme.test' }]);
  t.match(await ask('user deactivate', ['alan@acme.test', '--yes']), { state: 'deactivated' });
  t.match(await ask('user reactivate', ['alan@acme.test']), { state: 'active' });
  t.match(await ask('invite', ['umbrella', 'una@umbrella.test']), { id: /^inv_/, role: 'agent' });

  const domain = ['umbrella', 'umbrella.test'];
  const claimed = await ask('domain claim', domain);
  t.match(claimed, { state: 'pending', record: { type: 'TXT', value: /^doorward-verification=/ } });
  await fails('domain verify', domain);
  const name = parseDomainName('umbrella.test');
  const claim = name && (await findClaim(ctx.db, { accountId: claimed.account_id, name }));
  if (!claim) throw new Error('nothing was claimed');
  prove(claim);
  t.match(await ask('domain verify', domain), { state: 'verified' });
  t.match(await ask('domain include-subdomains', domain), { include_subdomains: true });
  t.match(await ask('domain exclude-subdomains', domain), { include_subdomains: false });
  t.match(await ask('domain list', ['umbrella']), [{ name: 'umbrella.test', record: { type: 'TXT' } }]);
  for (const verb of ['transfer', 'refuse']) await fails(`domain ${verb}`, [...domain, '--yes']);
  await fails('domain resume', domain);

  const made = await ask('connection create-saml', ['umbrella', '--metadata-file', `${dir}/idp.xml`]);
  t.match(made, {
    id: /^con_/,
    kind: 'saml',
    state: 'draft',
    tested: false,
    service_provider: { acs_url: String },
  });
  const oidc = [
    'umbrella',
    '--issuer',
    'https://idp.example.test',
    '--client-id',
    'x',
    '--secret-file',
    `${dir}/secret`,
  ];
  t.match(await ask('connection create-oidc', oidc), {
    kind: 'oidc',
    service_provider: { redirect_uri: String },
  });
  t.equal((await ask('connection list', ['umbrella'])).length, 2);
  const id = String(made.id);
  t.match(await ask('connection change', [id, '--label', 'Umbrella SAML']), { label: 'Umbrella SAML' });
  t.match(await ask('connection bind', [id, 'umbrella.test']), { id });
  t.match(await ask('connection test', [id]), { link: /^http/ });
  await passNow(ctx, id as ConnectionId);
  t.match(await ask('connection pilot', [id, 'una@umbrella.test']), { state: 'pilot', tested: true });
  t.match(await ask('connection enable', [id]), { state: 'enabled' });
  await fails('connection require', [id, '--break-glass', 'ada@acme.test', '--yes']);
  t.match(await ask('connection rotate-keys', [id]), { id });
  const shown = await ask('connection show', [id]);
  t.match(shown, {
    certificates: [{ not_after: String }],
    domains: [{ name: 'umbrella.test' }],
    attempts: [],
  });
  t.same(await ask('connection attempts', [id]), []);
  t.match(await ask('connection unbind', [id, 'umbrella.test', '--yes']), { id });
  t.match(await ask('connection disable', [id, '--yes']), { state: 'disabled' });
  t.same(await ask('connection delete', [id, '--yes']), { id, state: 'deleted' });
  t.match(await ask('domain release', [...domain, '--yes']), { state: 'released' });

  t.same(await ask('identity list', ['ada@acme.test']), []);
  await fails('identity remove', ['ada@acme.test', 'idn_none', '--yes']);
  const [key] = await ask('keys list');
  t.match(key, { kid: String, alg: /^(ES|RS)256$/, state: 'current' });
  t.match(await ask('keys rotate', ['--alg', key.alg, '--now', '--yes']), [{ state: String }]);
  t.same(await ask('keys retire', [key.kid, '--yes']), { kid: key.kid, published: false });
  const [used] = await ask('keys configured');
  t.match(used, { ring: 'secret', id: /^[0-9a-f]{8}$/, state: 'used', sealed: Number, awaited: 0 });
  t.same(await ask('keys reseal'), { resealed: 0, unreadable: 0 });
  await fails('keys forget', [used.id, '--yes']);
  t.match(await ask('audit verify'), { whole: true, unsealed: Number, fault: null });
  t.match(await ask('audit list', ['--limit', '1']), [{ type: /\./, occurred_at: String }]);
  const [mail] = await ask('outbox list', ['--state', 'pending']);
  t.match(await ask('outbox retry', [mail.id]), { state: 'pending', attempts: 0 });
  t.match(await ask('prune', ['--dry-run']), { dry_run: true, tables: [{ table: String, count: Number }] });
  t.match(await ask('doctor sign-in', ['ada@acme.test', 'demo-assist']), {
    verdict: { outcome: 'allowed' },
    first_failure: null,
  });
  t.match(await ask('account close', ['umbrella', '--yes']), { status: 'closed' });
  t.same([...seen].sort(), names.sort(), 'every command was tried');
});

t.test('an import answers a line of JSON for each row, and one for all', async (t) => {
  const app = await startApp(t);
  const dir = t.testdir({ 'people.csv': 'email,role\nnew@acme.test,agent\nnobody,agent\n' });
  const { code, output } = await doorward(app, 'import', 'acme', path.join(dir, 'people.csv'), '--json');
  t.equal(code, 1, 'one was refused');
  const lines = output
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  t.match(lines, [{ row: Number }, { row: Number, outcome: 'refused' }, { rows: 2, dry_run: false }]);
});

t.test('whatever is wrong is said in a line, and how by the exit code', async (t) => {
  const gone = {
    DATABASE_URL: `postgres://x:hush@127.0.0.1:${await freePort()}/none`,
    SECRET_KEYS: key(),
    COOKIE_KEYS: key(),
  };
  const cases: readonly (readonly [
    code: number,
    args: readonly string[],
    env: Readonly<Record<string, string>>,
  ])[] = [
    [1, ['account', 'list'], gone],
    [1, ['account', 'list'], {}],
    [1, ['account', 'list'], { ...gone, PORT: 'x' }],
    [2, ['account', 'list', '--stats', 'active'], gone],
    [2, ['account', 'list', '--limit', 'many'], gone],
    [2, ['serve', 'more'], gone],
    [2, ['doctor', '--jsonn'], gone],
  ];
  for (const [expected, args, env] of cases) {
    const { code, output, errors } = await run('src/cli/doorward.ts', args, env);
    t.same({ code, output }, { code: expected, output: '' }, args.join(' '));
    t.match(errors, /^doorward: \S+/);
    t.notMatch(errors, /\n {4}at |hush/);
  }
  const ofNoun = await run('src/cli/doorward.ts', ['account', '--help'], {});
  t.match(ofNoun, { code: 0, output: /account close/ });
  t.notMatch(ofNoun.output, 'user list');
  t.match(await run('src/cli/doorward.ts', ['account', 'nothing'], {}), { code: 2, output: /account close/ });
});

t.test('doorward serve is the service', async (t) => {
  const port = String(await freePort());
  const DATABASE_URL = await createDatabase(t);
  const env = { DATABASE_URL, SECRET_KEYS: key(), COOKIE_KEYS: key(), PORT: port, HOST: '127.0.0.1' };
  const child = spawn(process.execPath, ['src/cli/doorward.ts', 'serve'], {
    env: { PATH: process.env['PATH'], ...env },
  });
  t.teardown(() => child.kill('SIGKILL'));
  const ended = once(child, 'exit');
  let output = '';
  await new Promise<void>((resolve, reject) => {
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString();
      if (output.includes('ready at')) resolve();
    });
    child.once('exit', () => reject(new Error(output)));
  });
  t.equal((await fetch(`http://127.0.0.1:${port}/readyz`)).status, 200);
  child.kill('SIGTERM');
  t.same(await ended, [0, null]);
});
