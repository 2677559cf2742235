/** The access decision: one line per reason, then thousands of worlds against a second, slower formulation of it. */
import t from 'tap';
import { decideAccess, denialCodes } from '../../src/core/access/access.ts';
import type { AccessQuestion, Decision, DenialCode } from '../../src/core/access/access.ts';
import type { AccessFacts, AccountFacts, ClientFacts, SeatFacts, Term } from '../../src/core/access/facts.ts';
import { account, after, always, before, facts, now, seat, term } from '../support/worlds.ts';
import { companyEvidence, password, randomWorld, seeded } from '../support/worlds.ts';

const open = account('open');
const decide = (...accounts: AccountFacts[]): Decision =>
  decideAccess(facts({ accounts }), { now, evidence: [] });

const codeOf = (decision: Decision): string =>
  decision.outcome === 'deny' ? decision.code : decision.outcome;

const untilOf = (decision: Decision): Date | undefined => {
  if (decision.outcome !== 'allow') throw new Error(`it is ${codeOf(decision)}`);
  return decision.entitlement.until;
};

/** An account in which exactly this is wrong. */
const closed = account('closed', { status: 'closed' });
const refused: Readonly<Record<string, AccountFacts>> = {
  user_deactivated: account('off', { deactivated: true }),
  account_lapsed: account('lapsed', { term: term({ endsAt: before(1) }) }),
  account_suspended: account('suspended', { status: 'suspended' }),
  account_closed: closed,
  product_not_subscribed: account('bare', { subscription: null, seats: [] }),
  no_seat: account('seatless', { seats: [] }),
  seat_not_yet: account('early', { seats: [seat('assist', { seat: term({ startsAt: after(1) }) })] }),
  seat_ended: account('late', { seats: [seat('assist', { seat: term({ endsAt: before(1) }) })] }),
  sso_required: account('strict', { sso: { required: true, breakGlass: false } }),
};

t.test('who has a live seat in one active account gets in', async (t) => {
  t.strictSame(decide(open), {
    outcome: 'allow',
    entitlement: {
      account: { id: open.id, name: open.name },
      role: 'agent',
      products: ['assist'],
      until: undefined,
    },
  });
});

t.test('every reason of an account, and the account is named', async (t) => {
  for (const [code, refusing] of Object.entries(refused)) {
    t.strictSame(decide(refusing), {
      outcome: 'deny',
      code,
      account: { id: refusing.id, name: refusing.name },
    });
  }
});

t.test(
  'who is switched off in one account hears it before anything else there, and is in elsewhere',
  async (t) => {
    for (const [code, refusing] of Object.entries(refused)) {
      const off = { ...refusing, deactivated: true };
      t.match(decide(off), { code: 'user_deactivated', account: { id: off.id } }, code);
      t.match(decide(off, open), { outcome: 'allow', entitlement: { account: { id: open.id } } }, code);
    }
  },
);

t.test('an account may be marked as lapsed, whatever its dates say', async (t) => {
  t.match(decide(account('marked', { status: 'lapsed' })), { code: 'account_lapsed' });
});

t.test('a client for administrators refuses everybody else, after everything else', async (t) => {
  const world = (accounts: AccountFacts[]) => facts({ accounts, client: { requiredRole: 'admin' } });
  t.equal(codeOf(decideAccess(world([open]), { now, evidence: [] })), 'role_required');
  t.equal(codeOf(decideAccess(world([{ ...open, role: 'admin' }]), { now, evidence: [] })), 'allow');
  for (const [code, refusing] of Object.entries(refused))
    t.equal(codeOf(decideAccess(world([refusing]), { now, evidence: [] })), code);
});

t.test('where the company sign-in is required its own proof is, but for who breaks the glass', async (t) => {
  const strict = account('strict', { sso: { required: true, breakGlass: false } });
  const world = facts({ accounts: [strict] });
  const code = (evidence: AccessQuestion['evidence'], of = world) =>
    codeOf(decideAccess(of, { now, evidence }));
  t.equal(code([password]), 'sso_required');
  t.equal(code([companyEvidence(strict.id)]), 'allow');
  t.equal(code([password, companyEvidence(strict.id)]), 'allow');
  t.equal(code([companyEvidence('acc_elsewhere')]), 'sso_required');
  const glass = facts({ accounts: [{ ...strict, sso: { required: true, breakGlass: true } }] });
  t.equal(code([password], glass), 'allow');
});

