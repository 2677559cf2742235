/** LG-05: a fault of ours answers a bare 500 with its number, wherever it happens; one that nobody catches ends the process. */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { Readable, Writable } from 'node:stream';
import type { FastifyReply, RouteOptions } from 'fastify';
import { pino } from 'pino';
import t, { type Test } from 'tap';
import { buildApp } from '../../src/app.ts';
import { Agent } from '../support/agent.ts';
import { freePort, testConfig } from '../support/app.ts';
import { createDatabase } from '../support/database.ts';

const canary = 'canary of /work/secret.ts: select password from users';
const fail = (): never => {
  throw new Error(canary);
};
const failLater = async (): Promise<never> => Promise.reject(new Error(canary));
/** Not everything that is thrown is an error. */
const failWith = (thrown: unknown) => (): never => {
  throw thrown;
};

/** A stream that breaks before it has said anything, or in the middle. */
function brokenStream(said: readonly string[]): Readable {
  const parts = [...said];
  return new Readable({
    read() {
      const part = parts.shift();
      if (part === undefined) this.destroy(new Error(canary));
      else this.push(part);
    },
  });
}

const ok = async (): Promise<object> => Promise.resolve({ fine: true });
const faults: Readonly<Record<string, Partial<RouteOptions>>> = {
  'a handler': { handler: fail },
  'a promise': { handler: failLater },
  'a promise, after a while': {
    handler: async () => new Promise((_, reject) => setImmediate(() => reject(new Error(canary)))),
  },
  'a text that is thrown': { handler: failWith(canary) },
  'nothing that is thrown': { handler: failWith(undefined) },
  'an error that names a status': {
    handler: failWith(Object.assign(new Error(canary), { statusCode: 418 })),
  },
  'an error that says it is none': {
    handler: failWith(Object.assign(new Error(canary), { statusCode: 200 })),
  },
  onRequest: { onRequest: failLater, handler: ok },
  preParsing: { preParsing: failLater, handler: ok },
  preValidation: { preValidation: failLater, handler: ok },
  preHandler: { preHandler: failLater, handler: ok },
  preSerialization: { preSerialization: failLater, handler: ok },
  'a stream': { handler: (_request, reply: FastifyReply) => reply.type('text/plain').send(brokenStream([])) },
  'what cannot be written as JSON': { handler: async () => Promise.resolve({ toJSON: fail }) },
};

async function startFaulty(t: Test) {
  const databaseUrl = await createDatabase(t);
  const port = await freePort();
  const issuer = `http://127.0.0.1:${port}`;
  const env = { PORT: String(port), HOST: '127.0.0.1', ISSUER: issuer, DATABASE_URL: databaseUrl };
  const lines: string[] = [];
  const log = pino(
    { level: 'info', base: null },
    new Writable({
      write(chunk: Buffer, _encoding, done) {
        lines.push(chunk.toString().trimEnd());
        done();
      },
    }),
  );
  const { server } = await buildApp({ config: { ...testConfig(env), databaseUrl }, log });
  for (const [index, options] of Object.values(faults).entries())
    server.route({ method: 'GET', url: `/fault/${index}`, handler: ok, ...options });
  server.get('/fault/late', (_request, reply) =>
    reply.type('text/plain').send(brokenStream(['the beginning'])),
  );
  t.teardown(() => server.close());
  await server.listen({ port, host: '127.0.0.1' });
  return { issuer, lines };
}

t.test('LG-05: a fault', async (t) => {
  const { issuer, lines } = await startFaulty(t);

  for (const [index, what] of Object.keys(faults).entries()) {
    t.test(`in ${what} answers a bare 500, and the log has the rest under its number`, async (t) => {
      for (const accept of ['application/json', 'text/html']) {
        const answer = await new Agent(issuer, accept).get(`/fault/${index}`);
        const requestId = answer.headers.get('x-request-id') ?? '';
        t.equal(answer.status, 500);
        t.match(requestId, /^[\w-]{12}$/);
        t.notMatch(answer.text, /canary|secret|node_modules|\.ts\b|at \w+ \(/);
        t.notMatch(JSON.stringify([...answer.headers]), /canary/);
        if (accept === 'application/json')
          t.same(answer.json(), {
            type: 'urn:doorward:problem:internal_error',
            title: 'Something went wrong',
            status: 500,
            code: 'internal_error',
            instance: `urn:doorward:request:${requestId}`,
          });
        else t.match(answer.text, requestId, 'which the page shows');
        const told = lines
          .map((line) => JSON.parse(line) as Record<string, unknown>)
          .filter((line) => line['reqId'] === requestId);
        t.equal(told.filter(({ level }) => level === 50).length, 1, 'one line tells of it');
      }
      t.equal((await new Agent(issuer).get('/livez')).status, 200, 'and the next one is served');
    });
  }

  t.test('in the middle of an answer cuts it off: nobody takes the beginning for the whole', async (t) => {
    await t.rejects(new Agent(issuer).get('/fault/late'));
    t.equal((await new Agent(issuer).get('/livez')).status, 200);
  });
});

/** The service as a process, in which something fails outside of every request when it is signalled. */
async function startProcess(t: Test, failing: string) {
  const port = await freePort();
  const key = (): string => randomBytes(32).toString('base64url');
  const script = `process.on('SIGWINCH', () => { ${failing} })`;
  const child = spawn(
    process.execPath,
    ['--import', `data:text/javascript,${encodeURIComponent(script)}`, 'src/main.ts'],
    {
      env: {
        PATH: process.env['PATH'],
        PORT: String(port),
        HOST: '127.0.0.1',
        DATABASE_URL: await createDatabase(t),
        SECRET_KEYS: key(),
        COOKIE_KEYS: key(),
      },
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
  t.teardown(() => child.kill('SIGKILL'));
  let output = '';
  await new Promise<void>((resolve, reject) => {
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text;
      if (output.includes('ready at')) resolve();
    });
    child.once('exit', () => {
      reject(new Error(`the service did not start: ${output}`));
    });
  });
  return { child, ended, output: () => output };
}

for (const [what, failing] of Object.entries({
  'an exception': `throw new Error('outside of everything')`,
  'a rejection': `void Promise.reject(new Error('outside of everything'))`,
}))
  t.test(`LG-05: ${what} that nobody catches is told, and ends the process in good order`, async (t) => {
    const { child, ended, output } = await startProcess(t, failing);
    child.kill('SIGWINCH');
    t.equal(await ended, 1, 'so that it is started anew');
    const lines = output()
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { level: number; err?: { message: string } });
    t.match(
      lines.filter(({ level }) => level === 60),
      [{ err: { message: 'outside of everything' } }],
    );
  });
