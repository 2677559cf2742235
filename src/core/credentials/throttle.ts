/**
 * The throttle: guesses are counted before they are evaluated, by statements that any number of replicas may run at
 * once, so that no more than the limit is ever evaluated. Everything is counted for addresses of nobody as for those of
 * users. A count's key is an HMAC under the newest of SECRET_KEYS: the table names nobody, and changing that key begins
 * every count anew, once.
 */
import { createHmac } from 'node:crypto';
import type { Config } from '../../../config/load.ts';
import { type Context, inTransaction, type Tx } from '../../context.ts';
import type { Db } from '../../db/connect.ts';
import type { EmailAddress } from '../../kernel/email-address.ts';
import type { UserId } from '../../kernel/ids.ts';
import { networkOf } from '../../kernel/network.ts';
import { deriveKey } from '../../kernel/seal.ts';
import { addSeconds, day, hour, minute, secondsUntil } from '../../kernel/time.ts';
import { recordEvent } from '../audit/audit.ts';
import {
  deleteThrottle,
  findThrottle,
  giveBackAndEnd,
  type Taking,
  takeInTurn,
  updateToldAt,
} from './queries.ts';

/** How much of something there is, for each key, in a window that begins with the first that is taken. */
export interface Budget {
  /** Its purpose; two budgets of one name are one. */
  readonly name: string;
  readonly limit: number;
  readonly windowSeconds: number;
  /** Each that is taken begins the window anew: it ends when nothing was taken for as long. */
  readonly isRenewed?: true;
  /** How many seconds must pass after the first, the second, … that was taken; the last holds for all that follow. */
  readonly waits?: readonly number[];
}

/** Four mistakes in a row cost nothing. From the fifth on the wait doubles, to a quarter of an hour. */
const waits = [0, 0, 0, 0, 5, 10, 20, 40, 80, 160, 320, 640, 15 * minute];

/**
 * Wrong passwords in a row (NIST SP 800-63B §3.2.2): of strangers for one address together, and of each browser that has
 * signed in with it before by itself. When the hundred are used up (a day's work), only a reset leads on.
 */
const row = { limit: 100, windowSeconds: 365 * day, isRenewed: true, waits } as const;
const byEmail: Budget = { name: 'wrong passwords of an email', ...row };
const byBrowser: Budget = { name: 'wrong passwords of a known browser', ...row };

/** Against one password tried on many addresses. An office behind one address mistypes less, and mostly in known browsers. */
const byNetwork: Budget = { name: 'wrong passwords of a network', limit: 300, windowSeconds: hour };

/** Refusals of one bucket are told to the audit trail this often, however many they are. */
const tellEverySeconds = hour;

/** The longest wait that anybody is told; a person cannot do anything with more. */
const longestWaitTold = day;

/** Whose keys it is counted under. */
interface Keyed {
  readonly config: Pick<Config, 'secretKeys'>;
}

interface Share {
  readonly budget: Budget;
  readonly key: string;
}

/** A try that is counted already. What is left is to say that it was right, or that it was not evaluated. */
export interface CountedTry {
  readonly shares: readonly Share[];
  /** Present when it must not be evaluated: whole seconds until one may be. */
  readonly retryAfter?: number;
}

export interface PasswordTry {
  readonly email: EmailAddress;
  /** The id of a browser that signed in with this address before; strangers have none. */
  readonly browser: string | undefined;
  /** Whose address it is; for the audit trail only. */
  readonly userId: UserId | undefined;
}

/**
 * Counts one try of a password, at once and for good: whatever becomes of the sign-in, it stays counted. A known browser
 * has its own count and is not held up by what strangers do; they share one for each address and network.
 */
export async function countTry(ctx: Context, { email, browser, userId }: PasswordTry): Promise<CountedTry> {
  const shares: Share[] =
    browser === undefined
      ? [
          // first: a network that has used up its own must not use up an address
          { budget: byNetwork, key: networkOf(ctx.origin.ip) },
          { budget: byEmail, key: email },
        ]
      : [{ budget: byBrowser, key: `${browser} ${email}` }];
  const takings = shares.map(({ budget, key }) => takingOf(ctx, budget, key));
  const { rows } = await takeInTurn(takings, ctx.now()).execute(ctx.db);
  const refused = shares[rows[0]?.taken ?? 0];
  if (!refused) return { shares };
  return inTransaction(ctx, async (tx) => {
    const retryAfter = await findWait(tx, refused.budget, refused.key);
    await tellThrottled(tx, refused, userId);
    return { shares, retryAfter };
  });
}

