/** The composition root: what the service is made of, top to bottom. Nothing is registered anywhere else. */
import { randomBytes } from 'node:crypto';
import { availableParallelism } from 'node:os';
import accepts from '@fastify/accepts';
import formbody from '@fastify/formbody';
import fastify, { type FastifyBaseLogger, type FastifyInstance, LogController } from 'fastify';
import { validatorCompiler } from 'fastify-type-provider-zod';
import type { Logger } from 'pino';
import type { Config } from '../config/load.ts';
import type { Context } from './context.ts';
import { clientChangedChannel } from './core/clients/clients.ts';
import { ensureSigningKeys } from './core/keys/keys.ts';
import { connect } from './db/connect.ts';
import { listen } from './db/listen.ts';
import { migrateToLatest } from './db/migrate.ts';
import { createSafeFetch } from './fetch.ts';
import { engineRoutes } from './http/engine.ts';
import { registerHeaders, registerPageCors } from './http/headers.ts';
import { sendFailure } from './http/problems.ts';
import { publicRoutes } from './http/public.ts';
import { mount } from './http/route.ts';
import { signInRoutes } from './http/sign-in.ts';
import { Failure } from './kernel/failures.ts';
import { createGate } from './kernel/gate.ts';
import type { Clock } from './kernel/time.ts';
import { engineHtml } from './pages/engine.ts';
import { createEngine } from './provider/provider.ts';

export interface AppOptions {
  readonly config: Config & { readonly databaseUrl: string };
  readonly log: Logger;
  /** Tests move the time; everybody else has the process's clock. */
  readonly now?: Clock;
}

export interface App {
  readonly server: FastifyInstance;
  readonly ctx: Context;
}

/** Builds the whole service on a migrated database; `server.close()` gives everything back. */
export async function buildApp({ config, log, now = () => new Date() }: AppOptions): Promise<App> {
  const db = connect(config.databaseUrl, {
    onError: (err) => log.warn({ err }, 'lost an idle database connection'),
  });
  const fetch = createSafeFetch({ allowLoopbackAndHttp: !config.production });
  const ctx: Context = { config, db, now, log, fetch: fetch.fetch, hashGate: hashGate(), origin: {} };
  await migrateToLatest(db);
  await ensureSigningKeys(ctx);
  const engine = await createEngine(ctx, engineHtml);
  const listener = await listen(config.databaseUrl, {
    channel: clientChangedChannel,
    onNotify: (clientId) => {
      engine.clients.forget(clientId);
    },
    onLost: (err) => {
      log.warn({ err }, 'lost the notifications; clients are forgotten');
      engine.clients.forget();
    },
  });

  const server = createServer(config, log);
  await registerHeaders(server, config);
  registerPageCors(server, config);
  await server.register(accepts);
  await server.register(formbody, { bodyLimit: 64 * 1024 });
  mount(server, ctx, [...publicRoutes(() => engine), ...signInRoutes(() => engine)]);
  await server.register((scope) => {
    engineRoutes(scope, ctx, () => engine);
    return Promise.resolve();
  });
  if (config.demo) {
    const { createDemo } = await import('./demo/demo.ts');
    mount(server, ctx, await createDemo(ctx));
  }
  server.addHook('onClose', async () => {
    await listener.close();
    await fetch.close();
    await db.destroy();
  });
  return { server, ctx };
}

/** Hashing may use the processor, but never all of the thread pool that token signing needs as well. */
function hashGate() {
  const slots = Math.min(Math.max(1, availableParallelism()), 3);
  return createGate({ slots, queue: 32 * slots, waitMs: 1000 });
}

function createServer(config: Config, log: Logger): FastifyInstance {
  const server = fastify({
    loggerInstance: log as FastifyBaseLogger,
    logController: new LogController({ disableRequestLogging: true }),
    genReqId: () => randomBytes(9).toString('base64url'), // a caller's own id could forge log lines
    requestIdHeader: false,
    trustProxy: config.trustedProxies.length > 0 ? [...config.trustedProxies] : false,
    bodyLimit: 64 * 1024,
    requestTimeout: 30_000,
    keepAliveTimeout: 65_000,
    forceCloseConnections: 'idle',
    return503OnClosing: false,
    // what cannot be decoded is an address of nothing; the framework would answer it past every hook of ours
    rewriteUrl: ({ url = '/' }) => (isDecodable(url) ? url : '/undecodable'),
    routerOptions: { maxParamLength: 16_384 },
  });
  server.setValidatorCompiler(validatorCompiler);
  server.setErrorHandler(sendFailure);
  server.setNotFoundHandler(() => {
    throw new Failure('not_found');
  });
  server.addHook('onResponse', async (request, reply) => {
    const { method, routeOptions, ip } = request;
    const ms = Math.round(reply.elapsedTime);
    // the route, never the address: addresses carry codes, hints and interaction ids
    request.log.info(
      { method, route: routeOptions.url ?? 'none', status: reply.raw.statusCode, ms, ip },
      'request',
    );
  });
  closeIdleConnections(server);
  return server;
}

function isDecodable(url: string): boolean {
  try {
    decodeURIComponent(url.split('?', 1)[0] ?? '');
    return true;
  } catch {
    return false;
  }
}

/** Without this, closing waits for every kept-alive connection that has just served a request: over a minute. */
function closeIdleConnections(server: FastifyInstance): void {
  let closing = false;
  server.addHook('preClose', async () => {
    closing = true;
  });
  server.addHook('onRequest', async (_request, reply) => {
    reply.raw.once('finish', () => {
      if (closing) setImmediate(() => server.server.closeIdleConnections());
    });
  });
}
