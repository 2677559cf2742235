import type { Tx } from '../../context.ts';
import { Failure } from '../../kernel/failures.ts';
import { type Domain, type DomainKey, lockDomain } from './queries.ts';

/** The account's domain, held until the transaction ends. Throws `not_found`; also where it was released. */
export async function getLocked(tx: Tx, { accountId, id }: DomainKey): Promise<Domain> {
  const domain = await lockDomain(tx, id);
  if (domain?.accountId !== accountId) throw new Failure('not_found');
  return domain;
}
