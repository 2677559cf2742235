/** The composition root: what the service is made of, top to bottom. Nothing is registered anywhere else. */
import { availableParallelism } from 'node:os';
import accepts from '@fastify/accepts';
import formbody from '@fastify/formbody';
import fastify, { type FastifyBaseLogger, type FastifyInstance, LogController } from 'fastify';
import { validatorCompiler } from 'fastify-type-provider-zod';
import type { Logger } from 'pino';
import type { Config } from '../config/load.ts';
import { type Job, onlyWhile, startBackground } from './background.ts';
import type { Context } from './context.ts';
import { sealEvents } from './core/audit/audit.ts';
import { warnOfCertificates } from './core/connections/connections.ts';
import { recheckDomains } from './core/domains/domains.ts';
import { emptyKeys, openKeyRings } from './core/key-rings/key-rings.ts';
import { ensureSigningKeys, replaceOldKeys } from './core/keys/keys.ts';
import { decidePasswordResets } from './core/password-resets/password-resets.ts';
import { prune } from './core/retention/retention.ts';
import { watchTimelines } from './core/timelines/timelines.ts';
import { followDatabaseClock } from './db/clock.ts';
import { connect } from './db/connect.ts';
import { openProbe } from './db/health.ts';
import { prepareDatabase } from './db/grants.ts';
import { refreshMetadata } from './federation/refresh.ts';
import { createSafeFetch } from './fetch.ts';
import { isAddress } from './http/address.ts';
import { mountAdmin } from './http/admin.ts';
import { answerClientError } from './http/client-error.ts';
import { dropTossedCookies } from './http/cookies.ts';
import { federationRoutes } from './http/federation.ts';
import { registerDrain } from './http/drain.ts';
import { countRequests, metricsRoutes, serveMetrics } from './http/metrics.ts';
import { engineRoutes, settleKeysFirst } from './http/engine.ts';
import { registerLook } from './http/html.ts';
import { registerHeaders, registerPageCors } from './http/headers.ts';
import { sendFailure } from './http/problems.ts';
import { publicRoutes } from './http/public.ts';
import { notificationsRoute } from './http/federation/notifications.ts';
import { recoveryRoutes } from './http/recovery.ts';
import { mount, mountAsText } from './http/route.ts';
import { seatRequestRoutes } from './http/seat-requests.ts';
import { signInRoutes } from './http/sign-in.ts';
import { followRequests } from './http/tracing.ts';
import { Failure } from './kernel/failures.ts';
import { createGate } from './kernel/gate.ts';
import { newRequestId } from './kernel/ids.ts';
import type { Clock } from './kernel/time.ts';
import { deliverMail } from './mail/deliver.ts';
import { createSmtpTransport, type MailTransport } from './mail/transport.ts';
import { createEngineHtml } from './pages/engine.ts';
import { createMetrics } from './metrics/metrics.ts';
import { createLook } from './pages/look.ts';
import { type Engines, openEngines } from './provider/engines.ts';
import { followGate, followJobs, followMail, openTracing } from './tracing/tracing.ts';

export interface AppOptions {
  readonly config: Config & { readonly databaseUrl: string };
  readonly log: Logger;
  /** Tests move the time; everybody else has the database's clock. */
  readonly now?: Clock;
  /** Whether this process also does the work that nobody waits for: mail above all. */
  readonly background?: boolean;
}

export interface App {
  readonly server: FastifyInstance;
  readonly ctx: Context;
  /** What runs beside the requests; started unless `background` is false. */
  readonly jobs: readonly Job[];
  /** Before `server.close()`: says that it is not ready, and answers when nobody sends anything more. */
  drain(): Promise<void>;
}

