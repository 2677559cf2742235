/**
 * The email domains of an account: pending → verified ⇄ stale → released, and disputed. An account claims a name, and
 * proves it by a record in the DNS; verified is one account at most. Who proves a name that another account has makes a
 * dispute of it, and an operator decides. Operators and the account's admins change them; a job looks for the records
 * every day. Only a verified domain brings in people who were not here before; a stale one keeps those who are.
 */
import type { Tx } from '../../context.ts';
import type { Db } from '../../db/connect.ts';
import { Failure } from '../../kernel/failures.ts';
import { type AccountId, type ConnectionId, newId } from '../../kernel/ids.ts';
import type { Window } from '../../kernel/page.ts';
import { newChallenge } from './challenge.ts';
import { getLocked } from './lock.ts';
import { isFreeMail, parseDomainName } from './name.ts';
import { recordOf } from './notices.ts';
import {
  type Domain,
  type DomainKey,
  findClaim,
  findDomain,
  insertClaim,
  isBound,
  lockName,
  lockOwner,
  type Ownership,
  selectDomainsOf,
  selectOwner,
  updateDomain,
} from './queries.ts';

export { type ChallengeRecord, challengeRecord } from './challenge.ts';
export { resolveDispute, resumeLinking } from './dispute.ts';
export { getLocked as getLockedDomain } from './lock.ts';
export { type DomainName, parseDomainName } from './name.ts';
export { type Domain, type DomainKey, type DomainState, findClaim, type Ownership } from './queries.ts';
export { recheckDomains } from './recheck.ts';
export { acceptProof, seeProof, verifyDomain } from './verify.ts';

export interface Claim {
  readonly accountId: AccountId;
  /** As a person has typed it. */
  readonly name: string;
  /** Who does it: a user or a client; absent for a command. */
  readonly actor?: string | undefined;
}

/** A change of one domain of an account. */
export interface Acted extends DomainKey {
  readonly actor?: string | undefined;
}

/**
 * Claims a name for an account, which then is to be proven: `challengeRecord` says how. The account's own claim, where
 * there is one, is answered again. Says nothing about other accounts. Throws `domain_refused`.
 */
export async function claimDomain(tx: Tx, { accountId, name: text, actor }: Claim): Promise<Domain> {
  const name = parseDomainName(text);
  if (!name) throw new Failure('domain_refused', { detail: 'It is not a registrable domain name.' });
  if (isFreeMail(name)) throw new Failure('domain_refused', { detail: 'Anybody can get an address there.' });
  const id = newId('dom', tx.now());
  const isNew = await insertClaim(tx, { id, accountId, name, challenge: newChallenge() });
  const domain = await findClaim(tx.db, { accountId, name });
  if (!domain) throw new Failure('unavailable'); // released at this very moment
  if (isNew) await recordOf(tx, domain, { type: 'domain.claimed', actor });
  return domain;
}

/**
 * An operator vouches for a name that no public DNS knows: it is verified at once, and never looked up. For the demo, for
 * tests, and for networks of one's own. Throws `already_exists` where another account has it.
 */
export async function vouchForDomain(tx: Tx, claim: Claim): Promise<Domain> {
  const { name, ...key } = await claimDomain(tx, claim);
  await lockName(tx, name);
  const claimed = await getLocked(tx, key);
  const { id, verifiedAt, state, nextCheckAt } = claimed;
  if (state === 'verified' && nextCheckAt === null) return claimed;
  const owner = await lockOwner(tx, name);
  if (owner && owner.id !== id) throw new Failure('already_exists');
  const proof = { verifiedAt: verifiedAt ?? tx.now(), firstMissedAt: null, misses: 0, nextCheckAt: null };
  const domain = await updateDomain(tx, id, { state: 'verified', ...proof });
  const details = { method: 'operator' };
  await recordOf(tx, domain, { type: 'domain.verified', actor: claim.actor, details });
  return domain;
}

/** Gives a domain up, whatever its state: from now on it is anybody's to claim. Throws `not_found`. */
export async function releaseDomain(tx: Tx, { actor, ...key }: Acted): Promise<void> {
  const domain = await getLocked(tx, key);
  await updateDomain(tx, domain.id, { state: 'released', nextCheckAt: null });
  await recordOf(tx, domain, { type: 'domain.released', actor, details: { reason: 'asked' } });
}

/**
 * Whether the domain speaks for the names below it, but for those that are proven by themselves. Needs the proof of the
 * domain: throws `domain_not_proven` without.
 */
export async function setIncludeSubdomains(
  tx: Tx,
  { actor, includeSubdomains, ...key }: Acted & { readonly includeSubdomains: boolean },
): Promise<Domain> {
  const domain = await getLocked(tx, key);
  if (domain.state !== 'verified' && domain.state !== 'stale') throw new Failure('domain_not_proven');
  if (domain.includeSubdomains === includeSubdomains) return domain;
  const details = { include_subdomains: includeSubdomains };
  await recordOf(tx, domain, { type: 'domain.changed', actor, details });
  return updateDomain(tx, domain.id, { includeSubdomains });
}

/** The account's domain. Throws `not_found`; also where it was released. */
export async function getDomain(db: Db, key: DomainKey): Promise<Domain> {
  const domain = await findDomain(db, key);
  if (!domain) throw new Failure('not_found');
  return domain;
}

/** The account's domains, in alphabetical order; without those it has given up. The key of a window is a name. */
export function listDomains(db: Db, accountId: AccountId, window: Partial<Window> = {}): Promise<Domain[]> {
  return selectDomainsOf(db, accountId, window);
}

/** Whose an email's domain is: the most specific proven name decides, a parent only where it includes its subdomains. */
export function findDomainOwner(db: Db, emailDomain: string): Promise<Ownership | undefined> {
  return selectOwner(db, emailDomain);
}

/**
 * The proven domain by which this connection may assert addresses of `emailDomain`: of its own account, and bound to it.
 * Only in the state `verified` may people be made or linked by it.
 */
export async function coveringDomain(
  db: Db,
  { connectionId, emailDomain }: { readonly connectionId: ConnectionId; readonly emailDomain: string },
): Promise<Ownership | undefined> {
  const owner = await selectOwner(db, emailDomain);
  // a binding is always to a domain of the connection's own account (connection_domains)
  return owner && (await isBound(db, { connectionId, domainId: owner.id })) ? owner : undefined;
}
