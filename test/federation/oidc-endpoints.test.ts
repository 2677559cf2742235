/** O11–O13: metadata and endpoints of a hostile OpenID provider, and how far they lead us. */
import { createServer as createTcpServer } from 'node:net';
import t from 'tap';
import type { Context } from '../../src/context.ts';
import { createSafeFetch, type SafeFetchOptions } from '../../src/fetch.ts';
import { goThere, leave, startOidcCase } from '../support/oidc-case.ts';
import { type Forgery, sendJson } from '../support/oidc-idp.ts';

t.test('endpoints of a hostile provider', async (t) => {
  const world = await startOidcCase(t);
  const { ctx, idp } = world;

  t.test('O11: the metadata of another issuer', async (t) => {
    const google = { issuer: 'https://accounts.google.com' };
    for (const issuer of [google.issuer, `${idp.issuer}/`, `${idp.issuer}/x`, 42, undefined]) {
      idp.forge = { metadata: { issuer } };
      t.match(await goThere(world, await world.connect()), { refused: 'oidc_metadata' }, String(issuer));
    }
    const document = `${idp.issuer}/.well-known/openid-configuration`;
    const inside = `${document}/.well-known/openid-configuration`;
    idp.forge = {
      metadata: google,
      endpoints: {
        [new URL(inside).pathname]: (_request, response) => {
          sendJson(response, google);
        },
      },
    };
    const byDocument = await world.connect({ settings: { issuer: document } });
    t.match(await goThere(world, byDocument), { refused: 'oidc_metadata' }, 'by the address of a document');
    idp.forge = {};
  });

  t.test('metadata that cannot be used', async (t) => {
    const endpoint = 'https://127.0.0.1/x';
    for (const metadata of [
      { authorization_endpoint: 'javascript:alert(1)' },
      { authorization_endpoint: undefined },
      { token_endpoint: 'file:///etc/passwd' },
      { token_endpoint: 'relative' },
      { jwks_uri: 'data:application/json,{"keys":[]}' },
      { jwks_uri: undefined },
      { jwks_uri: [endpoint] },
      { userinfo_endpoint: 'ftp://127.0.0.1/' },
      { token_endpoint: 'http://user:pw@127.0.0.1/' },
      { token_endpoint: `https://127.0.0.1/${'x'.repeat(3000)}` },
      { token_endpoint: 'https://127.0.0.1/\u0000' },
    ]) {
      idp.forge = { metadata };
      const fresh = await world.connect();
      t.match(await leave(ctx, fresh), { refused: 'oidc_metadata' }, JSON.stringify(metadata).slice(0, 60));
    }
    for (const body of [
      '<html>',
      '[]',
      'null',
      '"text"',
      '{"a":',
      '{"__proto__":{"issuer":"x"}}',
      '['.repeat(50_000),
    ]) {
      idp.forge = {
        endpoints: {
          '/.well-known/openid-configuration': (_request, response) => response.end(body),
        },
      };
      t.match(await leave(ctx, await world.connect()), { refused: 'oidc_metadata' }, body.slice(0, 30));
    }
    idp.forge = {};
  });

  t.test('in production no endpoint is without TLS', async (t) => {
    const issuer = 'https://idp.test';
    const production: Context = {
      ...ctx,
      config: { ...ctx.config, production: true },
      fetch: (address, init) => ctx.fetch(String(address).replace(issuer, idp.issuer), init),
    };
    const all = ['authorization_endpoint', 'token_endpoint', 'jwks_uri', 'userinfo_endpoint'];
    const leaveFor = async (plain?: string) => {
      const secure = all.filter((name) => name !== plain).map((name) => [name, `${issuer}/${name}`]);
      idp.forge = { metadata: { issuer, ...Object.fromEntries(secure) } };
      return leave(production, await world.connect({ settings: { issuer } }));
    };
    for (const plain of all) t.match(await leaveFor(plain), { refused: 'oidc_metadata' }, plain);
    t.match(await leaveFor(), { way: { location: /^https:/ } }, 'while all of them are fine');
    idp.forge = {};
    t.match(await leave(production, await world.connect()), { refused: 'oidc_metadata' }, 'nor the issuer');
  });

  t.test('O12: endpoints inside our own network', async (t) => {
    let connections = 0;
    const inside = createTcpServer((socket) => {
      connections += 1;
      socket.destroy();
    });
    await new Promise<void>((resolve) => inside.listen(0, '127.0.0.1', resolve));
    t.teardown(() => inside.close());
    const { port } = inside.address() as { port: number };
    const guarded = guardedBut(t, ctx, idp.issuer);
    const addresses = [
      `https://127.0.0.1:${port}/`,
      `http://127.0.0.1:${port}/`,
      `http://[::ffff:127.0.0.1]:${port}/`,
      'https://169.254.169.254/latest/meta-data',
      'https://168.63.129.16/',
      'https://rebinding.test/',
    ];
    for (const address of addresses) {
      for (const name of ['token_endpoint', 'jwks_uri', 'userinfo_endpoint']) {
        idp.forge = { metadata: { [name]: address }, claims: { email: undefined } };
        const fresh = await world.connect();
        t.match(
          await goThere({ idp, ctx: guarded }, fresh),
          { refused: 'idp_not_reachable', detail: 'an address or answer is not allowed' },
          `${name} ${address}`,
        );
      }
    }
    const issuer = `https://127.0.0.1:${port}`;
    const fresh = await world.connect({ settings: { issuer } });
    t.match(await leave(guarded, fresh), { refused: 'idp_not_reachable' }, 'the metadata itself');
    t.equal(connections, 0, 'nobody connected');
    idp.forge = {};
  });

  t.test('O13: endpoints that hang, lead on or never end', async (t) => {
    const { fetch, close } = createSafeFetch({ allowLoopbackAndHttp: true, timeoutMs: 400 });
    t.teardown(close);
    const hasty = { ...ctx, fetch };
    let ledOn = 0;
    const hostile: Record<string, NonNullable<Forgery['endpoints']>[string]> = {
      hangs: () => undefined,
      drips: (_request, response) => {
        const drip = setInterval(() => response.write(' '), 20);
        response.once('close', () => {
          clearInterval(drip);
        });
      },
      'sends 50 MB': (_request, response) => {
        response.writeHead(200, { 'content-type': 'application/json' });
        const more = setInterval(() => response.write(' '.repeat(1_000_000)), 1);
        response.once('close', () => {
          clearInterval(more);
        });
      },
      'leads on': (_request, response) => {
        response.writeHead(302, { location: `${idp.issuer}/elsewhere` }).end();
      },
      breaks: (_request, response) => response.destroy(),
      'is out of order': (_request, response) => response.writeHead(503).end('<h1>503</h1>'),
      'says nothing': (_request, response) => response.writeHead(204).end(),
    };
    for (const [name, handler] of Object.entries(hostile)) {
      for (const path of ['/.well-known/openid-configuration', '/token', '/jwks', '/userinfo']) {
        idp.forge = {
          endpoints: { [path]: handler, '/elsewhere': () => (ledOn += 1) },
          claims: { email: undefined },
        };
        const fresh = await world.connect();
        const start = performance.now();
        const answer = await goThere({ idp, ctx: hasty }, fresh);
        t.match(answer, { refused: /^(idp_not_reachable|oidc_\w+)$/ }, `${path} ${name}`);
        t.ok(performance.now() - start < 3000, 'soon');
      }
    }
    t.equal(ledOn, 0, 'nobody was led on');
    idp.forge = {};
  });
});

/** The network of production, in which only the provider itself may be on this machine. */
function guardedBut(
  t: { teardown: (end: () => Promise<void>) => void },
  ctx: Context,
  origin: string,
): Context {
  const lookup = ((_name: string, _options: unknown, done: (error: null, found: unknown) => void) => {
    done(null, [{ address: '127.0.0.1', family: 4 }]);
  }) as unknown as NonNullable<SafeFetchOptions['lookup']>;
  const { fetch, close } = createSafeFetch({ allowLoopbackAndHttp: false, lookup });
  t.teardown(close);
  return {
    ...ctx,
    fetch: (address, init) =>
      new URL(String(address)).origin === origin ? ctx.fetch(address, init) : fetch(address, init),
  };
}
