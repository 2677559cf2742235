/**
 * AZ-01, AZ-02: every operation × every kind of caller × an object of one's own, of another account, and one that is not
 * there. Made from the table of operations: one without a row here fails.
 */
import t from 'tap';
import { operatorScopes } from '../../src/core/clients/clients.ts';
import { operations } from '../../src/http/admin.ts';
import type { AnyOperation } from '../../src/http/admin/operation.ts';
import type { AccountId } from '../../src/kernel/ids.ts';
import { idsFor, missing, paramsOf, send } from '../support/admin-calls.ts';
import { everythingOf, makers } from '../support/admin-world.ts';
import {
  type Api,
  type ApiAnswer,
  apiWith,
  operatorApi,
  operatorToken,
  signInToApi,
} from '../support/api.ts';
import { startApp, type TestApp } from '../support/app.ts';
import { makeMember, makeSelfClient, makeUser } from '../support/make.ts';
import { type Ids, rows } from './matrix-rows.ts';

/** Only what another account's things are worth: for each predicate that is taken away in turn, see scripts/. */
const isBrief = process.env['MATRIX'] === 'tenants';

t.test('who may do what, to whose', async (t) => {
  const app = await startApp(t, {
    env: { API_REQUESTS_PER_MINUTE: '9999999', DNS_RESOLVERS: '127.0.0.1:9,127.0.0.2:9' },
  });
  const world = await makeWorld(app);

  await t.test('each operation has a row, and each row an operation', (t) => {
    t.same(Object.keys(rows).sort(), operations.map(({ id }) => id).sort());
    t.end();
  });

  for (const operation of operations) {
    await t.test(operation.id, async (t) => {
      const { a, b, callers } = world;
      const own = await idsFor(app, operation, [a, b]);
      const call = (api: Api, ids: Ids) => send(api, operation, ids);

      if (!isBrief) await assertPowerless(t, operation, { callers, own, call });
      if ('person' in operation.access) {
        t.match((await call(callers.operator, own)).body, { code: 'insufficient_scope' });
        await assertMissing(t, operation, { api: callers.adminOfA, own });
        return;
      }
      const isAdmins = operation.access.admin !== undefined;
      if (!isAdmins)
        t.match((await call(callers.adminOfA, own)).body, { code: 'insufficient_scope' }, 'admin of A');
      const isBound = operation.url.includes('{account_id}');
      const permitted = [
        callers.withScope.get(operation.access.operator) ?? callers.operator,
        ...(isAdmins ? [callers.adminOfA] : []),
      ];
      for (const api of permitted) {
        if (isBound) {
          await assertUnlisted(t, operation, { api, own, app, b });
          await assertForeign(t, operation, { api, own, foreign: await idsFor(app, operation, [b]) });
        }
        await assertMissing(t, operation, { api, own });
        const fresh = await idsFor(app, operation, [a, b]);
        const before = await everythingOf(app, b);
        const done = await call(api, fresh);
        if (isBound) t.same(await everythingOf(app, b), before, 'nothing of the other account has moved');
        t.equal(
          done.status,
          rows[operation.id]?.status ?? operation.status ?? 200,
          `done: ${done.text.slice(0, 300)}`,
        );
      }
      if (isAdmins && isBound) {
        const foreign = await idsFor(app, operation, [b]);
        const [theirs, nobodys] = [
          await call(callers.adminOfA, foreign),
          await call(callers.adminOfA, { ...own, account_id: missing['account_id'] ?? '' }),
        ];
        t.same([theirs.status, nobodys.status], [404, 404]);
        t.equal(bare(theirs), bare(nobodys), "another account's and a missing one answer alike");
      }
    });
  }
});

