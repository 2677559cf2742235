/**
 * Why a text is no resource indicator that a product may have; undefined when it may. What lies at the issuer is its
 * own: a product's tokens must never be taken for ours.
 *
 * @see RFC 8707 §2
 */
export function resourceProblem(resource: string, issuer: string): string | undefined {
  const url = URL.parse(resource);
  if (!url || !/^[\x21-\x7e]+$/.test(resource)) return 'is not an absolute URI';
  if (resource.includes('#')) return 'has a fragment';
  return url.origin === new URL(issuer).origin ? 'is this service’s own' : undefined;
}
