import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { createServer, type IncomingHttpHeaders, type RequestListener } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { createServer as createTcpServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { gzipSync } from 'node:zlib';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { allowInsecureRequests, customFetch, discovery } from 'openid-client';
import t, { type Test } from 'tap';
import { createSafeFetch, isPublicAddress, type SafeFetch, type SafeFetchOptions } from '../../src/fetch.ts';
import { post } from '../provider/requests.ts';
import { startApp } from '../support/app.ts';
import { makeClient } from '../support/make.ts';

type Lookup = NonNullable<SafeFetchOptions['lookup']>;

const production = { allowLoopbackAndHttp: false };
const development = { allowLoopbackAndHttp: true };
const refused = { name: 'Error', message: /^outgoing request refused: / };

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

/**
 * Every address that this process tries to connect to from here on, successful or not. A listener alone would prove
 * little: what aims at port 443 does not reach it anyway.
 */
function watchConnections(t: Test): string[] {
  const attempts: string[] = [];
  const watch = (message: unknown): void => {
    const { socket } = message as { socket: Socket };
    socket.on('connectionAttempt', (ip: string) => attempts.push(ip));
  };
  subscribe('net.client.socket', watch);
  t.teardown(() => unsubscribe('net.client.socket', watch));
  return attempts;
}

async function listen(t: Test, server: Server): Promise<number> {
  const open = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    open.add(socket.once('close', () => open.delete(socket)));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => {
    server.close();
    for (const socket of open) socket.destroy();
  });
  return (server.address() as AddressInfo).port;
}

/** Counts whoever connects to it, whatever they say. */
async function listener(t: Test): Promise<{ port: number; connections: () => number }> {
  let connections = 0;
  const server = createTcpServer((socket) => {
    connections += 1;
    socket.destroy();
  });
  return { port: await listen(t, server), connections: () => connections };
}

async function httpServer(t: Test, handler: RequestListener): Promise<string> {
  return `http://127.0.0.1:${await listen(t, createServer(handler))}`;
}

function safeFetch(t: Test, options: SafeFetchOptions): SafeFetch {
  const { fetch, close } = createSafeFetch(options);
  t.teardown(close);
  return fetch;
}

const insideLiterals = [
  '127.0.0.1', '2130706433', '0x7f000001', '0x7f.1', '0177.0.0.1', '127.1', '127.0.0.1.', '0', '0.0.0.0',
  '169.254.169.254', '10.0.0.1', '172.16.0.1', '192.168.1.1', '100.64.0.1', '192.0.0.192', '198.18.0.1',
  '224.0.0.1', '255.255.255.255', '168.63.129.16', '[::1]', '[::]', '[::ffff:7f00:1]', '[::ffff:127.0.0.1]',
  '[::ffff:a9fe:a9fe]', '[::ffff:168.63.129.16]', '[::7f00:1]', '[::127.0.0.1]', '[::ffff:0:7f00:1]', '[fe80::1]',
  '[fc00::1]', '[fd00:ec2::254]', '[fec0::1]', '[ff02::1]', '[64:ff9b::7f00:1]', '[64:ff9b:1::7f00:1]',
  '[2002:7f00:1::]', '[2001:0:1::1]', '[2001:db8::1]', '[4000::1]',
]; // prettier-ignore

t.test('in production nothing inside can be reached, however it is written', async (t) => {
  const { port, connections } = await listener(t);
  const attempts = watchConnections(t);
  const fetch = safeFetch(t, production);
  for (const host of insideLiterals) {
    const notPublic = { ...refused, message: /the address is not public/ };
    await t.rejects(fetch(`https://${host}/`), notPublic, `https://${host}/`);
    await t.rejects(fetch(`https://${host}:${port}/`), refused, `${host} with a port`);
    await t.rejects(fetch(`http://${host}:${port}/`), refused, `${host} by http`);
  }
  t.equal(connections(), 0, 'nobody connected');
  t.strictSame(attempts, [], 'nobody tried');
});

t.test('in development loopback can be reached, and still nothing else inside', async (t) => {
  const { port, connections } = await listener(t);
  const attempts = watchConnections(t);
  const fetch = safeFetch(t, development);
  const loopback = await httpServer(t, (_request, response) => response.end());
  for (const host of insideLiterals) {
    const { hostname } = new URL(`http://${host}`);
    if (['127.0.0.1', '[::1]', '[::ffff:7f00:1]'].includes(hostname)) continue;
    await t.rejects(fetch(`http://${host}:${port}/`), refused, host);
  }
  t.strictSame([connections(), attempts], [0, []], 'nobody tried');
  t.equal((await fetch(loopback)).status, 200);
  t.strictSame(attempts, ['127.0.0.1'], 'the watch sees what is tried');
});

