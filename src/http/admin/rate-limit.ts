import type { FastifyReply } from 'fastify';
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';
import { Failure } from '../../kernel/failures.ts';

export interface RateLimit {
  /** Counts one request of this caller and says in headers what is left. Failure `rate_limited`. */
  count(callerKey: string, reply: FastifyReply): Promise<void>;
}

/**
 * So many requests a minute of each caller, in the memory of each replica: it keeps one caller's mistake from being
 * everybody's outage, and is no defence against guessing (that is core/credentials/throttle.ts).
 *
 * @see draft-ietf-httpapi-ratelimit-headers
 */
export function createRateLimit(perMinute: number): RateLimit {
  const limiter = new RateLimiterMemory({ points: perMinute, duration: 60 });
  return {
    async count(callerKey, reply) {
      const taken = await limiter.consume(callerKey).catch((error: unknown) => {
        if (error instanceof RateLimiterRes) return error;
        throw error;
      });
      const seconds = Math.ceil(taken.msBeforeNext / 1000);
      void reply
        .header('ratelimit-policy', `"minute";q=${perMinute};w=60`)
        .header('ratelimit', `"minute";r=${taken.remainingPoints};t=${seconds}`);
      if (taken.consumedPoints > perMinute)
        throw new Failure('rate_limited', { retryAfter: Math.max(1, seconds) });
    },
  };
}
