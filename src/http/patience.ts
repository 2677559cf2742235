/** How long the database is asked for a request: no longer than anybody waits for its answer. */
import type { FastifyRequest } from 'fastify';
import { withPatience } from '../db/patience.ts';

/** Whoever is in front of us has given up by then, or will soon. */
const seconds = 20;

export interface Work {
  /** Answered piece by piece, for as long as somebody listens. */
  readonly isLong?: boolean | undefined;
}

export function patiently<Result>(
  { raw: { socket } }: FastifyRequest,
  { isLong = false }: Work,
  work: () => Result,
): Result {
  return withPatience({ seconds: isLong ? Infinity : seconds, isGone: () => socket.destroyed }, work);
}
