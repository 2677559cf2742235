/** Our own keys towards one identity provider: next → current. The private half is sealed and bound to its row. */
import { createPrivateKey, generateKeyPair } from 'node:crypto';
import { promisify } from 'node:util';
import type { Config } from '../../../config/load.ts';
import { type Context, inTransaction, type Tx } from '../../context.ts';
import { selfSignedCertificate } from '../../kernel/certificate.ts';
import { Failure } from '../../kernel/failures.ts';
import { newId } from '../../kernel/ids.ts';
import { open, seal } from '../../kernel/seal.ts';
import { addSeconds, day } from '../../kernel/time.ts';
import { recordEvent } from '../audit/audit.ts';
import {
  type ConnectionKey,
  deleteConnectionKey,
  insertConnectionKey,
  type KeyPlace,
  updateNextKey,
} from './key-queries.ts';
import { getLockedConnection } from './lock.ts';
import type { ConnectionRef } from './queries.ts';

export {
  type ConnectionKey,
  type KeyPlace,
  type KeyState,
  keyUses,
  type KeyUse,
  listConnectionKeys,
} from './key-queries.ts';

const lifetimeSeconds = 3 * 365 * day;
/** Until a little before now: clocks differ, and a certificate of the future is refused. */
const backdatedSeconds = day;

/** A key that no row has yet. */
export interface MadeKey {
  readonly privatePem: string;
  readonly certificate: string;
  readonly notAfter: Date;
}

/** RSA, 2048 bits, with a certificate for three years. Takes a good part of a second: never inside a transaction. */
export async function makeKey(name: string, now: Date): Promise<MadeKey> {
  const pem = await generate('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  const notBefore = addSeconds(now, -backdatedSeconds);
  const notAfter = addSeconds(now, lifetimeSeconds);
  const certificate = selfSignedCertificate(createPrivateKey(pem.privateKey), { name, notBefore, notAfter });
  return { privatePem: pem.privateKey, certificate, notAfter };
}

const generate = promisify(generateKeyPair);

/** What an identity provider's admin sees in their list: our host, as far as a common name holds it. */
export function keyName({ issuer }: Pick<Config, 'issuer'>): string {
  return new URL(issuer).hostname.slice(0, 64);
}

/** Stores a key that was made before. Failure `already_exists` when the connection has one for this use and state. */
export async function addConnectionKey(tx: Tx, place: KeyPlace, made: MadeKey): Promise<string> {
  const id = newId('key', tx.now());
  const { certificate, notAfter, privatePem } = made;
  const privateKeySealed = seal(tx.config.secretKeys, privatePem, placeOf(id));
  if (!(await insertConnectionKey(tx, { ...place, id, certificate, notAfter, privateKeySealed })))
    throw new Failure('already_exists');
  return id;
}

/** Makes and stores a key. Failure `already_exists` when the connection has one for this use and state. */
export async function createConnectionKey(ctx: Context, place: KeyPlace): Promise<string> {
  const made = await makeOwnKey(ctx);
  return inTransaction(ctx, (tx) => storeConnectionKey(tx, place, made));
}

/** A key under our own name: see `makeKey`. */
export function makeOwnKey({ config, now }: Pick<Context, 'config' | 'now'>): Promise<MadeKey> {
  return makeKey(keyName(config), now());
}

/** Stores a key of a connection that is there, and says so in the trail. Failures `not_found`, `already_exists`. */
export async function storeConnectionKey(
  tx: Tx,
  { use, state, ...ref }: KeyPlace & ConnectionRef,
  made: MadeKey,
): Promise<string> {
  const { id: connectionId, accountId } = await getLockedConnection(tx, ref);
  const id = await addConnectionKey(tx, { connectionId, use, state }, made);
  const details = { connection_id: connectionId, use, state };
  await recordEvent(tx, { type: 'connection.key_created', accountId, details });
  return id;
}

/** The private key as PEM (PKCS #8). */
export function openConnectionKey({ secretKeys }: Pick<Config, 'secretKeys'>, key: ConnectionKey): string {
  return open(secretKeys, key.privateKeySealed, placeOf(key.id));
}

/**
 * The next key of a use takes the place of the current one, which is gone with that. Failure `not_found` when there is
 * no next: an identity provider must have been able to read of it first.
 */
export async function rotateConnectionKeys(
  tx: Tx,
  { use, ...ref }: Omit<KeyPlace, 'state'> & ConnectionRef,
): Promise<void> {
  const { id: connectionId, accountId } = await getLockedConnection(tx, ref);
  await deleteConnectionKey(tx, { connectionId, use, state: 'current' });
  if (!(await updateNextKey(tx, { connectionId, use }))) throw new Failure('not_found');
  await recordEvent(tx, {
    type: 'connection.keys_rotated',
    accountId,
    details: { connection_id: connectionId, use },
  });
}

function placeOf(id: string): string {
  return `connection_keys/${id}`;
}
