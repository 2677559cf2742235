/**
 * npm run bench:enumeration [-- --samples N]: how long a wrong password takes for a user, and for addresses that have
 * none, or one who could not sign in anyway. Whoever attacks by the clock sees these times and nothing else. A report,
 * not a test: p values that stay small from run to run would say that the clock tells; one in twenty is below 0.05 by
 * chance. That the work is the same is what test/security/enumeration.test.ts proves.
 */
import { randomBytes } from 'node:crypto';
import { parseArgs } from 'node:util';
import { pino } from 'pino';
import { loadConfig } from '../config/load.ts';
import { buildApp } from '../src/app.ts';
import { type Context, inTransaction } from '../src/context.ts';
import { hashPassword, updatePassword } from '../src/core/credentials/credentials.ts';
import { createUser } from '../src/core/users/users.ts';
import { startEmbeddedPostgres } from '../src/db/embedded.ts';
import { seedDemoWorld } from '../src/demo/world.ts';
import { parseEmail } from '../src/kernel/email-address.ts';
import { Agent } from '../test/support/agent.ts';
import { freePort } from '../test/support/app.ts';
import { demoClient, RelyingParty, toStep } from '../test/support/relying-party.ts';

const kinds = ['known', 'unknown', 'deactivated', 'no password'] as const;
type Kind = (typeof kinds)[number];

const warmUps = 20;
const longestMs = 5 * 60_000;

const { values } = parseArgs({ options: { samples: { type: 'string', default: '300' } } });
const postgres = await startEmbeddedPostgres();
try {
  report(
    await measure(postgres.url('postgres'), Math.min(Math.max(Number(values.samples) || 300, 20), 10_000)),
  );
} finally {
  await postgres.stop();
}

type Times = Readonly<Record<Kind, readonly number[]>>;

async function measure(databaseUrl: string, samples: number): Promise<Times> {
  const port = await freePort();
  const issuer = `http://127.0.0.1:${port}`;
  const key = () => randomBytes(32).toString('base64url');
  const config = loadConfig({
    ISSUER: issuer,
    DATABASE_URL: databaseUrl,
    SECRET_KEYS: key(),
    COOKIE_KEYS: key(),
    TRUSTED_PROXIES: '127.0.0.1',
  });
  const { server, ctx } = await buildApp({
    config: { ...config, databaseUrl },
    log: pino({ level: 'silent' }),
  });
  try {
    await seedDemoWorld(ctx);
    await server.listen({ port, host: '127.0.0.1' });
    return await takeSamples(issuer, await makePeople(ctx, samples + warmUps));
  } finally {
    await server.close();
  }
}

/** One person for each sample, so that no throttle, lock or warm page of the database belongs to one kind alone. */
async function makePeople(ctx: Context, count: number): Promise<Readonly<Record<Kind, string>>[]> {
  const hash = await hashPassword(ctx, 'the password of everybody here');
  return inTransaction(ctx, async (tx) => {
    const make = async (state: 'active' | 'deactivated', withPassword: boolean): Promise<string> => {
      const email = newAddress();
      const id = await createUser(tx, { email, state });
      if (withPassword) await updatePassword(tx, id, hash);
      return email;
    };
    const rounds: Record<Kind, string>[] = [];
    while (rounds.length < count) {
      rounds.push({
        known: await make('active', true),
        unknown: newAddress(),
        deactivated: await make('deactivated', true),
        'no password': await make('active', false),
      });
    }
    return rounds;
  });
}

/** All are of the same length and at the same domain. */
function newAddress() {
  const email = parseEmail(`${randomBytes(8).toString('hex')}@acme.test`);
  if (!email) throw new Error('not an email address');
  return email;
}

/** Round by round, each kind once a round and in a new order: what disturbs the machine disturbs all kinds alike. */
async function takeSamples(
  issuer: string,
  rounds: readonly Readonly<Record<Kind, string>>[],
): Promise<Times> {
  const browser = new Agent(issuer);
  const party = new RelyingParty(issuer, demoClient(issuer, 'assist'));
  const { url } = await toStep(browser, (await party.start()).url);
  const times = { known: [], unknown: [], deactivated: [], 'no password': [] } as Record<Kind, number[]>;
  const end = performance.now() + longestMs;
  for (const [round, people] of rounds.entries()) {
    if (performance.now() > end) break;
    for (const kind of shuffled(kinds)) {
      const headers = { 'x-forwarded-for': newNetwork() };
      const began = performance.now();
      const answer = await browser.post(`${url}/password`, {
        json: { email: people[kind], password: 'wrong' },
        headers,
      });
      const ms = performance.now() - began;
      if (answer.status !== 401) throw new Error(`${kind}: answered ${answer.status}, not 401`);
      if (round >= warmUps) times[kind].push(ms);
    }
  }
  return times;
}

/** An address nobody has tried from: a throttle must not be what is measured. */
function newNetwork(): string {
  return `10.${Array.from(randomBytes(3)).join('.')}`;
}

function shuffled<Item>(items: readonly Item[]): Item[] {
  return items
    .map((item) => ({ item, at: Math.random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ item }) => item);
}

function report(times: Times): void {
  console.log(`A wrong password, ${times.known.length} samples of each kind:\n`);
  const rows = kinds.map((kind) => {
    const gap = (median(times[kind]) / median(times.known) - 1) * 100;
    return {
      kind,
      'median ms': median(times[kind]).toFixed(3),
      ...(kind !== 'known' && {
        'gap %': gap.toFixed(2),
        'Mann-Whitney p': mannWhitney(times.known, times[kind]).toFixed(4),
      }),
    };
  });
  console.table(Object.fromEntries(rows.map(({ kind, ...row }) => [kind, row])));
}

function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  const middle = (sorted.length - 1) / 2;
  return ((sorted[Math.floor(middle)] ?? NaN) + (sorted[Math.ceil(middle)] ?? NaN)) / 2;
}

/** The two-sided p value that both come from one distribution; by the normal approximation, for 20 samples and more. */
function mannWhitney(a: readonly number[], b: readonly number[]): number {
  const merged = [...a.map((ms) => ({ ms, isA: true })), ...b.map((ms) => ({ ms, isA: false }))];
  merged.sort((one, other) => one.ms - other.ms);
  const rankSum = merged.reduce((sum, { isA }, index) => (isA ? sum + index + 1 : sum), 0);
  const u = rankSum - (a.length * (a.length + 1)) / 2;
  const deviation = Math.sqrt((a.length * b.length * (a.length + b.length + 1)) / 12);
  return twoSided((u - (a.length * b.length) / 2) / deviation);
}

/** How seldom a normal variable is as far out as z: Abramowitz and Stegun 7.1.26, good to seven digits. */
function twoSided(z: number): number {
  const x = Math.abs(z) / Math.SQRT2;
  const k = 1 / (1 + 0.3275911 * x);
  const factors = [1.061405429, -1.453152027, 1.421413741, -0.284496736, 0.254829592];
  return factors.reduce((sum, factor) => (sum + factor) * k, 0) * Math.exp(-x * x);
}
