/**
 * Standard output as a log needs it: whoever reads it may stand still, or its disk be full, and nobody waits for that. What
 * does not go out is kept up to a limit, and dropped beyond it, with a line that says how many were. (pino's own
 * destination keeps everything there ever was, and at the exit waits for the reader for ever: a process that is told to
 * end would not end.)
 */
import { writeSync } from 'node:fs';
import { stdTimeFunctions } from 'pino';

export interface LogDestination {
  write(line: string): void;
  /** Asked for after a fatal line: what can go out now goes. */
  flushSync(): void;
}

export interface LogDestinationOptions {
  /** A pipe or socket that does not block, which Node.js makes of its own; a file; a terminal. */
  readonly fd?: number;
  readonly keptBytes?: number;
}

const retryMs = 50;
/** For the last lines, when the process ends and its reader is slow. */
const lastMs = 500;

export function openLogDestination({
  fd = process.stdout.fd,
  keptBytes = 8 * 1024 * 1024,
}: LogDestinationOptions = {}): LogDestination {
  const kept: Buffer[] = [];
  let [length, dropped] = [0, 0];
  let isStuck = false;

  const keep = (line: string): void => {
    const bytes = Buffer.from(line);
    kept.push(bytes);
    length += bytes.length;
  };
  /** True when nothing is left. What fails is tried again: the disk may have room later. */
  const send = (): boolean => {
    for (let first = kept[0]; first; first = kept[0]) {
      const written = tryToWrite(fd, first);
      length -= written;
      if (written < first.length) {
        kept[0] = first.subarray(written);
        return false;
      }
      kept.shift();
    }
    return true;
  };
  const tellDropped = (): void => {
    if (dropped === 0) return;
    keep(lineAbout(dropped));
    dropped = 0;
  };
  const trySending = (): void => {
    isStuck = !send();
    if (isStuck) setTimeout(trySending, retryMs).unref();
    else if (dropped > 0) {
      tellDropped();
      trySending();
    }
  };
  process.once('exit', () => {
    tellDropped();
    const until = performance.now() + lastMs;
    while (!send() && performance.now() < until)
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10);
  });
  return {
    write(line) {
      if (length + line.length > keptBytes) {
        dropped += 1;
        return;
      }
      keep(line);
      if (!isStuck) trySending();
    },
    flushSync: () => void send(),
  };
}

function tryToWrite(fd: number, bytes: Buffer): number {
  try {
    return writeSync(fd, bytes);
  } catch {
    return 0;
  }
}

function lineAbout(dropped: number): string {
  const msg = 'log lines were dropped: nobody took them';
  return `{"level":40${stdTimeFunctions.isoTime()},"dropped":${dropped},"msg":"${msg}"}\n`;
}
