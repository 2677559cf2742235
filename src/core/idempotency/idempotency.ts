/**
 * Idempotency keys: a caller who has lost an answer asks again with the same key and gets the same answer, for a day. The
 * answer is written in the transaction of the change it tells of, so that there is never one without the other.
 */
import type { Context, Tx } from '../../context.ts';
import type { Config } from '../../../config/load.ts';
import { Failure } from '../../kernel/failures.ts';
import { open, seal } from '../../kernel/seal.ts';
import { addSeconds, day } from '../../kernel/time.ts';
import { isSameHash } from '../../kernel/tokens.ts';
import { findKey, insertKey, type KeyPlace, type KeyRow, updateAnswer } from './queries.ts';

const keptSeconds = day;

export interface KeyedRequest extends KeyPlace {
  /** SHA-256 of everything that makes it this request. */
  readonly requestHash: Buffer;
}

/** Answers what was answered to the same request before. Failure `idempotency_key_reused` when it was another one. */
export async function findAnswer(ctx: Context, request: KeyedRequest): Promise<unknown> {
  const row = await findKey(ctx.db, request, ctx.now());
  return row && answerOf(ctx.config, request, row);
}

/**
 * Does the work and keeps its answer, or answers what was answered before: of any number of the same request at once, on
 * any number of replicas, one does the work and the others wait for it. A failure keeps nothing. Failure
 * `idempotency_key_reused`.
 */
export async function runOnce(
  tx: Tx,
  request: KeyedRequest,
  work: () => Promise<unknown>,
): Promise<{ readonly answer: unknown; readonly isRepeated: boolean }> {
  const { requestHash } = request;
  const expiresAt = addSeconds(tx.now(), keptSeconds);
  if (await insertKey(tx, request, { requestHash, expiresAt })) {
    const answer = await work();
    await updateAnswer(
      tx,
      request,
      seal(tx.config.secretKeys, JSON.stringify(answer ?? null), placeOf(request)),
    );
    return { answer, isRepeated: false };
  }
  const row = await findKey(tx.db, request, tx.now());
  if (!row) throw new Failure('unavailable'); // it expired this very moment
  return { answer: answerOf(tx.config, request, row), isRepeated: true };
}

function answerOf(config: Config, request: KeyedRequest, { requestHash, answerSealed }: KeyRow): unknown {
  if (!isSameHash(requestHash, request.requestHash)) throw new Failure('idempotency_key_reused');
  if (answerSealed === null) throw new Error('an idempotency key was committed without its answer');
  return JSON.parse(open(config.secretKeys, answerSealed, placeOf(request)));
}

function placeOf({ caller, key }: KeyPlace): string {
  return `idempotency_keys/${caller}/${key}`;
}
