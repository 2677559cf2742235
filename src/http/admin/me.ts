/** What people see and do about themselves. */
import { z } from 'zod';
import { listOwnIdentities, socialProviders } from '../../core/identities/identities.ts';
import {
  changePassword,
  getLockedSelf,
  getSelf,
  reviseSelf,
  type Self,
} from '../../core/own-account/own-account.ts';
import {
  endSession,
  endSessionsOfUser,
  listSessions,
  type SessionSummary,
} from '../../core/sessions/sessions.ts';
import { issueLinkTicket, restoreIdentity, unlinkIdentity } from '../../core/linking/linking.ts';
import type { Caller, Person } from './caller.ts';
import { type AnyOperation, changing, reading } from './operation.ts';
import { email, given, idOf, name, shownId, shownTime, shownTimeOrNull, slug, time } from './schemas.ts';

const tag = 'Me';
const access = { person: true } as const;

const role = z.enum(['admin', 'agent']);

const self = z
  .strictObject({
    id: shownId('usr'),
    email,
    email_verified_at: time.nullable(),
    name: name.nullable(),
    locale: z
      .string()
      .nullable()
      .meta({ examples: ['en'] }),
    has_password: z.boolean(),
    password_changed_at: time.nullable(),
    account: shownId('acc').meta({ description: 'The account of this token.' }),
    accounts: z.array(z.strictObject({ id: shownId('acc'), slug, name: z.string(), role })),
    created_at: time,
  })
  .meta({ id: 'Me' });

function show(person: Person, row: Self): z.output<typeof self> {
  return {
    id: row.id,
    email: row.email,
    email_verified_at: shownTimeOrNull(row.emailVerifiedAt),
    name: row.name,
    locale: row.locale,
    has_password: row.hasPassword,
    password_changed_at: shownTimeOrNull(row.passwordChangedAt),
    account: person.accountId,
    accounts: row.accounts.map(({ id, slug, name, role }) => ({ id, slug, name, role })),
    created_at: shownTime(row.createdAt),
  };
}

const session = z
  .strictObject({
    id: z
      .string()
      .meta({ description: 'Names the session; nobody signs in with it.', examples: ['s3ss10n'] }),
    is_current: z.boolean().meta({ description: 'This token is of it.' }),
    account: shownId('acc').nullable(),
    clients: z
      .array(z.string())
      .meta({ description: 'The clients entered with it.', examples: [['demo-assist']] }),
    methods: z
      .array(z.enum(['pwd', 'fed', 'social']))
      .meta({ description: 'How the person was proven: password, company, social provider.' }),
    created_at: time,
    expires_at: time,
  })
  .meta({ id: 'Session' });

function showSession(row: SessionSummary, { clientId, sid }: Person): z.output<typeof session> {
  return {
    id: row.id,
    is_current: sid !== undefined && row.sids[clientId] === sid,
    account: row.accountId,
    clients: [...row.clientIds],
    methods: [...new Set(row.evidence.map(({ method }) => method))],
    created_at: shownTime(row.createdAt),
    expires_at: shownTime(row.expiresAt),
  };
}

const identity = z
  .strictObject({
    id: shownId('idn'),
    provider: z.string().meta({ examples: ['google'] }),
    email: email.nullable(),
    name: z
      .string()
      .nullable()
      .meta({ examples: ['Ada Lovelace'] }),
  })
  .meta({ id: 'Identity' });

const identityLink = z
  .strictObject({
    location: z
      .string()
      .meta({ examples: ['https://id.example.com/federation/google/link?ticket=5f1d7a90.Y2FuYXJ5'] }),
    expires_at: time,
  })
  .meta({ id: 'IdentityLink' });

/** Whoever calls these is a person: the access of the operation says so. */
function personOf({ caller }: { readonly caller: Caller }): Person {
  if (caller.kind !== 'person') throw new Error('an operation about oneself was called by nobody');
  return caller;
}

const sessionParams = z.object({
  session_id: z
    .string()
    .regex(/^[\w-]{1,100}$/)
    .meta({ examples: ['s3ss10n'] }),
});
const identityParams = z.object({ identity_id: idOf('idn') });

const newPassword = z.strictObject({
  current_password: z
    .string()
    .max(1024)
    .optional()
    .meta({
      description: 'Needed by whoever has one; others must have signed in just now.',
      examples: ['the password of today'],
    }),
  password: z
    .string()
    .max(1024)
    .meta({ examples: ['correct horse battery staple'] }),
});

