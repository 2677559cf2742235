/**
 * The only way out of the service. Addresses come from configuration that customers write, so each could be aimed at
 * our own network (SSRF): the address is vetted where it is connected to, not where it is looked up.
 */
import { type LookupAddress, type LookupOptions, lookup as systemLookup } from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';
import ipaddr from 'ipaddr.js';
import { Agent, fetch as undiciFetch, type Dispatcher, type RequestInit as UndiciInit } from 'undici';
import { createGate, type Gate, GateFull } from './kernel/gate.ts';
import { follow, type Tracer } from './kernel/tracer.ts';

export interface SafeRequestInit extends Omit<RequestInit, 'body'> {
  readonly body?: RequestInit['body'] | Uint8Array | undefined;
  /** Lowers the cap on this answer's body, never raises it. */
  readonly maxBytes?: number;
}

/**
 * Like fetch, but never follows a redirect, and what comes back is small and soon: a body past the cap or the time-out
 * makes its reading reject. Rejects with `RefusedRequest` what is not allowed, before a single byte is sent.
 */
export type SafeFetch = (url: string | URL, init?: SafeRequestInit) => Promise<Response>;

export interface SafeFetchOptions {
  /** For development: http, any port, and loopback addresses (nothing else that is private). */
  readonly allowLoopbackAndHttp: boolean;
  /** How names are resolved; the system's resolver unless a test brings its own. */
  readonly lookup?: typeof systemLookup;
  /** For the whole exchange, body included. */
  readonly timeoutMs?: number;
  readonly maxBytes?: number;
  readonly tracer?: Tracer | undefined;
}

/** Says which rule was broken and nothing that was learned on the way, such as the address behind a name. */
export class RefusedRequest extends Error {
  constructor(reason: string) {
    super(`outgoing request refused: ${reason}`);
  }
}

/** There are too many requests to this host already, or they take too long. */
export class HostBusy extends Error {}

/** Requests to one host. It may hang: then no more than these wait for it, and those behind them not for long. */
const perHost = { slots: 64, queue: 512, waitMs: 2000 };

const defaultTimeoutMs = 5000;
const defaultMaxBytes = 256 * 1024;

/** Has its own agent, so no proxy in the environment is used; `close` ends its connections. */
export function createSafeFetch(options: SafeFetchOptions): { fetch: SafeFetch; close(): Promise<void> } {
  const { timeoutMs = defaultTimeoutMs, maxBytes = defaultMaxBytes } = options;
  const agent = createAgent(options, timeoutMs, maxBytes);
  const dispatcher = agent.compose(refuseEncoded);
  const gates = new Map<string, Gate>();
  const safeFetch: SafeFetch = async (address, init = {}) => {
    const url = vetUrl(String(address), options);
    // what a library passes to connect with is dropped: it would go around the vetting
    const {
      dispatcher: _theirs,
      maxBytes: lower = maxBytes,
      ...request
    } = init as SafeRequestInit & UndiciInit;
    const headers = new Headers(request.headers);
    headers.set('accept-encoding', 'identity');
    const response = await oneOfAFew(gates, url.host, () =>
      undiciFetch(url, {
        ...(request as UndiciInit),
        headers: [...headers],
        dispatcher,
        redirect: 'manual',
        signal: AbortSignal.any([
          AbortSignal.timeout(timeoutMs),
          ...(request.signal ? [request.signal] : []),
        ]),
      }),
    ).catch(rethrow);
    const answer = response as unknown as Response;
    return lower < maxBytes ? capBody(answer, lower) : answer;
  };
  return { fetch: followed(safeFetch, options.tracer), close: () => agent.destroy() };
}

/** Waits for its turn at the host; nothing is kept of hosts that nobody asks. */
async function oneOfAFew<Result>(
  gates: Map<string, Gate>,
  host: string,
  work: () => Promise<Result>,
): Promise<Result> {
  const gate = gates.get(host) ?? createGate(perHost);
  gates.set(host, gate);
  try {
    return await gate.run(work);
  } catch (error) {
    throw error instanceof GateFull ? new HostBusy('too many wait for one host', { cause: error }) : error;
  } finally {
    if (gate.load().busy === 0) gates.delete(host);
  }
}

/** The host is all that a trace says of an address: paths and queries carry codes, tokens and names. */
function followed(safeFetch: SafeFetch, tracer: Tracer | undefined): SafeFetch {
  if (!tracer) return safeFetch;
  return (address, init) => {
    const method = init?.method ?? 'GET';
    const { hostname = 'none' } = URL.parse(String(address)) ?? {};
    const attributes = { 'http.request.method': method, 'server.address': hostname };
    return follow(tracer, { kind: 'call', name: method, attributes }, async (span) => {
      const response = await safeFetch(address, init);
      span?.set({ 'http.response.status_code': response.status });
      return response;
    });
  };
}

function createAgent(options: SafeFetchOptions, timeoutMs: number, maxBytes: number): Agent {
  return new Agent({
    connect: {
      lookup: vettingLookup(options),
      timeout: timeoutMs,
      // said aloud, since NODE_TLS_REJECT_UNAUTHORIZED=0 or --tls-min-v1.0 would lower the defaults
      rejectUnauthorized: true,
      minVersion: 'TLSv1.2',
    },
    headersTimeout: timeoutMs,
    bodyTimeout: timeoutMs,
    maxResponseSize: maxBytes,
    connections: 16,
  });
}

