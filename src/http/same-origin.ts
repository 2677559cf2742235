import type { FastifyRequest } from 'fastify';
import type { Config } from '../../config/load.ts';
import { Failure } from '../kernel/failures.ts';

/**
 * Accepts a browser's POST only from our own pages, or from the vendor's sign-in page. `Sec-Fetch-Site` decides
 * where the browser sends it (no page can forge it); without it, or from the vendor's page, `Origin` must match.
 * `Origin: null` alone is never enough: a sandboxed frame of an attacker has it too, and so have our own pages,
 * because they send no referrer.
 */
export function assertSameOrigin(config: Config, request: FastifyRequest): void {
  const site = request.headers['sec-fetch-site'];
  const { origin } = request.headers;
  if (site === 'same-origin') return;
  if (site === undefined && origin === config.issuer) return;
  if (origin !== undefined && origin === pageOrigin(config)) return;
  throw new Failure('cross_site_request');
}

/** The origin of the vendor's own sign-in page, if there is one. */
export function pageOrigin({ signInUrl }: Pick<Config, 'signInUrl'>): string | undefined {
  return signInUrl === undefined ? undefined : new URL(signInUrl).origin;
}
