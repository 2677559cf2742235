/** The routes the service really has, as the framework registers them: nobody has to remember to list one. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { FastifyInstance, RouteOptions } from 'fastify';
import type { Test } from 'tap';

export interface RegisteredRoute {
  readonly method: string;
  readonly url: string;
  /** The names its schema gives to what it takes; those of a body, of an address's query and of its path. */
  readonly names: readonly string[];
  readonly hasBodySchema: boolean;
}

/** Fills up while the service is built: call it before. HEAD is left out, the framework derives it from GET. */
export function recordRoutes(t: Test): readonly RegisteredRoute[] {
  const routes: RegisteredRoute[] = [];
  const onInstance = (message: unknown): void => {
    const { fastify } = message as { fastify: FastifyInstance };
    fastify.addHook('onRoute', (route) => {
      routes.push(...registered(route));
    });
  };
  subscribe('fastify.initialization', onInstance);
  t.teardown(() => unsubscribe('fastify.initialization', onInstance));
  return routes;
}

function registered({ method, url, schema }: RouteOptions): RegisteredRoute[] {
  const names = [schema?.body, schema?.querystring].flatMap(namesIn);
  const hasBodySchema = namesIn(schema?.body).length > 0;
  return [method]
    .flat()
    .filter((name) => name !== 'HEAD')
    .map((name) => ({ method: name, url, names, hasBodySchema }));
}

function namesIn(schema: unknown): string[] {
  return Object.keys((schema as { shape?: object } | undefined)?.shape ?? {});
}