t.test('the company sign-in of one account is no proof towards another', async (t) => {
  const second = account('second');
  const world = facts({ accounts: [open, second] });
  const decideWith = (evidence: AccessQuestion['evidence'], asked?: string) =>
    decideAccess(world, { now, evidence, account: asked });
  t.match(decideWith([companyEvidence(open.id)]), {
    outcome: 'allow',
    entitlement: { account: { id: open.id } },
  });
  t.match(decideWith([companyEvidence(open.id)], second.id), {
    outcome: 'reauthenticate',
    account: { id: second.id },
  });
  t.equal(codeOf(decideWith([companyEvidence('acc_elsewhere')])), 'reauthenticate');
  t.equal(codeOf(decideWith([companyEvidence('acc_elsewhere'), password])), 'choose');
});

t.test('the state of the user comes before every account, and names none', async (t) => {
  const codes = { deactivated: 'user_deactivated', invited: 'user_not_activated' } as const;
  for (const [state, code] of Object.entries(codes)) {
    for (const accounts of [[], [open], [closed]]) {
      const world = facts({ accounts, user: { state: state as keyof typeof codes } });
      const question = { now, evidence: [], account: open.slug, preferred: open.id };
      t.strictSame(decideAccess(world, question), { outcome: 'deny', code, account: undefined });
    }
  }
});

t.test('without a membership there is no account', async (t) => {
  t.strictSame(decide(), { outcome: 'deny', code: 'no_account', account: undefined });
});

t.test('every code in the list is an answer to some facts', async (t) => {
  const seen = new Set<string>();
  for (const refusing of Object.values(refused)) seen.add(codeOf(decide(refusing)));
  seen.add(codeOf(decide()));
  for (const state of ['deactivated', 'invited'] as const)
    seen.add(codeOf(decideAccess(facts({ accounts: [open], user: { state } }), { now, evidence: [] })));
  const forAdmins = facts({ accounts: [open], client: { requiredRole: 'admin' } });
  seen.add(codeOf(decideAccess(forAdmins, { now, evidence: [] })));
  t.strictSame([...seen].sort(), [...denialCodes].sort());
});

t.test('of several accounts the one that got furthest gives the reason', async (t) => {
  const inOrder = denialCodes.filter((code) => code in refused);
  t.equal(inOrder.length, Object.keys(refused).length);
  for (const [index, code] of inOrder.entries()) {
    const [further, ...less] = [code, ...inOrder.slice(0, index)].map((name) => refused[name] ?? closed);
    if (!further) throw new Error('no account');
    const wanted = { outcome: 'deny', code, account: { id: further.id, name: further.name } };
    t.strictSame(decide(further, ...less), wanted, `${code} first`);
    t.strictSame(decide(...less, further), wanted, `${code} last`);
  }
});

t.test('of two that got equally far the first is named', async (t) => {
  const [a, b] = ['a', 'b'].map((name) => account(name, { seats: [] }));
  if (!a || !b) throw new Error('no accounts');
  t.match(decide(a, b), { code: 'no_seat', account: { id: a.id } });
  t.match(decide(b, a), { code: 'no_seat', account: { id: b.id } });
});

t.test('an account that refuses does not stand in the way of one that does not', async (t) => {
  for (const refusing of Object.values(refused)) {
    for (const accounts of [
      [refusing, open],
      [open, refusing],
    ])
      t.match(decide(...accounts), { outcome: 'allow', entitlement: { account: { id: open.id } } });
  }
});

t.test('an end is the first moment outside, a beginning the first inside; grace moves the end', async (t) => {
  const withTerms = (terms: { account?: Term; subscription?: Term; seat?: Term }): string =>
    codeOf(
      decide(
        account('dated', {
          term: terms.account ?? always,
          subscription: terms.subscription ?? always,
          seats: [seat('assist', { seat: terms.seat ?? always, subscription: terms.subscription ?? always })],
        }),
      ),
    );
  const ends = { account: 'account_lapsed', subscription: 'account_lapsed', seat: 'seat_ended' } as const;
  for (const [what, code] of Object.entries(ends)) {
    const ending = (endsAt: Date, graceDays = 0) => withTerms({ [what]: term({ endsAt, graceDays }) });
    t.equal(ending(after(0.001)), 'allow', what);
    t.equal(ending(now), code, what);
    t.equal(ending(before(7 * 86_400), 7), code, `${what} when the grace ends`);
    t.equal(ending(before(7 * 86_400 - 0.001), 7), 'allow', `${what} just before the grace ends`);
    t.equal(ending(before(1), 7), 'allow', `${what} in the grace`);
  }
  const begins = { subscription: 'product_not_subscribed', seat: 'seat_not_yet' } as const;
  for (const [what, code] of Object.entries(begins)) {
    const beginning = (startsAt: Date, graceDays = 0) => withTerms({ [what]: term({ startsAt, graceDays }) });
    t.equal(beginning(now), 'allow', what);
    t.equal(beginning(after(0.001)), code, what);
    t.equal(beginning(after(1), 30), code, `${what}: grace does not let anybody in early`);
  }
});

