/** An identity provider that is down, slow or lies: its own company waits for a bounded time, and nobody else at all. */
import { lookup as systemLookup } from 'node:dns';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { SignJWT } from 'jose';
import t, { type Test } from 'tap';
import { inTransaction } from '../../../src/context.ts';
import { disableConnection } from '../../../src/core/connections/connections.ts';
import { createSafeFetch } from '../../../src/fetch.ts';
import { comeBack, goThere, leave, startOidcCase } from '../../support/oidc-case.ts';
import {
  type Forgery,
  getOidcConnection,
  makeOidcConnection,
  sendJson,
  startOidcIdp,
} from '../../support/oidc-idp.ts';
import { assertInvariants } from '../../support/invariants.ts';
import { makeAccount } from '../../support/make.ts';
import { amount, until } from '../../support/reliability.ts';

/** People of the company whose provider hangs, who all come at once. */
const crowd = amount({ whole: 500, bounded: 120 });
const othersPeople = amount({ whole: 50, bounded: 10 });

t.test(
  'RL-18 a provider that hangs holds up its own company, for a bounded time, and nobody else',
  async (t) => {
    const { ctx, idp, id } = await startOidcCase(t);
    const good = await startOidcIdp(t, { now: ctx.now });
    const other = await makeOidcConnection(ctx, { accountId: await makeAccount(ctx), idp: good });
    t.match(await goThere({ ctx, idp: good }, other), { identity: {} });
    t.match(await goThere({ ctx, idp }, id), { identity: {} });

    const people = await Promise.all(Array.from({ length: crowd }, () => leave(ctx, id)));
    const responses = await Promise.all(
      people.map(async (left) =>
        'way' in left ? { left, response: await idp.visit(left.way.location) } : undefined,
      ),
    );
    idp.forge = { endpoints: { '/token': () => {} } };
    const begun = performance.now();
    let ended = 0;
    const waiting = responses.flatMap((one) =>
      one ? [comeBack(ctx, id, one).finally(() => (ended += 1))] : [],
    );
    t.equal(waiting.length, crowd);
    await until(() => idp.count('/token') > 16, { what: 'it hangs' }).catch(() => {});
    for (let person = 0; person < othersPeople; person += 1)
      t.match(await goThere({ ctx, idp: good }, other), { identity: {} }, 'another company signs in');
    t.ok(ended < crowd, 'while the crowd still waits');
    const outcomes = await Promise.all(waiting);
    t.ok(outcomes.every((outcome) => 'refused' in outcome && outcome.refused === 'idp_not_reachable'));
    const seconds = (performance.now() - begun) / 1000;
    t.ok(seconds < 20, `all are told within ${seconds.toFixed(1)} s`);
    t.ok(idp.count('/token') <= 64 + 1, `it was asked ${idp.count('/token')} times`);

    idp.forge = {};
    t.match(await goThere({ ctx, idp }, id), { identity: {} }, 'and when it is back, people come in');
    await assertInvariants(t, ctx.db);
  },
);

const lies: Readonly<Record<string, readonly [Forgery, string]>> = {
  'that fails': [
    { endpoints: { '/token': (_request, response) => sendJson(response, {}, 500) } },
    'oidc_token',
  ],
  'that hangs up': [
    { endpoints: { '/token': (_request, response) => response.destroy() } },
    'idp_not_reachable',
  ],
  'that never stops talking': [
    {
      endpoints: {
        '/token': (_request, response) => {
          response.writeHead(200, { 'content-type': 'application/json' });
          const timer = setInterval(() => response.write(' '.repeat(64)), 50);
          response.once('close', () => {
            clearInterval(timer);
          });
        },
      },
    },
    'idp_not_reachable',
  ],
  'that sends a flood': [
    {
      endpoints: {
        '/token': (_request, response) => {
          response.writeHead(200, { 'content-type': 'application/json' }).end(`"${'x'.repeat(1_000_000)}"`);
        },
      },
    },
    'idp_not_reachable',
  ],
  'whose tokens are signed by somebody else': [
    {
      idToken: (claims, header) =>
        new SignJWT(claims).setProtectedHeader({ ...header, alg: 'HS256' }).sign(new Uint8Array(32)),
    },
    'oidc_id_token',
  ],
  'whose document is of another issuer': [{ metadata: { issuer: 'https://evil.test' } }, 'oidc_metadata'],
};

