/** SAML responses are verified in a thread of their own: how long the event loop is kept from its work meanwhile. */
import { setTimeout as rest } from 'node:timers/promises';
import { closedLoop, openLoop } from '../drive/load.ts';
import type { LagFinding } from '../findings.ts';
import type { Scenario } from '../scenario.ts';
import { companyOperation } from './company.ts';

/** What the service's own metric looks at the loop in; a loop that is always on time shows this much. */
const resolutionMs = 10;

export const eventLoopScenario: Scenario = {
  name: 'event-loop',
  async run(bench): Promise<LagFinding[]> {
    const company = await bench.company();
    const operation = companyOperation(company, 'gina@globex.test');
    const { smoke } = bench.options;
    const [perSecond, ms] = smoke ? [5, 600] : [20, 10_000];
    await closedLoop(operation, { clients: 2, ms: smoke ? 100 : 2000 });
    await readLag(company.service.metricsOrigin);
    await rest(ms / 2);
    const idleP99Ms = await readLag(company.service.metricsOrigin);
    const load = await openLoop(operation, { perSecond, ms });
    const busyP99Ms = await readLag(company.service.metricsOrigin);
    const { done: signIns, failed, firstFailure } = load;
    const told = firstFailure !== undefined && { firstFailure };
    return [{ kind: 'lag', perSecond, idleP99Ms, busyP99Ms, signIns, failed, ...told }];
  },
};

/** Of the time since it was read last. */
async function readLag(origin: string): Promise<number> {
  const text = await (await fetch(`${origin}/metrics`)).text();
  const found = /^nodejs_eventloop_lag_p99_seconds (\S+)$/m.exec(text);
  return Math.max(0, Number(found?.[1]) * 1000 - resolutionMs);
}
