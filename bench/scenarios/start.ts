/** How long a new process takes until it serves, and how much memory it holds: idle, and after all the others' work. */
import { setTimeout as rest } from 'node:timers/promises';
import type { StartFinding } from '../findings.ts';
import { cpuOf, residentOf } from '../measure/cpu.ts';
import { median } from '../measure/statistics.ts';
import type { Scenario } from '../scenario.ts';
import { startService } from '../world/service.ts';

export const startScenario: Scenario = {
  name: 'start',
  async run(bench): Promise<StartFinding[]> {
    const { databaseUrl, service } = await bench.world();
    const { smoke } = bench.options;
    const starts: { readyMs: number; cpuMs: number; resident: number }[] = [];
    for (let round = 0; round < (smoke ? 1 : 5); round += 1) {
      const started = await startService(databaseUrl);
      const { totalUs } = await cpuOf(started.pid);
      await rest(smoke ? 100 : 5000);
      const resident = await residentOf(started.pid);
      starts.push({ readyMs: started.readyMs, cpuMs: totalUs / 1000, resident });
      await started.stop();
    }
    return [
      {
        kind: 'start',
        readyMs: median(starts.map(({ readyMs }) => readyMs)),
        readyCpuMs: median(starts.map(({ cpuMs }) => cpuMs)),
        residentIdle: median(starts.map(({ resident }) => resident)),
        residentUsed: await residentOf(service.pid),
        flows: bench.flows.done,
      },
    ];
  },
};
