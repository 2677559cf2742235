import { z } from 'zod';
import type { Tx } from '../../context.ts';
import {
  createInvitation,
  getInvitation,
  getLockedInvitation,
  type Invitation,
  listInvitations,
  resendInvitation,
  revokeInvitation,
} from '../../core/invitations/invitations.ts';
import { findClient } from '../../core/clients/clients.ts';
import { getSelf } from '../../core/own-account/own-account.ts';
import { Failure } from '../../kernel/failures.ts';
import { accountParams } from './accounts.ts';
import type { Caller } from './caller.ts';
import { type AnyOperation, changing, reading } from './operation.ts';
import { listPage, pageOf, pageQuery } from './paging.ts';
import {
  email,
  given,
  givenEmail,
  idOf,
  shownId,
  shownTime,
  shownTimeOrNull,
  slug,
  time,
} from './schemas.ts';

const tag = 'Invitations';
const params = accountParams.extend({ invitation_id: idOf('inv') });
const role = z.enum(['admin', 'agent']);
const state = z.enum(['pending', 'accepted', 'revoked', 'expired']);

const invitation = z
  .strictObject({
    id: shownId('inv'),
    account_id: shownId('acc'),
    user_id: shownId('usr').nullable().meta({ description: 'Of who has accepted; null until then.' }),
    email,
    role,
    state,
    inviter: z
      .string()
      .nullable()
      .meta({ description: 'Whose name stands in the mail.', examples: ['Ada Lovelace'] }),
    client_id: z
      .string()
      .nullable()
      .meta({ description: 'Where they go on.', examples: ['demo-assist'] }),
    products: z
      .array(z.strictObject({ id: shownId('prd'), slug }))
      .meta({ description: 'A seat on each is kept until the invitation ends.' }),
    created_at: time,
    sent_at: time,
    expires_at: time,
    closed_at: time.nullable(),
  })
  .meta({ id: 'Invitation' });

function show(row: Invitation): z.output<typeof invitation> {
  const { id, accountId, userId, email, role, state, inviter, clientId, products } = row;
  return {
    id,
    account_id: accountId,
    // an id says when its user was made: with it, inviting any address would tell whose has a user already
    user_id: state === 'accepted' ? userId : null,
    email,
    role,
    state,
    inviter,
    client_id: clientId,
    products: products.map(({ id, slug }) => ({ id, slug })),
    created_at: shownTime(row.createdAt),
    sent_at: shownTime(row.sentAt),
    expires_at: shownTime(row.expiresAt),
    closed_at: shownTimeOrNull(row.closedAt),
  };
}

const newInvitation = z.strictObject({
  email: givenEmail,
  role: role.default('agent'),
  products: z
    .array(idOf('prd'))
    .max(50)
    .default([])
    .meta({ description: 'A seat on each is kept at once.', examples: [['prd_01k0c3v7e8t9w2x4y6z8a0b2c4']] }),
  client_id: z
    .string()
    .regex(/^[A-Za-z0-9._-]{1,100}$/)
    .optional()
    .meta({
      description: 'Where they go on; an app of the first product if it is left out.',
      examples: ['demo-assist'],
    }),
  locale: z.enum(['en', 'de', 'es', 'fr', 'ja']).optional(),
});

/** Whose name the invited person reads: the admin's. An operator invites in the name of the account. */
async function inviterOf(tx: Tx, caller: Caller) {
  if (caller.kind === 'operator') return undefined;
  const { id, name, email } = await getSelf(tx.db, caller.userId);
  return { id, name: name ?? email };
}

const current = async (tx: Tx, input: { params: z.output<typeof params> }) =>
  show(await getLockedInvitation(tx, refOf(input.params)));

function refOf({ account_id: accountId, invitation_id: id }: z.output<typeof params>) {
  return { accountId, id };
}

const access = { operator: 'admin:invitations:write', admin: true } as const;

export const invitationOperations: readonly AnyOperation[] = [
  reading({
    id: 'listInvitations',
    method: 'GET',
    url: '/accounts/{account_id}/invitations',
    tag,
    summary: 'List the invitations, newest first',
    access: { operator: 'admin:invitations:read', admin: true },
    params: accountParams,
    query: pageQuery.extend({ state: state.optional() }),
    answer: pageOf(invitation),
    handler: (ctx, { params, query: { state } }, call) =>
      listPage(ctx, call, {
        rows: (window) =>
          listInvitations(ctx.db, { ...window, accountId: params.account_id, state, now: ctx.now() }),
        keyOf: ({ id }) => id,
        show,
      }),
  }),
  changing({
    id: 'createInvitation',
    method: 'POST',
    url: '/accounts/{account_id}/invitations',
    tag,
    summary: 'Invite somebody',
    description:
      'Mails the link, and keeps a seat on each product until the invitation is accepted, revoked or over.',
    access,
    params: accountParams,
    body: newInvitation,
    status: 201,
    answer: invitation,
    failures: ['already_exists', 'no_free_seat', 'throttled'],
    location: ({ account_id, id }) => `/accounts/${account_id}/invitations/${id}`,
    change: async (tx, { params, body }, { caller }) => {
      const { email, role, products, client_id: clientId, locale } = body;
      const accountId = params.account_id;
      if (clientId !== undefined && !(await findClient(tx.db, clientId)))
        throw new Failure('invalid_input', { fields: { client_id: 'is not a client' } });
      const inviter = await inviterOf(tx, caller);
      const id = await createInvitation(tx, {
        accountId,
        email,
        role,
        products,
        ...given({ clientId, inviter, locale }),
      });
      return show(await getInvitation(tx.db, { accountId, id }, tx.now()));
    },
  }),
  reading({
    id: 'getInvitation',
    method: 'GET',
    url: '/accounts/{account_id}/invitations/{invitation_id}',
    tag,
    summary: 'Get an invitation',
    access: { operator: 'admin:invitations:read', admin: true },
    params,
    answer: invitation,
    handler: async (ctx, { params }) => show(await getInvitation(ctx.db, refOf(params), ctx.now())),
  }),
  changing({
    id: 'resendInvitation',
    method: 'POST',
    url: '/accounts/{account_id}/invitations/{invitation_id}/resend',
    tag,
    summary: 'Mail a new link; the old one is dead',
    description: 'Once a minute at most, as a new invitation of somebody whose last one was taken back.',
    access,
    params,
    answer: invitation,
    failures: ['action_not_available', 'no_free_seat', 'throttled'],
    current,
    change: async (tx, { params }) => {
      const { closedAt } = await getLockedInvitation(tx, refOf(params));
      if (closedAt) throw new Failure('action_not_available');
      await resendInvitation(tx, params.invitation_id);
      return show(await getInvitation(tx.db, refOf(params), tx.now()));
    },
  }),
  changing({
    id: 'revokeInvitation',
    method: 'POST',
    url: '/accounts/{account_id}/invitations/{invitation_id}/revoke',
    tag,
    summary: 'Take an invitation back, with the seats it keeps',
    access,
    params,
    answer: invitation,
    failures: ['action_not_available'],
    current,
    change: async (tx, { params }) => {
      const { closedAt } = await getLockedInvitation(tx, refOf(params));
      if (closedAt) throw new Failure('action_not_available');
      await revokeInvitation(tx, params.invitation_id);
      return show(await getInvitation(tx.db, refOf(params), tx.now()));
    },
  }),
];
