/** What becomes of a proof: a record that stays away makes its domain stale, and at last free for others. */
import { randomInt } from 'node:crypto';
import { type Context, inTransaction, type Tx } from '../../context.ts';
import { addSeconds, day, hour, secondsUntil } from '../../kernel/time.ts';
import { challengeRecord, lookForChallenge, type Sighting } from './challenge.ts';
import { recordOf, tellAdmins } from './notices.ts';
import { claimDueChecks, type Domain, lockDomain, updateDomain } from './queries.ts';

/** Looked up side by side. */
const batch = 10;
/** When to look again where nothing was found out; also for how long a domain is one replica's to look up. */
const retrySeconds = hour;
/** After so many misses in a row, over so long. Counted as well: a service that was down has not seen anything missing. */
const staleAfter = { misses: 3, seconds: 3 * day };
/** Thirty days of daily misses later. */
const staleDays = 30;
const releasedAfter = { misses: 3 + staleDays, seconds: (3 + staleDays) * day };

/** Looks for the records that are due; answers how many it were. Each is one replica's, and no look holds a connection. */
export async function recheckDomains(ctx: Context): Promise<number> {
  const due = await inTransaction(ctx, (tx) =>
    claimDueChecks(tx, { limit: batch, leaseUntil: addSeconds(tx.now(), retrySeconds) }),
  );
  const sightings = await Promise.all(
    due.map(async (domain) => ({ domain, sighting: await lookForChallenge(ctx, domain) })),
  );
  for (const { domain, sighting } of sightings) {
    if (sighting === 'unknown')
      ctx.log.warn({ domain: domain.name }, 'the DNS does not say whether a domain is still proven');
    else await inTransaction(ctx, (tx) => noteSighting(tx, domain, sighting));
  }
  return due.length;
}

async function noteSighting(
  tx: Tx,
  { accountId, id, state }: Domain,
  sighting: Exclude<Sighting, 'unknown'>,
): Promise<void> {
  const domain = await lockDomain(tx, { accountId, id });
  // released, or decided anew, while we looked
  if (domain?.state !== state) return;
  await (sighting === 'seen' ? noteSeen(tx, domain) : noteMissing(tx, domain));
}

/** The record of a proven domain is there; a stale one is verified again. */
export async function noteSeen(tx: Tx, domain: Domain): Promise<Domain> {
  if (domain.state === 'stale') await recordOf(tx, domain, { type: 'domain.recovered' });
  return updateDomain(tx, domain.id, { state: 'verified', ...justSeen(tx.now()) });
}

/** What is written of a record that was just seen. */
export function justSeen(now: Date) {
  return { lastSeenAt: now, firstMissedAt: null, misses: 0, nextCheckAt: nextCheck(now) } as const;
}

async function noteMissing(tx: Tx, domain: Domain): Promise<void> {
  const now = tx.now();
  const missing = { misses: domain.misses + 1, firstMissedAt: domain.firstMissedAt ?? now };
  const state = stateWithout({ state: domain.state, ...missing }, now);
  const nextCheckAt = state === 'released' ? null : nextCheck(now);
  await updateDomain(tx, domain.id, { ...missing, state, nextCheckAt });
  if (state === domain.state) return;
  if (state === 'stale') {
    await recordOf(tx, domain, { type: 'domain.became_stale' });
    const { name, value } = challengeRecord(domain);
    const data = { domain: domain.name, recordName: name, recordValue: value, days: staleDays };
    await tellAdmins(tx, domain.accountId, { template: 'domain_stale', data });
  } else {
    await recordOf(tx, domain, { type: 'domain.released', details: { reason: 'missing' } });
    const data = { domain: domain.name };
    await tellAdmins(tx, domain.accountId, { template: 'domain_released', data });
  }
}

type Missing = Pick<Domain, 'state' | 'misses'> & { readonly firstMissedAt: Date };

/** What a proven domain is whose record was missing so often, for so long. Never from verified to released at once. */
function stateWithout({ state, misses, firstMissedAt }: Missing, now: Date): Domain['state'] {
  const seconds = secondsUntil(now, firstMissedAt);
  const is = (limit: typeof staleAfter) => misses >= limit.misses && seconds >= limit.seconds;
  if (state === 'stale') return is(releasedAfter) ? 'released' : 'stale';
  return is(staleAfter) ? 'stale' : state;
}

/** Once a day, and not all that were verified together at the same moment. */
function nextCheck(now: Date): Date {
  return addSeconds(now, day + randomInt(-2 * hour, 2 * hour));
}
