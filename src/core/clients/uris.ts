/** The addresses a client may name: checked when they are written, so that each that is stored can be used. */
import type { Client } from './client.ts';

export interface Surroundings {
  readonly production: boolean;
}

const loopbacks: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '[::1]']);

/** A private-use scheme is a domain name backwards (RFC 8252 §7.1); so none that a browser knows is one. */
const privateUse = /^[a-z][a-z0-9+-]*(\.[a-z0-9+-]+)+:$/;

/**
 * Why the browser may not be sent there after a sign-in or sign-out; undefined when it may. Redirects are compared
 * letter by letter, so that each is written in its one form.
 *
 * @see RFC 9700 §2.1, RFC 8252 §7
 */
export function redirectProblem(
  uri: string,
  { applicationType, production }: Surroundings & { readonly applicationType: Client['applicationType'] },
): string | undefined {
  const url = URL.parse(uri);
  if (!url) return 'is not an absolute URI';
  const problem = formProblem(uri, url);
  if (problem !== undefined) return problem;
  const { protocol, hostname } = url;
  const isLoopback = loopbacks.has(hostname);
  if (applicationType === 'web') {
    if (protocol === 'https:' || (protocol === 'http:' && (isLoopback || !production))) return undefined;
    return 'is not https';
  }
  if (protocol === 'http:') return isLoopback ? undefined : 'is http, and not to loopback';
  if (protocol === 'https:') return isLoopback ? 'is https to loopback, which nobody can claim' : undefined;
  return privateUse.test(protocol) ? undefined : 'has a scheme that is no domain name backwards';
}

/** Why this is no address on the web that others are shown or that is asked by us; undefined when it is one. */
export function webProblem(uri: string, { production }: Surroundings): string | undefined {
  const url = URL.parse(uri);
  if (!url) return 'is not an absolute URI';
  const problem = formProblem(uri, url);
  if (problem !== undefined) return problem;
  const { protocol, hostname } = url;
  if (protocol === 'https:' || (protocol === 'http:' && !production && loopbacks.has(hostname)))
    return undefined;
  return 'is not https';
}

function formProblem(uri: string, url: URL): string | undefined {
  if (!/^[\x21-\x7e]+$/.test(uri) || /["<>\\^`{|}]/.test(uri)) return 'has letters that no URI has';
  if (uri.includes('#')) return 'has a fragment';
  if (uri.includes('*')) return 'has a wildcard: there are none';
  if (url.username || url.password) return 'names a user';
  // two spellings of one address are how a comparison is led astray: dots, case, default ports, percent signs
  return url.href === uri || url.href === `${uri}/` ? undefined : `is another spelling of ${url.href}`;
}
