/**
 * Signing keys: next → current → retired, by the clock. ES256 signs by default; an RS256 key is always there for
 * clients that ask for it. The private half is sealed and bound to its row.
 */
import { generateKeyPair, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import { calculateJwkThumbprint, type JWK } from 'jose';
import { sql } from 'kysely';
import { type Context, inTransaction, type Tx } from '../../context.ts';
import type { Db } from '../../db/connect.ts';
import { open, seal, type SealingKeys } from '../../kernel/seal.ts';
import { recordEvent } from '../audit/audit.ts';

export type SigningAlg = 'ES256' | 'RS256';

export interface SigningKey {
  readonly kid: string;
  readonly alg: SigningAlg;
  /** The whole key, private members included; never leaves the process. */
  readonly privateJwk: JWK;
}

const generate = promisify(generateKeyPair);
const algorithms: readonly SigningAlg[] = ['ES256', 'RS256'];

/**
 * Makes the first key of each algorithm where there is none. Of replicas that start at once one makes them: keys are
 * generated before the transaction (a 3072-bit RSA key takes a second), and thrown away when another was first.
 */
export async function ensureSigningKeys(ctx: Context): Promise<void> {
  const present = new Set(
    (await listSigningKeys(ctx.db, ctx.config.secretKeys, ctx.now())).map((key) => key.alg),
  );
  const missing = algorithms.filter((alg) => !present.has(alg));
  if (missing.length === 0) return;
  const made = await Promise.all(missing.map(generateSigningKey));
  await inTransaction(ctx, async (tx) => {
    await sql`select pg_advisory_xact_lock(hashtext('doorward signing keys'))`.execute(tx.db);
    for (const key of made) {
      if (!(await hasKey(tx, key.alg))) await insertSigningKey(tx, key);
    }
  });
}

/**
 * The keys published at `now`. The first of an algorithm signs: the newest that is active; those that are published
 * before or after their time only verify.
 */
export async function listSigningKeys(db: Db, sealingKeys: SealingKeys, now: Date): Promise<SigningKey[]> {
  const rows = await db
    .selectFrom('signingKeys')
    .select(['kid', 'alg', 'privateKeySealed'])
    .where('publishAt', '<=', now)
    .where((where) => where.or([where('retireAt', 'is', null), where('retireAt', '>', now)]))
    .orderBy('alg')
    .orderBy((order) => order('activateAt', '>', now))
    .orderBy('activateAt', 'desc')
    .orderBy('kid')
    .execute();
  return rows.map(({ kid, alg, privateKeySealed }) => ({
    kid,
    alg: alg as SigningAlg,
    privateJwk: JSON.parse(open(sealingKeys, privateKeySealed, placeOf(kid))) as JWK,
  }));
}

async function generateSigningKey(alg: SigningAlg): Promise<SigningKey> {
  const { privateKey }: { privateKey: KeyObject } =
    alg === 'ES256'
      ? await generate('ec', { namedCurve: 'P-256' })
      : await generate('rsa', { modulusLength: 3072 });
  const jwk = privateKey.export({ format: 'jwk' }) as JWK;
  const kid = await calculateJwkThumbprint(jwk);
  return { kid, alg, privateJwk: { ...jwk, kid, alg, use: 'sig' } };
}

async function hasKey(tx: Tx, alg: SigningAlg): Promise<boolean> {
  const row = await tx.db.selectFrom('signingKeys').select('kid').where('alg', '=', alg).executeTakeFirst();
  return row !== undefined;
}

async function insertSigningKey(tx: Tx, { kid, alg, privateJwk }: SigningKey): Promise<void> {
  const { d, p, q, dp, dq, qi, ...publicJwk } = privateJwk;
  await tx.db
    .insertInto('signingKeys')
    .values({
      kid,
      alg,
      publicJwk: JSON.stringify(publicJwk),
      privateKeySealed: seal(tx.config.secretKeys, JSON.stringify(privateJwk), placeOf(kid)),
      publishAt: tx.now(),
      activateAt: tx.now(),
    })
    .execute();
  await recordEvent(tx, { type: 'signing_key.created', details: { kid, alg } });
}

function placeOf(kid: string): string {
  return `signing_keys/${kid}`;
}
