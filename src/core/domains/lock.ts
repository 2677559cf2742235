import type { Tx } from '../../context.ts';
import { Failure } from '../../kernel/failures.ts';
import { type Domain, type DomainKey, findDomain, lockDomain, lockName } from './queries.ts';

/**
 * The account's domain, held until the transaction ends. The name first and then the row, as whoever wants to own the name
 * takes them: in another order two would wait for each other. Throws `not_found`; also where it was released.
 */
export async function getLocked(tx: Tx, key: DomainKey): Promise<Domain> {
  const found = await findDomain(tx.db, key);
  if (found) await lockName(tx, found.name);
  const domain = found && (await lockDomain(tx, key));
  if (!domain) throw new Failure('not_found');
  return domain;
}
