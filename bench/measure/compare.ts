/** Measures several sides of one flow in turn, round after round, so that each round's disturbance meets them all. */
import type { Amounts } from '../options.ts';
import type { SideNumbers } from '../findings.ts';
import { closedLoop, type Load, openLoop, type Operation } from '../drive/load.ts';
import { cpuOf, cpuOfFamily } from './cpu.ts';
import { median, percentile } from './statistics.ts';

export interface Side {
  readonly name: string;
  readonly pid: number;
  /** Of the PostgreSQL behind it, if there is one. */
  readonly postgresPid?: number;
  readonly operation: Operation;
  /** So many times as long as others: who compiles as it goes is slow at first. */
  readonly warmUps?: number;
}

export interface Measured {
  readonly numbers: SideNumbers;
  /** By round, in the same order for all sides. */
  readonly cpuUs: readonly number[];
  readonly restUs: readonly number[];
  readonly postgresUs: readonly number[];
}

export interface How extends Amounts {
  readonly clients: number;
  /** For a flow that asks no database: a core is left for it (drive/load.ts). */
  readonly isAwake?: boolean | undefined;
  /** Told of what is under way. */
  readonly onLoad?: (side: Side, load: Load) => void;
}

interface Slice {
  readonly load: Load;
  readonly cpuUs: number;
  readonly poolUs: number;
  readonly postgresUs: number;
}

/** In the order of `sides`. The open loop runs at less than half of what the slowest side can do: there is no queue. */
export async function compare(sides: readonly Side[], how: How): Promise<Measured[]> {
  for (const { operation, warmUps = 1 } of sides)
    await closedLoop(operation, { clients: how.clients, ms: how.warmUpMs * warmUps });
  const slices = await inTurn(sides, how, (side) => measureSlice(side, how));
  const rates = slices.map((ofSide) => median(ofSide.map(({ load }) => (load.done * 1000) / load.ms)));
  const perSecond = Math.max(1, 0.4 * Math.min(...rates));
  const open = await inTurn(sides, { ...how, rounds: Math.ceil(how.rounds / 3) }, (side) =>
    openLoop(side.operation, { perSecond, ms: how.openMs }),
  );
  return sides.map((side, at) => {
    const [closed, opened] = [slices[at] ?? [], open[at] ?? []];
    for (const load of [...closed.map((slice) => slice.load), ...opened]) how.onLoad?.(side, load);
    return summarise(closed, opened);
  });
}

/** A B, B A, A B, …: neither side is always the one that comes after the other. */
async function inTurn<Result>(
  sides: readonly Side[],
  { rounds }: Pick<How, 'rounds'>,
  measure: (side: Side) => Promise<Result>,
): Promise<Result[][]> {
  const results = sides.map((): Result[] => []);
  const order = sides.map((_, at) => at);
  for (let round = 0; round < rounds; round += 1) {
    for (const at of round % 2 === 0 ? order : order.toReversed()) {
      const side = sides[at];
      if (side) results[at]?.push(await measure(side));
    }
  }
  return results;
}

async function measureSlice(side: Side, { clients, sliceMs, isAwake }: How): Promise<Slice> {
  const before = await timesOf(side);
  const load = await closedLoop(side.operation, { clients, ms: sliceMs, isAwake });
  const after = await timesOf(side);
  const perFlow = (name: keyof typeof before): number =>
    (after[name] - before[name]) / Math.max(1, load.done);
  return { load, cpuUs: perFlow('totalUs'), poolUs: perFlow('poolUs'), postgresUs: perFlow('postgresUs') };
}

async function timesOf({ pid, postgresPid }: Side) {
  const postgresUs = postgresPid === undefined ? 0 : await cpuOfFamily(postgresPid);
  return { ...(await cpuOf(pid)), postgresUs };
}

function summarise(closed: readonly Slice[], opened: readonly Load[]): Measured {
  const of = (pick: (slice: Slice) => number): number[] => closed.map(pick);
  const loads = [...closed.map(({ load }) => load), ...opened];
  const latencies = opened.flatMap(({ latenciesMs }) => latenciesMs);
  const firstFailure = loads.find((load) => load.firstFailure !== undefined)?.firstFailure;
  return {
    cpuUs: of((slice) => slice.cpuUs),
    restUs: of((slice) => slice.cpuUs - slice.poolUs),
    postgresUs: of((slice) => slice.postgresUs),
    numbers: {
      cpuUs: median(of((slice) => slice.cpuUs)),
      poolUs: median(of((slice) => slice.poolUs)),
      postgresUs: median(of((slice) => slice.postgresUs)),
      perSecond: median(of(({ load }) => (load.done * 1000) / load.ms)),
      failed: loads.reduce((sum, { failed }) => sum + failed, 0),
      ...(firstFailure !== undefined && { firstFailure }),
      p50Ms: percentile(latencies, 0.5),
      p99Ms: percentile(latencies, 0.99),
    },
  };
}
