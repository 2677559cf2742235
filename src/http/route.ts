/** A route says what it takes and who may call it; one that does not say so does not compile. */
import type { FastifyInstance, FastifyReply, FastifyRequest, RouteOptions } from 'fastify';
import type { z } from 'zod';
import type { Context } from '../context.ts';
import { readRememberedCompany } from './company-cookies.ts';
import { readKnownBrowser } from './known-browser.ts';
import { patiently } from './patience.ts';
import { assertSameOrigin } from './same-origin.ts';

/**
 * Who may call a route:
 * - `public`: anybody, from anywhere, because it changes nothing a browser could be tricked into;
 * - `engine`: the protocol engine judges the call (client authentication, PKCE, its own cookies);
 * - `interaction`: the browser that started the interaction; its POSTs must come from our own pages;
 * - `recovery`: whoever has a mailed link, or asks for one; its POSTs like those of an interaction;
 * - `federation`: an identity provider's answer, through the browser or directly; each route checks its own proof, since
 *   such posts come from another site;
 * - `operation`: an operation of the admin interface, which says itself who may call it (http/admin/operation.ts): an access
 *   token, judged before the body is read;
 * - `demo`: a page of the demo world, never loaded in production; its POSTs like those of an interaction.
 */
export type Access = 'public' | 'engine' | 'interaction' | 'recovery' | 'federation' | 'operation' | 'demo';

export interface RouteSchema {
  readonly params?: z.ZodType;
  readonly querystring?: z.ZodType;
  readonly body?: z.ZodType;
}

type Output<Schema> = Schema extends z.ZodType ? z.output<Schema> : undefined;

export interface Input<Schema extends RouteSchema> {
  readonly params: Output<Schema['params']>;
  readonly query: Output<Schema['querystring']>;
  readonly body: Output<Schema['body']>;
}

export interface Wire {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
}

export interface RouteDefinition<Schema extends RouteSchema> {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE' | 'OPTIONS';
  readonly url: string;
  readonly access: Access;
  readonly schema: Schema;
  /** In bytes, where it is not that of the whole service. */
  readonly bodyLimit?: number;
  /** It is answered piece by piece, for as long as somebody listens. */
  readonly isLong?: boolean;
  /** What is asked before the body is read; whoever is refused here has cost nothing. */
  readonly before?: (ctx: Context, wire: Wire) => Promise<void>;
  /** `ctx` carries the request's log and origin; what it answers is sent. */
  readonly handler: (ctx: Context, input: Input<Schema>, wire: Wire) => Promise<unknown>;
}

export type Route = RouteDefinition<RouteSchema>;

export function defineRoute<const Schema extends RouteSchema>(route: RouteDefinition<Schema>): Route {
  return route;
}

const fromOwnPagesOnly: ReadonlySet<Access> = new Set(['interaction', 'recovery', 'demo']);

export function mount(app: FastifyInstance, ctx: Context, routes: readonly Route[]): void {
  for (const route of routes) {
    const { method, url, access, schema, bodyLimit, before, handler } = route;
    const options: RouteOptions = {
      method,
      url,
      schema,
      ...(bodyLimit !== undefined && { bodyLimit }),
      // before the body is read: a request of another site is not even parsed
      onRequest: [
        ...(fromOwnPagesOnly.has(access) && method === 'POST' ? [ownPagesOnly(ctx)] : []),
        ...(before ? [asked(ctx, route, before)] : []),
      ],
      handler: (request, reply) => {
        const input = { params: request.params, query: request.query, body: request.body };
        return patiently(request, route, () =>
          handler(requestContext(ctx, request), input, { request, reply }),
        );
      },
    };
    app.route(options);
  }
}

type Hook = (request: FastifyRequest, reply: FastifyReply) => Promise<void>;

function ownPagesOnly({ config }: Context): Hook {
  return async (request) => assertSameOrigin(config, request);
}

function asked(ctx: Context, route: Route, before: NonNullable<Route['before']>): Hook {
  return (request, reply) =>
    patiently(request, route, () => before(requestContext(ctx, request), { request, reply }));
}

/** The context of one request: its log lines and its events name it. */
export function requestContext(ctx: Context, request: FastifyRequest): Context {
  const knownBrowser = readKnownBrowser(ctx.config, request);
  const rememberedCompany = readRememberedCompany(ctx.config, request);
  const origin = {
    requestId: request.id,
    ip: request.ip,
    ...(knownBrowser !== undefined && { knownBrowser }),
    ...(rememberedCompany !== undefined && { rememberedCompany }),
  };
  return { ...ctx, log: request.log, origin };
}

/** For routes whose proof is a signature over the body as it was sent: a scope of their own, where it is left as text. */
export async function mountAsText(
  app: FastifyInstance,
  ctx: Context,
  routes: readonly Route[],
): Promise<void> {
  await app.register((scope) => {
    scope.removeAllContentTypeParsers();
    const types = ['application/json', 'application/x-www-form-urlencoded', 'application/secevent+jwt'];
    scope.addContentTypeParser(types, { parseAs: 'string', bodyLimit: 64 * 1024 }, (_request, text, done) => {
      done(null, text);
    });
    mount(scope, ctx, routes);
    return Promise.resolve();
  });
}
