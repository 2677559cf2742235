/** Work that nobody waits for: each job runs again and again until the service stops. */
import type { Context } from './context.ts';

export interface Job {
  readonly name: string;
  /** How long to rest when there was nothing to do. */
  readonly everyMs: number;
  /** Does what is due and answers how much it was. Safe to run on any number of replicas at once. */
  run(ctx: Context): Promise<number>;
}

export interface Background {
  /** Waits for what is being done; nothing new is begun. */
  stop(): Promise<void>;
}

/** A job that fails is logged and tried again after its rest: one broken row must not end the others' work. */
export function startBackground(ctx: Context, jobs: readonly Job[]): Background {
  const stopping = new AbortController();
  const loops = jobs.map((job) => runUntil(stopping.signal, ctx, job));
  return {
    async stop() {
      stopping.abort();
      await Promise.all(loops);
    },
  };
}

async function runUntil(stopped: AbortSignal, ctx: Context, job: Job): Promise<void> {
  while (!stopped.aborted) {
    const done = await job.run(ctx).catch((err: unknown) => {
      ctx.log.error({ err, job: job.name }, 'a job failed');
      return 0;
    });
    if (done === 0) await rest(job.everyMs, stopped);
  }
}

function rest(ms: number, stopped: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (stopped.aborted) {
      resolve();
      return;
    }
    const timer = setTimeout(resolve, ms);
    timer.unref();
    stopped.addEventListener(
      'abort',
      () => {
        clearTimeout(timer);
        resolve();
      },
      { once: true },
    );
  });
}
