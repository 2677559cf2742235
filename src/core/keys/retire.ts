/** The end of a key before its time: what it has signed is refused from now on. */
import type { Tx } from '../../context.ts';
import { Failure } from '../../kernel/failures.ts';
import { recordEvent } from '../audit/audit.ts';
import { momentAfter } from './lifetimes.ts';
import { type KeyDescription, keyThatIs, listKeys } from './list.ts';
import { announceKeyChange } from './make.ts';
import { deleteKey, lockKeys, updateActivateAt, updateRetireAt } from './queries.ts';

/**
 * Takes a key out at once: it is published no more, and what it has signed is refused on every replica. In place of the
 * current key the next one signs at once. Failure `only_signing_key` when there is none; `not_found` when no such key is
 * published.
 */
export async function retireSigningKey(tx: Tx, kid: string): Promise<void> {
  await lockKeys(tx);
  const keys = await listKeys(tx.db, tx.now());
  const key = keys.find((one) => one.kid === kid);
  if (!key) throw new Failure('not_found');
  const { alg, state } = key;
  if (state === 'next') await withdraw(tx, key, keyThatIs('current', { keys, alg }));
  else {
    if (state === 'current') await putInPlaceOf(tx, key, keyThatIs('next', { keys, alg }));
    await updateRetireAt(tx, kid, momentAfter(key.activateAt, tx.now()));
  }
  await recordEvent(tx, { type: 'signing_key.retired', details: { alg, kid, state } });
  await announceKeyChange(tx);
}

/** It has signed nothing, and the current key stays what it is. */
async function withdraw(tx: Tx, { kid }: KeyDescription, current: KeyDescription | undefined): Promise<void> {
  await deleteKey(tx, kid);
  if (current) await updateRetireAt(tx, current.kid, null);
}

async function putInPlaceOf(tx: Tx, key: KeyDescription, next: KeyDescription | undefined): Promise<void> {
  if (!next) throw new Failure('only_signing_key');
  await updateActivateAt(tx, next.kid, momentAfter(key.activateAt, tx.now()));
}
