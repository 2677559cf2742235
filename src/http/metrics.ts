/**
 * Where the numbers are read: with METRICS_PORT at a port of their own, which no proxy leads to; without it, outside
 * production, at the public one.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { FastifyInstance } from 'fastify';
import type { Config } from '../../config/load.ts';
import type { Context } from '../context.ts';
import type { Metrics } from '../metrics/metrics.ts';
import { defineRoute, type Route } from './route.ts';

const path = '/metrics';

/** Every answer of a route registered after this is counted, by the pattern of the route and never by the address. */
export function countRequests(server: FastifyInstance, metrics: Metrics): void {
  server.addHook('onResponse', ({ method, routeOptions }, reply, done) => {
    const { statusCode: status } = reply.raw;
    const seconds = reply.elapsedTime / 1000;
    metrics.observeRequest({ route: routeOptions.url ?? 'none', method, status, seconds });
    done();
  });
}

/** None where the numbers have a port of their own, and none in production. */
export function metricsRoutes({ metricsPort, production }: Config, metrics: Metrics): Route[] {
  if (metricsPort !== undefined || production) return [];
  return [
    defineRoute({
      method: 'GET',
      url: path,
      access: 'public',
      schema: {},
      handler: async (ctx, _input, { reply }) =>
        reply.type(metrics.contentType).send(await metrics.scrape(ctx)),
    }),
  ];
}

export interface MetricsServer {
  close(): Promise<void>;
}

/** Listens at METRICS_PORT, where it is set, and rejects when it cannot. Whoever reaches that port may read the numbers. */
export async function serveMetrics(ctx: Context, metrics: Metrics): Promise<MetricsServer | undefined> {
  const { metricsPort: port, host } = ctx.config;
  if (port === undefined) return undefined;
  const server = createServer({ requestTimeout: 10_000, headersTimeout: 5000 }, (request, response) => {
    void answer({ ctx, metrics, request, response });
  });
  server.maxConnections = 50;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ port, host }, resolve);
  });
  server.on('error', (err) => ctx.log.warn({ err }, 'the port of the metrics has a fault'));
  return { close: () => closeServer(server) };
}

interface Scrape {
  readonly ctx: Context;
  readonly metrics: Metrics;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

async function answer({ ctx, metrics, request, response }: Scrape): Promise<void> {
  response.setHeader('cache-control', 'no-store');
  response.setHeader('x-content-type-options', 'nosniff');
  if (request.url?.split('?', 1)[0] !== path) {
    response.writeHead(404).end();
    return;
  }
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.writeHead(405, { allow: 'GET, HEAD' }).end();
    return;
  }
  try {
    const text = await metrics.scrape(ctx);
    response.writeHead(200, { 'content-type': metrics.contentType }).end(text);
  } catch (err) {
    ctx.log.error({ err }, 'the metrics could not be read');
    response.writeHead(500).end();
  }
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => {
      resolve();
    });
    server.closeAllConnections();
  });
}
