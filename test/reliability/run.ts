/**
 * npm run test:reliability [-- --bounded] [files]: provokes the faults of test/reliability/faults, one file after the
 * other. Bounded, each is done in less than a minute; whole, as often as it takes to believe it. SEED repeats a run.
 */
import { glob } from 'node:fs/promises';
import { runTestFiles } from '../support/test-run.ts';

const given = process.argv.slice(2);
const files = given.filter((argument) => argument !== '--bounded');
const isBounded = files.length < given.length;

process.exit(
  await runTestFiles({
    files: files.length > 0 ? files : await allFaults(),
    // a fault wants the machine for itself; RL-01 whole is two thousand deaths, and takes two hours on two cores
    tapOptions: ['--jobs=1', `--timeout=${isBounded ? 240 : 4 * 3600}`],
    env: { RELIABILITY: isBounded ? 'bounded' : 'whole' },
  }),
);

async function allFaults(): Promise<string[]> {
  return (await Array.fromAsync(glob('test/reliability/faults/*.fault.ts'))).sort();
}
