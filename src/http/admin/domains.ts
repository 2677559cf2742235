import { z } from 'zod';
import type { Tx } from '../../context.ts';
import {
  acceptProof,
  challengeRecord,
  claimDomain,
  type Domain,
  type DomainKey,
  getDomain,
  getLockedDomain,
  listDomains,
  releaseDomain,
  resolveDispute,
  resumeLinking,
  seeProof,
  setIncludeSubdomains,
  vouchForDomain,
} from '../../core/domains/domains.ts';
import { Failure } from '../../kernel/failures.ts';
import { accountParams } from './accounts.ts';
import { type AnyOperation, changing, reading } from './operation.ts';
import { listPage, pageOf, pageQuery } from './paging.ts';
import { idOf, shownId, shownTime, shownTimeOrNull, time } from './schemas.ts';

const tag = 'Domains';
const url = '/accounts/{account_id}/domains';

const domainParams = accountParams.extend({ domain_id: idOf('dom') });
type Addressed = Readonly<{ params: z.output<typeof domainParams> }>;

const domain = z
  .strictObject({
    id: shownId('dom'),
    account_id: shownId('acc'),
    name: z.string().meta({ examples: ['acme.com'] }),
    state: z.enum(['pending', 'verified', 'stale', 'disputed']).meta({
      description:
        'Only a verified one brings in people who were not here before; a stale one, whose record has gone, keeps those who are. Disputed: proven, and an operator decides.',
    }),
    include_subdomains: z.boolean().meta({ description: 'It speaks for the names below it, too.' }),
    challenge: z
      .strictObject({
        type: z.literal('TXT'),
        name: z.string().meta({ examples: ['_doorward-challenge.acme.com'] }),
        value: z.string().meta({ examples: ['doorward-verification=9b2f6f0c3a5d4e7f8091a2b3c4d5e6f7'] }),
      })
      .meta({ description: 'The record that proves it. It has to stay: it is looked up every day.' }),
    verified_at: time.nullable(),
    last_seen_at: time.nullable().meta({ description: 'When the record was last found.' }),
    missing_since: time.nullable().meta({ description: 'Since when it was not found any more.' }),
    linking_suspended_at: time.nullable().meta({
      description: 'Since an operator transferred it: until they resume it, it brings nobody in.',
    }),
    created_at: time,
  })
  .meta({ id: 'Domain' });

function show(row: Domain): z.output<typeof domain> {
  const { id, accountId, name, state, includeSubdomains, verifiedAt, lastSeenAt, firstMissedAt } = row;
  // whoever gives a domain up, or loses it, has none any more to be shown
  if (state === 'released') throw new Failure('not_found');
  const { type, name: recordName, value } = challengeRecord(row);
  return {
    id,
    account_id: accountId,
    name,
    state,
    include_subdomains: includeSubdomains,
    challenge: { type, name: recordName, value },
    verified_at: shownTimeOrNull(verifiedAt),
    last_seen_at: shownTimeOrNull(lastSeenAt),
    missing_since: shownTimeOrNull(firstMissedAt),
    linking_suspended_at: shownTimeOrNull(row.linkingSuspendedAt),
    created_at: shownTime(row.createdAt),
  };
}

const keyOf = ({ params }: Addressed): DomainKey => ({ accountId: params.account_id, id: params.domain_id });
const current = async (tx: Tx, input: Addressed) => show(await getLockedDomain(tx, keyOf(input)));

const read = { operator: 'admin:domains:read', admin: true } as const;
const write = { operator: 'admin:domains:write', admin: true } as const;
const operatorOnly = { operator: 'admin:domains:write' } as const;
const addressed = { tag, params: domainParams, answer: domain, current } as const;

