import { day, addSeconds, earliest } from '../../kernel/time.ts';
import type { AccountId } from '../../kernel/ids.ts';
import type { Evidence } from '../credentials/credentials.ts';
import type { Role } from '../memberships/memberships.ts';
import type { AccessFacts, AccountFacts, Term } from './facts.ts';

/** Why somebody may not get in, in the order in which it is asked: a later one means one got further. */
export const denialCodes = [
  'user_deactivated',
  'user_not_activated',
  'no_account',
  'account_lapsed',
  'account_suspended',
  'account_closed',
  'product_not_subscribed',
  'no_seat',
  'seat_not_yet',
  'seat_ended',
  'sso_required',
  'role_required',
] as const;

export type DenialCode = (typeof denialCodes)[number];

export interface AccountChoice {
  readonly id: AccountId;
  readonly name: string;
}

/** What the user holds in the account they enter; `until` is when the first of it ends. */
export interface Entitlement {
  readonly account: AccountChoice;
  readonly role: Role;
  /** Slugs of the products with a live seat. */
  readonly products: readonly string[];
  readonly until: Date | undefined;
}

export type Decision =
  | { readonly outcome: 'allow'; readonly entitlement: Entitlement }
  | { readonly outcome: 'choose'; readonly accounts: readonly AccountChoice[] }
  /** Nothing is missing but another proof: the session is one account's company sign-in, and this is another account. */
  | { readonly outcome: 'reauthenticate'; readonly account: AccountChoice }
  | { readonly outcome: 'deny'; readonly code: DenialCode; readonly account: AccountChoice | undefined };

export interface AccessQuestion {
  readonly now: Date;
  /** How it was proven who this is: in this sign-in, by the session, or when the grant was made. */
  readonly evidence: readonly Evidence[];
  /** The account that is asked for, by id or slug: no other will do. */
  readonly account?: string | undefined;
  /** The account of the session: taken when it allows. */
  readonly preferred?: AccountId | undefined;
}

/**
 * Decides whether this user may use this client in which account now, and if not, why. The only place where this is
 * decided; pure, so the same question about the same facts has one answer wherever it is asked.
 */
export function decideAccess(facts: AccessFacts, question: AccessQuestion): Decision {
  const barred = denialOfUser(facts);
  if (barred) return { outcome: 'deny', code: barred, account: undefined };
  const { account, preferred, now, evidence } = question;
  const candidates = facts.accounts.filter(
    ({ id, slug }) => account === undefined || account === id || account === slug,
  );
  const verdicts = candidates.map((candidate) => ({
    candidate,
    code: denialInAccount(facts, candidate, question),
  }));
  const entitled = verdicts.filter(({ code }) => code === undefined).map(({ candidate }) => candidate);
  const open = entitled.filter(({ id }) => isGoodFor(evidence, id));
  const chosen = open.find(({ id }) => id === preferred) ?? (open.length === 1 ? open[0] : undefined);
  if (chosen) return { outcome: 'allow', entitlement: entitlementOf(facts, chosen, now) };
  if (open.length > 1) return { outcome: 'choose', accounts: open.map(({ id, name }) => ({ id, name })) };
  const [elsewhere] = entitled;
  if (elsewhere) return { outcome: 'reauthenticate', account: { id: elsewhere.id, name: elsewhere.name } };
  return furthestDenial(verdicts);
}

/**
 * What one account's identity provider says is no proof towards another account: its admins could let themselves in
 * there as anybody they share a member with.
 */
function isGoodFor(evidence: readonly Evidence[], account: AccountId): boolean {
  return (
    evidence.length === 0 || evidence.some((proof) => proof.method !== 'fed' || proof.accountId === account)
  );
}

function denialOfUser({ user, accounts }: AccessFacts): DenialCode | undefined {
  if (user.state === 'deactivated') return 'user_deactivated';
  if (user.state === 'invited') return 'user_not_activated';
  return accounts.length === 0 ? 'no_account' : undefined;
}

/** What an account is asked, in this order. */
export type AccountStage = 'membership' | 'account' | 'subscription' | 'seat' | 'sso' | 'role';

