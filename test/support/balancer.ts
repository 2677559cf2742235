/** A balancer as they are: it asks who is ready, takes those in turn, and keeps its connections to them alive. */
import {
  Agent,
  createServer,
  type IncomingMessage,
  request as httpRequest,
  type ServerResponse,
} from 'node:http';
import { buffer } from 'node:stream/consumers';
import type { Test } from 'tap';

export interface Balancer {
  /** Which of its targets are ready, as it was told last. */
  ready(): readonly boolean[];
}

export interface BalancerOptions {
  readonly port: number;
  /** Ports on this machine. */
  readonly targets: readonly number[];
  /** Those that may be asked now, for who knows better than `/readyz`. */
  readonly candidates?: () => readonly number[];
  readonly observer?: BalancerObserver;
}

export interface BalancerObserver {
  /** A request was handed to this port. */
  took(port: number): void;
  /** And that came of it: a status, or `lost`. */
  gave(port: number, outcome: number | 'lost', what: string): void;
}

/** How often it asks. A process that drains must serve for longer than this. */
export const probeEveryMs = 200;

/** Each request to the next target that is ready, whatever it belongs to; to the next of all when none is. */
export async function startBalancer(t: Test, options: BalancerOptions): Promise<Balancer> {
  const { port, targets, observer } = options;
  const agent = new Agent({ keepAlive: true });
  const ready = targets.map(() => false);
  let turn = 0;
  const next: Forwarding['next'] = (tried) => {
    turn += 1;
    const candidates = options.candidates?.() ?? targets.filter((_, index) => ready[index]);
    const untried = (ports: readonly number[]) => ports.filter((target) => !tried.includes(target));
    const left = untried(candidates).length > 0 ? untried(candidates) : untried(targets);
    return left[turn % left.length];
  };
  const refused = (target: number): void => void (ready[targets.indexOf(target)] = false);
  /** One question to each at a time, so that no old answer comes after a new one. */
  const asked = new Set<number>();
  const ask = async (index: number, target: number): Promise<void> => {
    if (asked.has(index)) return;
    asked.add(index);
    ready[index] = await isReady(target);
    asked.delete(index);
  };
  const probe = setInterval(() => {
    for (const [index, target] of targets.entries()) void ask(index, target);
  }, probeEveryMs);
  const server = createServer((incoming, answer) => {
    void forward({ incoming, answer, agent, next, refused, observer });
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  t.teardown(() => {
    clearInterval(probe);
    server.closeAllConnections();
    server.close();
    agent.destroy();
  });
  return { ready: () => [...ready] };
}

async function isReady(port: number): Promise<boolean> {
  const answer = await fetch(`http://127.0.0.1:${port}/readyz`, {
    headers: { connection: 'close' },
    signal: AbortSignal.timeout(1000),
  }).catch(() => undefined);
  await answer?.arrayBuffer().catch(() => {});
  return answer?.status === 200;
}

interface Forwarding {
  readonly incoming: IncomingMessage;
  readonly answer: ServerResponse;
  readonly agent: Agent;
  /** Undefined when each has been tried. */
  readonly next: (tried: readonly number[]) => number | undefined;
  /** Nobody listens there: it is not asked again until it is ready. */
  readonly refused: (target: number) => void;
  readonly observer: BalancerObserver | undefined;
}

/** Nothing is tried a second time but a connection that was refused: of everything else nobody knows what was done. */
async function forward(forwarding: Forwarding): Promise<void> {
  const { incoming, answer, agent, next, refused, observer } = forwarding;
  const { method, url: path, headers } = incoming;
  const body = await buffer(incoming).catch(() => undefined);
  if (!body) return;
  const send = (tried: readonly number[]): void => {
    const port = next(tried);
    if (port === undefined) {
      answer.writeHead(502).end('balancer: nobody listens');
      return;
    }
    const what = `${method} ${path?.split('?')[0]}`;
    const target = { host: '127.0.0.1', port, method, path, headers: withoutHops(headers), agent };
    observer?.took(port);
    const outgoing = httpRequest(target, (received) => {
      observer?.gave(port, received.statusCode ?? 502, what);
      answer.writeHead(received.statusCode ?? 502, withoutHops(received.headers));
      received.pipe(answer);
      received.once('error', () => answer.destroy());
    });
    outgoing.once('error', (error: NodeJS.ErrnoException) => {
      observer?.gave(port, 'lost', `${what} ${error.code}`);
      if (error.code === 'ECONNREFUSED') {
        refused(port);
        send([...tried, port]);
      } else if (answer.headersSent) answer.destroy();
      else answer.writeHead(502).end(`balancer: ${target.port} ${error.code ?? error.message}`);
    });
    answer.once('close', () => {
      if (!answer.writableFinished) outgoing.destroy();
    });
    outgoing.end(body);
  };
  send([]);
}

/** What is between two hops only (RFC 9110 §7.6.1). */
function withoutHops<Headers extends object>(headers: Headers): Headers {
  const {
    connection,
    'keep-alive': keepAlive,
    'transfer-encoding': encoding,
    ...rest
  } = headers as Record<string, unknown>;
  return rest as Headers;
}