t.test('the seat of another product is no seat here, but it is one of the products', async (t) => {
  const other = seat('billing');
  t.equal(codeOf(decide({ ...open, seats: [other] })), 'no_seat');
  const dead: SeatFacts[] = [
    seat('ended', { seat: term({ endsAt: now }) }),
    seat('early', { seat: term({ startsAt: after(1) }) }),
    seat('lapsed', { subscription: term({ endsAt: now }) }),
    seat('unborn', { subscription: term({ startsAt: after(1) }) }),
  ];
  t.match(decide({ ...open, seats: [...dead, other, ...open.seats] }), {
    entitlement: { products: ['billing', 'assist'] },
  });
});

t.test('a client without a product asks for a membership only', async (t) => {
  const world = (accounts: AccountFacts[]) => facts({ accounts, client: { product: null } });
  t.match(decideAccess(world([account('bare', { subscription: null, seats: [] })]), { now, evidence: [] }), {
    outcome: 'allow',
    entitlement: { products: [] },
  });
  t.equal(codeOf(decideAccess(world([closed]), { now, evidence: [] })), 'account_closed');
});

t.test('where several accounts are open the person chooses among those, and only those', async (t) => {
  const second = account('second');
  const choices = [open, second].map(({ id, name }) => ({ id, name }));
  t.strictSame(decide(open, closed, second), { outcome: 'choose', accounts: choices });
});

t.test('the preferred account is taken when it is open, and otherwise as if it were not there', async (t) => {
  const second = account('second');
  const world = facts({ accounts: [open, closed, second] });
  t.match(decideAccess(world, { now, evidence: [], preferred: second.id }), {
    outcome: 'allow',
    entitlement: { account: { id: second.id } },
  });
  for (const preferred of [closed.id, 'acc_elsewhere'] as const)
    t.equal(codeOf(decideAccess(world, { now, evidence: [], preferred })), 'choose', preferred);
  t.match(decideAccess(facts({ accounts: [open, closed] }), { now, evidence: [], preferred: closed.id }), {
    outcome: 'allow',
    entitlement: { account: { id: open.id } },
  });
});

t.test('the account that is asked for, by id or slug, is the only one looked at', async (t) => {
  const second = account('second');
  const world = facts({ accounts: [open, closed, second] });
  for (const asked of [second.id, second.slug]) {
    for (const preferred of [undefined, open.id])
      t.match(decideAccess(world, { now, evidence: [], account: asked, preferred }), {
        outcome: 'allow',
        entitlement: { account: { id: second.id } },
      });
  }
  t.match(decideAccess(world, { now, evidence: [], account: closed.slug, preferred: open.id }), {
    code: 'account_closed',
    account: { id: closed.id },
  });
});

t.test('an account that is not theirs is no account, whether it exists or not', async (t) => {
  const world = facts({ accounts: [open] });
  for (const asked of ['acc_elsewhere', '', 'OPEN', open.name])
    t.strictSame(
      decideAccess(world, { now, evidence: [], account: asked, preferred: open.id }),
      { outcome: 'deny', code: 'no_account', account: undefined },
      asked,
    );
});

t.test('what they hold ends with the first of what it rests on, grace included', async (t) => {
  const day = 86_400;
  const holding = (terms: { account?: Term; subscription?: Term; seat?: Term; other?: Term }) =>
    untilOf(
      decide(
        account('dated', {
          term: terms.account ?? always,
          subscription: terms.subscription ?? always,
          seats: [
            seat('assist', { seat: terms.seat ?? always, subscription: terms.subscription ?? always }),
            seat('other', { seat: terms.other ?? always }),
          ],
        }),
      ),
    );
  const late = term({ endsAt: after(9 * day) });
  const all = { account: late, subscription: late, seat: late, other: late };
  t.strictSame(holding({}), undefined);
  t.strictSame(holding(all), after(9 * day));
  for (const what of Object.keys(all)) {
    t.strictSame(holding({ ...all, [what]: term({ endsAt: after(2 * day) }) }), after(2 * day), what);
    t.strictSame(holding({ ...all, [what]: term({ endsAt: before(day), graceDays: 3 }) }), after(2 * day));
    t.strictSame(holding({ [what]: late }), after(9 * day), `only ${what} is dated`);
  }
  t.strictSame(holding({ other: term({ endsAt: before(1) }) }), undefined, 'a dead seat ends nothing');
  t.strictSame(
    holding({ other: term({ startsAt: after(1), endsAt: after(2) }) }),
    undefined,
    'nor one to come',
  );
});

