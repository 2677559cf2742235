/** Notices that the process has stood still (SIGSTOP, a frozen machine, a blocked loop): what it knows is from before. */
export interface StandStill {
  /** When it went on, by performance.now(). What was begun before and has run out of time has done so by the clock alone. */
  readonly endedAt: () => number;
  close(): void;
}

const beatMs = 250;
const noticedMs = 1000;

/** The beat that is overdue comes before every timer that ran out meanwhile, and before whatever has arrived. */
export function watchForStandStill(): StandStill {
  let endedAt = -Infinity;
  let last = performance.now();
  const beat = setInterval(() => {
    const now = performance.now();
    if (now - last > noticedMs) endedAt = now;
    last = now;
  }, beatMs).unref();
  return {
    endedAt: () => endedAt,
    close: () => {
      clearInterval(beat);
    },
  };
}
