/** The goals, held against what was found. Only what was measured in this run counts; the rest says so. */
import type { Finding, FlowFinding, SideNumbers } from '../findings.ts';
import { mebibytes, ms, number, times } from './numbers.ts';
import { remarks } from './remarks.ts';

export interface Part {
  readonly what: string;
  readonly measured: string;
  readonly wanted: string;
  readonly isMet: boolean;
}

export interface Goal {
  readonly id: string;
  readonly text: string;
  readonly parts: readonly Part[];
  /** Undefined when nothing was measured. */
  readonly isMet: boolean | undefined;
  readonly remark: string | undefined;
}

const texts: Readonly<Record<string, string>> = {
  P1: 'Client credentials cost no more than at the bare engine, and ask the database nothing',
  P2: 'Flows cost little more than at the bare engine in memory, though all is durable and access is asked for',
  P3: 'Few statements for each flow, and a small part of what the naive adapter costs PostgreSQL',
  P4: 'Discovery and JWKS are as fast as a trivial route',
  P5: 'Password sign-ins are as many as argon2id allows',
  P6: 'A storm of sign-ins is not noticed by those who need tokens',
  P7: 'Cost does not grow with people and tokens, and pruning keeps nobody waiting',
  P8: 'Starts quickly, and takes little memory',
  P9: 'SAML is verified beside the event loop',
  P10: 'Nothing is left of sign-ins that are over, and live ones are small',
  P11: 'Several times as fast as Keycloak and Hydra',
};

/** In the order of their numbers. */
export function holdAgainstGoals(findings: readonly Finding[]): Goal[] {
  const found = lookIn(findings);
  const parts: Readonly<Record<string, Part[]>> = {
    P1: clientCredentials(found),
    P2: besideEngine(found),
    P3: statements(found),
    P4: documents(found),
    P5: hashing(found),
    P6: flood(found),
    P7: growth(found),
    P8: start(found),
    P9: eventLoop(found),
    P10: left(found),
    P11: besideOthers(found),
  };
  return Object.entries(parts).map(([id, ofGoal]) => {
    const isMet = ofGoal.length === 0 ? undefined : ofGoal.every((part) => part.isMet);
    return {
      id,
      text: texts[id] ?? '',
      parts: ofGoal,
      isMet,
      remark: isMet === true ? undefined : remarks[id],
    };
  });
}

type Found = ReturnType<typeof lookIn>;

function lookIn(findings: readonly Finding[]) {
  const ofKind = <Kind extends Finding['kind']>(kind: Kind) =>
    findings.filter((finding) => finding.kind === kind) as Extract<Finding, { kind: Kind }>[];
  return {
    ofKind,
    flow: (name: string, clients?: number): FlowFinding | undefined =>
      ofKind('flow').find((flow) => flow.name === name && (clients ?? flow.clients) === flow.clients),
  };
}

const engine = 'engine in memory';

function atMost(what: string, value: number, limit: number, show: (value: number) => string): Part {
  return { what, measured: show(value), wanted: `≤ ${show(limit)}`, isMet: value <= limit };
}

function atLeast(what: string, value: number, limit: number, show: (value: number) => string): Part {
  return { what, measured: show(value), wanted: `≥ ${show(limit)}`, isMet: value >= limit };
}

function clientCredentials({ flow }: Found): Part[] {
  const found = flow('client-credentials');
  const ratio = found?.yardsticks[engine]?.cpuRatio.median;
  if (!found || ratio === undefined) return [];
  const parts = [atMost('processor time to that of the bare engine', ratio, 1, times)];
  // what is left of the service's own work after the estimate of it was taken off
  return found.alone ? [...parts, atMost('statements', found.alone.statements, 0.1, number)] : parts;
}

function besideEngine(found: Found): Part[] {
  const limits: readonly (readonly [name: string, clients: number, limit: number])[] = [
    ['refresh', 64, 1.05],
    ['refresh', 16, 1.15],
    ['introspection', 64, 1.1],
    ['userinfo', 64, 1.1],
    ['single-sign-on', 64, 1.1],
  ];
  const parts = limits.flatMap(([name, clients, limit]) => {
    const ratio = found.flow(name, clients)?.yardsticks[engine]?.cpuRatio.median;
    return ratio === undefined ? [] : [atMost(`${name}, ${clients} at once`, ratio, limit, times)];
  });
  const signIn = signInWithoutHash(found);
  return signIn === undefined
    ? parts
    : [atMost('password sign-in without the hash', signIn, 1.05, times), ...parts];
}

/**
 * The hash is nine tenths of a sign-in and runs in libuv's pool, as may the signatures: so the pool is left out, and what
 * it takes for the same two signatures is added from the refresh.
 */