t.test('in production only https on its own port, without credentials', async (t) => {
  const attempts = watchConnections(t);
  const lookup = resolver(['127.0.0.1']);
  const fetch = safeFetch(t, { ...production, lookup });
  const addresses = [
    'http://idp.example/', 'http://idp.example:443/', 'https://idp.example:8443/', 'https://idp.example:22/',
    'https://idp.example:80/', 'https://user:pw@idp.example/', 'https://user@idp.example/', 'https://:pw@idp.example/',
    'file:///etc/passwd', 'data:text/plain,x', 'blob:https://idp.example/1', 'about:blank', 'ftp://idp.example/',
    'wss://idp.example/', 'relative', '//idp.example/', '',
  ]; // prettier-ignore
  for (const address of addresses) await t.rejects(fetch(address), refused, address);
  t.equal(lookup.asked(), 0, 'not even looked up');
  t.strictSame(attempts, []);
});

t.test('in development other schemes and credentials stay refused', async (t) => {
  const fetch = safeFetch(t, development);
  for (const address of [
    'file:///etc/passwd',
    'data:text/plain,x',
    'ftp://127.0.0.1/',
    'http://a:b@127.0.0.1/',
  ])
    await t.rejects(fetch(address), refused, address);
});

t.test('a name is judged by every address it has', async (t) => {
  const attempts = watchConnections(t);
  const answers = [
    ['127.0.0.1'], ['::1'], ['93.184.215.14', '127.0.0.1'], ['127.0.0.1', '93.184.215.14'],
    ['2606:2800:21f:cb07:6820:80da:af6b:8b2c', '::1'], ['::ffff:127.0.0.1'], ['::127.0.0.1'], ['fe80::1%lo'],
    ['64:ff9b::7f00:1'], ['169.254.169.254'], ['168.63.129.16'], [],
  ]; // prettier-ignore
  for (const answer of answers) {
    const fetch = safeFetch(t, { ...production, lookup: resolver(answer) });
    await t.rejects(fetch('https://idp.example/'), refused, JSON.stringify(answer));
  }
  t.strictSame(attempts, [], 'nobody tried, not even the address that would have passed');
});

t.test('one private address spoils a name in development too', async (t) => {
  const { port, connections } = await listener(t);
  const fetch = safeFetch(t, { ...development, lookup: resolver(['127.0.0.1', '10.0.0.1']) });
  await t.rejects(fetch(`http://idp.example:${port}/`), refused);
  t.equal(connections(), 0, 'nobody connected');
});

t.test('a refusal does not tell what the name resolved to', async (t) => {
  const fetch = safeFetch(t, { ...production, lookup: resolver(['10.11.12.13']) });
  const error: unknown = await fetch('https://idp.example/').catch((reason: unknown) => reason);
  t.notMatch(JSON.stringify([String(error), error]), /10\.11\.12\.13/);
});

t.test('a name is looked up once for a connection, so that it cannot change its mind', async (t) => {
  const attempts = watchConnections(t);
  const origin = await httpServer(t, (_request, response) => {
    response.setHeader('connection', 'close').end('hello');
  });
  const lookup = resolver(['127.0.0.1'], ['10.0.0.1']);
  const fetch = safeFetch(t, { ...development, lookup });
  const rebinding = origin.replace('127.0.0.1', 'idp.example');
  t.equal(await (await fetch(rebinding)).text(), 'hello');
  t.equal(lookup.asked(), 1);
  await t.rejects(fetch(rebinding), refused, 'the next connection is judged anew');
  t.equal(lookup.asked(), 2);
  t.strictSame(attempts, ['127.0.0.1'], 'only what was vetted was connected to');
});

t.test('a redirect is an answer, not an order', async (t) => {
  const { port, connections } = await listener(t);
  for (const status of [301, 302, 303, 307, 308]) {
    const location = `http://127.0.0.1:${port}/`;
    const origin = await httpServer(t, (_request, response) => {
      response.writeHead(status, { location }).end();
    });
    const response = await safeFetch(t, development)(origin, { redirect: 'follow' });
    t.equal(response.status, status);
    t.equal(response.headers.get('location'), location);
  }
  t.equal(connections(), 0);
});

