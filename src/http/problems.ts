/** The only place where a failure becomes an answer: problem+json (RFC 9457) or the error page. */
import { STATUS_CODES } from 'node:http';
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { Failure, failures, type FailureCode } from '../kernel/failures.ts';
import { DatabaseTrouble } from '../db/trouble.ts';
import { errorPage } from '../pages/error.ts';
import { localeOf, sendPage, varies, wantsHtml } from './html.ts';

export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly code: string;
  readonly detail?: string;
  readonly fields?: Readonly<Record<string, string>>;
  /** The request's id: what support looks for in the log. */
  readonly instance: string;
  /** The case, where a person was refused for a reason that only others are told. */
  readonly case_id?: string;
}

/** What a framework error of each status is called here. */
const codeByStatus: Readonly<Record<number, FailureCode>> = {
  400: 'invalid_input',
  404: 'not_found',
  413: 'payload_too_large',
  414: 'payload_too_large',
  415: 'unsupported_media_type',
};

/** Anything unknown says nothing but 500: messages of unexpected errors may hold anything. */
export function sendFailure(
  error: FastifyError | Error,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  const failure = asFailure(error);
  const status = failure ? failures[failure.code].status : 500;
  if (error instanceof DatabaseTrouble) request.log.warn({ reason: error.reason }, error.message);
  // foreseen, and in bad times as frequent as requests
  else if (status === 503) request.log.warn({ code: failure?.code, cause: failure?.cause }, 'not available');
  else if (status >= 500) request.log.error({ err: error }, failure?.code ?? 'unexpected error');
  else request.log.info({ code: failure?.code, cause: failure?.cause }, 'refused');
  setRetryAfter(reply, status, failure);
  return sendProblem(problemOf(failure, request.id), request, reply);
}

/** RFC 9110 §10.2.3: whoever is refused for now is told for how long. */
export function setRetryAfter(reply: FastifyReply, status: number, failure: Failure | undefined): void {
  const seconds = failure?.retryAfter ?? (status === 503 ? 1 : undefined);
  if (seconds !== undefined) void reply.header('retry-after', String(seconds));
}

export function sendProblem(problem: Problem, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  void reply.status(problem.status);
  if (wantsHtml(request)) return sendPage(reply, errorPage(problem, localeOf(request), signInOf(request)));
  // as text: whatever failed while an answer was made into JSON must not fail again, past us
  return varies(reply).type('application/problem+json').send(JSON.stringify(problem));
}

/** The page of the sign-in that a form was sent from: it stands as it stood. */
function signInOf({ routeOptions, params }: FastifyRequest): string | undefined {
  if (!routeOptions.url?.startsWith('/sign-in/:uid/')) return undefined;
  return `/sign-in/${encodeURIComponent((params as { uid: string }).uid)}`;
}

/** A failure as its problem; without one, a bare 500. */
export function problemOf(failure: Failure | undefined, requestId: string): Problem {
  const code = failure?.code ?? 'internal_error';
  const { status, title } = failure ? failures[failure.code] : { status: 500, title: 'Something went wrong' };
  return {
    type: `urn:doorward:problem:${code}`,
    title,
    status,
    code,
    ...(failure?.detail !== undefined && { detail: failure.detail }),
    ...(failure?.fields && { fields: failure.fields }),
    instance: `urn:doorward:request:${requestId}`,
    ...(failure?.caseId !== undefined && { case_id: failure.caseId }),
  };
}

/** Undefined when it is a fault. */
export function asFailure(error: unknown): Failure | undefined {
  if (error instanceof Failure) return error;
  if (error instanceof DatabaseTrouble) return new Failure('unavailable', { cause: error });
  if (!(error instanceof Error)) return undefined; // anything can be thrown
  const { validation, statusCode } = error as FastifyError;
  if (validation) return new Failure('invalid_input', { fields: invalidFields(validation), cause: error });
  const code = statusCode === undefined ? undefined : codeByStatus[statusCode];
  return code && new Failure(code, { detail: STATUS_CODES[statusCode ?? 400] ?? code, cause: error });
}

function invalidFields(validation: NonNullable<FastifyError['validation']>): Record<string, string> {
  const entries = validation.map(({ instancePath, message }) => {
    const name = instancePath.replace(/^\//, '').replaceAll('/', '.');
    return [name || 'body', message ?? 'is not valid'];
  });
  return Object.fromEntries(entries) as Record<string, string>;
}
