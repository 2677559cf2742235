/**
 * Departures and arrivals: a browser on its way to an identity provider, and a verified identity on its way back to
 * that browser. Both are bound to the browser by a cookie, both are used once, on any number of replicas.
 *
 * The identity provider's answer is a post from another site and brings none of our cookies along, so it only leaves an
 * arrival; the browser picks it up with a visit of its own, to which the cookie comes.
 */
import type { Context, Tx } from '../../context.ts';
import type { ConnectionId } from '../../kernel/ids.ts';
import { open, seal } from '../../kernel/seal.ts';
import { addSeconds, minute } from '../../kernel/time.ts';
import { hashToken, newToken } from '../../kernel/tokens.ts';
import type { Purpose } from '../attempts/attempts.ts';
import type { ExternalIdentity } from '../connections/connections.ts';
import { departureSeconds } from './lifetimes.ts';
import {
  consumeArrivalRow,
  consumeDepartureRow,
  findArrivalRow,
  type DepartureRow,
  findDepartureRow,
  insertArrival,
  insertDeparture,
  insertUsedAssertion,
} from './queries.ts';

export { departureSeconds } from './lifetimes.ts';
export {
  consumeSocialDeparture,
  findSocialDeparture,
  keepAnswer,
  type NewSocialDeparture,
  type SocialDeparture,
  type SocialLuggage,
  storeSocialDeparture,
} from './social.ts';

/** From the post of the identity provider to the browser's visit. */
const arrivalSeconds = minute;
/** An unsolicited one has to wait until its application has sent the browser here. */
const unsolicitedSeconds = 5 * minute;

/** What is remembered of a departure, sealed: nobody who reads the database can answer in its place. */
export interface Luggage {
  /** The interaction to go back to; absent in a test. */
  readonly uid?: string;
  readonly nonce?: string;
  readonly codeVerifier?: string;
  readonly notBefore?: string;
  readonly forceAuthn: boolean;
  readonly maxAge?: number;
  /** The form that the browser posts, where the request is posted. */
  readonly form?: { readonly action: string; readonly fields: Readonly<Record<string, string>> };
}

export interface Departure extends Pick<
  DepartureRow,
  'connectionId' | 'revision' | 'purpose' | 'attemptId' | 'browserHash' | 'createdAt' | 'consumedAt'
> {
  readonly luggage: Luggage;
}

export interface NewDeparture {
  /** What comes back: `newDepartureToken()`. */
  readonly token: string;
  readonly connectionId: ConnectionId;
  readonly revision: number;
  readonly purpose: 'sign_in' | 'test';
  readonly attemptId: string;
  /** The value of the browser's cookie. */
  readonly browser: string;
  readonly luggage: Luggage;
}

export async function storeDeparture(tx: Tx, departure: NewDeparture): Promise<void> {
  const { token, browser, luggage, ...row } = departure;
  const idHash = hashToken(token);
  await insertDeparture(tx, {
    ...row,
    idHash,
    browserHash: hashToken(browser),
    sealed: seal(tx.config.secretKeys, JSON.stringify(luggage), placeOf('departures', idHash)),
    expiresAt: addSeconds(tx.now(), departureSeconds),
  });
}

/** A departure, also one that has come back (`consumedAt`). Consumes nothing; for `browser` only, where it is said. */
export async function findDeparture(
  ctx: Context,
  { token, browser }: { readonly token: string; readonly browser?: string },
): Promise<Departure | undefined> {
  const of = { idHash: hashToken(token), ...(browser !== undefined && { browserHash: hashToken(browser) }) };
  return reveal(ctx, await findDepartureRow(ctx.db, of, ctx.now()));
}

/** Notes that it came back: of any number of callers one gets it. For `browser` only, where it is said. */
export async function consumeDeparture(
  tx: Tx,
  { token, browser }: { readonly token: string; readonly browser?: string },
): Promise<Departure | undefined> {
  const of = { idHash: hashToken(token), ...(browser !== undefined && { browserHash: hashToken(browser) }) };
  return reveal(tx, await consumeDepartureRow(tx, of));
}

function reveal({ config }: Pick<Context, 'config'>, row: DepartureRow | undefined): Departure | undefined {
  if (!row) return undefined;
  const { sealed, idHash, ...departure } = row;
  const luggage = JSON.parse(open(config.secretKeys, sealed, placeOf('departures', idHash))) as Luggage;
  return { ...departure, luggage };
}

/** True once for each assertion of a connection, until `expiresAt`: after that it is refused for its age. */
export async function useAssertion(
  tx: Tx,
  assertion: { readonly connectionId: ConnectionId; readonly id: string; readonly expiresAt: Date },
): Promise<boolean> {
  const { connectionId, id, expiresAt } = assertion;
  return insertUsedAssertion(tx, { connectionId, assertionHash: hashToken(id), expiresAt });
}

/** What an arrival carries: who it is, or under which case it was refused; neither where the browser is only sent on. */
export interface Carried {
  /** The interaction to go back to. */
  readonly uid?: string;
  readonly identity?: ExternalIdentity;
  /** Of the connection, as it was when it verified the identity. */
  readonly revision?: number;
  readonly caseId?: string;
}

export interface NewArrival {
  readonly connectionId: ConnectionId;
  readonly purpose: Purpose;
  readonly attemptId: string;
  readonly browserHash: Buffer;
  readonly carried: Carried;
}

/** Leaves a verified identity for its browser; answers the handle it is picked up with. */
export async function storeArrival(tx: Tx, { carried, ...arrival }: NewArrival): Promise<string> {
  const { token, hash } = newToken();
  const life = arrival.purpose === 'unsolicited' ? unsolicitedSeconds : arrivalSeconds;
  await insertArrival(tx, {
    ...arrival,
    handleHash: hash,
    sealed: seal(tx.config.secretKeys, JSON.stringify(carried), placeOf('arrivals', hash)),
    expiresAt: addSeconds(tx.now(), life),
  });
  return token;
}

/** The attempt of an arrival that waits for its browser: for the record, when another one asks for it. */
export async function findArrivalAttempt(
  ctx: Context,
  handle: string,
): Promise<{ readonly attemptId: string; readonly connectionId: ConnectionId } | undefined> {
  return findArrivalRow(ctx.db, hashToken(handle), ctx.now());
}

export interface Arrival {
  readonly connectionId: ConnectionId;
  readonly purpose: Purpose;
  readonly attemptId: string;
  readonly carried: Carried;
}

/** Picks it up: once, and only by the browser that left. Another browser gets nothing and consumes nothing. */
export async function consumeArrival(
  tx: Tx,
  { handle, browser }: { readonly handle: string; readonly browser: string },
): Promise<Arrival | undefined> {
  const handleHash = hashToken(handle);
  const row = await consumeArrivalRow(tx, { handleHash, browserHash: hashToken(browser) });
  if (!row) return undefined;
  const { sealed, ...arrival } = row;
  const carried = JSON.parse(open(tx.config.secretKeys, sealed, placeOf('arrivals', handleHash))) as Carried;
  return { ...arrival, carried };
}

function placeOf(table: string, hash: Buffer): string {
  return `${table}/${hash.toString('base64url')}`;
}