/** What an account says to each of the questions, on its own: the first that denies is its answer. */
export function examineAccount(
  { client }: AccessFacts,
  account: AccountFacts,
  { now, evidence }: Pick<AccessQuestion, 'now' | 'evidence'>,
): Readonly<Record<AccountStage, DenialCode | undefined>> {
  const { product, requiredRole } = client;
  return {
    membership: account.deactivated ? 'user_deactivated' : undefined,
    account: denialOfAccount(account, now),
    subscription: product ? denialOfSubscription(account, now) : undefined,
    seat: product ? denialOfSeat(product.slug, account, now) : undefined,
    sso: satisfiesSso(account, evidence) ? undefined : 'sso_required',
    role: requiredRole && requiredRole !== account.role ? 'role_required' : undefined,
  };
}

function denialInAccount(
  facts: AccessFacts,
  account: AccountFacts,
  question: AccessQuestion,
): DenialCode | undefined {
  return Object.values(examineAccount(facts, account, question)).find((code) => code !== undefined);
}

function denialOfAccount({ status, term }: AccountFacts, now: Date): DenialCode | undefined {
  if (status !== 'active') return `account_${status}`;
  return hasEnded(term, now) ? 'account_lapsed' : undefined;
}

/** Where the company sign-in is required nothing else will do, but for the admins who break the glass. */
function satisfiesSso({ id, sso }: AccountFacts, evidence: readonly Evidence[]): boolean {
  if (!sso.required || sso.breakGlass) return true;
  return evidence.some((proof) => proof.method === 'fed' && proof.accountId === id);
}

function denialOfSubscription({ subscription }: AccountFacts, now: Date): DenialCode | undefined {
  if (!subscription || !hasBegun(subscription, now)) return 'product_not_subscribed';
  return hasEnded(subscription, now) ? 'account_lapsed' : undefined;
}

function denialOfSeat(product: string, { seats }: AccountFacts, now: Date): DenialCode | undefined {
  const seat = seats.find((held) => held.product === product)?.seat;
  if (!seat) return 'no_seat';
  if (!hasBegun(seat, now)) return 'seat_not_yet';
  return hasEnded(seat, now) ? 'seat_ended' : undefined;
}

/** Of several refusals the one that came closest to letting the person in helps most. */
function furthestDenial(
  verdicts: readonly { candidate: AccountFacts; code: DenialCode | undefined }[],
): Decision {
  let furthest: Extract<Decision, { outcome: 'deny' }> | undefined;
  for (const { candidate, code } of verdicts) {
    if (code === undefined || placeOf(code) <= placeOf(furthest?.code)) continue;
    furthest = { outcome: 'deny', code, account: { id: candidate.id, name: candidate.name } };
  }
  return furthest ?? { outcome: 'deny', code: 'no_account', account: undefined };
}

function placeOf(code: DenialCode | undefined): number {
  return code === undefined ? -1 : denialCodes.indexOf(code);
}

/** Everything a token will claim, and the moment at which the first of it stops being true. */
function entitlementOf({ client }: AccessFacts, account: AccountFacts, now: Date): Entitlement {
  const live = account.seats.filter(({ seat, subscription }) =>
    [seat, subscription].every((term) => isLive(term, now)),
  );
  const ends = live.flatMap(({ seat, subscription }) => [endOf(seat), endOf(subscription)]);
  const products = live.map(({ product }) => product);
  if (client.product && !products.includes(client.product.slug))
    throw new Error('allowed without a live seat');
  return {
    account: { id: account.id, name: account.name },
    role: account.role,
    products,
    until: earliest(endOf(account.term), ...ends),
  };
}

function isLive(term: Term, now: Date): boolean {
  return hasBegun(term, now) && !hasEnded(term, now);
}

function hasBegun(term: Term, now: Date): boolean {
  return term.startsAt === null || term.startsAt <= now;
}

function hasEnded(term: Term, now: Date): boolean {
  const end = endOf(term);
  return end !== undefined && end <= now;
}

function endOf({ endsAt, graceDays }: Term): Date | undefined {
  return endsAt ? addSeconds(endsAt, graceDays * day) : undefined;
}
