import { type Context, inTransaction, type Tx } from '../context.ts';
import { findAccountBySlug } from '../core/accounts/accounts.ts';
import {
  challengeRecord,
  claimDomain,
  type Domain,
  findClaim,
  listDomains,
  parseDomainName,
  releaseDomain,
  resolveDispute,
  resumeLinking,
  setIncludeSubdomains,
  verifyDomain,
} from '../core/domains/domains.ts';
import { Failure } from '../kernel/failures.ts';
import type { AccountId } from '../kernel/ids.ts';
import type { Command } from './command.ts';
import { sayWhyNot, textOf } from './failure-text.ts';

/** What there is to do with the domains of an account. */
export const domainCommands: Readonly<Record<string, Command>> = {
  'domain claim': command('claim <account> <name>', 'Claims a domain, and prints its proof.', claim),
  'domain verify': command('verify <account> <name>', 'Looks for the proof now.', verify),
  'domain list': command('list <account>', 'Lists the domains of an account.', list),
  'domain release': change('release', 'Gives a domain up.', async (tx, domain) => {
    await releaseDomain(tx, domain);
    return 'is released';
  }),
  'domain transfer': change('transfer', 'Gives a disputed domain to this account.', async (tx, domain) => {
    await resolveDispute(tx, { ...domain, outcome: 'transfer' });
    return 'is transferred; it brings nobody in who was not here before, until: doorward domain resume';
  }),
  'domain refuse': change('refuse', 'Refuses a disputed domain to this account.', async (tx, domain) => {
    await resolveDispute(tx, { ...domain, outcome: 'refuse' });
    return 'stays where it is; this claim is released';
  }),
  'domain resume': change('resume', 'Lets a transferred domain bring people in.', async (tx, domain) => {
    await resumeLinking(tx, domain);
    return 'brings people in like any other';
  }),
  'domain include-subdomains': change('include-subdomains', 'Covers the names below, too.', (tx, domain) =>
    includeSubdomains(tx, domain, true),
  ),
  'domain exclude-subdomains': change('exclude-subdomains', 'Covers the name alone.', (tx, domain) =>
    includeSubdomains(tx, domain, false),
  ),
};

type Account = NonNullable<Awaited<ReturnType<typeof findAccountBySlug>>>;
type Work = (ctx: Context, account: Account, name: string) => Promise<string>;

/** `usage` says how many words there must be; the first is always an account. */
function command(usage: string, about: string, work: Work): Command {
  return {
    usage: `domain ${usage}`,
    about,
    async run({ ctx }, args) {
      const [slug, name = ''] = args;
      if (slug === undefined || args.length !== usage.split(' ').length - 1)
        throw new Error(`usage: doorward domain ${usage}`);
      const account = await findAccountBySlug(ctx.db, slug);
      if (!account) throw new Error(`there is no account ${slug}`);
      return work(ctx, account, name).catch(sayWhyNot);
    },
  };
}

/** A change of a domain that the account has claimed; `work` answers what is true now. */
function change(verb: string, about: string, work: (tx: Tx, domain: Domain) => Promise<string>): Command {
  return command(`${verb} <account> <name>`, about, async (ctx, account, name) => {
    const domain = await domainOf(ctx, account.id, name);
    return `${domain.name} ${await inTransaction(ctx, (tx) => work(tx, domain))}.`;
  });
}

async function domainOf(ctx: Context, accountId: AccountId, text: string): Promise<Domain> {
  const name = parseDomainName(text);
  const domain = name && (await findClaim(ctx.db, { accountId, name }));
  if (!domain) throw new Error(`the account has not claimed ${text}`);
  return domain;
}

async function claim(ctx: Context, account: Account, name: string): Promise<string> {
  const domain = await inTransaction(ctx, (tx) => claimDomain(tx, { accountId: account.id, name }));
  if (domain.state !== 'pending') return lineOf(domain);
  return `Create this record in the DNS of ${domain.name}:\n\n${zoneLineOf(domain)}\n\nThen: doorward domain verify`;
}

async function verify(ctx: Context, account: Account, name: string): Promise<string> {
  const domain = await domainOf(ctx, account.id, name);
  try {
    return lineOf(await verifyDomain(ctx, domain));
  } catch (error) {
    if (!(error instanceof Failure) || error.code !== 'domain_not_proven') throw error;
    throw new Error(`${textOf(error)}. It has to be:\n\n${zoneLineOf(domain)}`);
  }
}

async function list(ctx: Context, account: Account): Promise<string> {
  const domains = await listDomains(ctx.db, account.id);
  return domains.length === 0 ? `${account.name} has no domains.` : domains.map(lineOf).join('\n');
}

async function includeSubdomains(tx: Tx, domain: Domain, included: boolean): Promise<string> {
  await setIncludeSubdomains(tx, { ...domain, includeSubdomains: included });
  return included ? 'covers the names below it' : 'covers itself alone';
}

function lineOf(domain: Domain): string {
  const remarks = [
    domain.state,
    domain.includeSubdomains && 'with subdomains',
    domain.firstMissedAt && `proof missing since ${domain.firstMissedAt.toISOString()}`,
    domain.linkingSuspendedAt && 'transferred, brings nobody in yet',
  ];
  return `${domain.name}: ${remarks.filter(Boolean).join(', ')}`;
}

/** As it stands in a zone file: name and value can be copied from it into any form. */
function zoneLineOf(domain: Domain): string {
  const { type, name, value } = challengeRecord(domain);
  return `  ${name}.  ${type}  "${value}"`;
}
