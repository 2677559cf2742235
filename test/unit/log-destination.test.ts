/** RL-13: a log whose reader stands still keeps nobody waiting, loses nothing that fits, and says how much it has lost. */
import { spawn } from 'node:child_process';
import { openSync } from 'node:fs';
import t, { type Test } from 'tap';
import { openLogDestination } from '../../src/log-destination.ts';

/** Somebody who reads a pipe, and can be stopped. */
function startReader(t: Test) {
  const reader = spawn('cat', { stdio: ['pipe', 'pipe', 'inherit'] });
  let text = '';
  reader.stdout.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
  t.teardown(() => reader.kill('SIGKILL'));
  const { fd } = (reader.stdin as unknown as { _handle: { fd: number } })._handle;
  return { fd, reader, lines: () => text.split('\n').slice(0, -1) };
}

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setTimeout(resolve, 10));
}

t.test('a reader that stands still', async (t) => {
  const { fd, reader, lines } = startReader(t);
  const destination = openLogDestination({ fd, keptBytes: 1_000_000 });
  destination.write('first\n');
  await until(() => lines().length === 1);
  reader.kill('SIGSTOP');
  const line = 'x'.repeat(99);
  const begun = performance.now();
  for (let index = 0; index < 30_000; index += 1) destination.write(`${line}\n`);
  t.ok(performance.now() - begun < 2000, 'three megabytes for nobody keep nobody waiting');
  reader.kill('SIGCONT');
  await until(() => lines().some((text) => text.includes('dropped')));
  const [first, ...rest] = lines();
  const { dropped, level } = JSON.parse(rest.at(-1) ?? '') as { dropped: number; level: number };
  t.equal(first, 'first');
  t.equal(level, 40);
  t.ok(
    rest.slice(0, -1).every((text) => text === line),
    'what came is whole, and in its order',
  );
  t.ok(rest.length > 9000, `${rest.length} lines were kept`);
  t.equal(rest.length - 1 + dropped, 30_000, 'and the rest was counted');
  destination.write('last\n');
  await until(() => lines().at(-1) === 'last');
});

t.test('a full disk: writing fails and throws nothing', (t) => {
  const destination = openLogDestination({ fd: openSync('/dev/full', 'w') });
  destination.write('a line\n');
  destination.flushSync();
  t.end();
});
