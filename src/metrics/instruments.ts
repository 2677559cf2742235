/**
 * The instruments, and the library they are made of. No label says who: routes are patterns, and every other label has a
 * closed set of values, so that nobody outside can make the numbers grow.
 */
import { readFileSync } from 'node:fs';
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

export type Instruments = ReturnType<typeof createInstruments>;

/** With a registry of their own: one service, one set of numbers. */
export function createInstruments() {
  const registry = new Registry();
  const registers = [registry];
  const counter = <const Label extends string = never>(name: string, help: string, ...labelNames: Label[]) =>
    new Counter<Label>({ name: `doorward_${name}`, help, labelNames, registers });
  const gauge = <const Label extends string = never>(name: string, help: string, ...labelNames: Label[]) =>
    new Gauge<Label>({ name: `doorward_${name}`, help, labelNames, registers });
  collectDefaultMetrics({ register: registry });
  const build = gauge('build_info', 'Always 1; the labels say what runs.', 'version', 'node');
  build.set({ version, node: process.version }, 1);
  return {
    registry,
    requests: new Histogram({
      name: 'doorward_http_request_duration_seconds',
      help: 'Requests by the pattern of their route ("none" where there is none), method and status.',
      labelNames: ['route', 'method', 'status'],
      buckets: [0.005, 0.025, 0.1, 0.25, 0.5, 1, 2.5, 10],
      registers,
    }),
    tokenRequests: counter(
      'token_requests_total',
      'Requests at the token endpoint by grant type; the outcome is "ok" or the error they were answered with.',
      'grant_type',
      'outcome',
    ),
    events: counter(
      'events_total',
      'Events of the audit trail that this process has committed; those of sign-ins and refused tokens with their reason.',
      'type',
      'code',
    ),
    gateSlots: gauge('hash_gate_slots', 'How many passwords this process hashes at once.'),
    gateBusy: gauge('hash_gate_busy', 'How many it is hashing.'),
    gateWaiting: gauge('hash_gate_waiting', 'How many wait for a slot.'),
    gateRefusals: counter(
      'hash_gate_refusals_total',
      'How many were turned away, because too many waited or the wait was too long.',
    ),
    poolMax: gauge('database_pool_max', 'How many connections the pool may have.'),
    poolTotal: gauge('database_pool_connections', 'How many it has.'),
    poolIdle: gauge('database_pool_idle', 'How many of them nobody uses.'),
    poolWaiting: gauge('database_pool_waiting', 'How many callers wait for one.'),
    ...createStoredGauges(gauge),
    mailAttempts: counter('mail_attempts_total', 'Tries of this process to send a mail.', 'outcome'),
    taskInterval: gauge(
      'task_interval_seconds',
      'How long a background task rests between its runs.',
      'task',
    ),
    taskSuccess: gauge(
      'task_last_success_timestamp_seconds',
      'When it last ended well; until then when the process began.',
      'task',
    ),
    taskFailures: counter('task_failures_total', 'How often it has failed.', 'task'),
    taskDuration: new Histogram({
      name: 'doorward_task_duration_seconds',
      help: 'How long its runs took.',
      labelNames: ['task'],
      buckets: [0.01, 0.1, 1, 10, 60],
      registers,
    }),
  };
}

type NewGauge = <const Label extends string = never>(
  name: string,
  help: string,
  ...labelNames: Label[]
) => Gauge<Label>;

/** Of what only the database knows. */
function createStoredGauges(gauge: NewGauge) {
  return {
    databaseUp: gauge(
      'database_up',
      'Whether the database has answered this scrape; what it knows is absent otherwise.',
    ),
    mailPending: gauge('mail_pending', 'Mails that wait: untried, or tried and to be tried again.', 'state'),
    mailAge: gauge('mail_oldest_pending_seconds', 'How long the oldest waiting mail has waited; 0 for none.'),
    noticesPending: gauge('logout_notices_pending', 'Notices of ended sessions that clients are still owed.'),
    noticesAge: gauge(
      'logout_notices_oldest_pending_seconds',
      'How long the oldest of them has waited; 0 for none.',
    ),
    keys: gauge('signing_keys', 'Published signing keys by state.', 'alg', 'state'),
    keyChange: gauge(
      'signing_key_change_seconds',
      'Seconds until another key signs. Below zero the rotation is late.',
      'alg',
    ),
    ringKeys: gauge(
      'key_ring_keys',
      'Keys of SECRET_KEYS ("secret") and COOKIE_KEYS ("cookie") that are used; first on some replica, but not on all ("next"); ' +
        'or used no more, while something may be sealed by them ("needed").',
      'ring',
      'state',
    ),
    ringAge: gauge('key_ring_age_seconds', 'For how long the key that is used has been so.', 'ring'),
  };
}

/** Every number there is, as a scrape names it, with its labels: for those who check that nobody asks for another. */
export function metricNames(): ReadonlyMap<string, readonly string[]> {
  const entries = createInstruments()
    .registry.getMetricsAsArray()
    .flatMap((metric): [string, string[]][] => {
      const { labelNames } = metric as unknown as { readonly labelNames: string[] };
      if (!(metric instanceof Histogram)) return [[metric.name, labelNames]];
      return [
        [`${metric.name}_bucket`, [...labelNames, 'le']],
        [`${metric.name}_sum`, labelNames],
        [`${metric.name}_count`, labelNames],
      ];
    });
  return new Map(entries);
}
