/** Pages and JSON at the same addresses: who gets which, and in what language. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { type Locale, preferredLocale } from '../kernel/locale.ts';
import { logoOf, type Page, renderPage } from '../pages/layout.ts';
import { imageOrigin, type Look } from '../pages/look.ts';

declare module 'fastify' {
  interface FastifyInstance {
    readonly look: Look;
  }
}

/** Gives every page of this server its look. */
export function registerLook(app: FastifyInstance, look: Look): void {
  app.decorate('look', look);
}

/** Whether the caller is a browser that navigates: it names text/html before JSON. Everything else gets JSON. */
export function wantsHtml(request: FastifyRequest): boolean {
  return request.accepts().type(['json', 'html']) === 'html';
}

/** What the browser prefers: for whatever has no sign-in that could say more. */
export function localeOf(request: FastifyRequest): Locale {
  return preferredLocale(request.headers['accept-language']);
}

/** No cache may give one person's language, or a page instead of JSON, to another (RFC 9110 §12.5.5). */
export function varies(reply: FastifyReply): FastifyReply {
  const before = reply.getHeader('vary');
  return reply.header('vary', [before, 'Accept, Accept-Language'].filter(Boolean).join(', '));
}

export function sendPage(reply: FastifyReply, page: Page): FastifyReply {
  const { look } = reply.server;
  allowImages(reply, [look.logoUrl, logoOf(page, look)]);
  return varies(reply)
    .type('text/html; charset=utf-8')
    .header('content-language', page.locale)
    .send(renderPage(page, look).toString());
}

/** Of all the images in the world a page may load its own logo. */
function allowImages(reply: FastifyReply, urls: readonly (string | undefined)[]): void {
  const origins = new Set(urls.map(imageOrigin).filter((origin) => origin !== undefined));
  const policy = String(reply.getHeader('content-security-policy'));
  const sources = ['img-src', "'self'", 'data:', ...origins].join(' ');
  void reply.header('content-security-policy', policy.replace(/img-src [^;]*/, sources));
}
