/** The gate before expensive work: how many at once, how many waiting, for how long, and in which order. */
import { mock } from 'node:test';
import t, { type Test } from 'tap';
import { createGate, type Gate, GateFull } from '../../src/kernel/gate.ts';

/** Work that ends when the test says so. */
function job(gate: Gate, started: string[], name: string) {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const result = gate.run(() => {
    started.push(name);
    return promise;
  });
  result.catch(() => {}); // looked at when the test gets there
  return {
    result,
    finish: async () => {
      resolve(name);
      await result;
    },
    fail: async () => {
      reject(new Error(name));
      await result.catch(() => {});
    },
  };
}

/** Lets everything happen that waits for nothing but its turn. */
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

async function isRefused(result: Promise<unknown>): Promise<boolean> {
  return (await result.catch((error: unknown) => error)) instanceof GateFull;
}

function holdTime(t: Test): (ms: number) => void {
  mock.timers.enable({ apis: ['setTimeout'] });
  t.teardown(() => mock.timers.reset());
  return (ms) => mock.timers.tick(ms);
}

t.test('as many work at once as there are slots, and no more', async (t) => {
  const gate = createGate({ slots: 3, queue: 10, waitMs: 60_000 });
  const started: string[] = [];
  const jobs = ['1', '2', '3', '4', '5'].map((name) => job(gate, started, name));
  await settle();
  t.strictSame(started, ['1', '2', '3']);
  await jobs[1]?.finish();
  await settle();
  t.strictSame(started, ['1', '2', '3', '4']);
  for (const one of jobs) await one.finish();
  t.strictSame(await Promise.all(jobs.map(({ result }) => result)), ['1', '2', '3', '4', '5']);
});

t.test('who waits comes in the order of coming, and nobody new overtakes', async (t) => {
  const gate = createGate({ slots: 1, queue: 10, waitMs: 60_000 });
  const started: string[] = [];
  const jobs = ['1', '2', '3'].map((name) => job(gate, started, name));
  // the newcomer knocks in the very moment in which the slot is given back
  const newcomer = jobs[0]?.result.then(() => job(gate, started, 'newcomer'));
  await jobs[0]?.finish();
  await settle();
  t.strictSame(started, ['1', '2']);
  await jobs[1]?.finish();
  await jobs[2]?.finish();
  await (await newcomer)?.finish();
  t.strictSame(started, ['1', '2', '3', 'newcomer']);
});

t.test('when the queue is full the next is refused at once, and its work is never begun', async (t) => {
  const gate = createGate({ slots: 1, queue: 2, waitMs: 60_000 });
  const started: string[] = [];
  const jobs = ['1', '2', '3'].map((name) => job(gate, started, name));
  t.ok(await isRefused(job(gate, started, 'refused').result));
  for (const one of jobs) await one.finish();
  t.strictSame(started, ['1', '2', '3']);
  const later = job(gate, started, 'later');
  await later.finish();
  t.equal(await later.result, 'later');
});

t.test('without a queue nobody waits', async (t) => {
  const gate = createGate({ slots: 1, queue: 0, waitMs: 60_000 });
  const first = job(gate, [], '1');
  t.ok(await isRefused(job(gate, [], '2').result));
  await first.finish();
  t.equal(await gate.run(() => Promise.resolve('3')), '3');
});

t.test('nobody waits longer than said; their work is never begun, and their place is free', async (t) => {
  const tick = holdTime(t);
  const gate = createGate({ slots: 1, queue: 1, waitMs: 1000 });
  const started: string[] = [];
  const first = job(gate, started, '1');
  const late = job(gate, started, 'late');
  tick(999);
  t.ok(await isRefused(job(gate, started, 'refused').result), 'the place is still taken');
  tick(1);
  t.ok(await isRefused(late.result));
  const patient = job(gate, started, 'patient');
  await first.finish();
  await patient.finish();
  t.strictSame(started, ['1', 'patient']);
});

t.test('the deadline is for the waiting, not for the work, and each has its own', async (t) => {
  const tick = holdTime(t);
  const gate = createGate({ slots: 1, queue: 5, waitMs: 1000 });
  const started: string[] = [];
  const first = job(gate, started, '1');
  const second = job(gate, started, '2');
  tick(600);
  const third = job(gate, started, '3');
  await first.finish();
  tick(600); // 2 is at work by now: its deadline would have thrown 3 out of the queue
  const fourth = job(gate, started, '4');
  tick(399);
  await second.finish();
  await third.finish();
  await fourth.finish();
  t.strictSame(started, ['1', '2', '3', '4']);
});

t.test('of several whose time is over each one goes, and those who came later stay', async (t) => {
  const tick = holdTime(t);
  const gate = createGate({ slots: 1, queue: 5, waitMs: 1000 });
  const started: string[] = [];
  const first = job(gate, started, '1');
  const late = ['late 1', 'late 2'].map((name) => job(gate, started, name));
  tick(500);
  const patient = job(gate, started, 'patient');
  tick(500);
  for (const one of late) t.ok(await isRefused(one.result));
  await first.finish();
  await patient.finish();
  t.strictSame(started, ['1', 'patient']);
});

t.test('work that fails gives its slot back, and its error is the answer', async (t) => {
  const gate = createGate({ slots: 1, queue: 5, waitMs: 60_000 });
  const started: string[] = [];
  const bad = job(gate, started, 'bad');
  const next = job(gate, started, 'next');
  await bad.fail();
  await t.rejects(bad.result, { message: 'bad' });
  await next.finish();
  await t.rejects(
    gate.run(() => {
      throw new Error('at once');
    }),
    { message: 'at once' },
  );
  t.equal(await gate.run(() => Promise.resolve('still open')), 'still open');
});

t.test('after a storm there are as many slots as before', async (t) => {
  const tick = holdTime(t);
  const gate = createGate({ slots: 2, queue: 3, waitMs: 1000 });
  const jobs = Array.from({ length: 50 }, (_, name) => job(gate, [], String(name)));
  tick(1000);
  const ended = Promise.allSettled(jobs.map(({ result }) => result));
  for (const one of jobs.slice(0, 2)) await one.finish();
  t.strictSame(
    (await ended).map(({ status }) => status),
    [...Array(2).fill('fulfilled'), ...Array(48).fill('rejected')],
  );
  const started: string[] = [];
  const after = ['1', '2', '3'].map((name) => job(gate, started, name));
  await settle();
  t.strictSame(started, ['1', '2']);
  for (const one of after) await one.finish();
});

t.test('whoever could not even wait is told so before, and only then', async (t) => {
  const gate = createGate({ slots: 1, queue: 1, waitMs: 60_000 });
  const [working, waiting] = [job(gate, [], 'working'), job(gate, [], 'waiting')];
  t.throws(() => {
    gate.assertRoom();
  });
  t.equal(gate.load().refused, 1);
  await working.finish();
  gate.assertRoom();
  await waiting.finish();
});
