/** What an operator does from a shell to clients: as processes, beside a service that uses them. */
import t from 'tap';
import { basic, post } from './provider/requests.ts';
import { Agent } from './support/agent.ts';
import { startApp, type TestApp } from './support/app.ts';
import { dumpDatabase } from './support/canaries.ts';
import { doorward, doorwardAtTerminal } from './support/command.ts';
import { until } from './support/reliability.ts';
import { RelyingParty, signIn } from './support/relying-party.ts';

const json = (output: string) => JSON.parse(output) as Record<string, unknown>;
const secretOf = (output: string) => String(json(output)['client_secret']);

const job = ['--auth-method', 'client_secret_basic', '--grant-type', 'client_credentials'];
const web = ['--auth-method', 'none', '--grant-type', 'authorization_code'];

async function tokenStatus({ issuer }: TestApp, clientId: string, secret: string): Promise<number> {
  const form = { grant_type: 'client_credentials' };
  return (await post(issuer, '/token', form, basic(clientId, secret))).status;
}

function eventsOf({ ctx }: TestApp, clientId: string) {
  const query = ctx.db.selectFrom('events').select(['type', 'details']).where('clientId', '=', clientId);
  return query.orderBy('id').execute();
}

async function hasClient({ ctx }: TestApp, clientId: string): Promise<boolean> {
  const query = ctx.db.selectFrom('clients').select('clientId').where('clientId', '=', clientId);
  return (await query.executeTakeFirst()) !== undefined;
}

t.test('a product’s app is made from a shell, and people sign in to it', async (t) => {
  const app = await startApp(t);
  const { issuer } = app;
  const redirectUri = `${issuer}/demo/app/callback`;
  const [out, back] = [`${issuer}/demo/app/out`, `${issuer}/demo/app/back`];
  const made = await doorward(
    app,
    ...['client', 'create', 'assist-app', 'Assist: the app', '--product', 'assist', '--first-party'],
    ...['--auth-method', 'client_secret_basic', '--grant-type', 'authorization_code'],
    ...['--grant-type', 'refresh_token', '--grant-type', 'refresh_token', '--redirect-uri', redirectUri],
    ...['--post-logout-redirect-uri', out, '--backchannel-logout-uri', back],
    ...['--resource', 'https://api.assist.test', '--scope', 'assist:read', '--scope', 'offline_access'],
  );
  t.equal(made.code, 0, made.errors);
  const [, clientId = '', secret = ''] = /^client_id: (\S+)\nclient_secret: (\S+)\n/.exec(made.output) ?? [];
  t.equal(clientId, 'assist-app');

  const party = new RelyingParty(issuer, { clientId, redirectUri, secret });
  const { tokens } = await signIn(new Agent(issuer), party, 'alan@acme.test');
  t.ok(tokens.access_token, 'and nobody is asked for consent');
  t.match(await eventsOf(app, 'assist-app'), [
    { type: 'client.created', details: { grant_types: ['authorization_code', 'refresh_token'] } },
  ]);

  const shown = await doorward(app, 'client', 'show', 'assist-app', '--json');
  t.match(json(shown.output), {
    ...{ client_id: 'assist-app', name: 'Assist: the app', product: 'assist', first_party: true },
    ...{ redirect_uris: [redirectUri], post_logout_redirect_uris: [out], backchannel_logout_uri: back },
    ...{ application_type: 'web', scopes: ['assist:read', 'offline_access'] },
  });
  const told = await doorward(app, 'client', 'show', 'assist-app');
  t.match(told.output, 'product: assist\n');
  const listed = await doorward(app, 'client', 'list', '--product', 'assist');
  const dump = (await dumpDatabase(app.databaseUrl)).text;
  for (const text of [shown.output, told.output, listed.output, dump]) t.notOk(text.includes(secret));
  const ids = listed.output.split('\n').map((line) => line.split('\t')[0]);
  t.ok(ids.includes('assist-app') && ids.includes('demo-assist'));
  t.notOk(ids.includes('demo-meet') || ids.includes('demo-operator'), 'those of the product alone');
});

