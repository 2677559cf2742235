/** SECRET_KEYS and COOKIE_KEYS in files, as a deployment mounts them: they change while the service runs. */
import { randomBytes } from 'node:crypto';
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Test } from 'tap';
import { sealingKey } from '../../src/kernel/seal.ts';

export type RingFile = 'SECRET_KEYS' | 'COOKIE_KEYS';

export interface KeyFiles {
  /** For the environment of a process. */
  readonly env: Readonly<Record<string, string>>;
  /** Puts a new list in the old one's place, whole at any moment. */
  write(ring: RingFile, keys: readonly string[]): Promise<void>;
}

export function newKey(): string {
  return randomBytes(32).toString('base64url');
}

/** As `doorward keys list` names it. */
export function idOf(key: string): string {
  return sealingKey(Buffer.from(key, 'base64url')).id;
}

export async function openKeyFiles(
  t: Test,
  keys: Readonly<Record<RingFile, readonly string[]>>,
): Promise<KeyFiles> {
  const folder = await mkdtemp(path.join(tmpdir(), 'doorward-keys-'));
  t.teardown(() => rm(folder, { recursive: true }));
  const write = async (ring: RingFile, list: readonly string[]): Promise<void> => {
    const file = path.join(folder, ring);
    await writeFile(`${file}.new`, `${list.join(',')}\n`, { mode: 0o600 });
    await rename(`${file}.new`, file);
  };
  await write('SECRET_KEYS', keys.SECRET_KEYS);
  await write('COOKIE_KEYS', keys.COOKIE_KEYS);
  return {
    // those of the environment would contradict them
    env: {
      ...{ SECRET_KEYS: '', SECRET_KEYS_FILE: path.join(folder, 'SECRET_KEYS') },
      ...{ COOKIE_KEYS: '', COOKIE_KEYS_FILE: path.join(folder, 'COOKIE_KEYS') },
    },
    write,
  };
}
