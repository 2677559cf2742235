/**
 * Somebody signs in by password, from the request to the tokens: as JSON, and by the built-in pages. The hash is nearly all
 * of it, on every side; what is left without libuv's pool is what can be compared. Four at once: the gate is full, and
 * nobody waits long enough to be turned away.
 */
import { signInAtKeycloak, signInByPages, signInByPassword } from '../drive/flows.ts';
import { anyPerson, type Target } from '../drive/target.ts';
import { besideEngine, besideKeycloak, besideNaive, besidePlain, flowScenario } from '../scenario.ts';

const byJson = (target: Target) => (slot: number) => signInByPassword(target, slot);
const atKeycloak = (target: Target) => async (slot: number) => {
  await signInAtKeycloak(target, target.people.email(anyPerson(target, slot)));
};

export const passwordScenario = flowScenario({
  name: 'password',
  title: 'Password sign-in (JSON, 5 requests)',
  clients: [4],
  operation: byJson,
  yardsticks: async (bench) => [
    await besideEngine(bench, byJson),
    await besidePlain(bench, 'hashing alone', '/hash'),
    await besideNaive(bench, byJson),
  ],
  grows: true,
});

export const passwordPagesScenario = flowScenario({
  name: 'password-pages',
  title: 'Password sign-in (pages, 5 requests)',
  clients: [4],
  operation: (target) => (slot) => signInByPages(target, slot),
  yardsticks: async (bench) => [
    await besideEngine(bench, byJson),
    ...(await besideKeycloak(bench, atKeycloak)),
  ],
});