t.test('a client that could not be used is refused, and what cannot be meant is wrong use', async (t) => {
  const app = await startApp(t);
  const uri = ['--redirect-uri', 'https://app.example.test/callback'];
  const refused = {
    'the id is taken': ['demo-assist', 'Assist', ...job],
    'no such product': ['x', 'X', ...job, '--product', 'nothing'],
    'a code without an address to send it to': ['x', 'X', ...web],
    'an address with a wildcard': ['x', 'X', ...web, '--redirect-uri', 'https://*.example.test/'],
    'a scope of no resource': ['x', 'X', ...job, '--scope', 'assist:read'],
    'a service without a proof': ['x', 'X', '--auth-method', 'none', '--grant-type', 'client_credentials'],
    'keys of nobody': ['x', 'X', '--auth-method', 'private_key_jwt', '--grant-type', 'client_credentials'],
  };
  const misused = {
    'an id like that of a person': ['usr_01kc8x4q7n0000000000000000', 'X', ...job],
    'an id with a blank': ['x y', 'X', ...job],
    'no name': ['x', ' ', ...job],
    'no such method': ['x', 'X', '--auth-method', 'basic', '--grant-type', 'client_credentials'],
    'no such grant': ['x', 'X', ...web, '--grant-type', 'password', ...uri],
    'no such type': ['x', 'X', ...web, '--application-type', 'spa', ...uri],
  };
  for (const [why, args] of Object.entries({ ...refused, ...misused })) {
    const { code, output, errors } = await doorward(app, 'client', 'create', ...args);
    t.same({ code, output }, { code: why in misused ? 2 : 1, output: '' }, why);
    t.notMatch(errors, /\n {4}at /, 'no stack');
  }
  t.notOk(await hasClient(app, 'x'));
  t.same(await eventsOf(app, 'x'), []);
});

t.test('a secret is rotated from a shell: the one before works as long as was said', async (t) => {
  const app = await startApp(t, { demo: false });
  const status = (secret: string) => tokenStatus(app, 'a-job', secret);
  const becomes = (secret: string, expected: number) =>
    until(async () => (await status(secret)) === expected, { what: `the secret is answered ${expected}` });
  const rotate = (...args: string[]) => doorward(app, 'client', 'rotate-secret', ...args);
  const one = secretOf((await doorward(app, 'client', 'create', 'a-job', 'A job', ...job, '--json')).output);
  t.equal(await status(one), 200);

  t.equal((await rotate('a-job', '--overlap-seconds', '60')).code, 2, 'nobody is there to say yes');
  for (const wrong of [[], ['--overlap-seconds', '-1'], ['--overlap-seconds', '2592001']])
    t.equal((await rotate('a-job', ...wrong, '--yes')).code, 2, wrong.join(' '));
  t.equal(await status(one), 200, 'nothing has happened');

  const rotated = await rotate('a-job', '--overlap-seconds', '3600', '--yes', '--json');
  t.match(json(rotated.output), { client_id: 'a-job', previous_secret_until: /^\d{4}-/ });
  const two = secretOf(rotated.output);
  await becomes(two, 200);
  t.equal(await status(one), 200);
  const leaked = await rotate('a-job', '--overlap-seconds', '0', '--yes');
  const three = /client_secret: (\S+)/.exec(leaked.output)?.[1] ?? '';
  await becomes(two, 401);
  t.same([await status(one), await status(three)], [401, 200]);
  t.same(
    (await eventsOf(app, 'a-job')).map(({ type }) => type),
    ['client.created', 'client.secret_rotated', 'client.secret_rotated'],
  );

  const uri = ['--redirect-uri', 'http://127.0.0.1/callback', '--application-type', 'native'];
  const open = await doorward(app, 'client', 'create', 'an-app', 'An app', ...web, ...uri, '--json');
  t.match(json(open.output), { client_secret: null, application_type: 'native', first_party: false });
  for (const id of ['an-app', 'nobody'])
    t.match(await rotate(id, '--overlap-seconds', '0', '--yes'), { code: 1, output: '' }, id);
});

