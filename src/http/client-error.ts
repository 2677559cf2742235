/** What is no HTTP, or too much of it: no request comes of it, so no hook and no route could answer. */
import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { Failure } from '../kernel/failures.ts';
import { newRequestId } from '../kernel/ids.ts';
import { problemOf } from './problems.ts';

/**
 * Answers and ends the connection: whatever follows on it could be half of a request that a proxy in front has read
 * otherwise (RFC 9112 §11.2). Of the bytes that came nothing is logged, they may hold anything.
 */
export function answerClientError(
  this: Pick<FastifyInstance, 'log'>,
  { code }: { readonly code: string },
  socket: Socket,
): void {
  if (code === 'ECONNRESET' || !socket.writable) return;
  const requestId = newRequestId();
  const problem = problemOf(failureOf(code), requestId);
  this.log.info({ reqId: requestId, code: problem.code, reason: code }, 'refused');
  const body = JSON.stringify(problem);
  const head = [
    `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status] ?? ''}`,
    'content-type: application/problem+json',
    `content-length: ${Buffer.byteLength(body)}`,
    'cache-control: no-store',
    'x-content-type-options: nosniff',
    `x-request-id: ${requestId}`,
    'connection: close',
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`, () => socket.destroy());
}

function failureOf(code: string): Failure {
  if (code === 'HPE_HEADER_OVERFLOW') return new Failure('headers_too_large');
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return new Failure('request_timeout');
  return new Failure('invalid_input');
}