/** The password was right: what was counted of its path in a row is forgotten; of the network only this try. */
export async function forgiveTry(ctx: Context, { shares }: CountedTry): Promise<void> {
  const isOfNetwork = ({ budget }: Share): boolean => budget === byNetwork;
  const given = shares.filter(isOfNetwork);
  const ended = shares.filter((share) => !isOfNetwork(share));
  await giveBackAndEnd(bucketsOf(ctx, given), bucketsOf(ctx, ended)).execute(ctx.db);
}

/** The password was not looked at: the try is given back. The wait it began is not. */
export async function giveBackTry(ctx: Context, { shares }: CountedTry): Promise<void> {
  await giveBackAndEnd(bucketsOf(ctx, shares), []).execute(ctx.db);
}

/**
 * Forgets the wrong passwords of strangers for this address: for whoever has proven the mailbox and set a new password.
 * Known browsers need none of it: their counts belong to the password before.
 */
export async function clearThrottle(tx: Tx, email: EmailAddress): Promise<void> {
  await deleteThrottle(tx, bucketOf(tx, byEmail, email));
}

/**
 * Takes one from the key's budget, in one statement; undefined when there was one, else the whole seconds until there
 * is. For any budget: what a password may be tried, and whatever else must not be done too often. The transaction must
 * be committed also when the caller refuses; whoever must not lose the count on a failure takes it in one of its own.
 */
export async function takeFromBudget(tx: Tx, budget: Budget, key: string): Promise<number | undefined> {
  const { rows } = await takeInTurn([takingOf(tx, budget, key)], tx.now()).execute(tx.db);
  return rows[0]?.taken === 1 ? undefined : findWait(tx, budget, key);
}

export interface ThrottleState {
  /** Wrong passwords in a row that count now. */
  readonly wrong: number;
  /** Present while no password of a stranger is looked at: whole seconds until one will be. */
  readonly retryAfter?: number;
}

/**
 * How things stand for this address, without counting anything: for every browser that has not signed in with it before.
 * What the caller's network has used up is not in it.
 */
export async function findThrottleState(
  db: Db,
  { config, email, now }: Keyed & { readonly email: EmailAddress; readonly now: Date },
): Promise<ThrottleState> {
  const held = await findThrottle(db, bucketOf({ config }, byEmail, email));
  if (!held || held.endsAt <= now) return { wrong: 0 };
  const openAt = openAtOf(held, byEmail);
  const isOpen = openAt === null || openAt <= now;
  return { wrong: held.taken, ...(!isOpen && { retryAfter: secondsToWait(openAt, now) }) };
}

type Held = NonNullable<Awaited<ReturnType<typeof findThrottle>>>;

async function findWait(tx: Tx, budget: Budget, key: string): Promise<number> {
  const held = await findThrottle(tx.db, bucketOf(tx, budget, key));
  return secondsToWait(held && openAtOf(held, budget), tx.now());
}

/** When one may be taken again; null for at once. */
function openAtOf({ taken, endsAt, waitUntil }: Held, { limit }: Budget): Date | null {
  return taken >= limit ? endsAt : waitUntil;
}

function secondsToWait(openAt: Date | null | undefined, now: Date): number {
  return Math.min(Math.max(1, openAt ? secondsUntil(openAt, now) + 1 : 1), longestWaitTold);
}

async function tellThrottled(tx: Tx, { budget, key }: Share, userId: UserId | undefined): Promise<void> {
  const since = addSeconds(tx.now(), -tellEverySeconds);
  if (!(await updateToldAt(tx, bucketOf(tx, budget, key), since))) return;
  await recordEvent(tx, { type: 'sign_in.throttled', userId, details: { budget: budget.name } });
}

function takingOf(by: Keyed & Pick<Context, 'now'>, budget: Budget, key: string): Taking {
  const { limit, windowSeconds, isRenewed = false, waits = [0] } = budget;
  return {
    bucket: bucketOf(by, budget, key),
    limit,
    endsAt: addSeconds(by.now(), windowSeconds),
    isRenewed,
    waits,
  };
}

function bucketsOf(by: Keyed, shares: readonly Share[]): Buffer[] {
  return shares.map(({ budget, key }) => bucketOf(by, budget, key));
}

function bucketOf({ config }: Keyed, { name }: Budget, key: string): Buffer {
  return createHmac('sha256', deriveKey(config.secretKeys[0], `throttle: ${name}`))
    .update(key)
    .digest();
}
