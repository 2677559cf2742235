/** On what a run was made: whoever compares two reports must know. */
import { execFile } from 'node:child_process';
import { availableParallelism, cpus, loadavg, release, totalmem } from 'node:os';
import { promisify } from 'node:util';

export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly kernel: string;
  readonly node: string;
  readonly postgres: string;
  /** What else was measured, with its version. */
  readonly others: readonly string[];
  /** The commit that was measured, and whether it had changes. */
  readonly commit: string;
  readonly date: string;
  /** Before the run: what else wanted the processor. */
  readonly loadBefore: number;
}

/** The load average of the last minute. */
export function loadNow(): number {
  return Math.round((loadavg()[0] ?? 0) * 10) / 10;
}

export async function describeMachine({
  postgres,
  loadBefore,
  others,
}: Pick<Machine, 'postgres' | 'loadBefore' | 'others'>): Promise<Machine> {
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    node: process.version,
    postgres,
    others,
    commit: await commitOf(),
    loadBefore,
    date: new Date().toISOString().slice(0, 10),
  };
}

async function commitOf(): Promise<string> {
  const git = async (...args: string[]) => (await promisify(execFile)('git', args)).stdout.trim();
  try {
    const hash = await git('rev-parse', '--short', 'HEAD');
    const isChanged = (await git('status', '--porcelain', '--untracked-files=no', 'src')) !== '';
    return isChanged ? `${hash} with changes` : hash;
  } catch {
    return 'unknown';
  }
}