export const meOperations: readonly AnyOperation[] = [
  reading({
    id: 'getMe',
    method: 'GET',
    url: '/me',
    tag,
    summary: 'Who I am, and where I belong',
    access,
    answer: self,
    handler: async (ctx, _input, call) => {
      const person = personOf(call);
      return show(person, await getSelf(ctx.db, person.userId));
    },
  }),
  changing({
    id: 'updateMe',
    method: 'PATCH',
    url: '/me',
    tag,
    summary: 'Change my name or language',
    access,
    body: z.strictObject({
      name: name.optional(),
      locale: z
        .enum(['en', 'de', 'es', 'fr', 'ja'])
        .nullable()
        .optional()
        .meta({ description: 'Of mails and pages; null leaves it to the browser.' }),
    }),
    answer: self,
    current: async (tx, _input, call) => show(personOf(call), await getLockedSelf(tx, personOf(call).userId)),
    change: async (tx, { body: { name, locale } }, call) => {
      const person = personOf(call);
      return show(person, await reviseSelf(tx, person.userId, given({ name, locale })));
    },
  }),
  reading({
    id: 'changeMyPassword',
    method: 'PUT',
    url: '/me/password',
    tag,
    summary: 'Set a new password',
    description: 'Everything I was signed in to ends, this token too; a notice is mailed.',
    access,
    body: newPassword,
    status: 204,
    failures: [
      'invalid_credentials',
      'fresh_sign_in_required',
      'sso_required',
      'password_refused',
      'throttled',
      'overloaded',
    ],
    handler: async (ctx, { body: { current_password: current, password } }, call) => {
      const { userId, evidence } = personOf(call);
      await changePassword(ctx, { userId, evidence, current, password });
    },
  }),
  reading({
    id: 'listMySessions',
    method: 'GET',
    url: '/me/sessions',
    tag,
    summary: 'Where I am signed in, newest first',
    access,
    answer: z.strictObject({ items: z.array(session) }),
    handler: async (ctx, _input, call) => {
      const person = personOf(call);
      const rows = await listSessions(ctx.db, person.userId, ctx.now());
      return { items: rows.map((row) => showSession(row, person)) };
    },
  }),
  changing({
    id: 'endMySession',
    method: 'DELETE',
    url: '/me/sessions/{session_id}',
    tag,
    summary: 'Sign out somewhere',
    access,
    params: sessionParams,
    status: 204,
    failures: ['not_found'],
    change: async (tx, { params }, call) => {
      await endSession(tx, { userId: personOf(call).userId, id: params.session_id });
    },
  }),
  changing({
    id: 'endMySessions',
    method: 'DELETE',
    url: '/me/sessions',
    tag,
    summary: 'Sign out everywhere',
    description: 'Every session and every refresh token ends, and so does this token.',
    access,
    status: 204,
    change: (tx, _input, call) => endSessionsOfUser(tx, personOf(call).userId, 'ended_by_person'),
  }),
  reading({
    id: 'listMyIdentities',
    method: 'GET',
    url: '/me/identities',
    tag,
    summary: 'What I can sign in with besides a password',
    access,
    answer: z.strictObject({ items: z.array(identity) }),
    handler: async (ctx, _input, call) => {
      const rows = await listOwnIdentities(ctx.db, personOf(call).userId);
      return { items: rows.map(({ id, provider, email, name }) => ({ id, provider, email, name })) };
    },
  }),
  reading({
    id: 'linkMyIdentity',
    method: 'POST',
    url: '/me/identities',
    tag,
    summary: 'Link another identity',
    description:
      "Needs a fresh sign-in. Answers where to send my browser: from there it goes to the provider, and then back to a page that says how it ended and leads to the client's start. It has to be the browser that I am signed in with.",
    access,
    body: z.strictObject({ provider: z.enum(socialProviders) }),
    answer: identityLink,
    failures: ['fresh_sign_in_required', 'sso_required'],
    handler: async (ctx, { body: { provider } }, call) => {
      const { userId, evidence, clientId } = personOf(call);
      const link = { userId, evidence, clientId };
      const { ticket, expiresAt } = await issueLinkTicket(ctx, { provider, link });
      const location = `${ctx.config.issuer}/federation/${provider}/link?ticket=${ticket}`;
      return { location, expires_at: shownTime(expiresAt) };
    },
  }),
  reading({
    id: 'unlinkMyIdentity',
    method: 'DELETE',
    url: '/me/identities/{identity_id}',
    tag,
    summary: 'Unlink an identity',
    description: 'Needs a fresh sign-in, and never takes the last way in. For seven days it can be undone.',
    access,
    params: identityParams,
    status: 204,
    failures: ['not_found', 'fresh_sign_in_required', 'last_way_in'],
    handler: async (ctx, { params }, call) => {
      const { userId, evidence } = personOf(call);
      await unlinkIdentity(ctx, { userId, evidence, identityId: params.identity_id });
    },
  }),
  reading({
    id: 'restoreMyIdentity',
    method: 'POST',
    url: '/me/identities/{identity_id}/restore',
    tag,
    summary: 'Link again what was unlinked within seven days',
    access,
    params: identityParams,
    status: 204,
    failures: ['not_found', 'fresh_sign_in_required'],
    handler: async (ctx, { params }, call) => {
      const { userId, evidence } = personOf(call);
      await restoreIdentity(ctx, { userId, evidence, identityId: params.identity_id });
    },
  }),
];
