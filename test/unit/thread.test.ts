/** A thread of one's own: it answers, it may fail or hang, and it never keeps the process. */
import t from 'tap';
import { createThread } from '../../src/thread.ts';

const options = { deadlineMs: 10_000, idleMs: 60_000, memoryMb: 64 };

/** Answers what it is asked, but for the questions that make it misbehave. */
const echo = threadOf(`
  import { parentPort, threadId } from 'node:worker_threads';
  parentPort.on('message', ({ id, question }) => {
    if (question === 'hang') for (;;);
    if (question === 'never') return;
    if (question === 'die') process.exit(1);
    if (question === 'throw') throw new Error('broken');
    if (question === 'fail') parentPort.postMessage({ id, error: 'no' });
    else if (question === 'swell') for (const kept = []; ; ) kept.push('x'.repeat(1000) + kept.length);
    else parentPort.postMessage({ id, answer: [question, threadId] });
  });
  parentPort.postMessage('started');
`);

function threadOf(source: string): URL {
  return new URL(`data:text/javascript,${encodeURIComponent(source)}`);
}

t.test('one thread answers many questions, each its own', async (t) => {
  const thread = createThread<number, [number, number]>(echo, options);
  const answers = await Promise.all(Array.from({ length: 20 }, (_, index) => thread.ask(index)));
  t.same(
    answers.map(([question]) => question),
    Array.from({ length: 20 }, (_, index) => index),
  );
  t.equal(new Set(answers.map(([, threadId]) => threadId)).size, 1);
});

t.test('a question that fails is no harm to the next', async (t) => {
  const thread = createThread<string, [string, number]>(echo, options);
  await t.rejects(thread.ask('fail'), { message: 'no' });
  const [, threadId] = await thread.ask('a');
  t.equal((await thread.ask('b'))[1], threadId, 'in the same thread');
});

for (const [question, why] of [
  ['die', 'has ended'],
  ['throw', 'is broken'],
  ['swell', 'wants too much memory'],
] as const) {
  t.test(`a thread that ${why} rejects whoever waits, and is replaced`, async (t) => {
    const thread = createThread<string, [string, number]>(echo, { ...options, memoryMb: 16 });
    await Promise.all([t.rejects(thread.ask(question)), t.rejects(thread.ask('waits behind it'))]);
    t.equal((await thread.ask('again'))[0], 'again');
  });
}

t.test('a thread that takes too long is ended', async (t) => {
  const thread = createThread<string, [string, number]>(echo, { ...options, deadlineMs: 2000 });
  const [, before] = await thread.ask('a');
  await t.rejects(thread.ask('hang'), { message: 'no answer in 2000 ms' });
  t.not((await thread.ask('b'))[1], before);
});

t.test('a thread that neither works nor answers is ended, later', async (t) => {
  const thread = createThread<string, [string, number]>(echo, { ...options, deadlineMs: 20 });
  const [, before] = await thread.ask('a');
  await t.rejects(thread.ask('never'), { message: 'no answer in 20 ms' });
  t.not((await thread.ask('b'))[1], before);
});

t.test('a thread that nobody asks is ended', async (t) => {
  const thread = createThread<string, [string, number]>(echo, { ...options, idleMs: 1 });
  const [, first] = await thread.ask('a');
  const deadline = Date.now() + 10_000;
  let last = first;
  // each question comes later than the one before it, until one finds the thread gone
  for (let pause = 1; last === first && Date.now() < deadline; pause *= 2) {
    await new Promise((resolve) => setTimeout(resolve, pause));
    last = (await thread.ask('b'))[1];
  }
  t.not(last, first);
});
