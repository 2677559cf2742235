/** Forgot password, first half: the address is asked for, and the mail's code is taken. */
import { z } from 'zod';
import { type Context, inTransaction } from '../../context.ts';
import {
  exchangeResetCode,
  requestPasswordReset,
  resendAfterSeconds,
} from '../../core/password-resets/password-resets.ts';
import type { Field } from '../../core/sign-in/sign-in.ts';
import { Failure } from '../../kernel/failures.ts';
import { newToken } from '../../kernel/tokens.ts';
import { passwordResetRequestPage } from '../../pages/password-reset-request.ts';
import { passwordResetSentPage } from '../../pages/password-reset-sent.ts';
import { findOpenClientId } from '../../provider/interactions.ts';
import type { Engine } from '../../provider/provider.ts';
import { wantsHtml } from '../html.ts';
import { defineRoute, type Route, type Wire } from '../route.ts';
import { answerForm, findRecoveryClient, localeOf, sendView } from './answer.ts';
import { newPasswordView } from './new-password.ts';
import { type Asked, keepAsked, keepToken, readAsked } from './reset-cookies.ts';

const interaction = z.string().regex(/^[\w-]{21,64}$/);
const access = 'recovery';

/** What a redirect back to the form says went wrong. */
const problem = z.enum(['invalid_email', 'link_expired', 'wrong_code', 'too_soon']).optional();

export function forgotPasswordRoutes(engine: () => Engine): Route[] {
  return [requestPageRoute(engine), requestRoute, sentPageRoute(engine), codeRoute(engine)];
}

/** Where the address is asked for. `POST /password-resets` needs none of it: the step `identify` has a form of its own. */
const requestPageRoute = (engine: () => Engine): Route =>
  defineRoute({
    method: 'GET',
    url: '/password-resets/request',
    access,
    schema: { querystring: z.object({ interaction: interaction.optional(), problem }) },
    handler: async (ctx, { query }, wire) => {
      const asked = readAsked(ctx.config, wire);
      const uid = query.interaction ?? asked?.interaction;
      const clientId = uid === undefined ? asked?.clientId : await findOpenClientId(ctx, uid);
      const client = await findRecoveryClient(engine(), clientId);
      const view = {
        step: 'forgot_password',
        locale: localeOf(wire),
        client: client?.shown ?? null,
        email: asked?.email ?? null,
        problem: query.problem === undefined ? null : { code: query.problem },
        actions: { request: requestAction(asked?.email, uid) },
      } as const;
      return sendView(wire, view, passwordResetRequestPage);
    },
  });

/** Stores the request. One answer for every address: whether it is somebody's is found out later, by nobody who asks. */
const requestRoute = defineRoute({
  method: 'POST',
  url: '/password-resets',
  access,
  schema: { body: z.object({ email: z.string().max(1000), interaction: interaction.optional() }) },
  handler: async (ctx, { body }, wire) => {
    const before = readAsked(ctx.config, wire);
    return answerForm(wire, () => ask(ctx, wire, { ...body, before }), {
      page: (isTooSoon) => `/password-resets/sent${isTooSoon ? '?problem=too_soon' : ''}`,
      json: () => wire.reply.status(202).send({ status: 'accepted', resend_after: resendAfterSeconds }),
      backTo: ({ code }) => {
        if (code !== 'invalid_input') return undefined;
        const back = new URLSearchParams({ problem: 'invalid_email' });
        if (body.interaction !== undefined) back.set('interaction', body.interaction);
        return `/password-resets/request?${back.toString()}`;
      },
    });
  },
});

interface Asking {
  readonly email: string;
  readonly interaction?: string | undefined;
  readonly before: Asked | undefined;
}

/** Answers whether this very browser has asked for the same address less than a minute ago. */
async function ask(
  ctx: Context,
  wire: Wire,
  { before, interaction: uid, ...typed }: Asking,
): Promise<boolean> {
  const clientId = uid === undefined ? undefined : await findOpenClientId(ctx, uid);
  // a browser keeps its handle: the code of a mail that is on its way still counts after asking again
  const handle = before?.handle ?? newToken().token;
  const locale = localeOf(wire);
  const request = { email: typed.email, handle, clientId, locale };
  const email = await inTransaction(ctx, (tx) => requestPasswordReset(tx, request));
  const now = ctx.now().getTime();
  const isTooSoon = before?.email === email && now - before.askedAt < resendAfterSeconds * 1000;
  const askedAt = isTooSoon ? before.askedAt : now;
  keepAsked(ctx.config, wire, { handle, email, askedAt, clientId, interaction: clientId && uid });
  return isTooSoon;
}

const sentPageRoute = (engine: () => Engine): Route =>
  defineRoute({
    method: 'GET',
    url: '/password-resets/sent',
    access,
    schema: { querystring: z.object({ problem }) },
    handler: async (ctx, { query }, wire) => {
      const asked = readAsked(ctx.config, wire);
      if (!asked) return askFirst(wire);
      const client = await findRecoveryClient(engine(), asked.clientId);
      const elapsed = Math.floor((ctx.now().getTime() - asked.askedAt) / 1000);
      const view = {
        step: 'reset_mail_sent',
        locale: localeOf(wire),
        client: client?.shown ?? null,
        email: asked.email,
        sender: ctx.config.mailFrom.address,
        resend_after: Math.max(0, resendAfterSeconds - elapsed),
        problem: query.problem === undefined ? null : { code: query.problem },
        actions: { code: codeAction, resend: requestAction(asked.email, asked.interaction) },
      } as const;
      return sendView(wire, view, passwordResetSentPage);
    },
  });

/** The mail's code instead of its link, for a mailbox that is open on another device. */
const codeRoute = (engine: () => Engine): Route =>
  defineRoute({
    method: 'POST',
    url: '/password-resets/code',
    access,
    schema: { body: z.object({ code: z.string().max(20) }) },
    handler: async (ctx, { body }, wire) => {
      const asked = readAsked(ctx.config, wire);
      const exchange = async () => {
        if (!asked) throw new Failure('link_expired');
        const token = await exchangeResetCode(ctx, { handle: asked.handle, code: body.code });
        keepToken(ctx.config, wire, token);
        return newPasswordView({ engine: engine(), ctx, wire, token });
      };
      return answerForm(wire, exchange, {
        page: () => '/password-resets/new',
        json: (view) => view,
        backTo: ({ code }) => {
          if (code === 'link_expired') return '/password-resets/request?problem=link_expired';
          return code === 'invalid_input' ? '/password-resets/sent?problem=wrong_code' : undefined;
        },
      });
    },
  });

/** Nobody has asked in this browser, or too long ago. */
function askFirst(wire: Wire) {
  if (!wantsHtml(wire.request)) throw new Failure('link_expired');
  return wire.reply.redirect('/password-resets/request', 303);
}

const codeAction = {
  method: 'POST',
  href: '/password-resets/code',
  fields: [{ name: 'code', type: 'code', required: true }],
} as const;

function requestAction(email: string | undefined, uid: string | undefined) {
  const fields: Field[] = [
    { name: 'email', type: 'email', required: true, ...(email !== undefined && { value: email }) },
    ...(uid === undefined ? [] : [{ name: 'interaction', type: 'hidden', value: uid } as const]),
  ];
  return { method: 'POST', href: '/password-resets', fields } as const;
}
