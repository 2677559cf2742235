/** An application that has been open for a while: a new access token and ID token, and the refresh token rotates. */
import { refresh } from '../drive/flows.ts';
import type { Target } from '../drive/target.ts';
import { besideEngine, besideHydra, besideKeycloak, besideNaive, flowScenario } from '../scenario.ts';

const operation = (target: Target) => (slot: number) => refresh(target, slot);

export const refreshScenario = flowScenario({
  name: 'refresh',
  title: 'Refresh (rotating; JWT and ID token, ES256)',
  clients: [64, 16],
  operation,
  yardsticks: async (bench) => [
    await besideEngine(bench, operation),
    await besideNaive(bench, operation),
    ...(await besideKeycloak(bench, operation)),
    ...(await besideHydra(bench, operation)),
  ],
  grows: true,
});
