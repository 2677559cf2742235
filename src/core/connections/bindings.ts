import type { Tx } from '../../context.ts';
import type { EmailAddress } from '../../kernel/email-address.ts';
import { Failure } from '../../kernel/failures.ts';
import type { DomainId } from '../../kernel/ids.ts';
import { recordEvent } from '../audit/audit.ts';
import type { Change } from './life-cycle.ts';
import { deleteBinding, isBoundSo, upsertBinding } from './life-cycle-queries.ts';
import { getLockedConnection } from './lock.ts';

export interface NewBinding extends Change {
  readonly domainId: DomainId;
  /** Lower comes first; 0 when it is left out. */
  readonly priority?: number;
  /** Only these go this way, and before all others; everybody when it is left out. */
  readonly addresses?: readonly EmailAddress[];
}

/** From now on the domain leads there, once it is proven. Idempotent. Failure `not_found` for a domain that is not the account's. */
export async function bindDomain(tx: Tx, { by, ...binding }: NewBinding): Promise<void> {
  const { connectionId, domainId, priority = 0, addresses = null } = binding;
  const { accountId } = await getLockedConnection(tx, binding);
  if (addresses && (addresses.length === 0 || addresses.length > 1000))
    throw new Failure('invalid_input', { fields: { addresses: 'has not 1 to 1000 entries' } });
  if (await isBoundSo(tx.db, { connectionId, domainId, priority, addresses })) return;
  if (!(await upsertBinding(tx, accountId, { connectionId, domainId, priority, addresses })))
    throw new Failure('not_found');
  const details = { connection_id: connectionId, domain_id: domainId, priority, people: addresses?.length };
  await recordEvent(tx, { type: 'connection.bound', actorId: by, accountId, details });
}

/** The domain leads there no more. Failure `not_found` when it did not. */
export async function unbindDomain(
  tx: Tx,
  { domainId, by, ...ref }: Pick<NewBinding, 'connectionId' | 'accountId' | 'domainId' | 'by'>,
): Promise<void> {
  const { id: connectionId, accountId } = await getLockedConnection(tx, ref);
  if (!(await deleteBinding(tx, accountId, { connectionId, domainId }))) throw new Failure('not_found');
  const details = { connection_id: connectionId, domain_id: domainId };
  await recordEvent(tx, { type: 'connection.unbound', actorId: by, accountId, details });
}
