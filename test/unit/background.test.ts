/** The loops of the jobs: they leave nothing behind, end once, and stand still where nobody may be answered. */
import { setTimeout as rest } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { type Job, onlyWhile, startBackground } from '../../src/background.ts';
import type { Context } from '../../src/context.ts';

const ctx = { now: () => new Date(), log: console } as unknown as Context;

/** How many more listen to signals than before. */
function countListeners(t: Test) {
  const { addEventListener, removeEventListener } = AbortSignal.prototype;
  const listening = new Set<unknown>();
  AbortSignal.prototype.addEventListener = function (this: AbortSignal, ...args: [string, never, never]) {
    listening.add(args[1]);
    addEventListener.apply(this, args);
  };
  AbortSignal.prototype.removeEventListener = function (this: AbortSignal, ...args: [string, never, never]) {
    listening.delete(args[1]);
    removeEventListener.apply(this, args);
  };
  t.teardown(() => Object.assign(AbortSignal.prototype, { addEventListener, removeEventListener }));
  return listening;
}

t.test('a job that rests a thousand times leaves one listener at most', async (t) => {
  const listening = countListeners(t);
  let runs = 0;
  const job: Job = { name: 'idle', everyMs: 0.1, run: () => Promise.resolve((runs += 1) * 0) };
  const background = startBackground(ctx, [job]);
  while (runs < 1000) await rest(1);
  t.ok(listening.size > 0 && listening.size <= 2, `${listening.size} are listening`);
  await background.stop();
});

t.test('whoever asks twice for the end waits for the same one', async (t) => {
  const begun = Promise.withResolvers<undefined>();
  const hangs: Job = {
    name: 'hangs',
    everyMs: 1,
    run: () => {
      begun.resolve(undefined);
      return new Promise(() => {});
    },
  };
  const background = startBackground(ctx, [hangs]);
  await begun.promise;
  const stopped = background.stop();
  t.equal(background.stop(), stopped);
  const alive = setInterval(() => {}, 1000); // as the server's sockets are
  await stopped;
  clearInterval(alive);
});

t.test('a job does nothing while nobody may be answered', async (t) => {
  let usable = false;
  let settled = 0;
  const footing = { settle: () => Promise.resolve(void (settled += 1)), isUsable: () => usable };
  const [job] = onlyWhile(footing, [{ name: 'job', everyMs: 1, run: () => Promise.resolve(7) }]);
  t.equal(await job?.run(ctx), undefined);
  usable = true;
  t.equal(await job?.run(ctx), 7);
  t.equal(settled, 2, 'it has waited for it each time');
});

t.test('a job has ended well when it has run, and not when it must not', async (t) => {
  const ended: string[] = [];
  const observer = {
    scheduledTask: () => undefined,
    ranTask: ({ task, succeededAt }: { task: string; succeededAt: Date | undefined }) =>
      void ended.push(`${task} ${succeededAt ? 'well' : 'badly'}`),
  };
  const watched = { ...ctx, log: { error: () => undefined }, observer } as unknown as Context;
  const runs = new Map<string, number>();
  const job = (name: string, run: Job['run']): Job => ({
    name,
    everyMs: 10_000,
    run: (given) => {
      runs.set(name, (runs.get(name) ?? 0) + 1);
      return run(given);
    },
  });
  const background = startBackground(watched, [
    job('idle', () => Promise.resolve(0)),
    job('forbidden', () => Promise.resolve(undefined)),
    job('broken', () => Promise.reject(new Error('broken'))),
  ]);
  while (runs.size < 3) await rest(1);
  await background.stop();
  t.same(ended.sort(), ['broken badly', 'idle well']);
  t.same([...runs.values()], [1, 1, 1], 'each rests afterwards');
});
