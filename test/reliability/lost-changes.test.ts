/**
 * RL-16: the answer of any change of the admin interface is lost. Asked again with the same key it is answered alike and
 * done once; without one it changes nothing more or is refused as done already, unless it asks for another one.
 */
import { randomUUID } from 'node:crypto';
import t, { type Test } from 'tap';
import { operations } from '../../src/http/admin.ts';
import type { AnyOperation } from '../../src/http/admin/operation.ts';
import { callOf, idsFor, pathOf } from '../support/admin-calls.ts';
import { type Api, type ApiCall, apiWith, operatorApi, signInToApi } from '../support/api.ts';
import { startApp } from '../support/app.ts';
import { watchTables } from '../support/changed-tables.ts';
import { startCutProxy } from '../support/cut-proxy.ts';
import { startResolvers } from '../support/domains.ts';
import { assertInvariants } from '../support/invariants.ts';
import { makeAccount, makeMember, makeSelfClient, makeUser } from '../support/make.ts';
import { until } from '../support/reliability.ts';
import { lostReplies, type World } from './lost-reply-rows.ts';

const changes = operations.filter(({ method }) => method !== 'GET');
const takesKey = (operation: AnyOperation) => operation.method === 'POST' && 'change' in operation;

t.test('each change has a row, and each row a change', async (t) => {
  t.same(Object.keys(lostReplies).sort(), changes.map(({ id }) => id).sort());
  const keyless = changes.filter((operation) => operation.method === 'POST' && !takesKey(operation));
  const known = Object.entries(lostReplies).filter(([, { isKeyless }]) => isKeyless);
  t.same(known.map(([id]) => id).sort(), keyless.map(({ id }) => id).sort(), 'and so has who takes no key');
});

t.test('the reply to a change is lost', async (t) => {
  const world = await makeWorld(t);
  const { app, operator, accountId } = world;
  const { ctx } = app;
  const proxy = await startCutProxy(t, { port: ctx.config.port });
  const changed = await watchTables(ctx.db);

  /** Of oneself everybody for themself: some of it ends what they have. */
  const callerOf = async ({ access }: AnyOperation): Promise<Api> => {
    if (!('person' in access)) return operator;
    const { id, email } = await makeUser(ctx);
    await makeMember(ctx, id, accountId);
    return (await signInToApi(app, email, { client: 'self', scope: 'openid self' })).api;
  };

  const loseReply = async (t: Test, operation: AnyOperation, key: string | undefined): Promise<void> => {
    const {
      arrange,
      body,
      again = operation.status ?? 200,
      anew = [],
      isIdle,
    } = lostReplies[operation.id] ?? {};
    const api = await callerOf(operation);
    const made = await idsFor(app, operation, [accountId]);
    const ids = (await arrange?.(world, made, api)) ?? made;
    const path = pathOf(operation, ids);
    const given = callOf(operation, ids);
    const headers = { ...given.headers, ...(key !== undefined && { 'idempotency-key': key }) };
    const call: ApiCall = { ...given, ...(body && { body: body(ids, world) }), headers };

    await changed();
    proxy.cutAfter(`${operation.method} /api/v1${path}`);
    const lossy = apiWith({ issuer: `http://127.0.0.1:${proxy.port}` }, api.token);
    await t.rejects(lossy.send(operation.method, path, call), 'nobody is answered');
    const [head = '', answer] = proxy.lost.split('\r\n\r\n');
    t.match(head, `HTTP/1.1 ${operation.status ?? 200} `, `and it was done: ${proxy.lost}`);
    if (!isIdle) await until(async () => (await changed()).length > 0, { what: 'it is done' });
    await changed();

    const repeated = await api.send(operation.method, path, call);
    if (takesKey(operation) && key !== undefined) {
      t.equal(repeated.status, operation.status ?? 200, repeated.text);
      t.equal(repeated.headers.get('idempotency-replayed'), 'true');
      t.equal(repeated.text, answer, 'the answer that was lost');
      t.same(await changed(), [], 'and nothing is done twice');
    } else {
      t.equal(repeated.status, again, repeated.text);
      t.same(await changed(), anew, 'and nothing more is done, or all of it anew');
    }
  };

  for (const operation of changes) {
    await t.test(`${operation.id}, with a key`, (t) => loseReply(t, operation, randomUUID()));
    if (takesKey(operation))
      await t.test(`${operation.id}, without a key`, (t) => loseReply(t, operation, undefined));
  }
  await assertInvariants(t, ctx.db, 'of the test');
});

async function makeWorld(t: Test): Promise<World> {
  const resolvers = await startResolvers(t);
  const env = { API_REQUESTS_PER_MINUTE: '9999999', ...resolvers.env };
  const app = await startApp(t, { social: true, env });
  const { ctx } = app;
  await makeSelfClient(ctx, app.issuer);
  const [accountId, otherId] = [await makeAccount(ctx), await makeAccount(ctx)];
  // so that what is done to somebody never meets the last one
  const admin = await makeUser(ctx, { password: null });
  await makeMember(ctx, admin.id, accountId, 'admin');
  return { app, operator: await operatorApi(app), resolvers, accountId, otherId };
}
