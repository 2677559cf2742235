/** How a client gets another secret without an hour in which it is locked out. */
import type { Tx } from '../../context.ts';
import { Failure } from '../../kernel/failures.ts';
import { addSeconds, day } from '../../kernel/time.ts';
import { newToken } from '../../kernel/tokens.ts';
import { recordEvent } from '../audit/audit.ts';
import { announceClientChange } from './store.ts';
import { type ClientWithSecret, getLockedClient } from './manage.ts';
import { findSecretHash, updateClient } from './queries.ts';
import { hasSecret } from './settings.ts';

/** For how long a secret may outlive its successor's birth. */
export const maxOverlapSeconds = 30 * day;

/**
 * Makes another secret; the one before works beside it until the overlap (in seconds) is over, and with an overlap of 0
 * not any more. Of three the oldest is dead: a client has two at most. Failures `not_found`, and `action_not_available`
 * for a client that has none.
 */
export async function rotateClientSecret(
  tx: Tx,
  clientId: string,
  { overlapSeconds }: { readonly overlapSeconds: number },
): Promise<ClientWithSecret> {
  if (!hasSecret(await getLockedClient(tx, clientId))) throw new Failure('action_not_available');
  const { token, hash } = newToken();
  const until = overlapSeconds > 0 ? addSeconds(tx.now(), overlapSeconds) : null;
  const client = await updateClient(tx, clientId, {
    secretHash: hash,
    previousSecretHash: until && (await findSecretHash(tx, clientId)),
    previousSecretUntil: until,
  });
  await announceClientChange(tx, clientId);
  await recordEvent(tx, {
    type: 'client.secret_rotated',
    clientId,
    details: { previous_secret_until: until?.toISOString() ?? null },
  });
  return { client, secret: token };
}
