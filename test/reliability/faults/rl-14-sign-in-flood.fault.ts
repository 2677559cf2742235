/**
 * A flood of sign-ins, many times what the processor can hash: tokens, refreshes and keys go on nearly as fast as before,
 * the excess is told when to come again, and nothing piles up.
 */
import t, { type Test } from 'tap';
import { demoParty, post, refreshForm } from '../../provider/requests.ts';
import { Agent } from '../../support/agent.ts';
import { createDatabase } from '../../support/database.ts';
import { assertInvariants } from '../../support/invariants.ts';
import { assertServed, percentile } from '../../support/outage.ts';
import { askForToken } from '../../support/quick-rotation.ts';
import { signIn, toStep } from '../../support/relying-party.ts';
import { amount, pause, startLoad, tell, until } from '../../support/reliability.ts';
import { type Replicas, startReplicas } from '../../support/replicas.ts';

/** So many try in turn, each once a second: a processor hashes some twenty. */
const guessers = amount({ whole: 300, bounded: 80 });
/** How long the others are looked at, idle and again in the flood; and how long each rests between two requests. */
const lookMs = amount({ whole: 20_000, bounded: 3000 });
const restMs = 20;
const mebibyte = 1024 * 1024;

/**
 * What the flood may cost the others, as a multiple of what is usual. Twice is the goal, and what the benchmark finds on a
 * machine of its own; without the gate it is hundreds. In CI, where others are at work, the median is compared.
 */
const worst = { quantile: amount({ whole: 0.99, bounded: 0.5 }), times: amount({ whole: 10, bounded: 50 }) };
/** What is no waiting, however little is usual. In milliseconds. */
const unnoticed = 50;

interface Measured {
  readonly ms: readonly number[];
  /** How often 503 with Retry-After. */
  readonly refused: number;
}

type Ask = () => Promise<number>;

async function measure(ask: Ask): Promise<Measured> {
  const ms: number[] = [];
  let refused = 0;
  const end = performance.now() + lookMs;
  while (performance.now() < end) {
    const begun = performance.now();
    if ((await ask()) === 503) refused += 1;
    ms.push(performance.now() - begun);
    await pause(restMs);
  }
  return { ms, refused };
}

/** All of them at once, as different people would. */
async function measureAll(asks: Readonly<Record<string, Ask>>): Promise<Map<string, Measured>> {
  const found = Object.entries(asks).map(async ([name, ask]) => [name, await measure(ask)] as const);
  return new Map(await Promise.all(found));
}

/** Signing by a program, a person who refreshes, and whoever verifies. */
async function othersOf(issuer: string, origin: string): Promise<Record<string, Ask>> {
  const { tokens } = await signIn(new Agent(issuer), demoParty(issuer, 'assist'), 'alan@acme.test');
  let current = tokens.refresh_token;
  return {
    tokens: async () => assertServed(await askForToken(origin)),
    refreshes: async () => {
      const answer = await post(origin, '/token', refreshForm(current));
      const status = assertServed(answer);
      if (status === 200) current = (answer.json() as { refresh_token: string }).refresh_token;
      return status;
    },
    keys: async () => assertServed(await new Agent(origin).get('/jwks')),
  };
}

interface Vitals {
  readonly resident: number;
  readonly slots: number;
  readonly busy: number;
  readonly waiting: number;
}

/** By the process's own metrics. */
async function vitalsOf(origin: string): Promise<Vitals> {
  const text = await (await fetch(`${origin}/metrics`)).text();
  const read = (name: string): number =>
    Number(new RegExp(`^${name} ([\\d.e+]+)$`, 'm').exec(text)?.[1] ?? Number.NaN);
  const gate = (name: string) => read(`doorward_hash_gate_${name}`);
  return {
    resident: read('process_resident_memory_bytes') / mebibyte,
    slots: gate('slots'),
    busy: gate('busy'),
    waiting: gate('waiting'),
  };
}