t.test('a provider', async (t) => {
  for (const [which, [forgery, refused]] of Object.entries(lies))
    t.test(`${which}: a reason that says so, and nobody comes in`, async (t) => {
      const { ctx, idp, id } = await startOidcCase(t);
      idp.forge = forgery;
      t.match(await goThere({ ctx, idp }, id), { refused });
      idp.forge = {};
      t.match(await goThere({ ctx, idp }, id), { identity: {} }, 'and once it tells the truth, they do');
    });
});

t.test(
  'keys that cannot be had anew count for an hour, and new keys as soon as they can be had',
  async (t) => {
    const { app, ctx, idp, id } = await startOidcCase(t);
    t.match(await goThere({ ctx, idp }, id), { identity: {} });
    const down: Forgery = { endpoints: { '/jwks': (_request, response) => sendJson(response, {}, 503) } };
    idp.forge = down;
    app.advance(50 * 60);
    t.match(await goThere({ ctx, idp }, id), { identity: {} }, 'the keys of fifty minutes ago');
    await idp.rotateKeys();
    t.match(
      await goThere({ ctx, idp }, id),
      { refused: /./ },
      'they are not good for what another key has signed',
    );
    idp.forge = {};
    t.match(await goThere({ ctx, idp }, id), { identity: {} });
    idp.forge = down;
    app.advance(61 * 60);
    t.match(await goThere({ ctx, idp }, id), { refused: 'idp_not_reachable' }, 'too old');
    idp.forge = { endpoints: { '/jwks': (_request, response) => sendJson(response, { keys: [] }) } };
    t.match(
      await goThere({ ctx, idp }, id),
      { refused: 'oidc_id_token' },
      'keys that were withdrawn are gone',
    );
  },
);

t.test('a provider that fails is not asked for its document by everybody who comes', async (t) => {
  const { app, ctx, idp, id } = await startOidcCase(t);
  t.match(await goThere({ ctx, idp }, id), { identity: {} });
  app.advance(2 * 3600);
  const document = '/.well-known/openid-configuration';
  const before = idp.count(document);
  idp.forge = { endpoints: { [document]: (_request, response) => sendJson(response, {}, 500) } };
  for (let person = 0; person < 20; person += 1) t.match(await goThere({ ctx, idp }, id), { identity: {} });
  t.equal(idp.count(document) - before, 1);
});

t.test('a name whose servers keep silent is looked up once at a time, whoever asks', async (t) => {
  const origin = await startMute(t);
  let asked = 0;
  const silent = Promise.withResolvers<undefined>();
  const lookup = ((
    name: string,
    options: object,
    found: (error: Error | null, ...more: unknown[]) => void,
  ) => {
    if (name === 'silent.test') {
      asked += 1;
      void silent.promise.then(() => {
        found(new Error('no answer'), []);
      });
    } else systemLookup('127.0.0.1', options as { all: true }, found);
  }) as unknown as typeof systemLookup;
  const { fetch, close } = createSafeFetch({ allowLoopbackAndHttp: true, lookup, timeoutMs: 300 });
  t.teardown(close);
  const all = await Promise.allSettled(Array.from({ length: 200 }, () => fetch('http://silent.test/')));
  t.ok(all.every(({ status }) => status === 'rejected'));
  t.equal(asked, 1);
  silent.resolve(undefined);
  t.equal((await fetch(origin.replace('127.0.0.1', 'loud.test'))).status, 204, 'other names are answered');
});

t.test('a connection that is disabled while a sign-in is under way stays as it is', async (t) => {
  const { app, ctx, idp, id } = await startOidcCase(t);
  const read = () =>
    ctx.db
      .selectFrom('connections')
      .select(['state', 'revision', 'published'])
      .where('id', '=', id)
      .executeTakeFirstOrThrow();
  const { accountId } = await getOidcConnection(ctx, id);
  const goOn = Promise.withResolvers<undefined>();
  const jwks = { keys: [] };
  idp.forge = {
    endpoints: { '/jwks': (_request, response) => void goOn.promise.then(() => sendJson(response, jwks)) },
  };
  const underway = goThere({ ctx, idp }, id);
  await until(() => idp.count('/jwks') > 0, { what: 'it asks for keys' });
  await inTransaction(ctx, (tx) => disableConnection(tx, { accountId, connectionId: id }));
  const disabled = await read();
  goOn.resolve(undefined);
  await underway;
  await app.runJob('connection metadata');
  t.same(await read(), disabled);
  t.equal(disabled.state, 'disabled');
});

async function startMute(t: Test): Promise<string> {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', () => socket.end('HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n'));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}
