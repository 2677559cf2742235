/** A trace for each request: its route and its status, never its address, and never who sent it. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Span, Tracer } from '../kernel/tracer.ts';
import { logOf } from '../tracing/tracing.ts';

/** Asked every few seconds by machines. */
const unfollowed: ReadonlySet<string | undefined> = new Set(['/livez', '/readyz', '/metrics']);

/** Every request of a route registered after this is followed; nothing happens without a tracer. */
export function followRequests(server: FastifyInstance, tracer: Tracer | undefined): void {
  if (!tracer) return;
  const spans = new WeakMap<FastifyRequest, Span>();
  server.addHook('onRequest', (request, reply, done) => {
    if (unfollowed.has(request.routeOptions.url)) {
      done();
      return;
    }
    const span = beginSpan(tracer, request);
    spans.set(request, span);
    request.log = reply.log = logOf(span, request.log);
    endWith(span, reply);
    span.run(done);
  });
  // what reads a body is called by the socket, outside of everything
  server.addHook('preValidation', (request, _reply, done) => {
    const span = spans.get(request);
    if (span) span.run(done);
    else done();
  });
}

function beginSpan(tracer: Tracer, { id, method, routeOptions, headers }: FastifyRequest): Span {
  const { url: route } = routeOptions;
  return tracer.begin({
    kind: 'request',
    name: route === undefined ? method : `${method} ${route}`,
    attributes: {
      'http.request.method': method,
      ...(route !== undefined && { 'http.route': route }),
      'doorward.request_id': id,
    },
    cameWith: typeof headers['traceparent'] === 'string' ? headers['traceparent'] : undefined,
  });
}

/** `close` comes also when the other side has gone away before it was answered. */
function endWith(span: Span, { raw }: FastifyReply): void {
  raw.once('close', () => {
    const { statusCode: status, writableFinished: isAnswered } = raw;
    if (isAnswered) span.set({ 'http.response.status_code': status });
    else span.set({ 'doorward.abandoned': true });
    span.end(isAnswered && status >= 500 ? String(status) : undefined);
  });
}
