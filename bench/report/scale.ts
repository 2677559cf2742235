/** How much machine so many people need: derived from what one flow costs, and said to be. */
import type { Finding } from '../findings.ts';
import type { Machine } from './machine.ts';
import { number } from './numbers.ts';
import { table } from './table.ts';

/** What a million people do in a second of their busiest hour. */
export const busiest = {
  password: 30,
  'single-sign-on': 60,
  refresh: 110,
  userinfo: 30,
  introspection: 60,
  'client-credentials': 10,
} as const;

/** So much of a core is planned for: the rest is for peaks, and for the day on which one machine is gone. */
const utilisation = 0.5;

export interface Costs {
  /** Processor time for one person's share of the busiest hour, in cores. */
  readonly serviceCores: number;
  readonly postgresCores: number;
  /** Of everything a live session with a refresh token has. */
  readonly sessionBytes: number;
  /** What a sign-in adds to the audit trail for good is within this, and all of it until it expires. */
  readonly signInBytes: number;
}

/** Undefined when one of the flows was not measured. */
export function costsOf(findings: readonly Finding[]): Costs | undefined {
  const flows = findings.filter((finding) => finding.kind === 'flow');
  const left = findings.find((finding) => finding.kind === 'left');
  const costs = Object.entries(busiest).map(([name, perSecond]) => {
    const { service } = flows.find((flow) => flow.name === name) ?? {};
    const share = perSecond / 1e6 / 1e6;
    return service && { service: service.cpuUs * share, postgres: service.postgresUs * share };
  });
  const signIn = flows.find((flow) => flow.name === 'password')?.alone;
  if (!left || !signIn || costs.some((cost) => cost === undefined)) return undefined;
  const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
  return {
    serviceCores: sum(costs.map((cost) => cost?.service ?? 0)),
    postgresCores: sum(costs.map((cost) => cost?.postgres ?? 0)),
    sessionBytes: sum(Object.values(left.sessionBytes)),
    signInBytes: signIn.bytes,
  };
}

export function renderScale(costs: Costs, { cpu, date }: Machine): string {
  const rows = [1e4, 1e5, 1e6, 1e7, 1e8].map((people) => {
    const cores = (each: number): string => number(Math.max(0.1, (people * each) / utilisation));
    return [
      count(people),
      number((people / 1e6) * busiest.password),
      number((people / 1e6) * busiest.refresh),
      cores(costs.serviceCores),
      cores(costs.postgresCores),
      gibibytes(people * costs.sessionBytes),
      replicas(people * (costs.serviceCores / utilisation)),
    ];
  });
  const head = [
    'People',
    'Sign-ins/s',
    'Refreshes/s',
    'Service, vCPU',
    'PostgreSQL, vCPU',
    'Sessions',
    'Replicas',
  ];
  const flows = Object.entries(busiest).map(([name, perSecond]) => `${perSecond} × ${name}`);
  return `# Scale

How much machine so many people need. **Derived, not measured**: from the processor time by flow of the
[performance report](performance/report.md) (${cpu}, ${date}). \`npm run bench\` writes this page anew.

${table(head, rows)}

- **What people do**: for each million of them ${flows.join(', ')} in a second of the busiest hour. Yours do something else: count your own,
  and take the µs of the report.
- **Half a core is left free**: a core is planned to be busy to ${utilisation * 100} %. For the loss of one of N machines, add one.
- **A vCPU is a core of that machine.** Where it is half of one (a hyper-thread), take twice as many.
- **Passwords are most of it.** argon2id at 19 MiB is what they are safe by; people who come by their company cost none of it.
- **Sessions** are one live session with one refresh token for everybody, with indexes. A sign-in writes ${number(costs.signInBytes)} bytes of
  rows until it expires; of these only the audit trail stays.

## Beyond one machine

The service keeps nothing: add replicas, of two vCPU or more each, so that hashing leaves a core to everybody else. State is
PostgreSQL's: a synchronous standby for the day the primary fails; read replicas for lists. Where one primary does not do, the
tables distribute by account: every table of an account carries \`account_id\`, users and clients and products are references,
and nothing needs an id without gaps, a trigger across accounts or a notification to be correct.
`;
}

function count(people: number): string {
  return people.toLocaleString('en').replaceAll(',', ' ');
}

function gibibytes(bytes: number): string {
  const size = bytes / 2 ** 30;
  return size < 1 ? `${number(bytes / 2 ** 20)} MiB` : `${number(size)} GiB`;
}

/** Two at least, so that one may go; of eight vCPU at most, so that one that goes is not missed. */
function replicas(cores: number): string {
  const needed = Math.max(2, Math.ceil(cores / 8) + 1);
  const size = Math.max(1, Math.ceil(cores / (needed - 1)));
  return `${number(needed)} of ${number(size)} vCPU`;
}
