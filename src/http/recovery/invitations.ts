/** Activation: from the mailed invitation to the first password, or into one more account. */
import { z } from 'zod';
import { type Context, inTransaction } from '../../context.ts';
import { findHome } from '../../core/connections/connections.ts';
import { listOwnIdentities, type SocialProvider, socialProviders } from '../../core/identities/identities.ts';
import {
  acceptInvitation,
  findAcceptedInvitation,
  findInvitation,
  type ShownInvitation,
} from '../../core/invitations/invitations.ts';
import type { Field } from '../../core/sign-in/sign-in.ts';
import { isRefusal } from '../../federation/connector.ts';
import { domainOf } from '../../kernel/email-address.ts';
import { Failure } from '../../kernel/failures.ts';
import { hour } from '../../kernel/time.ts';
import { invitationDonePage, invitationExpiredPage, invitationPage } from '../../pages/invitation.ts';
import type { Engine } from '../../provider/provider.ts';
import { sendPage, wantsHtml } from '../html.ts';
import { keepKnownBrowser } from '../known-browser.ts';
import { defineRoute, type Route, type Wire } from '../route.ts';
import { setOutFor } from '../federation/social.ts';
import { answerForm, findRecoveryClient, localeOf, sendView, startAt } from './answer.ts';
import { readCookie, setCookie } from './cookie.ts';

const access = 'recovery';
// the link can be opened again for seven days, but not by whoever sits at this browser next
const cookie = { name: 'doorward_invitation', path: '/invitations', seconds: hour } as const;

export function invitationRoutes(engine: () => Engine): Route[] {
  return [openRoute, pageRoute(engine), acceptRoute(engine), doneRoute(engine)];
}

/**
 * The mailed link. It only moves the token from the address into a cookie: nothing is looked up and nothing consumed,
 * because mail scanners open every link.
 */
const openRoute = defineRoute({
  method: 'GET',
  url: '/invitations/open',
  access,
  schema: {
    querystring: z.object({
      token: z
        .string()
        .regex(/^[\w-]{1,100}$/)
        .catch('none'),
    }),
  },
  handler: async (ctx, { query }, { reply }) => {
    setCookie(ctx.config, reply, { ...cookie, value: query.token });
    return reply.redirect('/invitations/accept', 303);
  },
});

const problems = z.enum([
  'too_short',
  'too_long',
  'too_common',
  'too_personal',
  'invalid_credentials',
  'throttled',
  'sso_required',
  'social_sign_in_failed',
  'identity_taken',
  'identity_other_email',
  'link_mismatch',
]);

const pageRoute = (engine: () => Engine): Route =>
  defineRoute({
    method: 'GET',
    url: '/invitations/accept',
    access,
    schema: { querystring: z.object({ problem: problems.optional().catch(undefined) }) },
    handler: async (ctx, { query }, wire) => {
      const invitation = await findInvitation(ctx, tokenOf(ctx, wire));
      if (!invitation) return sendExpired(wire);
      const view = await viewOf(engine(), ctx, { wire, invitation, problem: query.problem });
      return sendView(wire, view, invitationPage);
    },
  });

function tokenOf(ctx: Context, { request }: Wire): string {
  return readCookie(ctx.config, request.headers.cookie, cookie.name) ?? '';
}

function sendExpired(wire: Wire) {
  if (!wantsHtml(wire.request)) throw new Failure('link_expired');
  return sendPage(wire.reply.status(410), invitationExpiredPage(localeOf(wire)));
}

interface Shown {
  readonly wire: Wire;
  readonly invitation: ShownInvitation;
  readonly problem?: z.output<typeof problems> | undefined;
}

/** Shows what is offered, to whoever reads that mailbox; somebody who is here already is asked for their own password. */
async function viewOf(engine: Engine, ctx: Context, { wire, invitation, problem }: Shown) {
  const { account, inviter, userId, email, name, role, products, clientId, expiresAt, state } = invitation;
  const client = await findRecoveryClient(engine, clientId);
  const isNew = state === 'invited';
  const password: Field = { name: 'password', type: 'password', required: true };
  const fields: Field[] = isNew ? [{ name: 'name', value: name ?? '' }, password] : [password];
  const home = await findHome(ctx.db, email);
  // whoever is here already comes by what they have linked, which may be all they have
  const linked = isNew ? [] : await listOwnIdentities(ctx.db, userId);
  const providers = socialProviders.filter(
    (name) => name in ctx.config.social && (isNew || linked.some(({ provider }) => provider === name)),
  );
  const ways = [
    ...(home.requiredBy ? [] : ['password']),
    ...(home.connections.length > 0 ? ['company'] : []),
    ...(home.requiredBy ? [] : providers),
  ];
  return {
    step: isNew ? 'activate' : 'sign_in_to_join',
    locale: localeOf(wire),
    client: client?.shown ?? null,
    account,
    inviter,
    email,
    role,
    products,
    expires_at: expiresAt.toISOString(),
    ways,
    problem: problem === undefined ? null : { code: problem },
    actions: { accept: { method: 'POST', href: '/invitations/accept', fields } },
  } as const;
}

