/** An application asks who has signed in. */
import { userinfo } from '../drive/flows.ts';
import type { Target } from '../drive/target.ts';
import { besideEngine, flowScenario } from '../scenario.ts';

const operation = (target: Target) => (slot: number) => userinfo(target, slot);

export const userinfoScenario = flowScenario({
  name: 'userinfo',
  title: 'Userinfo (opaque token)',
  clients: [64],
  operation,
  yardsticks: async (bench) => [await besideEngine(bench, operation)],
  grows: true,
});
