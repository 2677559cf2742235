import { createServer, type Server } from 'node:http';
import { createServer as createTcpServer, type AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import t, { type Test } from 'tap';
import { createSafeFetch, isPublicAddress, type SafeFetchOptions } from '../../src/fetch.ts';

type Lookup = NonNullable<SafeFetchOptions['lookup']>;

/** A resolver that answers with what it is given, in turn; remembers how often it was asked. */
function resolver(...answers: string[][]): Lookup & { asked: () => number } {
  let asked = 0;
  const lookup = ((_name: string, _options: unknown, done: (error: null, found: unknown) => void) => {
    const addresses = answers[Math.min(asked, answers.length - 1)] ?? [];
    asked += 1;
    done(
      null,
      addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
    );
  }) as unknown as Lookup;
  return Object.assign(lookup, { asked: () => asked });
}

/** Counts whoever connects to it, whatever they say. */
async function listener(t: Test): Promise<{ port: number; connections: () => number }> {
  let connections = 0;
  const server = createTcpServer((socket) => {
    connections += 1;
    socket.destroy();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => server.close());
  return { port: (server.address() as AddressInfo).port, connections: () => connections };
}

async function httpServer(t: Test, handler: Parameters<typeof createServer>[1]): Promise<string> {
  const server: Server = createServer(handler);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function safeFetch(t: Test, options: SafeFetchOptions) {
  const { fetch, close } = createSafeFetch(options);
  t.teardown(close);
  return fetch;
}

t.test('in production nothing inside can be reached, however it is written', async (t) => {
  const { port, connections } = await listener(t);
  const fetch = safeFetch(t, { allowLoopbackAndHttp: false });
  const hosts = [
    '127.0.0.1', '2130706433', '0x7f.1', '0177.0.0.1', '127.1', '0', '0.0.0.0', '[::1]', '[::]',
    '[::ffff:7f00:1]', '[::ffff:127.0.0.1]', '169.254.169.254', '10.0.0.1', '172.16.0.1', '192.168.1.1', '100.64.0.1',
    '[fe80::1]', '[fc00::1]', '[64:ff9b::7f00:1]', '[2002:7f00:1::]', '[2001:0:1::1]', '168.63.129.16', '255.255.255.255',
  ]; // prettier-ignore
  for (const host of hosts) {
    await t.rejects(fetch(`https://${host}/`), { message: /refused/ }, `https://${host}/`);
    await t.rejects(fetch(`https://${host}:${port}/`), { message: /refused/ }, `${host} with a port`);
  }
  t.equal(connections(), 0, 'nobody connected');
});

t.test('in production only https on its own port, without credentials', async (t) => {
  const fetch = safeFetch(t, { allowLoopbackAndHttp: false, lookup: resolver(['127.0.0.1']) });
  const addresses = [
    'http://idp.example/', 'https://idp.example:8443/', 'https://user:pw@idp.example/', 'https://user@idp.example/',
    'file:///etc/passwd', 'data:text/plain,x', 'ftp://idp.example/', 'relative', '',
  ]; // prettier-ignore
  for (const address of addresses) await t.rejects(fetch(address), { message: /refused/ }, address);
});

t.test('a name is judged by every address it has', async (t) => {
  const { port, connections } = await listener(t);
  for (const answer of [
    ['127.0.0.1'],
    ['93.184.215.14', '127.0.0.1'],
    ['::ffff:127.0.0.1'],
    ['fe80::1'],
    [],
  ]) {
    const fetch = safeFetch(t, { allowLoopbackAndHttp: false, lookup: resolver(answer) });
    await t.rejects(fetch('https://idp.example/'), `${JSON.stringify(answer)} is refused`);
  }
  // in development loopback is allowed, and still nothing else that is private
  const development = safeFetch(t, {
    allowLoopbackAndHttp: true,
    lookup: resolver(['127.0.0.1', '10.0.0.1']),
  });
  await t.rejects(development(`http://idp.example:${port}/`));
  t.equal(connections(), 0, 'nobody connected');
});

t.test('a name is looked up once for a connection, so that it cannot change its mind', async (t) => {
  const origin = await httpServer(t, (_request, response) => response.end('hello'));
  const lookup = resolver(['127.0.0.1'], ['10.0.0.1']);
  const fetch = safeFetch(t, { allowLoopbackAndHttp: true, lookup });
  const response = await fetch(origin.replace('127.0.0.1', 'idp.example'));
  t.equal(await response.text(), 'hello');
  t.equal(lookup.asked(), 1);
});

t.test('a redirect is an answer, not an order', async (t) => {
  const { port, connections } = await listener(t);
  const origin = await httpServer(t, (_request, response) => {
    response.writeHead(302, { location: `http://127.0.0.1:${port}/` }).end();
  });
  const fetch = safeFetch(t, { allowLoopbackAndHttp: true });
  const response = await fetch(origin, { redirect: 'follow' });
  t.equal(response.status, 302);
  t.equal(connections(), 0);
});

t.test('a body without end, a body that unfolds, and a server that stalls are cut', async (t) => {
  const endless = await httpServer(t, (_request, response) => {
    const more = setInterval(() => response.write(Buffer.alloc(64 * 1024)), 1);
    response.once('close', () => {
      clearInterval(more);
    });
  });
  const bomb = await httpServer(t, (_request, response) => {
    response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(Buffer.alloc(10_000_000)));
  });
  const stalled = await httpServer(t, (_request, response) => response.write('a'));
  const fetch = safeFetch(t, { allowLoopbackAndHttp: true, timeoutMs: 500 });
  await t.rejects(
    fetch(endless).then((response) => response.text()),
    'no end',
  );
  await t.rejects(fetch(bomb), { message: /compressed/ });
  await t.rejects(
    fetch(stalled).then((response) => response.text()),
    'no more after the first byte',
  );
});

t.test('what is allowed arrives whole, and a dispatcher of the caller is not used', async (t) => {
  const origin = await httpServer(t, (request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      response
        .writeHead(201, { 'x-answer': 'yes' })
        .end(`${request.method} ${request.headers['content-type']} ${body}`);
    });
  });
  const fetch = safeFetch(t, { allowLoopbackAndHttp: true });
  const dispatcher = { dispatch: () => t.fail('the dispatcher of the caller was used') };
  const init = {
    method: 'POST',
    body: new URLSearchParams({ a: 'b c' }),
    dispatcher,
  } as unknown as RequestInit;
  const response = await fetch(origin, init);
  t.equal(response.status, 201);
  t.equal(response.headers.get('x-answer'), 'yes');
  t.match(await response.text(), /^POST application\/x-www-form-urlencoded.* a=b\+c$/);
});

t.test('public addresses are told from all others', async (t) => {
  for (const address of ['93.184.215.14', '8.8.8.8', '2606:2800:21f:cb07:6820:80da:af6b:8b2c'])
    t.ok(isPublicAddress(address), address);
  const inside = [
    '127.0.0.1',
    '10.1.2.3',
    '169.254.169.254',
    '::1',
    'fd00::1',
    '::ffff:10.0.0.1',
    '64:ff9b::1',
    '2002::1',
    '168.63.129.16',
    '224.0.0.1',
    'x',
  ];
  for (const address of inside) t.notOk(isPublicAddress(address), address);
});
