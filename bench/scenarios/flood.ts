/** Ten times as many sign-ins as the cores can hash. Whoever needs a token meanwhile must not notice. */
import { setTimeout as rest } from 'node:timers/promises';
import { clientCredentials, toPassword } from '../drive/flows.ts';
import { closedLoop, type Load, openLoop, type Operation } from '../drive/load.ts';
import { issuer, newNetwork, type Target } from '../drive/target.ts';
import type { FloodFinding, Latency } from '../findings.ts';
import { residentOf } from '../measure/cpu.ts';
import { percentile } from '../measure/statistics.ts';
import { besidePlain, type Scenario } from '../scenario.ts';

const tokensPerSecond = 50;
const times = 10;

export const floodScenario: Scenario = {
  name: 'flood',
  async run(bench): Promise<FloodFinding[]> {
    const { target, service } = await bench.world();
    const ms = bench.options.smoke ? 500 : 15_000;
    const hashing = await besidePlain(bench, 'hashing alone', '/hash');
    const alone = await closedLoop(hashing.operation, { clients: 8, ms: Math.min(ms, 3000) });
    const capacity = (alone.done * 1000) / alone.ms;
    const tokens = () => clientCredentials(target);

    const offered = times * capacity;
    // as everywhere: what has never run is compiled first, and its connections are opened
    await openLoop((await createStorm(target)).operation, { perSecond: offered, ms: bench.amounts.warmUpMs });
    const residentBefore = await residentOf(service.pid);
    const idle = await openLoop(tokens, { perSecond: tokensPerSecond, ms });
    const storm = await createStorm(target);
    const memory = watchMemory(service.pid);
    const flooding = openLoop(storm.operation, { perSecond: offered, ms });
    const during = await openLoop(tokens, { perSecond: tokensPerSecond, ms });
    const { failed: other } = await flooding;
    const residentPeak = await memory.stop();
    const trivial = await besidePlain(bench, 'trivial Fastify route', '/ready');
    const sending = openLoop(trivial.operation, { perSecond: offered, ms });
    const elsewhere = await openLoop(tokens, { perSecond: tokensPerSecond, ms });
    await sending;
    return [
      {
        kind: 'flood',
        offered,
        capacity,
        idle: latencyOf(idle),
        storm: latencyOf(during),
        elsewhere: latencyOf(elsewhere),
        ...storm.seen,
        other,
        residentBefore,
        residentPeak,
        residentAfter: await residentOf(service.pid),
      },
    ];
  },
};

/** Addresses that nobody has cost as much as those of users, and none is tried twice: nothing but the gate refuses. */
async function createStorm(target: Target) {
  const { jar, headers, href } = await toPassword(target);
  const seen = { lookedAt: 0, turnedAway: 0, withoutRetryAfter: 0, slowestRefusalMs: 0 };
  let tries = 0;
  const operation: Operation = async () => {
    tries += 1;
    const began = performance.now();
    const { status, retryAfter, text } = await target.wire.post(href, {
      headers: { ...headers, ...newNetwork(), origin: issuer },
      json: { email: `stranger-${tries}-${Math.random()}@bench.test`, password: 'wrong' },
      jar,
    });
    if (status === 401) {
      seen.lookedAt += 1;
      return;
    }
    if (status !== 503) throw new Error(`a try was answered ${status}: ${text.slice(0, 200)}`);
    seen.turnedAway += 1;
    if (retryAfter === undefined) seen.withoutRetryAfter += 1;
    seen.slowestRefusalMs = Math.max(seen.slowestRefusalMs, performance.now() - began);
  };
  return { operation, seen };
}

function watchMemory(pid: number) {
  const over = new AbortController();
  const watch = async (): Promise<number> => {
    let peak = 0;
    while (!over.signal.aborted) {
      peak = Math.max(peak, await residentOf(pid));
      await rest(100);
    }
    return peak;
  };
  const watching = watch();
  return {
    stop(): Promise<number> {
      over.abort();
      return watching;
    },
  };
}

function latencyOf({ latenciesMs, failed }: Load): Latency {
  return { p50Ms: percentile(latenciesMs, 0.5), p99Ms: percentile(latenciesMs, 0.99), failed };
}
