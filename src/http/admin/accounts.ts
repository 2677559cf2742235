import { z } from 'zod';
import type { Tx } from '../../context.ts';
import {
  type Account,
  createAccount,
  getAccount,
  getLockedAccount,
  listAccounts,
  renewAccount,
  reviseAccount,
  shutAccount,
} from '../../core/accounts/accounts.ts';
import { type AnyOperation, changing, reading } from './operation.ts';
import { listPage, pageOf, pageQuery } from './paging.ts';
import {
  email,
  given,
  givenEmail,
  givenTime,
  graceDays,
  idOf,
  label,
  name,
  shownId,
  shownTime,
  shownTimeOrNull,
  slug,
  time,
} from './schemas.ts';

const tag = 'Accounts';

/** The address of one account, and of everything in it. */
export const accountParams = z.object({ account_id: idOf('acc') });

const status = z
  .enum(['active', 'lapsed', 'suspended', 'closed'])
  .meta({ description: 'Only the people of an active account come in.' });

const contactKind = z.enum(['billing', 'technical', 'security']);
const contacts = z
  .array(z.strictObject({ kind: contactKind, name: label(200), email: givenEmail }))
  .max(20)
  .meta({ examples: [[{ kind: 'billing', name: 'Bea Billing', email: 'billing@acme.test' }]] });

const account = z
  .strictObject({
    id: shownId('acc'),
    slug,
    name,
    status,
    expires_at: time.nullable().meta({ description: 'null: it does not end by itself.' }),
    grace_days: graceDays,
    contacts: z.array(z.strictObject({ kind: contactKind, name: z.string(), email })),
    created_at: time,
    updated_at: time,
  })
  .meta({ id: 'Account' });

function show(row: Account): z.output<typeof account> {
  const { id, slug, name, status, expiresAt, graceDays, contacts, createdAt, updatedAt } = row;
  return {
    id,
    slug,
    name,
    status,
    expires_at: shownTimeOrNull(expiresAt),
    grace_days: graceDays,
    contacts: contacts.map(({ kind, name, email }) => ({ kind, name, email })),
    created_at: shownTime(createdAt),
    updated_at: shownTime(updatedAt),
  };
}

const current = async (tx: Tx, { params }: { params: z.output<typeof accountParams> }) =>
  show(await getLockedAccount(tx, params.account_id));

const write = { operator: 'admin:accounts:write' } as const;

/** Everything that ends or begins an account's access, as an operation of its own. */
function shut(
  verb: 'lapse' | 'suspend' | 'close',
  status: 'lapsed' | 'suspended' | 'closed',
  summary: string,
) {
  return changing({
    id: `${verb}Account`,
    method: 'POST',
    url: `/accounts/{account_id}/${verb}`,
    tag,
    summary,
    access: write,
    params: accountParams,
    answer: account,
    failures: ['action_not_available'],
    current,
    change: async (tx, { params }) => show(await shutAccount(tx, params.account_id, status)),
  });
}

export const accountOperations: readonly AnyOperation[] = [
  reading({
    id: 'listAccounts',
    method: 'GET',
    url: '/accounts',
    tag,
    summary: 'List the accounts, newest first',
    access: { operator: 'admin:accounts:read' },
    query: pageQuery.extend({ status: status.optional(), slug: slug.optional() }),
    answer: pageOf(account),
    handler: (ctx, { query: { status, slug } }, call) =>
      listPage(ctx, call, {
        rows: (window) => listAccounts(ctx.db, { ...window, status, slug }),
        keyOf: ({ id }) => id,
        show,
      }),
  }),
  changing({
    id: 'createAccount',
    method: 'POST',
    url: '/accounts',
    tag,
    summary: 'Create an account',
    access: write,
    body: z.strictObject({
      slug,
      name,
      expires_at: givenTime.nullable().optional(),
      grace_days: graceDays.optional(),
      contacts: contacts.optional(),
    }),
    status: 201,
    answer: account,
    failures: ['already_exists'],
    location: ({ id }) => `/accounts/${id}`,
    change: async (tx, { body: { slug, name, expires_at: expiresAt, grace_days: graceDays, contacts } }) => {
      const id = await createAccount(tx, { slug, name, ...given({ expiresAt, graceDays, contacts }) });
      return show(await getAccount(tx.db, id));
    },
  }),
  reading({
    id: 'getAccount',
    method: 'GET',
    url: '/accounts/{account_id}',
    tag,
    summary: 'Get an account',
    access: { operator: 'admin:accounts:read', admin: true },
    params: accountParams,
    answer: account,
    handler: async (ctx, { params }) => show(await getAccount(ctx.db, params.account_id)),
  }),
  changing({
    id: 'updateAccount',
    method: 'PATCH',
    url: '/accounts/{account_id}',
    tag,
    summary: 'Change name and contacts',
    description:
      'Whether single sign-on is off, optional or required is not set here: it is what the account’s connections say.',
    access: { ...write, admin: true },
    params: accountParams,
    body: z.strictObject({ name: name.optional(), contacts: contacts.optional() }),
    answer: account,
    current,
    change: async (tx, { params, body: { name, contacts } }) =>
      show(await reviseAccount(tx, params.account_id, given({ name, contacts }))),
  }),
  shut('lapse', 'lapsed', 'Let the account lapse: it was not renewed'),
  shut('suspend', 'suspended', 'Suspend the account, until it is renewed'),
  shut('close', 'closed', 'Close the account for good'),
  changing({
    id: 'renewAccount',
    method: 'POST',
    url: '/accounts/{account_id}/renew',
    tag,
    summary: 'Let the account in again',
    access: write,
    params: accountParams,
    body: z.strictObject({
      expires_at: givenTime.nullable().meta({ description: 'Until when; null is for good.' }),
      grace_days: graceDays.optional(),
    }),
    answer: account,
    failures: ['action_not_available'],
    current,
    change: async (tx, { params, body: { expires_at: expiresAt, grace_days: graceDays } }) =>
      show(await renewAccount(tx, params.account_id, { expiresAt, ...given({ graceDays }) })),
  }),
];