/** Each guess of another network and at another address, so that nothing but the gate refuses. */
async function startFlood(t: Test, { issuer, origins: [origin = ''] }: Replicas) {
  const browser = new Agent(issuer);
  const { url } = await toStep(browser, (await demoParty(issuer, 'assist').start()).url);
  const path = `${new URL(url).pathname}/password`;
  const seen = { without: 0 };
  const load = startLoad({
    workers: guessers,
    send: async (worker, round) => {
      const due = performance.now() + 1000;
      const guesser = new Agent(origin);
      guesser.cookies = browser.cookies;
      const answer = await guesser.post(path, {
        json: { email: `nobody-${worker}-${round}@example.test`, password: 'a guess' },
        headers: { origin: issuer, 'x-forwarded-for': `198.18.${worker & 255}.${round & 255}` },
      });
      const isRefused = answer.status === 503 || answer.status === 429;
      if (isRefused && !(Number(answer.headers.get('retry-after')) > 0)) seen.without += 1;
      await pause(Math.max(0, due - performance.now()));
      return answer.status;
    },
  });
  t.teardown(() => load.stop()); // when something has failed before
  return { load, seen };
}

function compare(t: Test, name: string, [idle, flooded]: readonly [Measured, Measured]): void {
  const at = (quantile: number) => [percentile(idle.ms, quantile), percentile(flooded.ms, quantile)] as const;
  const [p50, p99] = [at(0.5), at(0.99)];
  const shown = ([before, during]: readonly [number, number]) =>
    `${before.toFixed(1)} to ${during.toFixed(1)} ms (${(during / before).toFixed(1)} times)`;
  tell(t, `${name}: p50 ${shown(p50)}, p99 ${shown(p99)}, ${flooded.refused} refused`);
  const [before, during] = at(worst.quantile);
  t.ok(during < Math.max(unnoticed, before * worst.times), `${name} hardly wait: ${shown([before, during])}`);
  t.ok(flooded.refused <= flooded.ms.length / 10, `${name}: ${flooded.refused} had to be asked for again`);
}

t.test('RL-14 many times more sign-ins than can be hashed', async (t) => {
  const replicas = await startReplicas(t, {
    count: 1,
    databaseUrl: await createDatabase(t),
    env: { TRUSTED_PROXIES: '127.0.0.1' },
  });
  const { issuer, ctx } = replicas;
  const [origin = ''] = replicas.origins;
  const others = await othersOf(issuer, origin);
  await measureAll(others); // until all of it has run
  const idle = await measureAll(others);
  const { load, seen } = await startFlood(t, replicas);
  const refusals = () => (load.tally.counts['503'] ?? 0) + (load.tally.counts['429'] ?? 0);
  // by then what hashing needs is there
  await until(() => refusals() > 2 * guessers, { what: 'the excess is refused', withinMs: 60_000 });
  const before = await vitalsOf(origin);
  let peak = before;
  const watching = startLoad({
    workers: 1,
    send: async () => {
      const now = await vitalsOf(origin);
      peak = {
        ...now,
        resident: Math.max(peak.resident, now.resident),
        waiting: Math.max(peak.waiting, now.waiting),
      };
      await pause(100);
      return 200;
    },
  });
  const flooded = await measureAll(others);
  await watching.stop();
  const { counts, failures } = await load.stop();

  for (const [name, measured] of flooded) compare(t, name, [idle.get(name) ?? measured, measured]);
  t.same(watching.tally.failures, []);
  t.same(failures, []);
  const unexpected = Object.keys(counts).filter((status) => !['401', '429', '503'].includes(status));
  t.same(unexpected, [], JSON.stringify(counts));
  t.ok((counts['401'] ?? 0) > 0, 'and sign-ins are looked at, as many as can be');
  t.equal(seen.without, 0, 'whoever is refused is told when to come again');
  t.ok(peak.waiting <= 32 * peak.slots, `${peak.waiting} waited at most`);
  const after = await vitalsOf(origin);
  t.same([after.waiting, after.busy], [0, 0], 'and in the end nobody does');
  tell(
    t,
    `${JSON.stringify(counts)}; ${[before, peak, after].map(({ resident }) => resident.toFixed()).join(', ')} MiB`,
  );
  t.ok(peak.resident - before.resident < 150, `${before.resident} to ${peak.resident} MiB`);
  await assertInvariants(t, ctx.db);
});