/** Bounded before anything is hashed: a megabyte of password would be an attack on the processor. */
const acceptance = z.object({
  name: z
    .string()
    .trim()
    .max(200)
    .regex(/^[^\p{Cc}\p{Cs}]*$/u)
    .transform((name) => (name === '' ? undefined : name))
    .optional(),
  password: z.string().max(1024).optional(),
  token: z.string().max(100).optional(),
  /** Instead of a password: the sign-in of a provider, or of the company. */
  social: z.enum(socialProviders).optional(),
  company: z.union([z.literal(true), z.literal('true')]).optional(),
});

const acceptRoute = (engine: () => Engine): Route =>
  defineRoute({
    method: 'POST',
    url: '/invitations/accept',
    access,
    schema: { body: acceptance },
    handler: async (ctx, { body }, wire) => {
      const { name, password = '', token = tokenOf(ctx, wire), social, company } = body;
      const accept = async () => {
        if (social !== undefined) return leaveFor(ctx, { provider: social, token }, wire);
        if (company) return goToCompany(engine(), ctx, token);
        const accepted = await acceptInvitation(ctx, { token, name, password });
        keepKnownBrowser(ctx, wire.reply, accepted.email);
        return goOn(engine(), accepted);
      };
      return answerForm(wire, accept, {
        page: ({ location }) => location ?? '/invitations/done',
        json: (result) => result,
        backTo: ({ code, fields }) => {
          const problem = problems.safeParse(fields?.['password'] ?? code);
          if (code === 'link_expired') return '/invitations/accept';
          return problem.success ? `/invitations/accept?problem=${problem.data}` : undefined;
        },
      });
    },
  });

/** Off to a provider; the invitation is accepted when the browser comes back. */
async function leaveFor(
  ctx: Context,
  { provider, token }: { readonly provider: SocialProvider; readonly token: string },
  wire: Wire,
) {
  const invitation = await findInvitation(ctx, token);
  if (!invitation) throw new Failure('link_expired');
  if (!(provider in ctx.config.social))
    throw new Failure('invalid_input', { fields: { social: 'is not offered' } });
  const luggage = { invitation: token, forceAuthn: false };
  const out = await setOutFor(ctx, { provider, luggage, loginHint: invitation.email }, wire);
  if (isRefusal(out)) throw new Failure('social_sign_in_failed');
  await inTransaction(ctx, out.write);
  return { status: 'redirect', location: out.location } as const;
}

/** By the company: its sign-in accepts what is pending for the address it vouches for (core/provisioning). */
async function goToCompany(engine: Engine, ctx: Context, token: string) {
  const invitation = await findInvitation(ctx, token);
  if (!invitation) throw new Failure('link_expired');
  const { email, clientId } = invitation;
  const location = await startAt(engine, { email, clientId, domain_hint: domainOf(email) });
  return { status: 'redirect', location: location ?? null } as const;
}

/** Signs nobody in: the application begins a sign-in. */
async function goOn(engine: Engine, accepted: { email: string; clientId: string | null }) {
  return { status: 'accepted', location: (await startAt(engine, accepted)) ?? null } as const;
}

/** For an invitation that leads to no application. */
const doneRoute = (engine: () => Engine): Route =>
  defineRoute({
    method: 'GET',
    url: '/invitations/done',
    access,
    schema: {},
    handler: async (ctx, _input, wire) => {
      const accepted = await findAcceptedInvitation(ctx, tokenOf(ctx, wire));
      if (!accepted) return sendExpired(wire);
      const { location } = await goOn(engine(), accepted);
      return sendView(
        wire,
        { step: 'activated', locale: localeOf(wire), location } as const,
        invitationDonePage,
      );
    },
  });