function signInWithoutHash({ flow }: Found): number | undefined {
  const [password, refresh] = [flow('password'), flow('refresh', 64)];
  const [ours, theirs] = [password?.service, password?.yardsticks[engine]];
  const [signing, theirSigning] = [refresh?.service, refresh?.yardsticks[engine]];
  if (!ours || !theirs || !signing || !theirSigning) return undefined;
  const rest = (side: SideNumbers, ofRefresh: SideNumbers): number =>
    side.cpuUs - side.poolUs + ofRefresh.poolUs;
  return rest(ours, signing) / rest(theirs, theirSigning);
}

function statements({ flow }: Found): Part[] {
  const limits: readonly (readonly [name: string, limit: number])[] = [
    ['password', 6],
    ['single-sign-on', 4],
    ['refresh', 2],
    ['introspection', 1],
    ['userinfo', 1],
    ['client-credentials', 0],
  ];
  const parts = limits.flatMap(([name, limit]) => {
    const alone = flow(name)?.alone;
    // a tenth is what the service does anyway, in the second that a hundred flows take
    return alone
      ? [{ ...atMost(`statements, ${name}`, alone.statements, limit + 0.1, number), wanted: `≤ ${limit}` }]
      : [];
  });
  const [password, refresh] = [flow('password'), flow('refresh')];
  const naive = password?.yardsticks['engine, naive on PostgreSQL'];
  if (password && naive)
    parts.push(
      atMost(
        "PostgreSQL's time by sign-in to the naive adapter's",
        password.service.postgresUs / naive.postgresUs,
        0.2,
        times,
      ),
    );
  if (refresh?.alone)
    parts.push(atMost('rows left by a refresh', sum(Object.values(refresh.alone.rows)), 0, number));
  return parts;
}

function documents({ flow }: Found): Part[] {
  return ['discovery', 'jwks'].flatMap((name) => {
    const ratio = flow(name)?.yardsticks['trivial Fastify route']?.cpuRatio.median;
    return ratio === undefined ? [] : [atLeast(`${name}, by processor time`, 1 / ratio, 0.9, times)];
  });
}

function hashing({ flow }: Found): Part[] {
  const found = flow('password');
  const alone = found?.yardsticks['hashing alone'];
  if (!found || !alone) return [];
  return [atLeast('sign-ins to hashes, by processor time', 1 / alone.cpuRatio.median, 0.9, times)];
}

function flood({ ofKind }: Found): Part[] {
  const [found] = ofKind('flood');
  if (!found) return [];
  const { idle, storm } = found;
  return [
    atMost('token p50 in the storm to idle', storm.p50Ms / idle.p50Ms, 1.2, times),
    atMost('token p99 in the storm to idle', storm.p99Ms / idle.p99Ms, 2, times),
    atMost('longest wait for a 503', found.slowestRefusalMs, 1000, ms),
    atMost('503 without Retry-After, and other answers', found.withoutRetryAfter + found.other, 0, number),
    atMost('memory at its peak to before', found.residentPeak / found.residentBefore, 1.5, times),
  ];
}

function growth({ ofKind }: Found): Part[] {
  const parts = ofKind('growth').map(({ name, users, ratio }) =>
    atMost(`${name}, ${number(users)} people to ${number(1000)}`, ratio.median, 1.25, times),
  );
  const [pruning] = ofKind('pruning');
  return pruning
    ? [...parts, atMost('longest transaction of pruning', pruning.longestBatchMs, 50, ms)]
    : parts;
}

function start({ ofKind }: Found): Part[] {
  const [found] = ofKind('start');
  if (!found) return [];
  return [
    atMost('start to ready', found.readyMs, 2000, ms),
    atMost('resident, idle', found.residentIdle, 160 * 2 ** 20, mebibytes),
  ];
}

function eventLoop({ ofKind }: Found): Part[] {
  const [found] = ofKind('lag');
  if (!found) return [];
  return [atMost(`event loop's delay p99 at ${found.perSecond} sign-ins a second`, found.busyP99Ms, 10, ms)];
}

/** The audit trail is kept for good, on purpose. */
const keptForGood = ['events', 'event_seals'];

function left({ ofKind }: Found): Part[] {
  const [found] = ofKind('left');
  if (!found) return [];
  const rows = Object.entries(found.rows).filter(([table]) => !keptForGood.includes(table));
  return [
    atMost('rows left by a sign-in, but for the audit trail', sum(rows.map(([, count]) => count)), 0, number),
    atMost('bytes of a session with a refresh token', sum(Object.values(found.sessionBytes)), 2048, number),
  ];
}

function besideOthers({ flow }: Found): Part[] {
  const limits = [
    ['client-credentials', 5],
    ['refresh', 5],
    ['password-pages', 2],
  ] as const;
  return ['Keycloak', 'Hydra'].flatMap((other) =>
    limits.flatMap(([name, limit]) => {
      const ratio = flow(name)?.yardsticks[other]?.togetherRatio.median;
      return ratio === undefined ? [] : [atLeast(`${name}, by core, to ${other}`, 1 / ratio, limit, times)];
    }),
  );
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
