/** What the service writes when it runs: JSON lines on standard output, and nothing on standard error. */
import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import pg from 'pg';
import t, { type Test } from 'tap';
import { demoPassword } from '../../src/demo/world.ts';
import { demoBasic, refreshForm } from '../provider/requests.ts';
import { Agent, type Answer } from '../support/agent.ts';
import { freePort } from '../support/app.ts';
import { createDatabase } from '../support/database.ts';
import { callbackParams } from '../support/relying-party.ts';

interface Service {
  readonly origin: string;
  /** Ends it as an operator does, and answers all it has written and its exit code. */
  stop(): Promise<{ readonly output: string; readonly errors: string; readonly code: number | null }>;
}

function start(file: string, args: readonly string[], env: Readonly<Record<string, string>>) {
  const child = spawn(process.execPath, [file, ...args], { env: { PATH: process.env['PATH'], ...env } });
  const written = { output: '', errors: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => (written.output += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (written.errors += text));
  const closed = new Promise<number | null>((resolve) => child.once('close', resolve));
  return { child, written, closed };
}

/** The service on a database with the demo world; the world is made by a command, as production does not know it. */
async function startService(t: Test, given: Readonly<Record<string, string>>): Promise<Service> {
  const [port, databaseUrl] = [String(await freePort()), await createDatabase(t)];
  const key = (): string => randomBytes(32).toString('base64url');
  const origin = `http://127.0.0.1:${port}`;
  const keys = { DATABASE_URL: databaseUrl, SECRET_KEYS: key(), COOKIE_KEYS: key() };
  const env = { ISSUER: origin, ...given, ...keys, PORT: port, HOST: '127.0.0.1' };
  const { NODE_ENV: _production, ...forSeed } = env as typeof env & { NODE_ENV?: string };
  const seeding = start('src/cli/doorward.ts', ['seed'], forSeed);
  t.equal(await seeding.closed, 0, 'seeded');
  t.equal(seeding.written.errors, '', 'the command says nothing either');
  await leaveProductsAlone(databaseUrl);

  const { child, written, closed } = start('src/main.ts', [], env);
  t.teardown(() => child.kill('SIGKILL'));
  await new Promise<void>((resolve, reject) => {
    child.stdout.on('data', () => {
      if (written.output.includes('ready at')) resolve();
    });
    child.once('close', () => {
      reject(new Error(`it did not start:\n${written.output}${written.errors}`));
    });
  });
  const stop = async () => {
    child.kill('SIGTERM');
    const code = await closed;
    return { ...written, code };
  };
  return { origin, stop };
}

/** Nobody listens for sign-outs at the products' addresses, and the service would complain of that, rightly. */
async function leaveProductsAlone(databaseUrl: string): Promise<void> {
  const client = new pg.Client(databaseUrl);
  await client.connect();
  await client.query('update clients set backchannel_logout_uri = null');
  await client.end();
}

/** A browser and a client who reach the service where it listens, whatever its public address is. */
function visitor(origin: string, issuer: string) {
  const browser = new Agent(origin);
  const local = (address: string | undefined): string => (address ?? '').replace(issuer, origin);
  const post = (path: string, send: Parameters<Agent['post']>[1]) =>
    browser.post(local(path), { ...send, headers: { origin: issuer, ...send?.headers } });
  const follow = async (path: string): Promise<Answer> => {
    let answer = await browser.get(local(path));
    const isOurs = (url: string | undefined) => url?.startsWith(`${origin}/`) && !url.includes('/demo/');
    while (isOurs(local(answer.location))) answer = await browser.get(local(answer.location));
    return answer;
  };
  return { browser, post, follow };
}

async function signInAndFail(t: Test, origin: string, issuer: string): Promise<void> {
  const { browser, post, follow } = visitor(origin, issuer);
  const verifier = randomBytes(32).toString('base64url');
  const redirectUri = `${issuer}/demo/assist/callback`;
  const asked = new URLSearchParams({
    client_id: 'demo-assist',
    response_type: 'code',
    scope: 'openid profile email',
    redirect_uri: redirectUri,
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
    state: 'a-state',
  });
  const step = await follow(`/authorize?${asked.toString()}`);
  const { actions } = step.json() as { actions: { password: { href: string } } };
  const type = (password: string) =>
    post(actions.password.href, { json: { email: 'alan@acme.test', password } });
  t.equal((await type('not this one at all')).status, 401);
  const done = await type(demoPassword);
  const back = await follow((done.json() as { location: string }).location);
  const code = callbackParams(back).get('code') ?? '';
  const form = { grant_type: 'authorization_code', client_id: 'demo-assist', code, code_verifier: verifier };
  const token = (body: Readonly<Record<string, string>>, headers = {}) =>
    browser.send('/token', { method: 'POST', form: body, headers });
  t.equal((await token({ ...form, redirect_uri: `${redirectUri}/wrong` })).status, 400);
  const again = callbackParams(await follow(`/authorize?${asked.toString()}`)).get('code') ?? '';
  const tokens = await token({ ...form, code: again, redirect_uri: redirectUri });
  t.equal(tokens.status, 200);
  const { access_token: access, refresh_token: refresh } = tokens.json() as Record<string, string>;
  const bearer = { authorization: `Bearer ${access ?? ''}` };
  t.equal((await browser.get('/userinfo', { headers: bearer })).status, 200);
  t.equal((await token(refreshForm(refresh))).status, 200);
  const service = { grant_type: 'client_credentials', resource: 'https://api.assist.test' };
  t.equal((await token(service, demoBasic('service'))).status, 200);
  t.equal((await token(service, demoBasic('confidential'))).status, 400, 'a grant the client has not');
  t.equal((await browser.get('/authorize?client_id=nobody')).status, 400);
  t.equal((await browser.get('/nothing/here')).status, 404);
  t.equal((await browser.get(`/sign-in/${'x'.repeat(43)}`)).status, 410);
  const question = await browser.get('/logout');
  const xsrf = /name="xsrf" value="([^"]+)"/.exec(question.text)?.[1] ?? '';
  t.equal((await post('/logout/confirm', { form: { xsrf, logout: 'yes' } })).status, 303);
}

const surroundings: [name: string, env: Readonly<Record<string, string>>][] = [
  ['on loopback', {}],
  ['in production', { NODE_ENV: 'production', ISSUER: 'https://id.example.test' }],
  [
    'in production, saying all it can',
    { NODE_ENV: 'production', ISSUER: 'https://id.example.test', LOG_LEVEL: 'trace' },
  ],
];
for (const [name, env] of surroundings) {
  t.test(`the service writes JSON lines and nothing else: ${name}`, async (t) => {
    const { origin, stop } = await startService(t, env);
    await signInAndFail(t, origin, env['ISSUER'] ?? origin);
    const { output, errors, code } = await stop();
    t.equal(errors, '', 'nothing on standard error');
    t.equal(code, 0);
    const lines = output.trimEnd().split('\n');
    t.ok(lines.length > 20, `${lines.length} lines`);
    for (const line of lines) {
      const said = JSON.parse(line) as { level: number; time: string; msg: string };
      t.ok(said.level < 40, line);
      t.type(said.msg, 'string');
    }
    t.notMatch(output, /NOTICE|WARN|deprecat/i);
  });
}
