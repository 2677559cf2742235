/** The threads behind the event loop, in which passwords are hashed: they have what the event loop leaves them. */
import { readdir, readFile } from 'node:fs/promises';
import { setPriority } from 'node:os';

const niceness = 10;

/**
 * Lets the thread that answers go before those that hash: with as many hashes as processors it would get its turn late,
 * and every token with it. On Linux, where a thread has a niceness of its own; elsewhere nothing happens, and wherever it
 * is not allowed. (docs/adr/0019-hashing-gives-way.md has the numbers.)
 */
export async function letEventLoopGoFirst(): Promise<void> {
  if (process.platform !== 'linux') return;
  for (const thread of await readdir('/proc/self/task').catch(() => [])) {
    const name = await readFile(`/proc/self/task/${thread}/comm`, 'utf8').catch(() => '');
    if (name.trim() !== 'libuv-worker') continue;
    try {
      setPriority(Number(thread), niceness);
    } catch {
      return;
    }
  }
}
