/** Two DNS servers that agree, and what makes domains go through their states. */
import type { Test } from 'tap';
import { type Context, inTransaction } from '../../src/context.ts';
import {
  challengeRecord,
  claimDomain,
  type Domain,
  releaseDomain,
  resolveDispute,
  resumeLinking,
  setIncludeSubdomains,
  verifyDomain,
} from '../../src/core/domains/domains.ts';
import type { TestApp } from './app.ts';
import { type DnsServer, startDns } from './dns.ts';
import { makeAccount } from './make.ts';

export interface Resolvers {
  readonly servers: readonly [DnsServer, DnsServer];
  /** What makes the service ask them. */
  readonly env: Readonly<Record<'DNS_RESOLVERS', string>>;
  /** Puts the records of these claims to one name into the DNS, instead of what is there. */
  prove(...domains: readonly [Domain, ...Domain[]]): void;
  unprove(domain: Domain): void;
}

export async function startResolvers(t: Test): Promise<Resolvers> {
  const servers = [await startDns(t), await startDns(t)] as const;
  return {
    servers,
    env: { DNS_RESOLVERS: servers.map(({ address }) => address).join(',') },
    prove: (...domains) => {
      const values = domains.map((domain) => challengeRecord(domain).value);
      for (const server of servers) server.setTxt(challengeRecord(domains[0]).name, ...values);
    },
    unprove: (domain) => {
      for (const server of servers) server.remove(challengeRecord(domain).name);
    },
  };
}

/** Makes everything happen to a domain that can. */
export async function driveDomains(app: TestApp, { prove, unprove }: Resolvers): Promise<void> {
  const { ctx } = app;
  const claim = async () => {
    const accountId = await makeAccount(ctx);
    return inTransaction(ctx, (tx) => claimDomain(tx, { accountId, name: 'driven.test' }));
  };
  const [owner, claimant] = [await claim(), await claim()];
  prove(owner, claimant);
  await verifyDomain(ctx, owner);
  await verifyDomain(ctx, claimant);
  await inTransaction(ctx, async (tx) => {
    await resolveDispute(tx, { ...claimant, outcome: 'transfer' });
    await resumeLinking(tx, claimant);
    await setIncludeSubdomains(tx, { ...claimant, includeSubdomains: true });
  });
  unprove(claimant);
  await makeMissing(ctx, claimant);
  await app.runJob('domains');
  prove(claimant);
  await verifyDomain(ctx, claimant);
  await inTransaction(ctx, (tx) => releaseDomain(tx, claimant));
}

/** As if nobody had found the record for four days. */
async function makeMissing({ db, now }: Context, { id }: Domain): Promise<void> {
  const firstMissedAt = new Date(now().getTime() - 4 * 86_400_000);
  await db
    .updateTable('domains')
    .set({ misses: 3, firstMissedAt, nextCheckAt: now() })
    .where('id', '=', id)
    .execute();
}
