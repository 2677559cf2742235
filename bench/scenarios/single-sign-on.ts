/** A second application at a browser that is signed in: let through without a question, and to the tokens. */
import { singleSignOn } from '../drive/flows.ts';
import type { Target } from '../drive/target.ts';
import { besideEngine, flowScenario } from '../scenario.ts';

const operation = (target: Target) => (slot: number) => singleSignOn(target, slot);

export const singleSignOnScenario = flowScenario({
  name: 'single-sign-on',
  title: 'Single sign-on (2 requests)',
  clients: [64],
  operation,
  yardsticks: async (bench) => [await besideEngine(bench, operation)],
  grows: true,
});
