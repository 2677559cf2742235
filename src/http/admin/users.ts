import { z } from 'zod';
import type { Context, Tx } from '../../context.ts';
import {
  changeRole,
  deactivateMember,
  findMember,
  getLockedMember,
  listMembers,
  type Member,
  reactivateMember,
  removeMember,
} from '../../core/memberships/memberships.ts';
import { requestPasswordReset } from '../../core/password-resets/password-resets.ts';
import { endSessionsInAccount, endSessionsOfUser } from '../../core/sessions/sessions.ts';
import { renameUser } from '../../core/users/users.ts';
import { Failure } from '../../kernel/failures.ts';
import { newToken } from '../../kernel/tokens.ts';
import { accountParams } from './accounts.ts';
import { type AnyOperation, changing, reading } from './operation.ts';
import { listPage, pageOf, pageQuery } from './paging.ts';
import { email, givenEmail, idOf, name, shownId, shownTime, shownTimeOrNull, slug, time } from './schemas.ts';

const tag = 'Users';
const params = accountParams.extend({ user_id: idOf('usr') });
type MemberParams = z.output<typeof params>;
const role = z.enum(['admin', 'agent']);
const state = z
  .enum(['invited', 'active', 'deactivated'])
  .meta({ description: 'deactivated: switched off in this account, or everywhere by an operator.' });

const member = z
  .strictObject({
    id: shownId('usr'),
    account_id: shownId('acc'),
    email,
    name: z
      .string()
      .nullable()
      .meta({ examples: ['Ada Lovelace'] }),
    locale: z
      .string()
      .nullable()
      .meta({ examples: ['en'] }),
    role,
    state,
    deactivated_at: time
      .nullable()
      .meta({ description: 'Since when they are switched off in this account.' }),
    break_glass: z
      .boolean()
      .meta({ description: 'Keeps the password for the day the company’s sign-in is down.' }),
    email_verified_at: time.nullable(),
    has_password: z.boolean(),
    products: z.array(slug).meta({ description: 'On which they have a live seat.', examples: [['assist']] }),
    member_since: time,
    last_signed_in_at: time.nullable().meta({ description: 'Into this account.' }),
  })
  .meta({ id: 'User' });

function show(row: Member): z.output<typeof member> {
  const { userId, accountId, email, name, locale, role, state, breakGlass, hasPassword, products } = row;
  return {
    id: userId,
    account_id: accountId,
    email,
    name,
    locale,
    role,
    state,
    deactivated_at: shownTimeOrNull(row.deactivatedAt),
    break_glass: breakGlass,
    email_verified_at: shownTimeOrNull(row.emailVerifiedAt),
    has_password: hasPassword,
    products: [...products],
    member_since: shownTime(row.createdAt),
    last_signed_in_at: shownTimeOrNull(row.lastSignedInAt),
  };
}

function refOf({ account_id: accountId, user_id: userId }: MemberParams) {
  return { accountId, userId };
}

const current = async (tx: Tx, { params }: { params: MemberParams }) =>
  show(await getLockedMember(tx, refOf(params)));

async function getMember(
  { db, now }: Pick<Context | Tx, 'db' | 'now'>,
  params: MemberParams,
): Promise<Member> {
  const found = await findMember(db, refOf(params), now());
  if (!found) throw new Failure('not_found');
  return found;
}

const read = { operator: 'admin:users:read', admin: true } as const;
const write = { operator: 'admin:users:write', admin: true } as const;
const one = { url: '/accounts/{account_id}/users/{user_id}', tag, params } as const;

