/**
 * The protocol engine's endpoints: one explicit route each, whose handler takes the reply over. So every answer has
 * our headers, ids and log lines, unknown paths stay ours, and paths are exact.
 */
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Context } from '../context.ts';
import { Failure } from '../kernel/failures.ts';
import { attachLog } from '../provider/engine-log.ts';
import type { Engines } from '../provider/engines.ts';
import { documentPaths } from '../provider/metadata.ts';
import { type Engine, routes } from '../provider/provider.ts';
import { unavailable } from '../provider/errors.ts';
import { requestContext } from './route.ts';
import { patiently } from './patience.ts';
import { asFailure, problemOf, sendFailure, setRetryAfter } from './problems.ts';
import { wantsHtml } from './html.ts';

type Method = 'GET' | 'POST' | 'OPTIONS';

const endpoints: readonly [url: string, ...methods: Method[]][] = [
  [routes.authorization, 'GET'],
  [`${routes.authorization}/:uid`, 'GET'],
  [routes.pushed_authorization_request, 'POST', 'OPTIONS'],
  [routes.token, 'POST', 'OPTIONS'],
  [routes.userinfo, 'GET', 'POST', 'OPTIONS'],
  [routes.introspection, 'POST', 'OPTIONS'],
  [routes.revocation, 'POST', 'OPTIONS'],
  [routes.end_session, 'GET'],
  [`${routes.end_session}/confirm`, 'POST'],
  [`${routes.end_session}/success`, 'GET'],
];

/** They rest on no key, or on published ones, of which some that are a little old are better than none. */
const keyless: ReadonlySet<string> = new Set(['/metrics', ...documentPaths]);

/**
 * Nothing is answered with keys that are not those of now: a replica that does not know the newest would take a cookie for
 * a forgery, and sign its person out. But whoever asks whether the process lives waits for no database.
 */
export function settleKeysFirst(
  app: FastifyInstance,
  { isSettled, settle, isUsable }: Pick<Engines, 'isSettled' | 'settle' | 'isUsable'>,
): void {
  app.addHook('onRequest', ({ routeOptions: { url } }, _reply, done) => {
    if (url === '/livez' || url === '/readyz' || isSettled()) {
      done();
      return;
    }
    void settle().then(() => {
      const isKeyless = url === undefined || url.startsWith('/assets/') || keyless.has(url);
      done(isKeyless || isUsable() ? undefined : new Failure('unavailable'));
    });
  });
}

/** Registered in a scope of its own, where bodies are left unread for the engine. */
export function engineRoutes(app: FastifyInstance, ctx: Context, engine: () => Engine): Promise<void> {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', (_request, _payload, done) => {
    done(null);
  });
  app.setErrorHandler(sendEngineFailure);
  const origin = new URL(ctx.config.issuer);
  for (const [url, ...methods] of endpoints) {
    app.route({
      method: methods,
      url,
      handler: async (request, reply) => {
        // no honest request has a NUL in its address, and PostgreSQL could not keep it
        if (request.raw.url?.includes('%00')) throw new Failure('invalid_input');
        if (!isForEngine(request)) throw new Failure('not_found');
        const { handle } = engine();
        pinOrigin(request, origin);
        const { raw } = takeOver(reply);
        const requestCtx = requestContext(ctx, request);
        attachLog(request.raw, requestCtx.log);
        try {
          await patiently(request, {}, () => handle(requestCtx, request.raw, raw));
        } catch (error) {
          request.log.error({ err: error }, 'unexpected error');
          endWith500(reply, request.id);
        }
      },
    });
  }
  return Promise.resolve();
}

/** Programs that speak the protocol know one word for it (RFC 6749 §4.1.2.1), whoever of us says it. */
function sendEngineFailure(error: FastifyError, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const failure = asFailure(error);
  if (failure?.code !== 'unavailable' || wantsHtml(request)) return sendFailure(error, request, reply);
  request.log.warn({ cause: failure.cause }, 'not available to the protocol');
  setRetryAfter(reply, 503, failure);
  return reply.status(503).send(unavailable);
}

/**
 * Paths are exact here too: of another spelling (`/%74oken`, `/authorize/`) the engine makes either the same endpoint or
 * an answer without a body. So it does of an OPTIONS that is no preflight.
 */
function isForEngine({ method, raw: { url = '' }, headers }: FastifyRequest): boolean {
  if (!/^(\/[\w-]+)+(\?|$)/.test(url)) return false;
  return method !== 'OPTIONS' || headers['access-control-request-method'] !== undefined;
}

/**
 * The engine makes every absolute address from the request's host. A forged Host or X-Forwarded-Host would end up in
 * discovery and in mails, so they are replaced by the issuer whatever was sent.
 */
function pinOrigin(request: FastifyRequest, issuer: URL): void {
  const { headers } = request.raw;
  headers.host = issuer.host;
  headers['x-forwarded-host'] = issuer.host;
  headers['x-forwarded-proto'] = issuer.protocol.slice(0, -1);
  headers['x-forwarded-for'] = request.ip;
}

/** Headers set by hooks reach the wire only when they are copied to the raw answer. */
function takeOver(reply: FastifyReply): FastifyReply {
  const headers = reply.getHeaders();
  reply.hijack();
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) reply.raw.setHeader(name, value);
  }
  return reply;
}

function endWith500(reply: FastifyReply, requestId: string): void {
  if (reply.raw.headersSent) {
    reply.raw.destroy();
    return;
  }
  reply.raw.statusCode = 500;
  reply.raw.setHeader('content-type', 'application/problem+json');
  reply.raw.end(JSON.stringify(problemOf(undefined, requestId)));
}
