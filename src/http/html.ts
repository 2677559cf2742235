import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Html } from '../pages/html.ts';

/** Whether the caller is a browser that navigates: it names text/html before JSON. Everything else gets JSON. */
export function wantsHtml(request: FastifyRequest): boolean {
  return request.accepts().type(['json', 'html']) === 'html';
}

export function sendPage(reply: FastifyReply, page: Html): FastifyReply {
  return reply.type('text/html; charset=utf-8').send(page.toString());
}
