/** Every person, whatever their accounts: operators alone. */
import { z } from 'zod';
import type { Tx } from '../../context.ts';
import {
  deactivateUser,
  findUser,
  getLockedUser,
  listUsers,
  reactivateUser,
  type User,
} from '../../core/users/users.ts';
import { Failure } from '../../kernel/failures.ts';
import { type AnyOperation, changing, reading } from './operation.ts';
import { listPage, pageOf, pageQuery } from './paging.ts';
import { email, givenEmail, idOf, shownId, shownTime, shownTimeOrNull, time } from './schemas.ts';

const tag = 'Users';
const params = z.object({ user_id: idOf('usr') });
const state = z.enum(['invited', 'active', 'deactivated']);

const person = z
  .strictObject({
    id: shownId('usr'),
    email,
    email_verified_at: time.nullable(),
    name: z
      .string()
      .nullable()
      .meta({ examples: ['Ada Lovelace'] }),
    locale: z
      .string()
      .nullable()
      .meta({ examples: ['en'] }),
    state,
    has_password: z.boolean(),
    created_at: time,
    updated_at: time,
  })
  .meta({ id: 'Person' });

function show(row: User): z.output<typeof person> {
  const { id, email, name, locale, state, hasPassword } = row;
  return {
    id,
    email,
    email_verified_at: shownTimeOrNull(row.emailVerifiedAt),
    name,
    locale,
    state,
    has_password: hasPassword,
    created_at: shownTime(row.createdAt),
    updated_at: shownTime(row.updatedAt),
  };
}

const current = async (tx: Tx, input: { params: z.output<typeof params> }) =>
  show(await getLockedUser(tx, input.params.user_id));

const write = { operator: 'admin:users:write' } as const;
const one = { url: '/users/{user_id}', tag, params } as const;

export const peopleOperations: readonly AnyOperation[] = [
  reading({
    id: 'listPeople',
    method: 'GET',
    url: '/users',
    tag,
    summary: 'List every person, newest first',
    access: { operator: 'admin:users:read' },
    query: pageQuery.extend({ email: givenEmail.optional(), state: state.optional() }),
    answer: pageOf(person),
    handler: (ctx, { query: { email, state } }, call) =>
      listPage(ctx, call, {
        rows: (window) => listUsers(ctx.db, { ...window, email, state }),
        keyOf: ({ id }) => id,
        show,
      }),
  }),
  reading({
    ...one,
    id: 'getPerson',
    method: 'GET',
    summary: 'Get a person',
    access: { operator: 'admin:users:read' },
    answer: person,
    handler: async (ctx, { params }) => {
      const found = await findUser(ctx.db, params.user_id);
      if (!found) throw new Failure('not_found');
      return show(found);
    },
  }),
  changing({
    ...one,
    id: 'deactivatePerson',
    method: 'POST',
    url: '/users/{user_id}/deactivate',
    summary: 'Switch a person off in every account',
    description: 'At once: every session and token ends. No account’s admin can undo it.',
    access: write,
    answer: person,
    failures: ['last_admin', 'last_break_glass'],
    current,
    change: async (tx, { params }) => show(await deactivateUser(tx, params.user_id)),
  }),
  changing({
    ...one,
    id: 'reactivatePerson',
    method: 'POST',
    url: '/users/{user_id}/reactivate',
    summary: 'Switch a person on again',
    access: write,
    answer: person,
    current,
    change: async (tx, { params }) => show(await reactivateUser(tx, params.user_id)),
  }),
];
