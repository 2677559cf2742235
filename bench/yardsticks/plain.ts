/** Yardsticks that are no engine: a trivial Fastify route, signing alone, hashing alone. A process of its own. */
import { generateKeyPairSync, sign } from 'node:crypto';
import { availableParallelism } from 'node:os';
import argon2 from 'argon2';
import fastify from 'fastify';
import { createGate } from '../../src/kernel/gate.ts';
import { password } from '../drive/target.ts';

const server = fastify();
const parameters = { type: argon2.argon2id as 2, memoryCost: 19_456, timeCost: 2, parallelism: 1 };
const hash = await argon2.hash(password, parameters);
const gate = createGate({ slots: Math.min(availableParallelism(), 3), queue: 1000, waitMs: 60_000 });
const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
const unsigned = Buffer.alloc(600, 'a');
const bodies = new Map<number, string>();

/** So many bytes of JSON, ready made. */
server.get<{ Params: { bytes: string } }>('/json/:bytes', async (request, reply) => {
  const bytes = Number(request.params.bytes);
  const body = bodies.get(bytes) ?? JSON.stringify({ issuer: 'x'.repeat(Math.max(0, bytes - 13)) });
  bodies.set(bytes, body);
  return reply.type('application/json; charset=utf-8').send(body);
});

server.get('/ready', async () => ({ status: 'ready' }));

/** One verification of a password, and the answer. */
server.get('/hash', async () => ({ ok: await gate.run(() => argon2.verify(hash, password)) }));

/** A hundred ES256 signatures of a token's length: one alone would be lost beside its request. */
server.get('/sign', async () => {
  let bytes = 0;
  for (let round = 0; round < 100; round += 1)
    bytes += sign('sha256', unsigned, { key: privateKey, dsaEncoding: 'ieee-p1363' }).length;
  return { bytes };
});

await server.listen({ host: '127.0.0.1', port: Number(process.env['PORT']) });