/** Builds the whole service on a migrated database; `server.close()` gives everything back. */
export async function buildApp({ config, log, now, background = false }: AppOptions): Promise<App> {
  const tracer = await openTracing(config, log);
  const db = connect(config.databaseUrl, {
    ...config.database,
    onError: (err) => log.warn({ err }, 'lost an idle database connection'),
    tracer,
  });
  const { fetch, close: closeFetch } = createSafeFetch({ allowLoopbackAndHttp: !config.production, tracer });
  const metrics = createMetrics();
  const { observer } = metrics;
  const clock = now ?? (await followDatabaseClock(db, log));
  const gate = followGate(hashGate(config), tracer);
  const rings = openKeyRings(config);
  const outside = { config: rings.config, db, now: clock, log, fetch };
  const ctx: Context = { ...outside, hashGate: gate, origin: {}, observer };
  const metricsServer = await serveMetrics(ctx, metrics);
  await prepareDatabase(db, config);
  watchTimelines(ctx);
  await rings.confirm(ctx);
  await ensureSigningKeys(ctx);
  const look = createLook(config.brand);
  const html = createEngineHtml(look);
  const engines = await openEngines(ctx, { databaseUrl: config.databaseUrl, html, rings, tracer });
  const engine = engines.current;

  const server = createServer(config, log);
  const probe = openProbe(config.databaseUrl);
  const leaving = registerDrain(server, probe);
  const isReady = async () => engines.isUsable() && leaving.isReady();
  countRequests(server, metrics);
  followRequests(server, tracer);
  settleKeysFirst(server, engines);
  dropTossedCookies(server);
  registerLook(server, look);
  await registerHeaders(server, config);
  registerPageCors(server, config);
  await server.register(accepts);
  await server.register(formbody, { bodyLimit: 64 * 1024 });
  mount(server, ctx, [
    ...publicRoutes({ engine: engines.latest, stylesheet: look.stylesheet, isReady }),
    ...signInRoutes(engine),
    ...recoveryRoutes(engine),
    ...seatRequestRoutes(),
    ...federationRoutes(engine),
    ...metricsRoutes(config, metrics),
  ]);
  await server.register((scope) => engineRoutes(scope, ctx, engine));
  await mountAsText(server, ctx, [notificationsRoute]);
  await mountAdmin(server, ctx, engine);
  const demo = config.demo ? await (await import('./demo/demo.ts')).createDemo(ctx) : undefined;
  if (demo) mount(server, ctx, demo.routes);
  const mail = config.smtpUrl === undefined ? demo?.mailbox : createSmtpTransport(config);
  if (!mail) log.info('SMTP_URL is not set: mail waits in the outbox');
  const jobs = followJobs(backgroundJobs(engines, mail && followMail(mail, tracer)), { tracer, log });
  const running = background ? startBackground(ctx, jobs) : undefined;
  server.addHook('onClose', async () => {
    await running?.stop();
    mail?.close();
    await engines.close();
    await closeFetch();
    probe.close();
    await metricsServer?.close();
    await db.destroy();
    await tracer?.close();
  });
  const drain = async () => void (await Promise.all([leaving.begin(config.drainSeconds), running?.stop()]));
  return { server, ctx, jobs, drain };
}

/** What runs beside the requests, on every replica at once. */
function backgroundJobs(engines: Engines, mail: MailTransport | undefined): Job[] {
  return onlyWhile(engines, [
    { name: 'mail', everyMs: 1000, run: async (ctx) => (mail ? deliverMail(ctx, mail) : 0) },
    { name: 'logout notices', everyMs: 1000, run: engines.deliverLogout },
    { name: 'password resets', everyMs: 1000, run: decidePasswordResets },
    { name: 'domains', everyMs: 60_000, run: recheckDomains },
    { name: 'connection metadata', everyMs: 60_000, run: refreshMetadata },
    { name: 'certificate warnings', everyMs: 3_600_000, run: warnOfCertificates },
    { name: 'event seals', everyMs: 300_000, run: sealEvents },
    { name: 'old signing keys', everyMs: 3_600_000, run: replaceOldKeys },
    { name: 'older sealing keys', everyMs: 60_000, run: emptyKeys },
    { name: 'prune', everyMs: 3_600_000, run: prune },
  ]);
}

/** Hashing may use the processor, but never all of the thread pool that token signing needs as well. */
function hashGate({ passwordWaitSeconds }: Config) {
  const slots = Math.min(Math.max(1, availableParallelism()), 3);
  // a quarter is left for what comes before and after: who waits in vain is to know it in that time
  return createGate({ slots, queue: 20 * slots, waitMs: passwordWaitSeconds * 750 });
}

function createServer(config: Config, log: Logger): FastifyInstance {
  const server = fastify({
    loggerInstance: log as FastifyBaseLogger,
    logController: new LogController({ disableRequestLogging: true }),
    genReqId: newRequestId,
    requestIdHeader: false,
    trustProxy: config.trustedProxies.length > 0 ? [...config.trustedProxies] : false,
    bodyLimit: 64 * 1024,
    requestTimeout: 30_000,
    keepAliveTimeout: 65_000,
    forceCloseConnections: 'idle',
    return503OnClosing: false,
    // what cannot be decoded is an address of nothing; the framework would answer it past every hook of ours
    rewriteUrl: ({ url = '/' }) => (isAddress(url) ? url : '/undecodable'),
    clientErrorHandler: answerClientError,
    routerOptions: { maxParamLength: 16_384 },
  });
  server.removeContentTypeParser('text/plain'); // what any page of another site may post without being asked first
  server.setValidatorCompiler(validatorCompiler);
  server.setErrorHandler(sendFailure);
  server.setNotFoundHandler(() => {
    throw new Failure('not_found');
  });
  server.addHook('onResponse', (request, reply, done) => {
    const { method, routeOptions, ip } = request;
    const ms = Math.round(reply.elapsedTime);
    // the route, never the address: addresses carry codes, hints and interaction ids
    request.log.info(
      { method, route: routeOptions.url ?? 'none', status: reply.raw.statusCode, ms, ip },
      'request',
    );
    done();
  });
  return server;
}