t.test('a proxy of the environment is not used', async (t) => {
  const { port, connections } = await listener(t);
  const names = ['HTTP_PROXY', 'HTTPS_PROXY', 'ALL_PROXY', 'http_proxy', 'https_proxy', 'NODE_USE_ENV_PROXY'];
  for (const name of names) process.env[name] = name.startsWith('NODE') ? '1' : `http://127.0.0.1:${port}`;
  t.teardown(() => {
    for (const name of names) Reflect.deleteProperty(process.env, name);
  });
  const origin = await httpServer(t, (_request, response) => response.end('direct'));
  t.equal(await (await safeFetch(t, development)(origin)).text(), 'direct');
  t.equal(connections(), 0);
});

t.test('a certificate that nobody vouches for is refused, whatever the environment says', async (t) => {
  let requests = 0;
  const server = createTlsServer(selfSigned(), () => (requests += 1));
  const fetch = safeFetch(t, development);
  const origin = `https://127.0.0.1:${await listen(t, server)}`;
  const selfSignedError = { cause: { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' } };
  await t.rejects(fetch(origin), selfSignedError);
  process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0';
  t.teardown(() => Reflect.deleteProperty(process.env, 'NODE_TLS_REJECT_UNAUTHORIZED'));
  await t.rejects(fetch(origin), selfSignedError);
  t.equal(requests, 0, 'no request was sent');
});

t.test('a body without end is cut at the cap', async (t) => {
  const cap = 256 * 1024;
  const endless = await httpServer(t, (_request, response) => {
    const more = setInterval(() => response.write(Buffer.alloc(8 * 1024)), 1);
    response.once('close', () => {
      clearInterval(more);
    });
  });
  // far longer than the cap takes: what cuts here is not the time-out
  const fetch = safeFetch(t, { ...development, timeoutMs: 60_000 });
  t.ok((await readUntilCut(await fetch(endless))) <= cap, 'the cap by default');
  t.ok(
    (await readUntilCut(await fetch(endless, { maxBytes: 20_000 }))) <= 20_000,
    'a lower one for one call',
  );
  const most = await readUntilCut(await fetch(endless, { maxBytes: 100 * cap }));
  t.ok(most > 0 && most <= cap, 'a call cannot raise it');
  await t.rejects(
    fetch(endless).then((response) => response.text()),
    'reading it whole throws',
  );
});

t.test('a body of just the cap arrives', async (t) => {
  const origin = await httpServer(t, (_request, response) => response.end(Buffer.alloc(1000)));
  const fetch = safeFetch(t, { ...development, maxBytes: 1000 });
  t.equal((await (await fetch(origin)).arrayBuffer()).byteLength, 1000);
  const tooLarge = fetch(origin, { maxBytes: 999 }).then((response) => response.text());
  await t.rejects(tooLarge, { ...refused, message: /too large/ }, 'by the cap of the call');
  const smaller = safeFetch(t, { ...development, maxBytes: 999 });
  const sizeError = { cause: { code: 'UND_ERR_RES_EXCEEDED_MAX_SIZE' } };
  await t.rejects(
    smaller(origin).then((response) => response.text()),
    sizeError,
    'by the cap of all',
  );
});

t.test('a compressed body is refused at its head, not unfolded', async (t) => {
  let asked: IncomingHttpHeaders = {};
  const gzipped = gzipSync(Buffer.alloc(10_000_000));
  for (const encoding of [
    'gzip',
    'GZIP',
    'br',
    'zstd',
    'unknown',
    'identity, gzip',
    'gzip,'.repeat(50) + 'gzip',
  ]) {
    const bomb = await httpServer(t, (request, response) => {
      asked = request.headers;
      response.writeHead(200, { 'content-encoding': encoding }).end(gzipped);
    });
    const answer = safeFetch(t, development)(bomb, { headers: { 'accept-encoding': 'gzip' } });
    await t.rejects(answer, { ...refused, message: /compressed/ }, encoding.slice(0, 20));
    t.equal(asked['accept-encoding'], 'identity', 'and was not asked for');
  }
});

t.test('a server that stalls or drips is cut by the time-out', async (t) => {
  const silent = `http://127.0.0.1:${await listen(t, createTcpServer())}`;
  const stalled = await httpServer(t, (_request, response) => response.write('a'));
  const dripping = await httpServer(t, (_request, response) => {
    const drip = setInterval(() => response.write('a'), 20);
    response.once('close', () => {
      clearInterval(drip);
    });
  });
  const fetch = safeFetch(t, { ...development, timeoutMs: 200 });
  for (const origin of [silent, stalled, dripping]) {
    const start = performance.now();
    const answer = fetch(origin).then((response) => response.text());
    await t.rejects(answer, { name: 'TimeoutError' });
    t.ok(performance.now() - start < 2000, 'in time');
  }
});

t.test('the caller may give up earlier', async (t) => {
  const silent = `http://127.0.0.1:${await listen(t, createTcpServer())}`;
  const fetch = safeFetch(t, development);
  await t.rejects(fetch(silent, { signal: AbortSignal.abort() }), { name: 'AbortError' });
  await t.rejects(fetch(silent, { signal: AbortSignal.timeout(50) }), { name: 'TimeoutError' });
});

t.test('what is allowed arrives whole', async (t) => {
  const origin = await httpServer(t, echo);
  const fetch = safeFetch(t, development);
  const got = await fetch(new URL('/path?a=1', origin), { headers: { accept: 'application/json' } });
  t.equal(got.status, 201);
  t.equal(got.headers.get('x-answer'), 'yes');
  t.match(await got.json(), { method: 'GET', url: '/path?a=1', accept: 'application/json', body: '' });
  const posted = await fetch(origin, { method: 'POST', body: new URLSearchParams({ a: 'b c' }) });
  t.match(await posted.json(), {
    method: 'POST',
    type: /^application\/x-www-form-urlencoded/,
    body: 'a=b+c',
  });
});

t.test('the way the engine calls it: its own dispatcher is not used, its body limit reads', async (t) => {
  const origin = await httpServer(t, echo);
  const dispatcher = { dispatch: () => t.fail('the dispatcher of the caller was used') };
  const init = {
    method: 'POST',
    headers: new Headers({ 'user-agent': '', 'content-type': 'application/x-www-form-urlencoded' }),
    body: 'logout_token=x',
    signal: AbortSignal.timeout(2500),
    dispatcher,
  } as unknown as RequestInit;
  const response = await safeFetch(t, development)(origin, init);
  const chunks: Uint8Array[] = [];
  for await (const chunk of response.body ?? []) chunks.push(chunk);
  t.match(JSON.parse(Buffer.concat(chunks).toString()), { method: 'POST', body: 'logout_token=x' });
  const unread = await safeFetch(t, development)(origin);
  await t.resolves(unread.body?.cancel() ?? Promise.reject(new Error('no body')));
});

t.test('the way openid-client calls it', async (t) => {
  const issuer: string = await httpServer(t, (_request, response) => {
    response.setHeader('content-type', 'application/json').end(JSON.stringify({ issuer }));
  });
  const configuration = await discovery(new URL(issuer), 'client', undefined, undefined, {
    [customFetch]: safeFetch(t, development),
    execute: [allowInsecureRequests],
  });
  t.equal(configuration.serverMetadata().issuer, issuer);
});

t.test('CF-07: the engine goes out by it too, to keys that a client names', async (t) => {
  const { ctx, issuer } = await startApp(t, { demo: false });
  const attempts = watchConnections(t);
  const { privateKey, publicKey } = await generateKeyPair('ES256');
  const keys = { keys: [{ ...(await exportJWK(publicKey)), alg: 'ES256', use: 'sig', kid: 'one' }] };
  let asked = 0;
  const honest = await httpServer(t, (_request, response) => {
    asked += 1;
    response.setHeader('content-type', 'application/json').end(JSON.stringify(keys));
  });
  const leading = await httpServer(t, (_request, response) => {
    response.writeHead(302, { location: honest }).end();
  });
  const statusOf = async (clientId: string, jwksUri: string): Promise<number> => {
    await makeClient(ctx, {
      clientId,
      jwksUri,
      name: clientId,
      firstParty: true,
      applicationType: 'web',
      authMethod: 'private_key_jwt',
      grantTypes: ['client_credentials'],
      scopes: ['admin:users:read'],
      resources: ['https://api.assist.test'],
    });
    const assertion = new SignJWT({ jti: clientId })
      .setProtectedHeader({ alg: 'ES256', kid: 'one' })
      .setIssuer(clientId)
      .setSubject(clientId)
      .setAudience(issuer)
      .setIssuedAt()
      .setExpirationTime('2m');
    const answer = await post(issuer, '/token', {
      grant_type: 'client_credentials',
      resource: 'https://api.assist.test',
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: await assertion.sign(privateKey),
    });
    return answer.status;
  };
  t.equal(await statusOf('metadata-service', 'http://169.254.169.254/latest/meta-data'), 401);
  t.equal(await statusOf('led-on', leading), 401, 'a redirect is not followed');
  t.equal(asked, 0);
  t.not(await statusOf('honest', honest), 401, 'while the right keys are fetched');
  t.equal(asked, 1);
  t.strictSame([...new Set(attempts)], ['127.0.0.1']);
});

t.test('public addresses are told from all others', (t) => {
  const outside = ['93.184.215.14', '8.8.8.8', '::ffff:8.8.8.8', '2606:2800:21f:cb07:6820:80da:af6b:8b2c'];
  for (const address of outside) t.ok(isPublicAddress(address), address);
  const inside = [
    '127.0.0.1', '10.1.2.3', '169.254.169.254', '::1', 'fd00::1', '::ffff:10.0.0.1', '::10.0.0.1', '::8.8.8.8',
    '::808:808', '64:ff9b::1', '64:ff9b::8.8.8.8', '2002::1', '2001::1', '168.63.129.16', '::ffff:168.63.129.16',
    '224.0.0.1', '3fff::1', '4000::1', 'fe80::1%lo', '010.8.8.8', '8', '8.8', '0x8080808', '', 'x', 'localhost',
  ]; // prettier-ignore
  for (const address of inside) t.notOk(isPublicAddress(address), address);
  t.end();
});

/** Reads until reading throws; how much came before that. */
async function readUntilCut(response: Response): Promise<number> {
  let received = 0;
  try {
    for await (const chunk of response.body ?? []) received += (chunk as Uint8Array).length;
  } catch {
    return received;
  }
  throw new Error('the body ended by itself');
}

/** Answers with what it was asked. */
function echo(...[request, response]: Parameters<RequestListener>): void {
  let body = '';
  request.on('data', (chunk: Buffer) => (body += chunk.toString()));
  request.on('end', () => {
    const { 'content-type': type, accept } = request.headers;
    response.writeHead(201, { 'x-answer': 'yes' });
    response.end(JSON.stringify({ method: request.method, url: request.url, type, accept, body }));
  });
}

/** A certificate for 127.0.0.1 signed by its own key, written byte by byte (RFC 5280 §4.1). */
function selfSigned(): { key: string; cert: string } {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const der = (tag: number, ...parts: Uint8Array[]): Buffer => {
    const content = Buffer.concat(parts);
    const length =
      content.length < 128 ? [content.length] : [0x82, content.length >> 8, content.length & 255];
    return Buffer.concat([Buffer.from([tag, ...length]), content]);
  };
  const text = (tag: number, value: string): Buffer => der(tag, Buffer.from(value));
  const ecdsaWithSha256 = der(0x30, der(0x06, Buffer.from('2a8648ce3d040302', 'hex')));
  const commonName = der(0x30, der(0x06, Buffer.from('550403', 'hex')), text(0x0c, '127.0.0.1'));
  const name = der(0x30, der(0x31, commonName));
  const validity = der(0x30, text(0x17, '200101000000Z'), text(0x17, '491231235959Z'));
  const spki = publicKey.export({ type: 'spki', format: 'der' });
  const serial = der(0x02, Buffer.from([1]), createHash('sha256').update(spki).digest().subarray(0, 8));
  const address = der(0x30, der(0x87, Buffer.from([127, 0, 0, 1])));
  const altName = der(0x30, der(0x06, Buffer.from('551d11', 'hex')), der(0x04, address));
  const extensions = der(0xa3, der(0x30, altName));
  const version = der(0xa0, der(0x02, Buffer.from([2])));
  const body = der(0x30, version, serial, ecdsaWithSha256, name, validity, name, spki, extensions);
  const signature = der(0x03, Buffer.from([0]), sign('sha256', body, privateKey));
  const certificate = der(0x30, body, ecdsaWithSha256, signature).toString('base64');
  return {
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    cert: `-----BEGIN CERTIFICATE-----\n${certificate}\n-----END CERTIFICATE-----\n`,
  };
}