/** Whoever has no token, no scope, or every scope but the one. */
async function assertPowerless(
  t: Tap,
  { access }: AnyOperation,
  { callers, own, call }: Powerless,
): Promise<void> {
  for (const [name, api] of Object.entries(callers.powerless)) {
    const refused = await call(api, own);
    t.equal(refused.status, name === 'anonymous' ? 401 : 403, `${name}: ${refused.text}`);
  }
  for (const [scope, api] of callers.withScope) {
    if ('operator' in access && access.operator === scope) continue;
    t.equal((await call(api, own)).body.code, 'insufficient_scope', scope);
  }
}

interface Powerless {
  readonly callers: Awaited<ReturnType<typeof makeWorld>>['callers'];
  readonly own: Ids;
  readonly call: (api: Api, ids: Ids) => Promise<ApiAnswer>;
}

interface Sent {
  readonly api: Api;
  readonly own: Ids;
}

/** Below one's own account, each thing of another account is not there, like one that is nowhere. */
async function assertForeign(
  t: Tap,
  operation: AnyOperation,
  { api, own, foreign }: Sent & { readonly foreign: Ids },
): Promise<void> {
  for (const name of nested(operation).filter((param) => param !== 'product_id')) {
    const theirs = await send(api, operation, { ...own, [name]: foreign[name] ?? '' });
    const nobodys = await send(api, operation, { ...own, [name]: missing[name] ?? '' });
    t.equal(theirs.status, 404, `foreign ${name}: ${theirs.text}`);
    t.equal(bare(theirs), bare(nobodys), `foreign ${name} answers like a missing one`);
  }
}

/** What another account has is in no list. */
async function assertUnlisted(
  t: Tap,
  operation: AnyOperation,
  { api, own, app, b }: Sent & { readonly app: TestApp; readonly b: AccountId },
): Promise<void> {
  const { lists } = rows[operation.id] ?? {};
  if (lists === undefined) return;
  const theirs = lists === 'account_id' ? b : await makers[lists]?.(app, b);
  const { text } = await send(api, operation, own);
  t.equal(text.includes(theirs ?? 'nothing was made'), false, `${lists} of another account is not listed`);
}

async function assertMissing(t: Tap, operation: AnyOperation, { api, own }: Sent): Promise<void> {
  const expected = rows[operation.id]?.missing ?? 404;
  for (const name of paramsOf(operation)) {
    const { status, text } = await send(api, operation, { ...own, [name]: missing[name] ?? '' });
    t.equal(status, expected, `missing ${name}: ${text.slice(0, 200)}`);
  }
}

type Tap = Pick<typeof t, 'equal'>;

function nested(operation: AnyOperation): string[] {
  return paramsOf(operation).filter((name) => name !== 'account_id');
}

/** Without what names the request. */
function bare({ status, text }: ApiAnswer): string {
  return `${status} ${text.replace(/"urn:doorward:request:[^"]*"/, '')}`;
}

async function makeWorld(app: TestApp) {
  const { ctx, issuer } = app;
  const slugs = await ctx.db.selectFrom('accounts').select(['id', 'slug']).execute();
  const a = slugs.find(({ slug }) => slug === 'acme')?.id ?? 'acc_';
  const b = slugs.find(({ slug }) => slug === 'initech')?.id ?? 'acc_';
  // an admin beside Ada, so that what is done to somebody never meets the last one
  const second = await makeUser(ctx, { password: null });
  await makeMember(ctx, second.id, a, 'admin');
  await makeSelfClient(ctx, issuer, ['self', 'account:manage']);
  const withScope = new Map<string, Api>();
  for (const scope of operatorScopes) withScope.set(scope, apiWith(app, await operatorToken(app, [scope])));
  const agent = await signInToApi(app, 'alan@acme.test', { client: 'self', scope: 'openid account:manage' });
  return {
    a,
    b,
    callers: {
      powerless: {
        anonymous: apiWith(app, undefined),
        'agent with the scope of admins': agent.api,
        'admin without a scope': (await signInToApi(app, 'ada@acme.test', { scope: 'openid' })).api,
      },
      operator: await operatorApi(app),
      adminOfA: (await signInToApi(app, 'ada@acme.test')).api,
      withScope,
    },
  };
}
