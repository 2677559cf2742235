import { randomBytes, randomFillSync } from 'node:crypto';

/**
 * Ids are names, not secrets: prefixed by their kind, ordered by time (good for indexes and for eyes), and never
 * reused. A user id and an account id are different types, because the protocol's word for a user is "account".
 */
export type Id<Prefix extends string> = `${Prefix}_${string}`;
export type AccountId = Id<'acc'>;
export type UserId = Id<'usr'>;
export type ProductId = Id<'prd'>;
export type ConnectionId = Id<'con'>;
export type DomainId = Id<'dom'>;

const requestIdBytes = 9;

const alphabet = '0123456789abcdefghjkmnpqrstvwxyz'; // Crockford base32: no i, l, o, u to misread

/** The last id of this process: its millisecond, and what follows it. */
let last = { at: Number.NaN, rest: 0n };

/**
 * A new id: 48 bits of milliseconds, then 80 random bits (the layout of a ULID). Those that one process makes in one
 * millisecond rise by random steps, so that what was written in one transaction is read back in that order.
 */
export function newId<Prefix extends string>(prefix: Prefix, now: Date): Id<Prefix> {
  const at = now.getTime();
  // 79 bits to begin with and steps of at most 40: a millisecond would need 2^39 ids to run over
  last = { at, rest: at === last.at ? last.rest + 1n + randomBits(40) : randomBits(80) >> 1n };
  return `${prefix}_${base32(BigInt(at), 10)}${base32(last.rest, 16)}`;
}

/** The lowest id of its moment: whatever was made before has a lower one. Before 1970 nothing was made. */
export function firstIdAt<Prefix extends string>(prefix: Prefix, at: Date): Id<Prefix> {
  return `${prefix}_${base32(BigInt(Math.max(0, at.getTime())), 10)}${'0'.repeat(16)}`;
}

/** A short name for one refusal, easy to read over the telephone: 40 random bits as XXXX-XXXX. */
export function newCaseId(): string {
  const text = base32(randomBits(40), 8).toUpperCase();
  return `${text.slice(0, 4)}-${text.slice(4)}`;
}

/** Random bytes in stock for a hundred requests: fetched one by one they cost each 5 µs. */
const stock = Buffer.alloc(100 * requestIdBytes);
let used = stock.length;

/** What one request is called in the log; never the caller's own name for it, which could forge lines. */
export function newRequestId(): string {
  if (used === stock.length) {
    randomFillSync(stock);
    used = 0;
  }
  used += requestIdBytes;
  return stock.toString('base64url', used - requestIdBytes, used);
}

function randomBits(bits: number): bigint {
  return BigInt(`0x${randomBytes(bits / 8).toString('hex')}`);
}

function base32(value: bigint, length: number): string {
  let text = '';
  for (let rest = value; text.length < length; rest >>= 5n) text = `${alphabet[Number(rest & 31n)]}${text}`;
  return text;
}
