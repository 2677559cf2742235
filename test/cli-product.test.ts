/** What an operator does from a shell to products: as processes, beside a service that sells them. */
import t from 'tap';
import { startApp, type TestApp } from './support/app.ts';
import { doorward } from './support/command.ts';

const json = (output: string) => JSON.parse(output) as Record<string, unknown>;

async function eventsOf({ ctx }: TestApp): Promise<string[]> {
  const query = ctx.db.selectFrom('events').select('type').where('type', 'like', 'product.%');
  return (await query.orderBy('id').execute()).map(({ type }) => type);
}

t.test('a product is made, changed and deleted from a shell', async (t) => {
  const app = await startApp(t, { demo: false });
  const product = (...args: string[]) => doorward(app, 'product', ...args);
  const api = 'https://api.umbrella.test';
  const scopes = ['--scope', 'umbrella:read', '--scope', 'umbrella:write'];
  const made = await product('create', 'umbrella', 'Umbrella', '--resource', api, ...scopes, '--json');
  t.equal(made.code, 0, made.errors);
  t.match(json(made.output), {
    slug: 'umbrella',
    resource: api,
    scopes: ['umbrella:read', 'umbrella:write'],
  });
  t.match(await product('list'), { output: `umbrella\tUmbrella\t${api}\tumbrella:read umbrella:write\n` });

  const client = ['--auth-method', 'client_secret_basic', '--grant-type', 'client_credentials'];
  const asks = ['--product', 'umbrella', '--resource', api, '--scope', 'umbrella:read'];
  t.equal((await doorward(app, 'client', 'create', 'a-job', 'A job', ...client, ...asks)).code, 0);
  for (const taken of [
    ['change', 'umbrella', '--resource', ''],
    ['change', 'umbrella', '--scope', 'umbrella:write'],
    ['delete', 'umbrella', '--yes'],
  ])
    t.match(await product(...taken), { code: 1, output: '' }, `a client has it: ${taken.join(' ')}`);
  const renamed = ['--slug', 'parasol', '--name', 'Parasol', '--scope', 'umbrella:read'];
  const changed = await product('change', 'umbrella', ...renamed, '--json');
  t.match(json(changed.output), { slug: 'parasol', name: 'Parasol', resource: api });
  t.same(json(changed.output)['scopes'], ['umbrella:read']);

  t.equal((await doorward(app, 'client', 'delete', 'a-job', '--yes')).code, 0);
  t.match(json((await product('change', 'parasol', '--resource', '', '--scope', '', '--json')).output), {
    resource: null,
    scopes: [],
  });
  t.equal((await product('delete', 'parasol')).code, 2, 'nobody is there to say yes');
  t.equal((await product('delete', 'parasol', '--yes')).code, 0);
  t.equal((await product('list')).output, 'none\n');
  t.same(await eventsOf(app), ['product.created', 'product.changed', 'product.changed', 'product.deleted']);
});

t.test('a product that cannot be is refused, and what cannot be meant is wrong use', async (t) => {
  const app = await startApp(t);
  const before = await eventsOf(app);
  const refused = {
    'the slug is taken': ['create', 'assist', 'Assist'],
    'the resource is taken': ['create', 'other', 'Other', '--resource', 'https://api.assist.test'],
    'no such product': ['change', 'nothing', '--name', 'Nothing'],
    'a slug of another': ['change', 'meet', '--slug', 'assist'],
  };
  const misused = {
    'no slug': ['create', 'Not A Slug', 'Name'],
    'no name': ['create', 'nameless', ' '],
    'no resource': ['create', 'x', 'X', '--resource', 'api'],
    'our own resource': ['create', 'x', 'X', '--resource', `${app.issuer}/api`],
    'a scope with a blank': ['create', 'x', 'X', '--scope', 'a b'],
    'a scope of ours': ['create', 'x', 'X', '--scope', 'openid'],
    'a scope without end': ['create', 'x', 'X', '--scope', 'x'.repeat(101)],
    'nothing to change': ['change', 'assist'],
  };
  for (const [why, args] of Object.entries({ ...refused, ...misused })) {
    const { code, output, errors } = await doorward(app, 'product', ...args);
    t.same({ code, output }, { code: why in misused ? 2 : 1, output: '' }, why);
    t.notMatch(errors, /\n {4}at /, 'no stack');
  }
  t.same(await eventsOf(app), before);
});
