/** How a key comes to be: generated outside a transaction, sealed and stored inside one. */
import { generateKeyPair, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import { calculateJwkThumbprint, type JWK } from 'jose';
import { sql } from 'kysely';
import type { Tx } from '../../context.ts';
import { seal } from '../../kernel/seal.ts';
import { recordEvent } from '../audit/audit.ts';
import { insertKey, type KeyTimes, type SigningAlg } from './queries.ts';

/** Every replica listens here and serves with the keys the database has then. */
export const keysChangedChannel = 'doorward_signing_keys_changed';

export interface MadeKey {
  /** The thumbprint of the public key (RFC 7638): no two keys share it. */
  readonly kid: string;
  readonly alg: SigningAlg;
  readonly privateJwk: JWK;
}

const generate = promisify(generateKeyPair);

export async function generateSigningKey(alg: SigningAlg): Promise<MadeKey> {
  const { privateKey }: { privateKey: KeyObject } =
    alg === 'ES256'
      ? await generate('ec', { namedCurve: 'P-256' })
      : await generate('rsa', { modulusLength: 3072 });
  const jwk = privateKey.export({ format: 'jwk' }) as JWK;
  const kid = await calculateJwkThumbprint(jwk);
  return { kid, alg, privateJwk: { ...jwk, kid, alg, use: 'sig' } };
}

/** Stores a key that was made before. The caller holds the lock, and announces the change. */
export async function addKey(
  tx: Tx,
  { kid, alg, privateJwk }: MadeKey,
  times: Pick<KeyTimes, 'publishAt' | 'activateAt'>,
): Promise<void> {
  const { d, p, q, dp, dq, qi, ...publicJwk } = privateJwk;
  const privateKeySealed = seal(tx.config.secretKeys, JSON.stringify(privateJwk), placeOf(kid));
  await insertKey(tx, { kid, alg, ...times, retireAt: null, publicJwk, privateKeySealed });
  await recordEvent(tx, { type: 'signing_key.created', details: { kid, alg } });
}

/** Tells every replica when the transaction commits. */
export async function announceKeyChange(tx: Tx): Promise<void> {
  await sql`select pg_notify(${keysChangedChannel}, '')`.execute(tx.db);
}

export function placeOf(kid: string): string {
  return `signing_keys/${kid}`;
}
