/**
 * What the service says of itself in numbers. Most are read when somebody asks; what only the moment knows is counted as
 * it happens, by the observer of the context.
 */
import type { Context, Observer } from '../context.ts';
import { poolLoad } from '../db/connect.ts';
import { secondsUntil } from '../kernel/time.ts';
import { rotationDueAt, signingAlgs } from '../core/keys/keys.ts';
import { createInstruments, type Instruments } from './instruments.ts';
import { readStoredState, type StoredState } from './state.ts';

export { metricNames } from './instruments.ts';

export interface AnsweredRequest {
  /** The pattern, never the address. */
  readonly route: string;
  readonly method: string;
  readonly status: number;
  readonly seconds: number;
}

export interface Metrics {
  readonly observer: Observer;
  readonly contentType: string;
  observeRequest(request: AnsweredRequest): void;
  /** All numbers as text. Whoever asks while another does gets the same answer: the database is asked once. */
  scrape(ctx: Context): Promise<string>;
}

/** What a request may do; whatever else a client calls its method is one value. */
const methods = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);
const grantTypes = new Set(['authorization_code', 'refresh_token', 'client_credentials']);
/** The shape of every code there is: text from outside has no way in, whatever a caller hands over. */
const isCode = (text: string): boolean => /^[a-z][a-z_]{1,40}$/.test(text);

export function createMetrics(): Metrics {
  const instruments = createInstruments();
  const { registry, requests } = instruments;
  let running: Promise<string> | undefined;

  const collect = async (ctx: Context): Promise<string> => {
    setLoad(instruments, ctx);
    setStoredState(instruments, ctx, await readStoredState(ctx));
    return registry.metrics();
  };
  return {
    observer: observe(instruments),
    contentType: registry.contentType,
    observeRequest({ route, method, status, seconds }) {
      requests.observe({ route, method: methods.has(method) ? method : 'other', status }, seconds);
    },
    scrape: (ctx) =>
      (running ??= collect(ctx).finally(() => {
        running = undefined;
      })),
  };
}

function observe(instruments: Instruments): Observer {
  const { events, tokenRequests, mailAttempts } = instruments;
  return {
    recorded({ type, code }) {
      const hasReason = /^(sign_in|token)\./.test(type) && code !== undefined;
      events.inc({ type, code: hasReason ? codeOr(code, 'other') : 'none' });
    },
    answeredToken({ grantType, outcome }) {
      tokenRequests.inc({
        grant_type: grantTypes.has(grantType) ? grantType : 'other',
        outcome: codeOr(outcome, 'other'),
      });
    },
    triedMail(outcome) {
      mailAttempts.inc({ outcome });
    },
    scheduledTask({ task, intervalSeconds, at }) {
      instruments.taskInterval.set({ task }, intervalSeconds);
      instruments.taskSuccess.set({ task }, at.getTime() / 1000);
      instruments.taskFailures.inc({ task }, 0);
    },
    ranTask({ task, seconds, succeededAt }) {
      instruments.taskDuration.observe({ task }, seconds);
      if (succeededAt) instruments.taskSuccess.set({ task }, succeededAt.getTime() / 1000);
      else instruments.taskFailures.inc({ task });
    },
  };
}

function codeOr(text: string, fallback: string): string {
  return isCode(text) ? text : fallback;
}

/** What the process knows by itself. */
function setLoad(instruments: Instruments, { db, hashGate }: Context): void {
  const gate = hashGate.load();
  instruments.gateSlots.set(gate.slots);
  instruments.gateBusy.set(gate.busy);
  instruments.gateWaiting.set(gate.waiting);
  instruments.gateRefusals.reset();
  instruments.gateRefusals.inc(gate.refused);
  const pool = poolLoad(db);
  if (!pool) return;
  instruments.poolMax.set(pool.max);
  instruments.poolTotal.set(pool.total);
  instruments.poolIdle.set(pool.idle);
  instruments.poolWaiting.set(pool.waiting);
}

/** What is not known is absent: yesterday's number would look like today's. */
function setStoredState(instruments: Instruments, { now }: Context, state: StoredState | undefined): void {
  const { mailPending, mailAge, noticesPending, noticesAge } = instruments;
  const { keys, keyChange, ringKeys, ringAge } = instruments;
  instruments.databaseUp.set(state ? 1 : 0);
  for (const gauge of [mailPending, keys, keyChange, ringKeys, ringAge]) gauge.reset();
  for (const gauge of [mailAge, noticesPending, noticesAge]) gauge.remove();
  if (!state) return;
  const age = (since: Date | null): number => (since ? Math.max(0, -secondsUntil(since, now())) : 0);
  mailPending.set({ state: 'untried' }, state.mail.untried);
  mailPending.set({ state: 'tried' }, state.mail.tried);
  mailAge.set(age(state.mail.oldestAt));
  noticesPending.set(state.notices.pending);
  noticesAge.set(age(state.notices.oldestAt));
  for (const alg of signingAlgs) {
    const ofAlg = state.keys.filter((key) => key.alg === alg);
    for (const keyState of ['next', 'current', 'retired'] as const)
      keys.set({ alg, state: keyState }, ofAlg.filter((key) => key.state === keyState).length);
    const dueAt = rotationDueAt(ofAlg);
    if (dueAt) keyChange.set({ alg }, secondsUntil(dueAt, now()));
  }
  for (const { ring, usedSince, next, needed } of state.rings) {
    for (const [ringState, count] of Object.entries({ used: usedSince ? 1 : 0, next, needed }))
      ringKeys.set({ ring, state: ringState }, count);
    if (usedSince) ringAge.set({ ring }, age(usedSince));
  }
}
