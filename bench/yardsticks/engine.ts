/**
 * The yardstick beside the service: the same protocol engine with the same features, and nothing else. No audit, no access
 * decision, no pages, no throttle; by ADAPTER its state is in memory, or in PostgreSQL without any art. A process of its own.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { availableParallelism } from 'node:os';
import argon2 from 'argon2';
import { Provider } from 'oidc-provider';
import { createGate } from '../../src/kernel/gate.ts';
import { issuer, password as everybodysPassword } from '../drive/target.ts';
import { benchClients, engineConfiguration } from './engine-configuration.ts';
import { createMapAdapter } from './map-adapter.ts';
import { createNaiveAdapter } from './naive-adapter.ts';

const { PORT = '', ADAPTER, DATABASE_URL = '' } = process.env;
const isNaive = ADAPTER === 'naive';
const adapter = isNaive ? await createNaiveAdapter(DATABASE_URL, benchClients) : createMapAdapter();
const provider = new Provider(
  issuer,
  await engineConfiguration({ adapter, clients: isNaive ? [] : benchClients }),
);
provider.proxy = true;
const callback = provider.callback();

// the service's own bounds: without them the engine's signing would wait behind all the hashing
const gate = createGate({ slots: Math.min(availableParallelism(), 3), queue: 1000, waitMs: 60_000 });
const parameters = { type: argon2.argon2id as 2, memoryCost: 19_456, timeCost: 2, parallelism: 1 };
const hash = await argon2.hash(everybodysPassword, parameters);

createServer((req, res) => {
  const answering = req.url?.startsWith('/sign-in/') ? interact(req, res) : callback(req, res);
  answering.catch((error: unknown) => {
    process.stderr.write(`${String(error)}\n`);
    res.writeHead(500).end();
  });
}).listen(Number(PORT), '127.0.0.1');

/** The least that a sign-in can be: GET says where to send the password, POST takes it. */
async function interact(req: IncomingMessage, res: ServerResponse): Promise<void> {
  const { uid } = await provider.interactionDetails(req, res);
  if (req.method === 'GET') {
    send(res, 200, {
      step: 'identify',
      actions: { password: { href: `${issuer}/sign-in/${uid}/password` } },
    });
    return;
  }
  const { email, password } = JSON.parse(await bodyOf(req)) as { email: string; password?: string };
  if (password !== undefined && !(await gate.run(() => argon2.verify(hash, password)))) {
    send(res, 401, { code: 'invalid_credentials' });
    return;
  }
  const login = { accountId: email, amr: ['pwd'], acr: 'urn:doorward:acr:single-factor' };
  send(res, 200, { step: 'done', location: await provider.interactionResult(req, res, { login }) });
}

function send(res: ServerResponse, status: number, body: object): void {
  res.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

async function bodyOf(req: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of req) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}
