import type { FastifyInstance } from 'fastify';

/** Ours, with and without the prefixes they have on https. */
const ours = /^(__Host-|__Secure-)?doorward_/;

/**
 * Takes cookies of ours that came twice out of the request. A sub-domain can plant a cookie beside ours, and the server
 * cannot tell which is which: neither counts, and the browser is a stranger.
 */
export function dropTossedCookies(app: FastifyInstance): void {
  app.addHook('onRequest', ({ raw }, _reply, done) => {
    const { cookie } = raw.headers;
    if (cookie !== undefined) raw.headers.cookie = withoutDuplicates(cookie);
    done();
  });
}

function withoutDuplicates(header: string): string {
  const pairs = header.split(';').map((pair) => pair.trim());
  const names = pairs.map((pair) => pair.split('=', 1)[0] ?? '');
  const isSingle = (name: string): boolean => names.indexOf(name) === names.lastIndexOf(name);
  return pairs.filter((_pair, at) => !ours.test(names[at] ?? '') || isSingle(names[at] ?? '')).join('; ');
}
