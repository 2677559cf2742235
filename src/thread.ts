/**
 * A worker thread for what would keep the event loop from its work: started at the first question, ended when nobody has
 * asked for a while, and ended at once when it takes too long. It never keeps the process alive by itself.
 */
import { setTimeout as wait } from 'node:timers/promises';
import { parentPort, Worker } from 'node:worker_threads';

export interface Thread<Question, Answer> {
  /** Rejects when the thread fails, or takes longer than its deadline; the next question starts a new one. */
  ask(question: Question): Promise<Answer>;
}

export interface ThreadOptions {
  /**
   * For an answer, in processor time of the thread, once it has started: neither loading its modules nor a machine that
   * has much else to do is the fault of a question. Whoever takes no processor time has ten times as long.
   */
  readonly deadlineMs: number;
  readonly idleMs: number;
  readonly memoryMb: number;
}

interface Running<Answer> {
  readonly worker: Worker;
  readonly waiting: Map<number, { resolve(answer: Answer): void; reject(error: Error): void }>;
  readonly started: Promise<void>;
  idle?: NodeJS.Timeout;
}

const longestStartMs = 60_000;
const leastPauseMs = 20;

const hasStarted = 'started';

interface Reply<Answer> {
  readonly id: number;
  readonly answer?: Answer;
  readonly error?: string;
}

/** `file` is a module that calls `answerQuestions`. Nothing is started yet. */
export function createThread<Question, Answer>(file: URL, options: ThreadOptions): Thread<Question, Answer> {
  let current: Running<Answer> | undefined;
  let lastId = 0;

  const start = (): Running<Answer> => {
    const resourceLimits = { maxOldGenerationSizeMb: options.memoryMb };
    const worker = new Worker(file, { resourceLimits });
    const started = new Promise<void>((resolve) => {
      worker.on('message', (message) => {
        if (message === hasStarted) resolve();
      });
    });
    const running: Running<Answer> = { worker, started, waiting: new Map() };
    worker.on('message', ({ id, answer, error }: Reply<Answer>) => {
      const asker = running.waiting.get(id);
      if (error === undefined) asker?.resolve(answer as Answer);
      else asker?.reject(new Error(error));
    });
    worker.on('error', (error) => stop(running, error as Error));
    worker.on('exit', () => stop(running, new Error('the thread has ended')));
    return running;
  };

  const stop = (running: Running<Answer>, error: Error): void => {
    if (current === running) current = undefined;
    for (const { reject } of running.waiting.values()) reject(error);
    void running.worker.terminate();
  };

  const rest = (running: Running<Answer>): void => {
    running.worker.unref();
    running.idle = setTimeout(() => stop(running, new Error('idle')), options.idleMs).unref();
  };

  return {
    async ask(question) {
      const running = (current ??= start());
      const id = (lastId += 1);
      clearTimeout(running.idle);
      running.worker.ref();
      const answered = new AbortController();
      const limits = { deadlineMs: options.deadlineMs, signal: answered.signal };
      void overrun(running, limits).then(
        () => stop(running, new Error(`no answer in ${options.deadlineMs} ms`)),
        () => undefined,
      );
      try {
        return await new Promise<Answer>((resolve, reject) => {
          running.waiting.set(id, { resolve, reject });
          running.worker.postMessage({ id, question });
        });
      } finally {
        answered.abort();
        running.waiting.delete(id);
        if (running.waiting.size === 0) rest(running);
      }
    },
  };
}

interface Limits {
  readonly deadlineMs: number;
  readonly signal: AbortSignal;
}

/** Settles when the time is over; rejects when the answer came before, or the thread has ended. */
async function overrun({ worker, started }: Running<unknown>, { deadlineMs, signal }: Limits): Promise<void> {
  const isStarted = await Promise.race([
    started.then(() => true),
    wait(longestStartMs, false, { signal, ref: false }),
  ]);
  if (!isStarted) return;
  const before = await workedMs(worker);
  let passed = 0;
  let left = deadlineMs;
  while (left > 0 && passed < 10 * deadlineMs) {
    const pause = Math.max(left, leastPauseMs);
    await wait(pause, undefined, { signal, ref: false });
    passed += pause;
    left = deadlineMs - ((await workedMs(worker)) - before);
    signal.throwIfAborted();
  }
}

/** Processor time; before Node.js 24.6, which cannot tell, that of the clock. */
async function workedMs(worker: Worker): Promise<number> {
  if (!('cpuUsage' in worker)) return performance.now();
  const { user, system } = await worker.cpuUsage();
  return (user + system) / 1000;
}

/** The thread's own side: answers each question, in turn. */
export function answerQuestions(answer: (question: never) => unknown): void {
  parentPort?.on('message', ({ id, question }: { id: number; question: never }) => {
    void replyTo(id, async () => answer(question));
  });
  parentPort?.postMessage(hasStarted);
}

async function replyTo(id: number, work: () => Promise<unknown>): Promise<void> {
  const reply: Reply<unknown> = await work().then(
    (answer) => ({ id, answer }),
    (error: unknown) => ({ id, error: String(error) }),
  );
  parentPort?.postMessage(reply);
}