const adminOperations: readonly AnyOperation[] = [
  reading({
    id: 'listDomains',
    method: 'GET',
    url,
    tag,
    summary: 'List the domains of an account, in alphabetical order',
    access: read,
    params: accountParams,
    query: pageQuery,
    answer: pageOf(domain),
    handler: (ctx, { params }, call) =>
      listPage(ctx, call, {
        rows: (window) => listDomains(ctx.db, params.account_id, window),
        keyOf: ({ name }) => name,
        show,
      }),
  }),
  changing({
    id: 'claimDomain',
    method: 'POST',
    url,
    tag,
    summary: 'Claim a domain',
    description:
      'Answers the record that proves it; a domain that the account has claimed before is answered as it is. Nothing is said of what other accounts claim.',
    access: write,
    params: accountParams,
    body: z.strictObject({
      name: z
        .string()
        .min(1)
        .max(300)
        .meta({ examples: ['acme.com'] }),
    }),
    status: 201,
    answer: domain,
    failures: ['domain_refused'],
    location: ({ id, account_id: accountId }) => `/accounts/${accountId}/domains/${id}`,
    change: async (tx, { params, body: { name } }) =>
      show(await claimDomain(tx, { accountId: params.account_id, name })),
  }),
  reading({
    id: 'getDomain',
    method: 'GET',
    url: `${url}/{domain_id}`,
    tag,
    summary: 'Get a domain',
    access: read,
    params: domainParams,
    answer: domain,
    handler: async (ctx, input) => show(await getDomain(ctx.db, keyOf(input))),
  }),
  changing({
    ...addressed,
    id: 'updateDomain',
    method: 'PATCH',
    url: `${url}/{domain_id}`,
    summary: 'Cover the names below a domain, or not',
    description: 'Only of a domain that is proven.',
    access: write,
    body: z.strictObject({ include_subdomains: z.boolean().optional() }),
    failures: ['domain_not_proven'],
    change: async (tx, input) => {
      const { include_subdomains: includeSubdomains } = input.body;
      if (includeSubdomains === undefined) return current(tx, input);
      return show(await setIncludeSubdomains(tx, { ...keyOf(input), includeSubdomains }));
    },
  }),
  changing({
    ...addressed,
    id: 'verifyDomain',
    method: 'POST',
    url: `${url}/{domain_id}/verify`,
    summary: 'Look for the proof of a domain now',
    description:
      'Found, the domain is verified; or disputed, and an operator decides. Takes some seconds where the DNS is slow.',
    access: write,
    failures: ['domain_not_proven'],
    prepare: (ctx, input) => seeProof(ctx, keyOf(input)),
    change: async (tx, _input, { prepared }) => show(await acceptProof(tx, prepared)),
  }),
  changing({
    id: 'releaseDomain',
    method: 'DELETE',
    url: `${url}/{domain_id}`,
    tag,
    summary: 'Give a domain up',
    description: 'It leads nobody to a connection any more, and is anybody’s to claim.',
    access: write,
    params: domainParams,
    status: 204,
    current,
    change: (tx, input) => releaseDomain(tx, keyOf(input)),
  }),
];

/** What an account cannot decide about itself. */
const operatorOperations: readonly AnyOperation[] = [
  changing({
    ...addressed,
    id: 'vouchForDomain',
    method: 'POST',
    url: `${url}/{domain_id}/vouch`,
    summary: 'Vouch for a domain that no public DNS knows',
    description:
      'It is verified at once, and never looked up. `already_exists` where another account has it.',
    access: operatorOnly,
    failures: ['already_exists'],
    change: async (tx, input) => {
      const { accountId, name } = await getLockedDomain(tx, keyOf(input));
      return show(await vouchForDomain(tx, { accountId, name }));
    },
  }),
  changing({
    id: 'resolveDomainDispute',
    method: 'POST',
    url: `${url}/{domain_id}/resolve-dispute`,
    tag,
    summary: 'Decide whose a disputed domain is',
    description:
      'Of the disputed claim. The loser’s domain is released and both accounts are told. A transferred domain brings nobody in until `resume-linking`.',
    access: operatorOnly,
    params: domainParams,
    body: z.strictObject({
      outcome: z.enum(['transfer', 'refuse']).meta({
        description: 'Whether this account gets the domain, or the one that has it keeps it.',
      }),
    }),
    status: 204,
    failures: ['action_not_available'],
    current,
    change: async (tx, input) => {
      const { state } = await getLockedDomain(tx, keyOf(input));
      if (state !== 'disputed') throw new Failure('action_not_available');
      await resolveDispute(tx, { ...keyOf(input), outcome: input.body.outcome });
    },
  }),
  changing({
    ...addressed,
    id: 'resumeDomainLinking',
    method: 'POST',
    url: `${url}/{domain_id}/resume-linking`,
    summary: 'Let a transferred domain bring people in',
    access: operatorOnly,
    failures: ['action_not_available'],
    change: async (tx, input) => {
      const { linkingSuspendedAt } = await getLockedDomain(tx, keyOf(input));
      if (!linkingSuspendedAt) throw new Failure('action_not_available');
      await resumeLinking(tx, keyOf(input));
      return current(tx, input);
    },
  }),
];

export const domainOperations: readonly AnyOperation[] = [...adminOperations, ...operatorOperations];
