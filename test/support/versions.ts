/** Earlier versions of the service, from the history of this repository, to run beside the one that stands here. */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, symlink } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import type { Test } from 'tap';

const run = promisify(execFile);

export interface Version {
  /** The commit, or `this one` where there is no history. */
  readonly name: string;
  /** Where it lies, to run it from. */
  readonly cwd: string;
}

/**
 * The newest commit whose `paths` differ from what stands here: the version before this one. Where there is none (a
 * clone without history), this one itself, and the test says so: it then shows that two of one version get along.
 */
export async function versionBefore(t: Test, ...paths: readonly string[]): Promise<Version> {
  const commit = await newestThatDiffers(paths);
  if (commit === undefined) {
    t.comment(`no earlier version with other ${paths.join(', ')} is here: compared with itself`);
    return { name: 'this one', cwd: process.cwd() };
  }
  const cwd = await mkdtemp(path.join(os.tmpdir(), 'doorward-version-'));
  t.teardown(() => rm(cwd, { recursive: true, force: true }));
  await run('sh', ['-c', `git archive ${commit} | tar -x -C ${cwd}`]);
  await symlink(path.resolve('node_modules'), path.join(cwd, 'node_modules'));
  const [theirs, ours] = await Promise.all(
    [cwd, '.'].map((dir) => readFile(path.join(dir, 'package-lock.json'), 'utf8')),
  );
  if (theirs !== ours) t.comment(`${commit.slice(0, 7)} had other packages; it runs with those of today`);
  return { name: commit.slice(0, 7), cwd };
}

async function newestThatDiffers(paths: readonly string[]): Promise<string | undefined> {
  const log = await run('git', ['log', '--format=%H', '--', ...paths]).catch(() => ({ stdout: '' }));
  for (const commit of log.stdout.split('\n').filter((line) => line !== '')) {
    const differs = await run('git', ['diff', '--quiet', commit, '--', ...paths]).then(
      () => false,
      (error: unknown) => (error as { code?: unknown }).code === 1,
    );
    if (differs) return commit;
  }
  return undefined;
}
