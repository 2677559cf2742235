/** Trials: a real sign-in by a connection that need not be live, which writes nothing but whether it passed. */
import { type Context, inTransaction, type Tx } from '../../context.ts';
import type { ConnectionId } from '../../kernel/ids.ts';
import { addSeconds, minute } from '../../kernel/time.ts';
import { hashToken, newToken } from '../../kernel/tokens.ts';
import { recordEvent } from '../audit/audit.ts';
import type { Change } from './life-cycle.ts';
import { updateConnection } from './life-cycle-queries.ts';
import { getLockedConnection } from './lock.ts';
import { lockConnection } from './queries.ts';
import { deleteTrial, insertTrial } from './trial-queries.ts';

const linkSeconds = 10 * minute;

/** The link of `offerTest`, in a transaction of its own. */
export async function beginTest(ctx: Context, change: Change): Promise<string> {
  const { url } = await inTransaction(ctx, (tx) => offerTest(tx, change));
  return url;
}

/**
 * A link that starts one trial in any browser, within ten minutes, of the connection as it is now. Whoever has the link
 * can only try: it signs nobody in.
 */
export async function offerTest(
  tx: Tx,
  { by, ...ref }: Change,
): Promise<{ readonly url: string; readonly expiresAt: Date }> {
  const { id: connectionId, accountId, settingsHash } = await getLockedConnection(tx, ref);
  const { token, hash } = newToken();
  const expiresAt = addSeconds(tx.now(), linkSeconds);
  const createdBy = by ?? tx.origin.actorId ?? null;
  await insertTrial(tx, { tokenHash: hash, connectionId, settingsHash, createdBy, expiresAt });
  const details = { connection_id: connectionId };
  await recordEvent(tx, { type: 'connection.test_offered', actorId: by, accountId, details });
  return { url: `${tx.config.issuer}/federation/${connectionId}/start?test=${token}`, expiresAt };
}

/** What a trial is of; what passes is this configuration and no other. */
export interface Trial {
  readonly connectionId: ConnectionId;
  readonly settingsHash: Buffer;
  readonly createdBy: string | null;
}

/** Single use, in one statement. */
export async function consumeTest(tx: Tx, token: string): Promise<Trial | undefined> {
  return deleteTrial(tx, hashToken(token));
}

/**
 * Notes that a test has passed for exactly these settings; false when they have changed meanwhile, or the connection is
 * gone. A draft becomes tested; a connection in another state stays in it.
 */
export async function passTest(
  tx: Tx,
  { connectionId, settingsHash, by }: Change & { readonly settingsHash: Buffer },
): Promise<boolean> {
  const connection = await lockConnection(tx, { connectionId });
  if (!connection?.settingsHash.equals(settingsHash)) return false;
  const { state, accountId } = connection;
  const becomes = state === 'draft' ? 'tested' : state;
  await updateConnection(tx, connectionId, {
    state: becomes,
    testedHash: settingsHash,
    testedAt: tx.now(),
  });
  const details = { connection_id: connectionId, before: state };
  await recordEvent(tx, { type: 'connection.tested', actorId: by, accountId, details });
  return true;
}
