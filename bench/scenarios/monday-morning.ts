/** Monday, nine o'clock: everybody opens their applications at once. Most were signed in before; some sign in anew. */
import {
  clientCredentials,
  introspect,
  jwks,
  refresh,
  signInByPassword,
  singleSignOn,
  userinfo,
} from '../drive/flows.ts';
import type { Target } from '../drive/target.ts';
import { besideEngine, flowScenario } from '../scenario.ts';

type Step = (target: Target, slot: number) => Promise<void>;

/** Of a hundred. */
export const mix: readonly (readonly [share: number, step: Step])[] = [
  [40, refresh],
  [20, singleSignOn],
  [12, introspect],
  [10, userinfo],
  [10, clientCredentials],
  [5, jwks],
  [3, signInByPassword],
];

/** Everybody draws for themselves; both sides draw by the same odds. */
const operation = (target: Target) => (slot: number) => {
  let drawn = Math.random() * 100;
  const found = mix.find(([share]) => (drawn -= share) < 0) ?? mix[0];
  return found ? found[1](target, slot) : Promise.resolve();
};

export const mondayMorningScenario = flowScenario({
  name: 'monday-morning',
  title: 'Monday morning (the mix)',
  clients: [32],
  operation,
  yardsticks: async (bench) => [await besideEngine(bench, operation)],
  grows: true,
});
