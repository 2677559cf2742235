/** What a scenario is; and the kind that most of them are: one flow, at the service and at its yardsticks. */
import type { Bench } from './bench.ts';
import type { Operation } from './drive/load.ts';
import type { Target } from './drive/target.ts';
import type { Compared, Finding, FlowFinding, GrowthFinding } from './findings.ts';
import { measureAlone } from './measure/alone.ts';
import { compare, type Measured, type Side } from './measure/compare.ts';
import { ratioOf } from './measure/statistics.ts';
import { fewUsers } from './options.ts';
import type { Yardstick } from './world/yardsticks.ts';

export interface Scenario {
  readonly name: string;
  run(bench: Bench): Promise<Finding[]>;
}

export interface Flow {
  readonly name: string;
  readonly title: string;
  /** How many flows at once; each is a measurement of its own. */
  readonly clients: readonly number[];
  readonly operation: (target: Target) => Operation;
  readonly yardsticks: (bench: Bench, ours: Target) => Promise<Side[]>;
  /** Whether it asks the database nothing. */
  readonly isStateless?: boolean;
  /** Whether the number of people and tokens might make a difference. */
  readonly grows?: boolean;
}

export function flowScenario(flow: Flow): Scenario {
  return {
    name: flow.name,
    async run(bench) {
      const findings: Finding[] = [];
      const [first = 1] = flow.clients;
      for (const clients of bench.options.smoke ? [first] : flow.clients)
        findings.push(await runFlow(bench, flow, clients));
      const { users } = bench.options;
      if (flow.grows && users >= 10 * fewUsers)
        findings.push(await runGrowth(bench, flow, Math.min(first, 16)));
      return findings;
    },
  };
}

async function runFlow(bench: Bench, flow: Flow, clients: number): Promise<FlowFinding> {
  const { postgres, amounts, flows, options } = bench;
  const { service, target, databaseUrl } = await bench.world();
  const operation = flow.operation(target);
  const ours: Side = { name: 'service', pid: service.pid, postgresPid: postgres.pid, operation };
  const sides = [ours, ...(await flow.yardsticks(bench, target))];
  const onLoad = (side: Side, load: { done: number }): void => {
    if (side === ours) flows.done += load.done;
  };
  const how = { ...amounts, clients, isAwake: flow.isStateless, onLoad };
  const [measured, ...others] = await compare(sides, how);
  if (!measured) throw new Error('nothing was measured');
  const yardsticks = others.map((other, at): [string, Compared] => [
    sides[at + 1]?.name ?? '',
    compared(measured, other),
  ]);
  const isFirst = clients === flow.clients[0];
  const idleMs = options.smoke ? 500 : 3000;
  return {
    kind: 'flow',
    name: flow.name,
    title: flow.title,
    clients,
    service: measured.numbers,
    yardsticks: Object.fromEntries(yardsticks),
    ...(isFirst && { alone: await measureAlone(databaseUrl, operation, { flows: amounts.alone, idleMs }) }),
  };
}

function compared(ours: Measured, theirs: Measured): Compared {
  return {
    ...theirs.numbers,
    cpuRatio: ratioOf(ours.cpuUs, theirs.cpuUs),
    restRatio: ratioOf(ours.restUs, theirs.restUs),
    togetherRatio: ratioOf(together(ours), together(theirs)),
  };
}

/** With PostgreSQL's time, by round. */
function together({ cpuUs, postgresUs }: Measured): number[] {
  return cpuUs.map((us, round) => us + (postgresUs[round] ?? NaN));
}

async function runGrowth(bench: Bench, flow: Flow, clients: number): Promise<GrowthFinding> {
  const [few, many] = [await bench.world(), await bench.crowd()];
  const sides = [many, few].map(({ service, target }, at): Side => {
    const name = at === 0 ? 'many' : 'few';
    return { name, pid: service.pid, postgresPid: bench.postgres.pid, operation: flow.operation(target) };
  });
  const [ofMany, ofFew] = await compare(sides, { ...bench.amounts, clients });
  if (!ofMany || !ofFew) throw new Error('nothing was measured');
  return {
    kind: 'growth',
    name: flow.name,
    users: bench.options.users,
    fewUsers: few.target.people.count,
    many: ofMany.numbers,
    few: ofFew.numbers,
    ratio: ratioOf(together(ofMany), together(ofFew)),
    serviceRatio: ratioOf(ofMany.cpuUs, ofFew.cpuUs),
  };
}

/** The bare engine with its state in memory. */
export async function besideEngine(bench: Bench, operation: Flow['operation']): Promise<Side> {
  const { served, target } = await bench.engine();
  return { name: 'engine in memory', pid: served.pid, operation: operation(target) };
}

/** The bare engine on PostgreSQL, with the adapter that one would write first. */
export async function besideNaive(bench: Bench, operation: Flow['operation']): Promise<Side> {
  const { served, target } = await bench.naive();
  const postgresPid = bench.postgres.pid;
  return { name: 'engine, naive on PostgreSQL', pid: served.pid, postgresPid, operation: operation(target) };
}

/** Keycloak, if it was given. */
export async function besideKeycloak(bench: Bench, operation: Flow['operation']): Promise<Side[]> {
  return besideOther(bench, { name: 'Keycloak', other: await bench.keycloak(), operation, warmUps: 12 });
}

/** Hydra, if it was given. */
export async function besideHydra(bench: Bench, operation: Flow['operation']): Promise<Side[]> {
  return besideOther(bench, { name: 'Hydra', other: await bench.hydra(), operation });
}

interface Other extends Pick<Side, 'name' | 'warmUps'> {
  readonly other: Yardstick | undefined;
  readonly operation: Flow['operation'];
}

function besideOther({ postgres }: Bench, { other, operation, ...side }: Other): Side[] {
  if (!other) return [];
  const { served, target } = other;
  return [{ ...side, pid: served.pid, postgresPid: postgres.pid, operation: operation(target) }];
}

/** A path of the server of trivial things. */
export async function besidePlain(bench: Bench, name: string, path: string): Promise<Side> {
  const { served, target } = await bench.plain();
  const operation = async (): Promise<void> => {
    const { status } = await target.wire.get(path);
    if (status !== 200) throw new Error(`the yardstick answered ${status}`);
  };
  return { name, pid: served.pid, operation };
}
