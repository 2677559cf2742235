import type { JWK } from 'jose';
import type { Db } from '../../db/connect.ts';
import { open, type SealingKeys } from '../../kernel/seal.ts';
import { addSeconds, earliest } from '../../kernel/time.ts';
import { signsFor } from './lifetimes.ts';
import { placeOf } from './make.ts';
import { type KeyTimes, listRows } from './queries.ts';

export type KeyState = 'next' | 'current' | 'retired';

/** A key as it is shown: nothing secret. */
export interface KeyDescription extends KeyTimes {
  readonly state: KeyState;
}

export interface SigningKey extends KeyTimes {
  /** The whole key, private members included; never leaves the process. */
  readonly privateJwk: JWK;
}

/**
 * The keys published at `now`. The first of an algorithm signs: the newest that is active; those that are published
 * before or after their time only verify.
 */
export async function listSigningKeys(db: Db, sealingKeys: SealingKeys, now: Date): Promise<SigningKey[]> {
  return (await listRows(db, now)).map(({ privateKeySealed, ...times }) => ({
    ...times,
    privateJwk: JSON.parse(open(sealingKeys, privateKeySealed, placeOf(times.kid))) as JWK,
  }));
}

/** The same without what is secret, each with its state: what there is to look at. */
export async function listKeys(db: Db, now: Date): Promise<KeyDescription[]> {
  const rows = (await listRows(db, now)).map(({ privateKeySealed: _secret, ...times }) => times);
  return rows.map((key) => ({ ...key, state: stateOf(key, rows, now) }));
}

/** The first of its algorithm is current, once it is active: `all` are in the order of listSigningKeys. */
function stateOf(key: KeyTimes, all: readonly KeyTimes[], now: Date): KeyState {
  if (key.activateAt > now) return 'next';
  return all.find(({ alg }) => alg === key.alg) === key ? 'current' : 'retired';
}

/** The key of an algorithm that is in this state: there is at most one that is current, and one that is next. */
export function keyThatIs(
  state: Exclude<KeyState, 'retired'>,
  { keys, alg }: { readonly keys: readonly KeyDescription[]; readonly alg: string },
): KeyDescription | undefined {
  return keys.find((key) => key.alg === alg && key.state === state);
}

/** When another key of an algorithm signs: from when it was published for, or from when the one that signs is old. */
export function rotationDueAt(keysOfAlg: readonly KeyDescription[]): Date | undefined {
  const next = keysOfAlg.find(({ state }) => state === 'next');
  if (next) return next.activateAt;
  const current = keysOfAlg.find(({ state }) => state === 'current');
  return current && addSeconds(current.activateAt, signsFor);
}

/** When the next of these keys changes its state by the clock alone; undefined when none does. */
export function nextKeyChange(keys: readonly KeyTimes[], now: Date): Date | undefined {
  const times = keys.flatMap(({ activateAt, retireAt }) => [activateAt, retireAt]);
  return earliest(...times.filter((time) => time !== null && time > now));
}
