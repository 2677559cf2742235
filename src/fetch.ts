/**
 * The only way out of the service. Addresses come from configuration that customers write, so each could be aimed at
 * our own network (SSRF): the address is vetted where it is connected to, not where it is looked up.
 */
import { lookup as systemLookup, type LookupAddress } from 'node:dns';
import type { LookupFunction } from 'node:net';
import ipaddr from 'ipaddr.js';
import { Agent, fetch as undiciFetch, type RequestInit as UndiciInit } from 'undici';

/** Like fetch, but never follows a redirect, and what comes back is small and soon. Refusals reject. */
export type SafeFetch = (url: string | URL, init?: RequestInit) => Promise<Response>;

export interface SafeFetchOptions {
  /** For development: http, any port, and loopback addresses (nothing else that is private). */
  readonly allowLoopbackAndHttp: boolean;
  /** How names are resolved; the system's resolver unless a test brings its own. */
  readonly lookup?: typeof systemLookup;
  /** For the whole exchange, body included. */
  readonly timeoutMs?: number;
  readonly maxBytes?: number;
}

export class RefusedRequest extends Error {
  constructor(reason: string) {
    super(`outgoing request refused: ${reason}`);
  }
}

const defaultTimeoutMs = 5000;
const defaultMaxBytes = 256 * 1024;

export function createSafeFetch(options: SafeFetchOptions): { fetch: SafeFetch; close(): Promise<void> } {
  const { timeoutMs = defaultTimeoutMs, maxBytes = defaultMaxBytes } = options;
  const agent = new Agent({
    connect: { lookup: vettingLookup(options), timeout: timeoutMs },
    headersTimeout: timeoutMs,
    bodyTimeout: timeoutMs,
    maxResponseSize: maxBytes,
    connections: 16,
  });
  const safeFetch: SafeFetch = async (address, init = {}) => {
    const url = vetUrl(String(address), options);
    // what a library passes to connect with is dropped: it would go around the vetting
    const { dispatcher: _theirs, ...request } = init as unknown as UndiciInit;
    const headers = new Headers(request.headers as RequestInit['headers']);
    headers.set('accept-encoding', 'identity');
    const response = await undiciFetch(url, {
      ...request,
      headers: [...headers],
      dispatcher: agent,
      redirect: 'manual',
      signal: AbortSignal.any([AbortSignal.timeout(timeoutMs), ...(request.signal ? [request.signal] : [])]),
    });
    // a body that claims to be compressed could unfold to any size
    const encoding = response.headers.get('content-encoding');
    if (encoding !== null && encoding !== 'identity') {
      await response.body?.cancel();
      throw new RefusedRequest('the answer is compressed');
    }
    return response as unknown as Response;
  };
  return { fetch: safeFetch, close: () => agent.destroy() };
}

function vetUrl(address: string, { allowLoopbackAndHttp }: SafeFetchOptions): URL {
  const url = URL.parse(address);
  if (!url) throw new RefusedRequest('not an absolute address');
  if (url.username !== '' || url.password !== '') throw new RefusedRequest('the address carries credentials');
  const isHttp = url.protocol === 'http:';
  if (url.protocol !== 'https:' && !(isHttp && allowLoopbackAndHttp)) throw new RefusedRequest('https only');
  if (url.port !== '' && !allowLoopbackAndHttp) throw new RefusedRequest('port 443 only');
  // a literal never reaches the resolver; URL has already undone its disguises (0x7f.1, 2130706433, [::ffff:7f00:1])
  const literal = url.hostname.replace(/^\[|\]$/g, '');
  if (ipaddr.isValid(literal)) vetAddress(literal, allowLoopbackAndHttp);
  return url;
}

/** Every address the name has must pass, and the connection is made to these very addresses: no second look-up. */
function vettingLookup({ allowLoopbackAndHttp, lookup = systemLookup }: SafeFetchOptions): LookupFunction {
  return (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, found) => {
      const addresses = found as unknown as LookupAddress[];
      if (error) {
        callback(error, '', 0);
        return;
      }
      try {
        if (addresses.length === 0) throw new RefusedRequest('the name has no address');
        for (const { address } of addresses) vetAddress(address, allowLoopbackAndHttp);
      } catch (refusal) {
        callback(refusal as Error, '', 0);
        return;
      }
      const [first] = addresses;
      if (options.all === true) callback(null, addresses);
      else callback(null, first?.address ?? '', first?.family ?? 0);
    });
  };
}

function vetAddress(address: string, allowLoopback: boolean): void {
  if (isPublicAddress(address) || (allowLoopback && isLoopback(address))) return;
  throw new RefusedRequest('the address is not public');
}

/** Azure's platform address: public by its range, and inside by what it answers. */
const azurePlatform = '168.63.129.16';

/** True for global unicast only: no private, link-local, metadata, translated (NAT64, 6to4, Teredo) or mapped range. */
export function isPublicAddress(address: string): boolean {
  if (!ipaddr.isValid(address)) return false;
  const ip = ipaddr.process(address); // an IPv4-mapped address is judged as the IPv4 address it is
  return ip.range() === 'unicast' && ip.toString() !== azurePlatform;
}

function isLoopback(address: string): boolean {
  return ipaddr.process(address).range() === 'loopback';
}
