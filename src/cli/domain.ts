import { type Context, inTransaction, type Tx } from '../context.ts';
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
import { inSnakeCase } from './answer.ts';
import type { Answer, Command } from './command.ts';
import { confirm } from './confirm.ts';
import { textOf } from './failure-text.ts';
import { getAccountBySlug, type NamedAccount } from './find.ts';

/** What there is to do with the domains of an account. */
export const domainCommands: Readonly<Record<string, Command>> = {
  'domain claim': {
    ...ofDomain('claim', 'Claims a domain, and prints its proof.'),
    run: async (ctx, { words: [slug, name = ''] }) => claim(ctx, await getAccountBySlug(ctx.db, slug), name),
  },
  'domain verify': {
    ...ofDomain('verify', 'Looks for the proof now.'),
    run: async (ctx, { words: [slug, name = ''] }) => verify(ctx, await getAccountBySlug(ctx.db, slug), name),
  },
  'domain list': {
    words: '<account>',
    about: 'Lists the domains of an account.',
    example: 'domain list acme',
    run: async (ctx, { words: [slug] }) => list(ctx, await getAccountBySlug(ctx.db, slug)),
  },
  'domain release': changing('release', {
    about: 'Gives a domain up.',
    warning: 'Nobody will come in by it any more.',
    async work(tx, domain) {
      await releaseDomain(tx, domain);
      return 'is released';
    },
  }),
  'domain transfer': changing('transfer', {
    about: 'Gives a disputed domain to this account.',
    warning: 'The account that has it loses it.',
    async work(tx, domain) {
      await resolveDispute(tx, { ...domain, outcome: 'transfer' });
      return 'is transferred; it brings nobody in who was not here before, until: doorward domain resume';
    },
  }),
  'domain refuse': changing('refuse', {
    about: 'Refuses a disputed domain to this account.',
    warning: 'The claim will be gone.',
    async work(tx, domain) {
      await resolveDispute(tx, { ...domain, outcome: 'refuse' });
      return 'stays where it is; this claim is released';
    },
  }),
  'domain resume': changing('resume', {
    about: 'Lets a transferred domain bring people in.',
    async work(tx, domain) {
      await resumeLinking(tx, domain);
      return 'brings people in like any other';
    },
  }),
  'domain include-subdomains': changing('include-subdomains', {
    about: 'Covers the names below, too.',
    work: (tx, domain) => includeSubdomains(tx, domain, true),
  }),
  'domain exclude-subdomains': changing('exclude-subdomains', {
    about: 'Covers the name alone.',
    work: (tx, domain) => includeSubdomains(tx, domain, false),
  }),
};

function ofDomain(verb: string, about: string) {
  return { words: '<account> <name>', about, example: `domain ${verb} acme acme.example` } as const;
}

interface Change {
  readonly about: string;
  /** What is to be confirmed; nothing where it can be taken back. */
  readonly warning?: string;
  /** Answers what is true now. */
  work(tx: Tx, domain: Domain): Promise<string>;
}

/** A change of a domain that the account has claimed. */
function changing(verb: string, { about, warning, work }: Change): Command {
  const called = ofDomain(verb, about);
  return {
    ...called,
    ...(warning !== undefined && { flags: ['yes'], example: `${called.example} --yes` }),
    async run(ctx, given) {
      const [slug, name = ''] = given.words;
      const account = await getAccountBySlug(ctx.db, slug);
      const domain = await domainOf(ctx, account.id, name);
      if (warning !== undefined) await confirm(`${domain.name}: ${warning}`, given);
      const done = await inTransaction(ctx, (tx) => work(tx, domain));
      const after = await findClaim(ctx.db, { accountId: account.id, name: domain.name });
      return { text: `${domain.name} ${done}.`, data: dataOf(after ?? { ...domain, state: 'released' }) };
    },
  };
}

async function domainOf(ctx: Context, accountId: AccountId, text: string): Promise<Domain> {
  const name = parseDomainName(text);
  const domain = name && (await findClaim(ctx.db, { accountId, name }));
  if (!domain) throw new Error(`the account has not claimed ${text}`);
  return domain;
}

async function claim(ctx: Context, account: NamedAccount, name: string): Promise<Answer> {
  const domain = await inTransaction(ctx, (tx) => claimDomain(tx, { accountId: account.id, name }));
  if (domain.state !== 'pending') return answer(domain);
  const text = `Create this record in the DNS of ${domain.name}:\n\n${zoneLineOf(domain)}\n\nThen: doorward domain verify`;
  return { text, data: dataOf(domain) };
}

async function verify(ctx: Context, account: NamedAccount, name: string): Promise<Answer> {
  const domain = await domainOf(ctx, account.id, name);
  try {
    return answer(await verifyDomain(ctx, domain));
  } catch (error) {
    if (!(error instanceof Failure) || error.code !== 'domain_not_proven') throw error;
    throw new Error(`${textOf(error)}. It has to be:\n\n${zoneLineOf(domain)}`);
  }
}

async function list(ctx: Context, account: NamedAccount): Promise<Answer> {
  const domains = await listDomains(ctx.db, account.id);
  const text = domains.map(lineOf).join('\n') || `${account.name} has no domains.`;
  return { text, data: domains.map(dataOf) };
}

async function includeSubdomains(tx: Tx, domain: Domain, included: boolean): Promise<string> {
  await setIncludeSubdomains(tx, { ...domain, includeSubdomains: included });
  return included ? 'covers the names below it' : 'covers itself alone';
}

function answer(domain: Domain): Answer {
  return { text: lineOf(domain), data: dataOf(domain) };
}

/** With the record instead of what it is made of. */
function dataOf({ challenge, ...domain }: Domain): object {
  return { ...inSnakeCase(domain), record: challengeRecord({ ...domain, challenge }) };
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
