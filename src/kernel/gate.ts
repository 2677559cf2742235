/** A bounded door: so many at work, so many waiting, and none waiting for long. */
export interface Gate {
  /** Runs `work` when a slot is free. Rejects with `GateFull` when the queue is full or the wait too long. */
  run<Result>(work: () => Promise<Result>): Promise<Result>;
  /** Throws `GateFull` while nobody more may even wait: for whoever would do other work before. */
  assertRoom(): void;
  load(): GateLoad;
}

export interface GateLoad {
  readonly slots: number;
  readonly busy: number;
  readonly waiting: number;
  /** How many were turned away so far. */
  readonly refused: number;
}

export class GateFull extends Error {}

export interface GateOptions {
  readonly slots: number;
  readonly queue: number;
  readonly waitMs: number;
}

export function createGate({ slots, queue, waitMs }: GateOptions): Gate {
  let busy = 0;
  let refused = 0;
  const waiting: (() => void)[] = [];

  const refusal = (): GateFull => {
    refused += 1;
    return new GateFull();
  };
  const isFull = (): boolean => busy >= slots && waiting.length >= queue;
  const enter = (): Promise<void> => {
    if (busy < slots) {
      busy += 1;
      return Promise.resolve();
    }
    if (isFull()) return Promise.reject(refusal());
    return new Promise((resolve, reject) => {
      const admitted = (): void => {
        clearTimeout(timer);
        resolve();
      };
      const timer = setTimeout(() => {
        waiting.splice(waiting.indexOf(admitted), 1);
        reject(refusal());
      }, waitMs);
      waiting.push(admitted);
    });
  };

  // the slot is handed on, not freed: nobody who has just come can overtake those who wait
  const leave = (): void => {
    const next = waiting.shift();
    if (next) next();
    else busy -= 1;
  };

  return {
    async run(work) {
      await enter();
      try {
        return await work();
      } finally {
        leave();
      }
    },
    assertRoom() {
      if (isFull()) throw refusal();
    },
    load: () => ({ slots, busy, waiting: waiting.length, refused }),
  };
}

/** What many share, in front of their gate: nobody of them may fill its queue and keep all others out. */
export interface Shares<Key> {
  /** Runs `work`. Rejects with `GateFull` when so much of this key is under way or waiting. */
  run<Result>(key: Key, work: () => Promise<Result>): Promise<Result>;
}

export function createShares<Key>(most: number): Shares<Key> {
  const held = new Map<Key, number>();
  const add = (key: Key, change: 1 | -1): void => {
    const count = (held.get(key) ?? 0) + change;
    if (count === 0) held.delete(key);
    else held.set(key, count);
  };
  return {
    async run(key, work) {
      if ((held.get(key) ?? 0) >= most) throw new GateFull();
      add(key, 1);
      try {
        return await work();
      } finally {
        add(key, -1);
      }
    },
  };
}
