/** Facts for the access decision, written by hand or drawn at random from a seed: no database is asked. */
import type { AccessQuestion } from '../../src/core/access/access.ts';
import type {
  AccessFacts,
  AccountFacts,
  ClientFacts,
  SeatFacts,
  Term,
  UserFacts,
} from '../../src/core/access/facts.ts';
import type { Evidence } from '../../src/core/credentials/credentials.ts';
import type { AccountId } from '../../src/kernel/ids.ts';
import { addSeconds, day } from '../../src/kernel/time.ts';

export const now = new Date('2026-03-01T12:00:00Z');
export const before = (seconds: number): Date => addSeconds(now, -seconds);
export const after = (seconds: number): Date => addSeconds(now, seconds);

export const term = (dates: Partial<Term> = {}): Term => ({
  startsAt: null,
  endsAt: null,
  graceDays: 0,
  ...dates,
});
export const always = term();

export function seat(product: string, terms: Partial<SeatFacts> = {}): SeatFacts {
  return { product, seat: always, subscription: always, ...terms };
}

/** An account in which everything allows, but for what is said. */
export function account(slug: string, but: Partial<AccountFacts> = {}): AccountFacts {
  return {
    id: `acc_${slug}`,
    slug,
    name: `The ${slug} company`,
    status: 'active',
    term: always,
    role: 'agent',
    deactivated: false,
    subscription: always,
    sso: { required: false, breakGlass: false },
    seats: [seat('assist')],
    ...but,
  };
}

interface World {
  readonly accounts: readonly AccountFacts[];
  readonly user?: Partial<UserFacts>;
  readonly client?: Partial<ClientFacts>;
}

/** An active user at the client of the product "assist", a member of these accounts. */
export function facts({ accounts, user, client }: World): AccessFacts {
  return {
    user: {
      id: 'usr_ada',
      state: 'active',
      email: 'ada@example.test',
      emailVerified: true,
      name: 'Ada',
      locale: null,
      updatedAt: now,
      ...user,
    },
    client: {
      clientId: 'assist-web',
      product: { id: 'prd_assist', slug: 'assist', name: 'Assist' },
      requiredRole: null,
      signUpUri: null,
      ...client,
    },
    accounts,
  };
}

export type Random = () => number;

/** Mulberry32: numbers from 0 to below 1, the same for the same seed. */
export function seeded(seed: number): Random {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** One of these, each as likely: what is to come up more often is given more often. */
export function pick<const Value>(random: Random, values: readonly [Value, ...Value[]]): Value {
  return values[Math.floor(random() * values.length)] ?? values[0];
}

/** Facts as the database could hold them, and a question; dates lie on and beside the moment of the question. */
export function randomWorld(random: Random): { world: AccessFacts; question: AccessQuestion } {
  const accounts = ['a', 'b', 'c', 'd']
    .slice(0, pick(random, [0, 1, 1, 2, 2, 3, 4]))
    .map((slug) => randomAccount(random, slug));
  const world = facts({
    accounts,
    user: {
      state: pick(random, ['active', 'active', 'active', 'active', 'active', 'invited', 'deactivated']),
    },
    client: {
      product: pick(random, [0, 1, 1, 1]) ? { id: 'prd_assist', slug: 'assist', name: 'Assist' } : null,
      requiredRole: pick(random, [null, null, 'admin']),
    },
  });
  const question = {
    now,
    evidence: randomEvidence(random),
    account: pick(random, [undefined, undefined, undefined, 'acc_a', 'b', 'elsewhere']),
    preferred: pick(random, [undefined, undefined, 'acc_a', 'acc_b', 'acc_elsewhere']),
  };
  return { world, question };
}

function randomAccount(random: Random, slug: string): AccountFacts {
  const subscription = pick(random, [0, 1, 1, 1, 1]) ? randomTerm(random) : null;
  const seats: SeatFacts[] = [];
  // a seat stands on its subscription: there is none without
  if (subscription && pick(random, [0, 1, 1, 1, 1]))
    seats.push(seat('assist', { subscription, seat: { ...randomTerm(random), graceDays: 0 } }));
  if (pick(random, [0, 1]))
    seats.push(seat('billing', { subscription: randomTerm(random), seat: randomTerm(random) }));
  return account(slug, {
    status: pick(random, ['active', 'active', 'active', 'active', 'active', 'lapsed', 'suspended', 'closed']),
    role: pick(random, ['admin', 'agent']),
    deactivated: pick(random, [true, false, false, false, false, false]),
    term: { ...randomTerm(random), startsAt: null },
    subscription,
    sso: { required: pick(random, [true, false, false]), breakGlass: pick(random, [true, false, false]) },
    seats,
  });
}

/** A password, one or two companies, or nothing that is known. */
function randomEvidence(random: Random): Evidence[] {
  const company = (slug: string) => companyEvidence(`acc_${slug}`);
  return pick<Evidence[]>(random, [
    [],
    [password],
    [password],
    [company('a')],
    [company('b')],
    [company('elsewhere')],
    [password, company('b')],
    [company('a'), company('b')],
  ]);
}

export const password: Evidence = { method: 'pwd', at: now.toISOString() };

/** That account's identity provider has vouched for them. */
export function companyEvidence(accountId: AccountId): Evidence {
  return { method: 'fed', at: now.toISOString(), accountId, connectionId: `con_of_${accountId}`, amr: [] };
}

function randomTerm(random: Random): Term {
  return {
    startsAt: pick(random, [null, null, null, before(day), now, after(1), before(2 * day)]),
    endsAt: pick(random, [null, null, null, after(day), after(9 * day), now, before(1), before(3 * day)]),
    graceDays: pick(random, [0, 0, 3, 4]),
  };
}