export const userOperations: readonly AnyOperation[] = [
  reading({
    id: 'listUsers',
    method: 'GET',
    url: '/accounts/{account_id}/users',
    tag,
    summary: 'List the people of an account, newest first',
    description: 'Who is invited and has not accepted yet is among the invitations.',
    access: read,
    params: accountParams,
    query: pageQuery.extend({
      email: givenEmail.optional(),
      role: role.optional(),
      state: state.optional(),
    }),
    answer: pageOf(member),
    handler: (ctx, { params, query: { email, role, state } }, call) =>
      listPage(ctx, call, {
        rows: (window) =>
          listMembers(ctx.db, {
            ...window,
            accountId: params.account_id,
            email,
            role,
            state,
            now: ctx.now(),
          }),
        keyOf: ({ userId }) => userId,
        show,
      }),
  }),
  reading({
    ...one,
    id: 'getUser',
    method: 'GET',
    summary: 'Get one of the people',
    access: read,
    answer: member,
    handler: async (ctx, { params }) => show(await getMember(ctx, params)),
  }),
  changing({
    ...one,
    id: 'updateUser',
    method: 'PATCH',
    summary: 'Change name or role',
    access: write,
    body: z.strictObject({ name: name.nullable().optional(), role: role.optional() }),
    answer: member,
    failures: ['last_admin', 'last_break_glass'],
    current,
    change: async (tx, { params, body: { name, role } }) => {
      await getLockedMember(tx, refOf(params));
      if (name !== undefined)
        await renameUser(tx, { userId: params.user_id, name, accountId: params.account_id });
      if (role !== undefined) await changeRole(tx, { ...refOf(params), role });
      return show(await getLockedMember(tx, refOf(params)));
    },
  }),
  changing({
    ...one,
    id: 'removeUser',
    method: 'DELETE',
    summary: 'Take somebody out of the account, with their seats',
    description: 'The person stays what they are elsewhere.',
    access: write,
    status: 204,
    failures: ['last_admin', 'last_break_glass'],
    current,
    change: (tx, { params }) => removeMember(tx, refOf(params)),
  }),
  changing({
    ...one,
    id: 'deactivateUser',
    method: 'POST',
    url: `${one.url}/deactivate`,
    summary: 'Switch somebody off in this account',
    description:
      'At once, and with what they were given here. What they hold is kept for the day they are switched on.',
    access: write,
    answer: member,
    failures: ['last_admin', 'last_break_glass'],
    current,
    change: async (tx, { params }) => show(await deactivateMember(tx, refOf(params))),
  }),
  changing({
    ...one,
    id: 'reactivateUser',
    method: 'POST',
    url: `${one.url}/reactivate`,
    summary: 'Switch somebody on again in this account',
    access: write,
    answer: member,
    current,
    change: async (tx, { params }) => show(await reactivateMember(tx, refOf(params))),
  }),
  changing({
    ...one,
    id: 'endUserSessions',
    method: 'POST',
    url: `${one.url}/end-sessions`,
    summary: 'Sign somebody out of this account',
    description:
      'The sessions that were begun for it end, and whatever was given on it. An operator signs them out everywhere.',
    access: write,
    status: 204,
    change: async (tx, { params }, { caller }) => {
      await getLockedMember(tx, refOf(params));
      if (caller.kind === 'operator') await endSessionsOfUser(tx, params.user_id, 'ended_by_operator');
      else await endSessionsInAccount(tx, { ...refOf(params), reason: 'ended_by_admin' });
    },
  }),
  changing({
    ...one,
    id: 'sendPasswordReset',
    method: 'POST',
    url: `${one.url}/send-password-reset`,
    summary: 'Mail somebody a link to set a new password',
    description:
      'The same mail that they could ask for. Who has no password because their company signs them in is told so.',
    access: write,
    status: 202,
    answer: z.strictObject({ status: z.literal('requested') }),
    failures: ['throttled'],
    change: async (tx, { params }) => {
      const { email, locale } = await getMember(tx, params);
      // nobody types a code for it: the handle of the browser that asks is thrown away
      const handle = newToken().token;
      await requestPasswordReset(tx, { email, handle, clientId: undefined, locale: locale ?? 'en' });
      return { status: 'requested' as const };
    },
  }),
];
