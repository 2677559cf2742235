import { readdir, readFile } from 'node:fs/promises';
import { getPriority } from 'node:os';
import t from 'tap';
import { letEventLoopGoFirst } from '../../src/thread-pool.ts';

t.test('the threads that hash give way to the one that answers', async (t) => {
  await letEventLoopGoFirst();
  t.equal(getPriority(process.pid), 0);
  if (process.platform !== 'linux') return;
  const niceness: number[] = [];
  for (const thread of await readdir('/proc/self/task'))
    if ((await readFile(`/proc/self/task/${thread}/comm`, 'utf8')).trim() === 'libuv-worker')
      niceness.push(getPriority(Number(thread)));
  t.ok(niceness.length > 0);
  t.ok(niceness.every((value) => value === 10));
});