t.test('a client is changed from a shell: what is given, and nothing else', async (t) => {
  const app = await startApp(t);
  const change = (...args: string[]) => doorward(app, 'client', 'change', ...args);
  const [one, two] = ['https://app.example.test/one', 'https://app.example.test/two'];
  const made = ['--redirect-uri', one, '--home-uri', one, '--product', 'assist'];
  const secretBasic = ['--auth-method', 'client_secret_basic', '--grant-type', 'authorization_code'];
  const first = await doorward(
    app,
    'client',
    'create',
    'an-app',
    'An app',
    ...secretBasic,
    ...made,
    '--json',
  );
  const { updated_at: _then, client_secret: _secret, product_id: _id, ...before } = json(first.output);

  const changed = await change('an-app', '--redirect-uri', one, '--redirect-uri', two, '--json');
  t.equal(changed.code, 0, changed.errors);
  t.match(json(changed.output), { ...before, redirect_uris: [one, two], product: 'assist' });
  t.equal(json(changed.output)['client_secret'], null, 'it keeps the one it has');
  const renamed = ['--name', 'The app', '--first-party', '--home-uri', '', '--product', ''];
  t.match(json((await change('an-app', ...renamed, '--json')).output), {
    ...{ name: 'The app', first_party: true, home_uri: null, product: null, redirect_uris: [one, two] },
  });
  t.match((await change('an-app', '--third-party')).output, 'first_party: false\n');

  t.equal((await change('an-app', '--auth-method', 'none')).code, 2, 'nobody is there to say yes');
  t.equal((await change('an-app', '--auth-method', 'none', '--yes')).code, 0);
  const again = await change('an-app', '--auth-method', 'client_secret_post', '--yes');
  t.match(again.output, /^client_id: an-app\nclient_secret: \S+\n/, 'another secret');
  t.same(
    (await eventsOf(app, 'an-app')).map(({ type }) => type),
    ['client.created', ...Array.from({ length: 5 }, () => 'client.changed')],
  );

  const refused = {
    'no such client': ['nobody', '--name', 'X'],
    'no such product': ['an-app', '--product', 'nothing'],
    'an address with a wildcard': ['an-app', '--redirect-uri', 'https://*.example.test/'],
    'a code without an address to send it to': ['an-app', '--redirect-uri', ''],
  };
  const misused = {
    'nothing to change': ['an-app'],
    'both parties': ['an-app', '--first-party', '--third-party'],
    'no name': ['an-app', '--name', ' '],
    'no such method': ['an-app', '--auth-method', 'basic'],
  };
  for (const [why, args] of Object.entries({ ...refused, ...misused }))
    t.match(await change(...args), { code: why in misused ? 2 : 1, output: '' }, why);
});

t.test('a client is deleted from a shell, once somebody says yes', async (t) => {
  const app = await startApp(t, { demo: false });
  const made = await doorward(app, 'client', 'create', 'doomed', 'Doomed', ...job, '--json');
  const secret = secretOf(made.output);
  t.equal(await tokenStatus(app, 'doomed', secret), 200);
  t.equal((await doorward(app, 'client', 'delete', 'doomed')).code, 2);
  const typing = (typed: string) => doorwardAtTerminal(app, typed, 'client', 'delete', 'doomed');
  const [enter, end, interrupt] = ['\r', '\x04', '\x03'];
  for (const typed of [`no${enter}`, enter, end, interrupt])
    t.match(await typing(typed), { code: 1, output: 'nothing was changed' }, JSON.stringify(typed));
  t.ok(await hasClient(app, 'doomed'));
  t.equal((await typing(`Yes${enter}`)).code, 0);
  t.notOk(await hasClient(app, 'doomed'));
  await until(async () => (await tokenStatus(app, 'doomed', secret)) === 401, { what: 'it is gone' });
  t.match((await eventsOf(app, 'doomed')).at(-1), { type: 'client.deleted', details: { name: 'Doomed' } });
  t.equal((await doorward(app, 'client', 'show', 'doomed')).code, 1);
  t.equal((await doorward(app, 'client', 'delete', 'doomed', '--yes')).code, 1);
  t.equal((await doorward(app, 'client', 'list')).output, 'none\n');
});
