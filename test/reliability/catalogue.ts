/**
 * The faults that are provoked, by their ids. A file `faults/rl-04-….fault.ts` provokes RL-04 and says so in the first of
 * its tests; `npm run test:reliability` runs it. What is quick runs with all the tests, and is named here.
 */
import { glob } from 'node:fs/promises';

export interface Fault {
  readonly what: string;
  /** Tests in test/reliability that provoke it within seconds. */
  readonly quick?: readonly string[];
}

export const catalogue: Readonly<Record<string, Fault>> = {
  'RL-01': { what: 'a replica is killed at every step of every flow' },
  'RL-02': { what: 'many take the last seats at once' },
  'RL-03': { what: 'many make what there may be one of' },
  'RL-04': { what: 'the database restarts, dies and stands still' },
  'RL-05': { what: 'every connection to the database is in use' },
  'RL-06': { what: 'the database is slow' },
  'RL-07': { what: 'the wire to the database breaks, or swallows everything' },
  'RL-08': { what: 'the database fails over in the middle of a flow', quick: ['fail-over.test.ts'] },
  'RL-09': {
    what: 'keys rotate under load, and a replica stands still meanwhile',
    quick: ['key-rings.test.ts', 'key-rotation.test.ts'],
  },
  'RL-10': { what: 'replicas are restarted in turn under load' },
  'RL-11': { what: 'two versions run at once, and one is taken back' },
  'RL-12': { what: 'clocks differ, and jump' },
  'RL-13': { what: 'a disk is full, and nobody reads the log' },
  'RL-14': { what: 'a flood of sign-ins' },
  'RL-15': { what: 'everybody comes at once, and every cache is empty' },
  'RL-16': {
    what: 'replies are lost',
    quick: ['lost-replies.test.ts', 'lost-changes.test.ts', 'lost-recovery.test.ts'],
  },
  'RL-17': { what: 'the mail server is down, slow, or lies' },
  'RL-18': { what: "a company's identity provider is down, slow, or lies" },
  'RL-19': { what: 'receivers of logout notices are down or slow' },
  'RL-20': { what: 'a replica stands still, and goes on with what it knew', quick: ['leases.test.ts'] },
  'RL-26': { what: 'what the service needs is not there when it starts' },
  'RL-27': { what: 'replicas are killed while they migrate and make their first keys' },
};

export async function filesOf(id: string): Promise<string[]> {
  const faults = `test/reliability/faults/${id.toLowerCase()}-*.fault.ts`;
  const quick = (catalogue[id]?.quick ?? []).map((file) => `test/reliability/${file}`);
  return [...quick, ...(await Array.fromAsync(glob(faults)))];
}
