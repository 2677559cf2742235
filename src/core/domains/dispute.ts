import type { Tx } from '../../context.ts';
import { Failure } from '../../kernel/failures.ts';
import { getLocked } from './lock.ts';
import { recordOf, tellAdmins } from './notices.ts';
import { type Domain, type DomainKey, lockOwner, updateDomain } from './queries.ts';

/** Of the disputed claim. */
export interface Resolution extends DomainKey {
  /** Whether its account gets the domain, or the one that has it keeps it. */
  readonly outcome: 'transfer' | 'refuse';
  readonly actor?: string | undefined;
}

/**
 * An operator's decision. The loser's domain is released, and both accounts are told. A transfer changes nothing for the
 * people who are here, and links and makes none until `resumeLinking`: whoever gets a domain must not get the users of
 * the company that had it. Throws `not_found` where there is no such dispute.
 */
export async function resolveDispute(tx: Tx, { outcome, actor, ...key }: Resolution): Promise<void> {
  const claim = await lockDisputed(tx, key);
  const owner = await lockOwner(tx, claim.name);
  const [winner, loser] = outcome === 'transfer' ? [claim, owner] : [owner, claim];
  if (loser) await updateDomain(tx, loser.id, { state: 'released', nextCheckAt: null });
  if (outcome === 'transfer') {
    const now = tx.now();
    const proof = { verifiedAt: now, firstMissedAt: null, misses: 0, nextCheckAt: now } as const;
    await updateDomain(tx, claim.id, { state: 'verified', ...proof, linkingSuspendedAt: now });
  }
  for (const domain of [winner, loser].filter((party) => party !== undefined)) {
    await recordOf(tx, domain, { type: 'domain.dispute_resolved', actor, details: { outcome } });
    const data = { domain: domain.name, owns: domain === winner };
    await tellAdmins(tx, domain.accountId, { template: 'domain_dispute_resolved', data });
  }
}

async function lockDisputed(tx: Tx, key: DomainKey): Promise<Domain> {
  const claim = await getLocked(tx, key);
  if (claim.state !== 'disputed') throw new Failure('not_found');
  return claim;
}

/** From now on the domain that was transferred brings people in as any other. By an operator; throws `not_found`. */
export async function resumeLinking(
  tx: Tx,
  { actor, ...key }: DomainKey & { readonly actor?: string | undefined },
): Promise<void> {
  const domain = await getLocked(tx, key);
  if (domain.linkingSuspendedAt === null) throw new Failure('not_found');
  await updateDomain(tx, domain.id, { linkingSuspendedAt: null });
  await recordOf(tx, domain, { type: 'domain.linking_resumed', actor });
}
