/** The commands of an operator, as processes. */
import { randomBytes } from 'node:crypto';
import { decodeJwt } from 'jose';
import t from 'tap';
import { Agent } from './support/agent.ts';
import { startApp } from './support/app.ts';
import { run } from './support/command.ts';
import { createEmptyDatabase } from './support/replicas.ts';

const key = (): string => randomBytes(32).toString('base64url');

t.test('the first operator of a deployment', async (t) => {
  const app = await startApp(t, { demo: false });
  const { secretKeys } = app.ctx.config;
  const env = {
    DATABASE_URL: app.databaseUrl,
    ISSUER: app.issuer,
    SECRET_KEYS: secretKeys.map(({ bytes }) => bytes.toString('base64url')).join(','),
    COOKIE_KEYS: key(),
  };
  const { code, output } = await run(
    'src/cli/doorward.ts',
    ['client', 'create-operator', 'first', 'operator'],
    env,
  );
  t.equal(code, 0);
  const [, clientId = '', secret = ''] = /client_id: (\S+)\nclient_secret: (\S+)/.exec(output) ?? [];

  const resource = `${app.issuer}/api/v1`;
  const form = { grant_type: 'client_credentials', resource, scope: 'admin:accounts:read admin:users:write' };
  const basic = Buffer.from(`${clientId}:${secret}`).toString('base64');
  const headers = { authorization: `Basic ${basic}` };
  const token = await new Agent(app.issuer).send('/token', { method: 'POST', form, headers });
  t.match(decodeJwt((token.json() as { access_token: string }).access_token), {
    aud: resource,
    scope: form.scope,
  });

  const events = await app.ctx.db
    .selectFrom('events')
    .select(['type', 'clientId'])
    .where('clientId', '=', clientId)
    .execute();
  t.same(events, [{ type: 'client.operator_created', clientId }]);
  const stored = JSON.stringify(await app.ctx.db.selectFrom('clients').select('secretHash').execute());
  t.notOk(stored.includes(secret));
  t.equal((await run('src/cli/doorward.ts', ['client', 'create-operator'], env)).code, 2, 'without a name');
});

t.test('somebody is invited from a shell', async (t) => {
  const app = await startApp(t);
  const { secretKeys } = app.ctx.config;
  const env = {
    DATABASE_URL: app.databaseUrl,
    ISSUER: app.issuer,
    SECRET_KEYS: secretKeys.map(({ bytes }) => bytes.toString('base64url')).join(','),
    COOKIE_KEYS: key(),
  };
  const invite = (...args: string[]) => run('src/cli/doorward.ts', ['invite', ...args], env);
  const product = ['--product', 'assist'];
  const done = await invite(
    'globex',
    'New@Globex.test',
    '--role',
    'admin',
    ...product,
    '--client',
    'demo-native',
  );
  t.equal(done.code, 0, done.errors);
  const invitations = await app.ctx.db
    .selectFrom('invitations')
    .select(['email', 'role', 'state', 'clientId'])
    .where('email', 'like', '%@globex.test')
    .execute();
  const stored = { email: 'new@globex.test', role: 'admin', state: 'pending', clientId: 'demo-native' };
  t.same(invitations, [stored]);
  const mails = app.ctx.db.selectFrom('mailOutbox').select('template').where('recipient', '=', stored.email);
  t.same(await mails.execute(), [{ template: 'invitation' }]);

  const refused = {
    'invited already': ['globex', 'new@globex.test'],
    'no such account': ['nowhere', 'other@globex.test'],
    'no such product': ['globex', 'other@globex.test', '--product', 'nothing'],
    'not subscribed': ['globex', 'other@globex.test', '--product', 'meet'],
    'no such client': ['globex', 'other@globex.test', '--client', 'nobody'],
  };
  const misused = {
    'no such role': ['globex', 'other@globex.test', '--role', 'owner'],
    'not an address': ['globex', 'other'],
    'no address': ['globex'],
  };
  for (const [why, args] of Object.entries({ ...refused, ...misused })) {
    const { code, output, errors } = await invite(...args);
    t.same({ code, output }, { code: why in misused ? 2 : 1, output: '' }, why);
    t.notMatch(errors, /\n {4}at /, 'no stack');
  }
  const others = app.ctx.db.selectFrom('users').select('id').where('email', '=', 'other@globex.test');
  t.same(await others.execute(), [], 'and nothing is left of it');
});

t.test('migrate and seed may be run again and again; seed never in production', async (t) => {
  const env = { DATABASE_URL: await createEmptyDatabase(t), SECRET_KEYS: key(), COOKIE_KEYS: key() };
  const first = await run('src/cli/doorward.ts', ['migrate', '--progress', '--json'], env);
  t.match(first.errors, /^applies \d{4}_\w+, \d+ s\n$/m, 'how far it is');
  t.ok((JSON.parse(first.output) as { applied: string[] }).applied.length > 0);
  const again = await run('src/cli/doorward.ts', ['migrate', '--progress'], env);
  t.match(again, { code: 0, errors: '' }, 'there is nothing to tell of');
  for (const command of ['migrate', 'seed', 'seed']) {
    t.equal((await run('src/cli/doorward.ts', [command], env)).code, 0, command);
  }
  const production = { ...env, NODE_ENV: 'production', ISSUER: 'https://id.example.test' };
  t.equal((await run('src/cli/doorward.ts', ['seed'], production)).code, 1);
  t.equal((await run('src/cli/doorward.ts', ['no-such-command'], env)).code, 2);
});

t.test('a configuration that cannot be right stops the start, and every problem is listed', async (t) => {
  const { code, errors } = await run('src/main.ts', [], {
    NODE_ENV: 'production',
    PORT: 'x',
    LOG_LEVEL: 'loud',
  });
  t.equal(code, 1);
  for (const name of ['PORT', 'LOG_LEVEL', 'DATABASE_URL', 'ISSUER', 'SECRET_KEYS', 'COOKIE_KEYS']) {
    t.match(errors, new RegExp(`- ${name} `), name);
  }
  t.notMatch(errors, /\n {4}at /, 'no stack');
});
