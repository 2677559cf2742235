/** Another clock for a process: libfaketime, from Debian's package `libfaketime`. Timers keep their pace. */
import { glob, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';

async function library(): Promise<string> {
  const [found] = await Array.fromAsync(glob('/usr/lib/*/faketime/libfaketimeMT.so.1'));
  if (found === undefined) throw new Error("libfaketime is needed: install Debian's libfaketime");
  return found;
}

export interface OtherClock {
  /** The environment of a process that lives by it. */
  readonly env: Readonly<Record<string, string>>;
  /** From now on so many seconds ahead of this machine's. */
  set(aheadSeconds: number): Promise<void>;
}

let made = 0;

export async function otherClock(aheadSeconds: number): Promise<OtherClock> {
  made += 1;
  const file = path.join(os.tmpdir(), `doorward-clock-${process.pid}-${made}`);
  const set = (seconds: number): Promise<void> => writeFile(file, `${seconds < 0 ? '' : '+'}${seconds}s\n`);
  await set(aheadSeconds);
  const env = {
    LD_PRELOAD: await library(),
    FAKETIME_TIMESTAMP_FILE: file,
    FAKETIME_NO_CACHE: '1',
    FAKETIME_DONT_FAKE_MONOTONIC: '1',
  };
  return { env, set };
}
