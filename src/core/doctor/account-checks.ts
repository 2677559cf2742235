/** Membership, account, subscription and seat: of the account that the access decision speaks of. */
import type { AccountId } from '../../kernel/ids.ts';
import {
  type AccessFacts,
  type AccountFacts,
  decideAccess,
  type Decision,
  type DenialCode,
  examineAccount,
} from '../access/access.ts';
import type { Evidence as Proof } from '../credentials/credentials.ts';
import type { CheckName, Evidence } from './diagnosis.ts';
import type { Findings } from './findings.ts';
import { type Look, type Looked, nothingToSee } from './look.ts';

type AccountCheck = Extract<CheckName, 'membership' | 'account' | 'subscription' | 'seat'>;

const unseen: Readonly<Record<AccountCheck, Look>> = {
  membership: nothingToSee,
  account: nothingToSee,
  subscription: nothingToSee,
  seat: nothingToSee,
};

/** Also of somebody who does not come so far: as if they had proven who they are, and were active. */
export function accountChecks({ findings, best }: Looked): Readonly<Record<AccountCheck, Look>> {
  const { person, now } = findings;
  const facts = best.asked?.facts ?? person?.facts;
  if (!facts) return unseen;
  const evidence = best.asked?.evidence ?? [{ method: 'pwd', at: now.toISOString() } as const];
  const spoken = accountsSpokenOf(findings, facts, evidence);
  const [account, other] = spoken;
  const codes = account && !other ? examineAccount(facts, account, { now, evidence }) : undefined;
  const membership = membershipCheck(facts, spoken, codes?.membership);
  if (!account) return { ...unseen, membership };
  // several that let them in: nothing is wrong with any
  if (!codes) {
    const accounts: Look = { status: 'passed', evidence: { accounts: spoken.map(({ name }) => name) } };
    return { membership, account: accounts, subscription: accounts, seat: accounts };
  }
  return { membership, ...lookInto(facts, account, codes) };
}

/** The one that lets them in or refuses, or those that they choose among. */
function accountsSpokenOf(
  { now, account }: Findings,
  facts: AccessFacts,
  evidence: readonly Proof[],
): AccountFacts[] {
  const active = { ...facts, user: { ...facts.user, state: 'active' as const } };
  const decision = decideAccess(active, { now, account, evidence });
  const ids = idsIn(decision);
  return facts.accounts.filter(({ id }) => ids.includes(id));
}

function idsIn(decision: Decision): AccountId[] {
  switch (decision.outcome) {
    case 'allow':
      return [decision.entitlement.account.id];
    case 'choose':
      return decision.accounts.map(({ id }) => id);
    case 'reauthenticate':
      return [decision.account.id];
    case 'deny':
      return decision.account ? [decision.account.id] : [];
  }
}

function membershipCheck(
  { accounts }: AccessFacts,
  spoken: readonly AccountFacts[],
  denial: DenialCode | undefined,
): Look {
  const shown = accounts
    .slice(0, mostShown)
    .map(({ id, name, role, deactivated }) => ({ id, name, role, deactivated }));
  const code = spoken.length === 0 ? 'no_account' : denial;
  return lookOf(code, { count: accounts.length, accounts: shown });
}

function lookOf(code: DenialCode | undefined, evidence: Evidence): Look {
  return code === undefined ? { status: 'passed', evidence } : { status: 'failed', code, evidence };
}

const mostShown = 10;

function lookInto(
  facts: AccessFacts,
  account: AccountFacts,
  codes: ReturnType<typeof examineAccount>,
): Readonly<Record<Exclude<AccountCheck, 'membership'>, Look>> {
  const { id, name, status, term, subscription, seats, role } = account;
  const { product } = facts.client;
  const seat = seats.find((held) => held.product === product?.slug)?.seat;
  return {
    account: lookOf(codes.account, {
      account: { id, name },
      state: status,
      role,
      expires_at: text(term.endsAt),
      grace_days: term.graceDays,
    }),
    subscription: product
      ? lookOf(codes.subscription, {
          product: product.slug,
          exists: subscription !== null,
          starts_at: text(subscription?.startsAt),
          expires_at: text(subscription?.endsAt),
          grace_days: subscription?.graceDays ?? 0,
        })
      : nothingToSee,
    // without a subscription there is nothing that a seat could be out of
    seat:
      product && subscription
        ? lookOf(codes.seat, {
            product: product.slug,
            exists: seat !== undefined,
            starts_at: text(seat?.startsAt),
            ends_at: text(seat?.endsAt),
          })
        : nothingToSee,
  };
}

function text(date: Date | null | undefined): string | null {
  return date?.toISOString() ?? null;
}
