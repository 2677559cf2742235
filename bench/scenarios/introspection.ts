/** An API that holds an opaque token asks what it is worth. */
import { introspect } from '../drive/flows.ts';
import type { Target } from '../drive/target.ts';
import { besideEngine, flowScenario } from '../scenario.ts';

const operation = (target: Target) => (slot: number) => introspect(target, slot);

export const introspectionScenario = flowScenario({
  name: 'introspection',
  title: 'Introspection (opaque token)',
  clients: [64],
  operation,
  yardsticks: async (bench) => [await besideEngine(bench, operation)],
  grows: true,
});
