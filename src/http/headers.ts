/** Headers on every answer, the engine's included. */
import helmet from '@fastify/helmet';
import type { FastifyInstance } from 'fastify';
import type { Config } from '../../config/load.ts';
import { imageOrigin } from '../pages/look.ts';
import { pageOrigin } from './same-origin.ts';

/**
 * Forms of these pages may end at another origin (the client's, an identity provider's), and Chromium applies
 * form-action to the whole chain of redirects: there the directive has to be left out.
 */
const leavesTheOrigin =
  /^\/(sign-in|authorize|logout|federation|invitations|password-resets|demo\/idp)(\/|$)/;

export async function registerHeaders(app: FastifyInstance, config: Config): Promise<void> {
  const secure = config.issuer.startsWith('https:');
  const logo = imageOrigin(config.brand.logoUrl);
  const images = logo === undefined ? [] : [logo];
  await app.register(helmet, {
    global: true,
    contentSecurityPolicy: false,
    crossOriginEmbedderPolicy: false,
    referrerPolicy: { policy: 'no-referrer' },
    hsts: secure ? { maxAge: 31_536_000, includeSubDomains: true } : false,
    frameguard: { action: 'deny' },
  });
  const policies = {
    staying: contentSecurityPolicy(images, 'stay'),
    leaving: contentSecurityPolicy(images, 'leave'),
  };
  app.addHook('onRequest', (request, reply, done) => {
    const path = request.raw.url?.split('?', 1)[0] ?? '';
    const policy = leavesTheOrigin.test(path) ? policies.leaving : policies.staying;
    void reply.header('content-security-policy', policy);
    void reply.header('cache-control', 'no-store');
    void reply.header('x-request-id', request.id);
    done();
  });
}

/** `script-src` is always there, because the engine adds the hash of its own scripts to it and to nothing else. */
function contentSecurityPolicy(images: readonly string[], forms: 'stay' | 'leave'): string {
  const directives = [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    `img-src ${["'self'", 'data:', ...images].join(' ')}`,
    "base-uri 'none'",
    "frame-ancestors 'none'",
    "object-src 'none'",
  ];
  return [...directives, ...(forms === 'leave' ? [] : ["form-action 'self'"])].join(';');
}

/** The actions of a step, of which one stands elsewhere. */
const calledByPages = /^\/(sign-in\/|password-resets$)/;

/** CORS for the vendor's sign-in page, on the paths its script calls: for exactly that origin, with cookies. */
export function registerPageCors(app: FastifyInstance, config: Config): void {
  const origin = pageOrigin(config);
  if (origin === undefined) return;
  app.addHook('onRequest', async (request, reply) => {
    const path = request.raw.url?.split('?', 1)[0] ?? '';
    if (!calledByPages.test(path)) return;
    void reply.header('vary', 'Origin');
    if (request.headers.origin !== origin) return;
    void reply
      .header('access-control-allow-origin', origin)
      .header('access-control-allow-credentials', 'true');
    if (request.method !== 'OPTIONS') return;
    void reply
      .header('access-control-allow-methods', 'GET, POST')
      .header('access-control-allow-headers', 'content-type, accept')
      .header('access-control-max-age', '600');
    await reply.status(204).send();
  });
}
