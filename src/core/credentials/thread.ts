/**
 * A worker thread for what would keep the event loop from its work: started at the first question, ended when nobody has
 * asked for a while, and ended at once when it takes too long. It never keeps the process alive by itself.
 */
import { parentPort, Worker } from 'node:worker_threads';

export interface Thread<Question, Answer> {
  /** Rejects when the thread fails, or takes longer than its deadline; the next question starts a new one. */
  ask(question: Question): Promise<Answer>;
}

export interface ThreadOptions {
  readonly deadlineMs: number;
  readonly idleMs: number;
  readonly memoryMb: number;
}

interface Running<Answer> {
  readonly worker: Worker;
  readonly waiting: Map<number, { resolve(answer: Answer): void; reject(error: Error): void }>;
  idle?: NodeJS.Timeout;
}

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
    const running: Running<Answer> = { worker: new Worker(file, { resourceLimits }), waiting: new Map() };
    running.worker.on('message', ({ id, answer, error }: Reply<Answer>) => {
      const asker = running.waiting.get(id);
      if (error === undefined) asker?.resolve(answer as Answer);
      else asker?.reject(new Error(error));
    });
    running.worker.on('error', (error) => stop(running, error as Error));
    running.worker.on('exit', () => stop(running, new Error('the thread has ended')));
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
      const deadline = setTimeout(
        () => stop(running, new Error(`no answer in ${options.deadlineMs} ms`)),
        options.deadlineMs,
      );
      try {
        return await new Promise<Answer>((resolve, reject) => {
          running.waiting.set(id, { resolve, reject });
          running.worker.postMessage({ id, question });
        });
      } finally {
        clearTimeout(deadline);
        running.waiting.delete(id);
        if (running.waiting.size === 0) rest(running);
      }
    },
  };
}

/** The thread's own side: answers each question, in turn. */
export function answerQuestions(answer: (question: never) => unknown): void {
  parentPort?.on('message', ({ id, question }: { id: number; question: never }) => {
    void replyTo(id, async () => answer(question));
  });
}

async function replyTo(id: number, work: () => Promise<unknown>): Promise<void> {
  const reply: Reply<unknown> = await work().then(
    (answer) => ({ id, answer }),
    (error: unknown) => ({ id, error: String(error) }),
  );
  parentPort?.postMessage(reply);
}