t.test('thousands of worlds get the answer of a second formulation', async (t) => {
  const random = seeded(20_260_101);
  const outcomes = new Map<string, number>();
  for (let round = 0; round < 4_000; round += 1) {
    const { world, question } = randomWorld(random);
    const decision = decideAccess(world, question);
    const wanted = naive(world, question);
    const code = codeOf(decision);
    outcomes.set(code, (outcomes.get(code) ?? 0) + 1);
    if (JSON.stringify(decision) !== JSON.stringify(wanted)) t.strictSame(decision, wanted, `world ${round}`);
  }
  for (const outcome of ['allow', 'choose', 'reauthenticate', ...denialCodes])
    t.ok((outcomes.get(outcome) ?? 0) >= 5, `${outcome} comes up`);
});

/** The decision once more, as the product's description tells it: for every account the list of all that is wrong. */
function naive({ user, client, accounts }: AccessFacts, question: AccessQuestion): Decision {
  if (user.state !== 'active') {
    const code = user.state === 'invited' ? 'user_not_activated' : 'user_deactivated';
    return { outcome: 'deny', code, account: undefined };
  }
  const named = ({ id, name }: AccountFacts) => ({ id, name });
  const judged = accounts
    .filter(({ id, slug }) => question.account === undefined || [id, slug].includes(question.account))
    .map((one) => ({ one, wrong: wrongsIn(one, client, question) }));
  const entitled = judged.filter(({ wrong }) => wrong.length === 0).map(({ one }) => one);
  const ways = question.evidence.map((proof) => ('accountId' in proof ? proof.accountId : 'every account'));
  const open = entitled.filter(
    ({ id }) => ways.length === 0 || ways.includes('every account') || ways.includes(id),
  );
  const preferred = open.filter(({ id }) => id === question.preferred);
  const [first, ...more] = preferred.length > 0 ? preferred : open;
  if (first && more.length > 0) return { outcome: 'choose', accounts: open.map(named) };
  if (first) return { outcome: 'allow', entitlement: { account: named(first), ...heldIn(first) } };
  if (entitled[0]) return { outcome: 'reauthenticate', account: named(entitled[0]) };
  const reasons = judged.map(({ one, wrong }) => ({ code: wrong[0] ?? 'no_account', account: named(one) }));
  const furthest = reasons.sort((a, b) => denialCodes.indexOf(b.code) - denialCodes.indexOf(a.code))[0];
  return { outcome: 'deny', ...(furthest ?? { code: 'no_account', account: undefined }) };
}

function naiveEnd({ endsAt, graceDays }: Term): number {
  return endsAt ? endsAt.getTime() + graceDays * 86_400_000 : Infinity;
}

function phaseOf(dates: Term): 'early' | 'live' | 'over' {
  if (dates.startsAt && dates.startsAt.getTime() > now.getTime()) return 'early';
  return naiveEnd(dates) > now.getTime() ? 'live' : 'over';
}

/** All reasons, in the order of the list. What an operator did to an account counts before what its dates say. */
function wrongsIn(
  { id, deactivated, status, term: dates, role, subscription, seats, sso }: AccountFacts,
  { product, requiredRole }: ClientFacts,
  { evidence }: AccessQuestion,
): DenialCode[] {
  const held = seats.find((one) => one.product === product?.slug);
  const bought = subscription ? phaseOf(subscription) : 'early';
  const sat = held && phaseOf(held.seat);
  const isOver = phaseOf(dates) === 'over' || (product !== null && bought === 'over');
  const wrong: Partial<Record<DenialCode, boolean>> = {
    user_deactivated: deactivated,
    account_lapsed: status === 'lapsed' || (status === 'active' && isOver),
    account_suspended: status === 'suspended',
    account_closed: status === 'closed',
    product_not_subscribed: product !== null && bought === 'early',
    no_seat: product !== null && sat === undefined,
    seat_not_yet: sat === 'early',
    seat_ended: sat === 'over',
    sso_required:
      sso.required &&
      !sso.breakGlass &&
      !evidence.some((proof) => 'accountId' in proof && proof.accountId === id),
    role_required: requiredRole === 'admin' && role === 'agent',
  };
  return denialCodes.filter((code) => wrong[code]);
}

function heldIn({ role, term: dates, seats }: AccountFacts) {
  const live = seats.filter((one) => phaseOf(one.seat) === 'live' && phaseOf(one.subscription) === 'live');
  const end = Math.min(...[dates, ...live.flatMap((one) => [one.seat, one.subscription])].map(naiveEnd));
  return {
    role,
    products: live.map(({ product }) => product),
    until: end === Infinity ? undefined : new Date(end),
  };
}
