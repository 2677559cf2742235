/** People and programs that go on while the database is in trouble, and what they may be answered: 200, or 503 and when to come back. */
import { assistApi, demoBasic, demoParty, post, refreshForm } from '../provider/requests.ts';
import { Agent, type Answer } from './agent.ts';
import { type Load, pause, startLoad, until } from './reliability.ts';
import { signIn } from './relying-party.ts';

/** 200, or a 503 as it must be; anything else is thrown. */
export function assertServed(answer: Answer): number {
  if (answer.status === 200) return 200;
  const { error, code } = answer.json() as { error?: string; code?: string };
  const isToldWhen = Number(answer.headers.get('retry-after')) >= 1;
  const isNamed = error === 'temporarily_unavailable' || code === 'unavailable' || code === 'overloaded';
  if (answer.status === 503 && isToldWhen && isNamed) return 503;
  throw new Error(`${answer.status} ${answer.text}`);
}

/** A program's own token, introspected by somebody else. */
async function askAsProgram(issuer: string): Promise<number> {
  const form = { grant_type: 'client_credentials', resource: assistApi, scope: 'assist:read' };
  const answer = await post(issuer, '/token', form, demoBasic('service'));
  if (assertServed(answer) === 503) return 503;
  const { access_token: token } = answer.json() as { access_token: string };
  const introspected = await post(issuer, '/introspect', { token }, demoBasic('confidential'));
  if (assertServed(introspected) === 503) return 503;
  // an active token that is said to be inactive signs somebody out
  if (introspected.json().active !== true) throw new Error(`inactive: ${introspected.text}`);
  return 200;
}

export interface Outage {
  readonly load: Load;
  /** Everybody whose refresh token was acknowledged has it still; throws for who has lost theirs. */
  assertKept(): Promise<void>;
}

/**
 * So many people who refresh and as many programs. Of a refresh that was answered 503 nobody knows whether it was done:
 * the same token is sent again, and may be too old by then. Then, and only then, its person signs in again.
 */
export async function startOutageLoad(issuer: string, workers: number): Promise<Outage> {
  const party = demoParty(issuer, 'assist');
  const enter = async () =>
    (await signIn(new Agent(issuer), party, 'alan@acme.test')).tokens.refresh_token ?? '';
  const people: { token: string; isInDoubt: boolean }[] = [];
  const arrive = (): Promise<boolean> =>
    enter().then(
      (token) => people.push({ token, isInDoubt: false }) > 0,
      () => false, // what was before may not be over yet
    );
  for (let worker = 0; worker < workers; worker += 1) await until(arrive, { what: 'somebody signs in' });

  const refresh = async (person: (typeof people)[number]): Promise<number | string> => {
    const answer = await post(issuer, '/token', refreshForm(person.token));
    if (answer.status === 400 && person.isInDoubt) {
      person.token = '';
      return 'signed out while in doubt';
    }
    const status = assertServed(answer);
    person.isInDoubt = status === 503;
    if (status === 200) person.token = (answer.json() as { refresh_token: string }).refresh_token;
    return status;
  };
  const load = startLoad({
    workers: workers * 2,
    send: async (worker) => {
      const person = people[worker];
      if (!person) return askAsProgram(issuer);
      if (person.token !== '') return refresh(person);
      const page = await new Agent(issuer).get(new URL((await party.start()).url).href);
      if (page.status !== 303) return assertServed(page);
      person.token = await enter().catch(() => '');
      person.isInDoubt = false;
      return 'signs in again';
    },
  });
  return {
    load,
    async assertKept() {
      for (const person of people) if (person.token !== '' && !person.isInDoubt) await refresh(person);
    },
  };
}

export interface Watch {
  /** Of every answer since: what was asked, its status, and how long it took. */
  stop(): Promise<readonly Seen[]>;
}

export interface Seen {
  readonly path: string;
  readonly status: number;
  readonly ms: number;
}

/** What needs no database, asked all the time. */
export const databaseFree = ['/livez', '/jwks', '/.well-known/openid-configuration'] as const;

export function watch(origin: string, paths: readonly string[] = databaseFree): Watch {
  const seen: Seen[] = [];
  let isOver = false;
  const loops = paths.map(async (path) => {
    while (!isOver) {
      const begun = performance.now();
      const answer = await fetch(`${origin}${path}`);
      await answer.arrayBuffer();
      seen.push({ path, status: answer.status, ms: performance.now() - begun });
      await pause(50);
    }
  });
  return {
    async stop() {
      isOver = true;
      await Promise.all(loops);
      return seen;
    },
  };
}

/** The time that 99 of 100 do not take. */
export function p99(seen: readonly Seen[]): number {
  return percentile(
    seen.map(({ ms }) => ms),
    0.99,
  );
}

/** The value that this part of all of them is not above. */
export function percentile(values: readonly number[], part: number): number {
  const sorted = values.toSorted((one, other) => one - other);
  return sorted[Math.floor(sorted.length * part)] ?? 0;
}
