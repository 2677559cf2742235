import { type Context, inTransaction, type Tx } from '../../context.ts';
import { Failure } from '../../kernel/failures.ts';
import { lookForChallenge, type Sighting } from './challenge.ts';
import { getLocked } from './lock.ts';
import { recordOf, tellAdmins } from './notices.ts';
import { type Domain, type DomainKey, findDomain, lockOwner, updateDomain } from './queries.ts';
import { justSeen, noteSeen } from './recheck.ts';

const details: Readonly<Record<Exclude<Sighting, 'seen'>, string>> = {
  missing: 'The record is not there.',
  unknown: 'The DNS servers that were asked do not agree, or one of them did not answer.',
};

/**
 * Looks for the proof of a claim now. Found, the domain is the account's: verified, or disputed where another account
 * has it. Of two accounts at once one gets it. Safe to repeat. Throws `not_found` and `domain_not_proven`.
 */
export async function verifyDomain(
  ctx: Context,
  { actor, ...key }: DomainKey & { readonly actor?: string | undefined },
): Promise<Domain> {
  const claim = await seeProof(ctx, key);
  return inTransaction(ctx, (tx) => acceptProof(tx, claim, actor));
}

/** The claim whose proof is in the DNS at this moment. Throws `not_found`, and `domain_not_proven` where it is not there. */
export async function seeProof(ctx: Context, key: DomainKey): Promise<Domain> {
  const claim = await findDomain(ctx.db, key);
  if (!claim) throw new Failure('not_found');
  const sighting = await lookForChallenge(ctx, claim);
  if (sighting !== 'seen') throw new Failure('domain_not_proven', { detail: details[sighting] });
  return claim;
}

/** What becomes of a claim whose proof was seen just now: see `verifyDomain`. Throws `not_found` when it was released since. */
export async function acceptProof(tx: Tx, seen: Domain, actor?: string): Promise<Domain> {
  const domain = await getLocked(tx, seen);
  const { id, name } = domain;
  if (domain.state === 'verified' || domain.state === 'stale') return noteSeen(tx, domain);
  const owner = await lockOwner(tx, name);
  if (owner) return domain.state === 'disputed' ? domain : dispute(tx, { owner, claimant: domain, actor });
  const now = tx.now();
  await recordOf(tx, domain, { type: 'domain.verified', actor, details: { method: 'dns' } });
  return updateDomain(tx, id, { state: 'verified', verifiedAt: now, ...justSeen(now) });
}

/** No take-over: the owner keeps the domain until an operator has decided. Neither account learns who the other is. */
async function dispute(
  tx: Tx,
  { owner, claimant, actor }: { owner: Domain; claimant: Domain; actor: string | undefined },
): Promise<Domain> {
  const disputed = await updateDomain(tx, claimant.id, { state: 'disputed', lastSeenAt: tx.now() });
  await recordOf(tx, claimant, { type: 'domain.disputed', actor, details: { owns: false } });
  await recordOf(tx, owner, { type: 'domain.disputed', actor: null, details: { owns: true } });
  for (const { accountId } of [owner, claimant]) {
    const data = { domain: owner.name, owns: accountId === owner.accountId };
    await tellAdmins(tx, accountId, { template: 'domain_disputed', data });
  }
  return disputed;
}