/** A refusal inside the agent arrives as the cause of "fetch failed"; the caller gets the refusal itself. */
function rethrow(error: unknown): never {
  if (error instanceof Error && error.cause instanceof RefusedRequest) throw error.cause;
  throw error;
}

/** We asked for identity: a body compressed all the same, perhaps many times over, could unfold to any size. */
const refuseEncoded: Dispatcher.DispatcherComposeInterceptor = (dispatch) => (request, handler) =>
  dispatch(request, {
    onRequestStart: (controller, context) => handler.onRequestStart?.(controller, context),
    // here, since fetch sets up its decoders as soon as it sees the head
    onResponseStart(controller, ...head) {
      const [, headers] = head;
      const encoding = headers['content-encoding'] ?? 'identity';
      if (encoding !== 'identity') controller.abort(new RefusedRequest('the answer is compressed'));
      else handler.onResponseStart?.(controller, ...head);
    },
    onResponseData: (controller, chunk) => handler.onResponseData?.(controller, chunk),
    onResponseEnd: (controller, trailers) => handler.onResponseEnd?.(controller, trailers),
    onResponseError: (controller, error) => handler.onResponseError?.(controller, error),
  });

/** The same answer, but reading its body rejects at the first byte past `maxBytes`, and the connection is dropped. */
function capBody(response: Response, maxBytes: number): Response {
  let received = 0;
  const counter = new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>({
    transform(chunk, controller) {
      received += chunk.length;
      if (received > maxBytes) throw new RefusedRequest('the answer is too large');
      controller.enqueue(chunk);
    },
  });
  return response.body ? new Response(response.body.pipeThrough(counter), response) : response;
}

/** Of an address that is to be connected to: throws RefusedRequest. A name is vetted by what it is resolved to, below. */
export function vetUrl(address: string, { allowLoopbackAndHttp }: SafeFetchOptions): URL {
  const url = URL.parse(address);
  if (!url) throw new RefusedRequest('not an absolute address');
  if (url.username !== '' || url.password !== '') throw new RefusedRequest('the address carries credentials');
  const isHttp = url.protocol === 'http:';
  if (url.protocol !== 'https:' && !(isHttp && allowLoopbackAndHttp)) throw new RefusedRequest('https only');
  if (url.port !== '' && !allowLoopbackAndHttp) throw new RefusedRequest('port 443 only');
  // a literal never reaches the resolver; URL has already undone its disguises (0x7f.1, 2130706433, [::ffff:7f00:1])
  const literal = url.hostname.replace(/^\[|\]$/g, '');
  if (isIP(literal) !== 0) vetAddress(literal, allowLoopbackAndHttp);
  return url;
}

type Found = (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void;

/**
 * One look-up of a name at a time, and everybody who wants it waits for that one. The system's resolver holds a thread for
 * as long as a name server keeps silent, and there are few: the names of one tenant must not take them all.
 */
function shared(
  lookup: typeof systemLookup,
): (hostname: string, options: LookupOptions, found: Found) => void {
  const underway = new Map<string, Found[]>();
  return (hostname, options, found) => {
    const waiting = underway.get(hostname);
    if (waiting) {
      waiting.push(found);
      return;
    }
    const all = [found];
    underway.set(hostname, all);
    lookup(hostname, { ...options, all: true }, (error, addresses) => {
      underway.delete(hostname);
      for (const one of all) one(error, addresses);
    });
  };
}

/** Every address the name has must pass, and the connection is made to these very addresses: no second look-up. */
export function vettingLookup({
  allowLoopbackAndHttp,
  lookup = systemLookup,
}: SafeFetchOptions): LookupFunction {
  const lookUp = shared(lookup);
  return (hostname, options, callback) => {
    lookUp(hostname, options, (error, addresses) => {
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

/** All that IPv6 has given out so far; outside it lie forms that carry an IPv4 address, such as ::7f00:1 (RFC 4291 §2.5.5). */
const allocatedIPv6 = ipaddr.IPv6.parseCIDR('2000::/3');

/** True for global unicast only: no private, link-local, metadata, translated (NAT64, 6to4, Teredo) or mapped range. */
export function isPublicAddress(address: string): boolean {
  const ip = parseAddress(address);
  if (!ip || (ip instanceof ipaddr.IPv6 && !ip.match(allocatedIPv6))) return false;
  return ip.range() === 'unicast' && ip.toString() !== azurePlatform;
}

function isLoopback(address: string): boolean {
  return parseAddress(address)?.range() === 'loopback';
}

/** Reads an address as the system would that connects to it; an IPv4-mapped one is the IPv4 address it carries. */
function parseAddress(address: string): ipaddr.IPv4 | ipaddr.IPv6 | undefined {
  // ipaddr.js alone would take octal and short forms, and ::8.8.8.8 (not mapped, goes nowhere) for 8.8.8.8
  if (isIP(address) === 0 || /^::\d+\./.test(address)) return undefined;
  return ipaddr.process(address);
}
