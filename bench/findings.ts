/** What a run has found: plain data, from which the report is rendered and against which the goals are held. */
import type { Ratio } from './measure/statistics.ts';

export type Finding =
  FlowFinding | GrowthFinding | FloodFinding | StartFinding | LagFinding | PruningFinding | LeftFinding;

/** One side of a comparison; all times are medians over the rounds. */
export interface SideNumbers {
  /** Processor time by flow, of the process with all its threads. */
  readonly cpuUs: number;
  /** Of it, in libuv's thread pool. */
  readonly poolUs: number;
  /** Of PostgreSQL, beside. */
  readonly postgresUs: number;
  /** Whatever the machine had left for it: no claim. */
  readonly perSecond: number;
  readonly failed: number;
  readonly firstFailure?: string;
  /** From the open loop. */
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** What one flow does to the database, when nothing else goes on. */
export interface Alone {
  readonly statements: number;
  readonly boundaries: number;
  readonly logBytes: number;
  readonly rows: Readonly<Record<string, number>>;
  readonly bytes: number;
}

export interface FlowFinding {
  readonly kind: 'flow';
  readonly name: string;
  readonly title: string;
  /** How many flows are under way at once. */
  readonly clients: number;
  readonly service: SideNumbers;
  /** By the name of the yardstick. */
  readonly yardsticks: Readonly<Record<string, Compared>>;
  readonly alone?: Alone;
}

export interface Compared extends SideNumbers {
  /** The service's processor time to its. */
  readonly cpuRatio: Ratio;
  /** Without the thread pool: for flows in which hashing would hide everything else. */
  readonly restRatio: Ratio;
  /** Each with its PostgreSQL. */
  readonly togetherRatio: Ratio;
}

export interface GrowthFinding {
  readonly kind: 'growth';
  readonly name: string;
  readonly users: number;
  readonly fewUsers: number;
  readonly many: SideNumbers;
  readonly few: SideNumbers;
  /** Service and PostgreSQL together, with many to with few. */
  readonly ratio: Ratio;
  readonly serviceRatio: Ratio;
}

export interface FloodFinding {
  readonly kind: 'flood';
  /** Tries offered by second, and how many the cores could hash. */
  readonly offered: number;
  readonly capacity: number;
  readonly idle: Latency;
  readonly storm: Latency;
  /** While as many requests a second went to the server of trivial things: what sending them costs the machine. */
  readonly elsewhere: Latency;
  readonly lookedAt: number;
  readonly turnedAway: number;
  /** Of those turned away, without a Retry-After; and anything that is neither. */
  readonly withoutRetryAfter: number;
  readonly other: number;
  readonly slowestRefusalMs: number;
  readonly residentBefore: number;
  readonly residentPeak: number;
  readonly residentAfter: number;
}

export interface Latency {
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly failed: number;
}

export interface StartFinding {
  readonly kind: 'start';
  readonly readyMs: number;
  readonly readyCpuMs: number;
  readonly residentIdle: number;
  /** Of the service that has answered every flow of this run, and how many. */
  readonly residentUsed: number;
  readonly flows: number;
}

export interface LagFinding {
  readonly kind: 'lag';
  readonly perSecond: number;
  readonly idleP99Ms: number;
  readonly busyP99Ms: number;
  readonly signIns: number;
  readonly failed: number;
  readonly firstFailure?: string;
}

export interface PruningFinding {
  readonly kind: 'pruning';
  readonly rows: number;
  readonly longestBatchMs: number;
  readonly before: Latency & { readonly longestMs: number };
  readonly during: Latency & { readonly longestMs: number };
}

export interface LeftFinding {
  readonly kind: 'left';
  readonly signIns: number;
  /** By table, after everything has expired and was pruned. */
  readonly rows: Readonly<Record<string, number>>;
  /** By table with its indexes, for one live session with one refresh token. */
  readonly sessionBytes: Readonly<Record<string, number>>;
}

/** How many failed in a finding: a number that was measured on errors means nothing. */
export function failuresOf(finding: Finding): number {
  switch (finding.kind) {
    case 'flow':
      return [finding.service, ...Object.values(finding.yardsticks)].reduce(
        (sum, side) => sum + side.failed,
        0,
      );
    case 'growth':
      return finding.many.failed + finding.few.failed;
    case 'flood':
      return finding.idle.failed + finding.storm.failed + finding.other + finding.withoutRetryAfter;
    case 'lag':
      return finding.failed;
    case 'pruning':
      return finding.before.failed + finding.during.failed;
    case 'start':
    case 'left':
      return 0;
  }
}
