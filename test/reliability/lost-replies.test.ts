/** RL-16: an answer that was lost, of the service or of the database's COMMIT. Asked again, nothing is done twice. */
import t from 'tap';
import { operatorApi, operatorToken } from '../support/api.ts';
import { startApp, type TestApp } from '../support/app.ts';
import { startCutProxy } from '../support/cut-proxy.ts';
import { createDatabase } from '../support/database.ts';
import { operatorScopes } from '../../src/core/clients/clients.ts';

async function countOf({ ctx }: TestApp, slug: string): Promise<number> {
  const rows = await ctx.db.selectFrom('accounts').select('id').where('slug', '=', slug).execute();
  const events = await ctx.db
    .selectFrom('events')
    .select('id')
    .where('type', '=', 'account.created')
    .where('accountId', 'in', rows.length > 0 ? rows.map(({ id }) => id) : ['acc_none'])
    .execute();
  t.equal(events.length, rows.length, 'an event for each, and no other');
  return rows.length;
}

t.test('the reply to the caller is lost', async (t) => {
  const app = await startApp(t);
  const proxy = await startCutProxy(t, { port: app.ctx.config.port });
  const token = await operatorToken(app, operatorScopes);
  const create = (slug: string, key?: string) =>
    fetch(`http://127.0.0.1:${proxy.port}/api/v1/accounts`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${token}`,
        'content-type': 'application/json',
        ...(key !== undefined && { 'idempotency-key': key }),
      },
      body: JSON.stringify({ slug, name: slug }),
    });

  await t.test('with a key, the same answer comes again', async (t) => {
    proxy.cutAfter('POST /api/v1/accounts');
    await t.rejects(create('lost', 'key-1'));
    t.equal(proxy.cuts, 1);
    const again = await create('lost', 'key-1');
    t.equal(again.status, 201);
    t.equal(again.headers.get('idempotency-replayed'), 'true');
    const third = await create('lost', 'key-1');
    t.same(await third.json(), await again.json());
    t.equal(await countOf(app, 'lost'), 1);
  });

  await t.test('without one, it is refused as what is there already', async (t) => {
    proxy.cutAfter('POST /api/v1/accounts');
    await t.rejects(create('keyless'));
    t.equal((await create('keyless')).status, 409);
    t.equal(await countOf(app, 'keyless'), 1);
  });
});

t.test('the reply to COMMIT is lost: nobody knows whether it was done', async (t) => {
  const direct = new URL(await createDatabase(t));
  const socket = direct.searchParams.get('host');
  const port = Number(direct.port || 5432);
  const proxy = await startCutProxy(
    t,
    socket === null ? { host: direct.hostname, port } : { path: `${socket}/.s.PGSQL.${port}` },
  );
  const user = direct.username || (direct.searchParams.get('user') ?? 'postgres');
  const password = direct.password === '' ? '' : `:${direct.password}`;
  const databaseUrl = `postgres://${user}${password}@127.0.0.1:${proxy.port}${direct.pathname}`;
  const app = await startApp(t, { databaseUrl });
  const operator = await operatorApi(app);
  for (let round = 0; round < 5; round += 1) {
    const slug = `in-doubt-${round}`;
    const key = { 'idempotency-key': slug };
    proxy.cutAfter(/commit/i);
    const first = await operator.post('/accounts', { slug, name: slug }, key);
    const again = await operator.post('/accounts', { slug, name: slug }, key);
    t.equal(again.status, 201, `${first.status}, then ${again.status}: ${again.text}`);
    t.equal(await countOf(app, slug), 1);
  }
  t.ok(proxy.cuts >= 3, `${proxy.cuts} commits were left in doubt`);
});
