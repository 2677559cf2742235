/** What anybody may ask: metadata, keys, health, styles. With sign-in.ts the whole attack surface. */
import { z } from 'zod';
import type { Engine } from '../provider/provider.ts';
import type { Stylesheet } from '../pages/styles.ts';
import { publishedKeysMaxAge } from '../core/keys/keys.ts';
import { Failure } from '../kernel/failures.ts';
import { defineRoute, type Route, type Wire } from './route.ts';
import type { ServedDocument } from '../provider/provider.ts';

export interface Published {
  readonly engine: () => Engine;
  readonly stylesheet: Stylesheet;
  /** Whether requests may be sent to this process: answers within a second. */
  readonly isReady: () => Promise<boolean>;
}

export function publicRoutes({ engine, stylesheet, isReady }: Published): Route[] {
  return [
    ...[...engine().documents.keys()].map((url) =>
      defineRoute({
        method: 'GET',
        url,
        access: 'public',
        schema: {},
        handler: async (_ctx, _input, wire) => sendDocument(wire, engine().documents.get(url)),
      }),
    ),
    defineRoute({
      method: 'POST',
      url: '/authorize',
      access: 'public',
      schema: { body: parameters },
      handler: toGet,
    }),
    defineRoute({
      method: 'POST',
      url: '/logout',
      access: 'public',
      schema: { body: parameters },
      handler: toGet,
    }),
    defineRoute({
      method: 'GET',
      url: stylesheet.path,
      access: 'public',
      schema: {},
      handler: async (_ctx, _input, { reply }) =>
        reply
          .type('text/css; charset=utf-8')
          .header('cache-control', 'public, max-age=31536000, immutable')
          .send(stylesheet.text),
    }),
    defineRoute({
      method: 'GET',
      url: '/livez',
      access: 'public',
      schema: {},
      handler: async () => ({ status: 'alive' }),
    }),
    defineRoute({
      method: 'GET',
      url: '/readyz',
      access: 'public',
      schema: {},
      handler: async () => {
        if (!(await isReady())) throw new Failure('unavailable');
        return { status: 'ready' };
      },
    }),
  ];
}

/** Any relying party's page may read metadata (RFC 8414 §3). */
function sendDocument({ request, reply }: Wire, document: ServedDocument | undefined) {
  if (!document) throw new Failure('not_found');
  void reply
    .header('access-control-allow-origin', '*')
    .header('cache-control', `public, max-age=${publishedKeysMaxAge}`)
    .header('etag', document.etag);
  if (request.headers['if-none-match'] === document.etag) return reply.status(304).send();
  return reply.type('application/json; charset=utf-8').send(document.body);
}

const parameters = z.record(z.string(), z.union([z.string(), z.array(z.string())])).nullish();

/**
 * An authorization request by POST (OpenID Connect Core §3.1.2.1) is answered with the same request by GET: only
 * then does the browser send our SameSite=Lax cookies along. Duplicates stay duplicates, for the engine to refuse.
 */
async function toGet(_ctx: unknown, input: { body: z.output<typeof parameters> }, { request, reply }: Wire) {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(input.body ?? {})) {
    for (const item of [value].flat()) query.append(name, item);
  }
  const path = request.raw.url?.split('?', 1)[0] ?? '/';
  const location = `${path}?${query.toString()}`;
  if (location.length > 8000) throw new Failure('payload_too_large');
  return reply.redirect(location, 303);
}
