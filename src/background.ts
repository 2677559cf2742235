/** Work that nobody waits for: each job runs again and again until the service stops. */
import { setTimeout } from 'node:timers/promises';
import type { Context } from './context.ts';
import { DatabaseTrouble } from './db/trouble.ts';

export interface Job {
  readonly name: string;
  /** How long to rest when there was nothing to do, give or take a tenth: replicas that start together do not stay together. */
  readonly everyMs: number;
  /** Does what is due and answers how much it was; undefined where it must not. Safe to run on any number of replicas at once. */
  run(ctx: Context): Promise<number | undefined>;
}

export interface Background {
  /** Nothing new is begun; waits for what is being done, but not for long: whatever is cut off is done again elsewhere. */
  stop(): Promise<void>;
}

/** A job that fails is logged and tried again after its rest: one broken row must not end the others' work. */
export function startBackground(ctx: Context, jobs: readonly Job[]): Background {
  const stopping = new AbortController();
  for (const { name: task, everyMs } of jobs)
    ctx.observer?.scheduledTask({ task, intervalSeconds: everyMs / 1000, at: ctx.now() });
  const loops = jobs.map((job) => runUntil(stopping.signal, ctx, job));
  const stop = async (): Promise<void> => {
    stopping.abort();
    const late = new AbortController();
    await Promise.race([Promise.all(loops), rest(longestStopMs, late.signal)]);
    late.abort();
  };
  let stopped: Promise<void> | undefined;
  // once: whoever asks again must not wait as long again
  return { stop: () => (stopped ??= stop()) };
}

interface Footing {
  settle(): Promise<void>;
  isUsable(): boolean;
}

/**
 * The same jobs, which do nothing while nobody may be answered either: a process that lacks the keys of now takes what
 * others have sealed for lost, and would throw it away.
 */
export function onlyWhile({ settle, isUsable }: Footing, jobs: readonly Job[]): Job[] {
  const run = async (job: Job, ctx: Context): Promise<number | undefined> => {
    await settle();
    return isUsable() ? job.run(ctx) : undefined;
  };
  return jobs.map((job) => ({ ...job, run: (ctx) => run(job, ctx) }));
}

const longestStopMs = 5000;

async function runUntil(stopped: AbortSignal, ctx: Context, job: Job): Promise<void> {
  while (!stopped.aborted) {
    const done = await runOnce(ctx, job);
    if (!done) await rest(job.everyMs * (0.9 + Math.random() / 5), stopped);
  }
}

async function runOnce(ctx: Context, job: Job): Promise<number | undefined> {
  const begun = performance.now();
  const note = (succeededAt: Date | undefined): void =>
    ctx.observer?.ranTask({ task: job.name, seconds: (performance.now() - begun) / 1000, succeededAt });
  try {
    const done = await job.run(ctx);
    // what was not allowed to run has not ended well either
    if (done !== undefined) note(ctx.now());
    return done;
  } catch (err) {
    // each of them once a second, as long as it lasts: no stack
    if (err instanceof DatabaseTrouble)
      ctx.log.warn({ reason: err.reason, job: job.name }, 'a job waits for the database');
    else ctx.log.error({ err, job: job.name }, 'a job failed');
    note(undefined);
    return 0;
  }
}

/** Until then, or until it is stopped; nothing of it stays behind at the signal, which lives as long as the process. */
async function rest(ms: number, stopped: AbortSignal): Promise<void> {
  await setTimeout(ms, undefined, { signal: stopped, ref: false }).catch(() => {});
}
