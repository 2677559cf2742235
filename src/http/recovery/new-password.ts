/** Forgot password, second half: from the mailed link to the new password. */
import { z } from 'zod';
import type { Context } from '../../context.ts';
import {
  completePasswordReset,
  findCompletedReset,
  findPasswordReset,
} from '../../core/password-resets/password-resets.ts';
import { Failure } from '../../kernel/failures.ts';
import { passwordResetDonePage } from '../../pages/password-reset-done.ts';
import { passwordResetExpiredPage, passwordResetNewPage } from '../../pages/password-reset-new.ts';
import type { Engine } from '../../provider/provider.ts';
import { sendPage, wantsHtml } from '../html.ts';
import { keepKnownBrowser } from '../known-browser.ts';
import { defineRoute, type Route, type Wire } from '../route.ts';
import { answerForm, findRecoveryClient, localeOf, sendView } from './answer.ts';
import { keepToken, readAsked, readToken } from './reset-cookies.ts';

const access = 'recovery';
const tokenText = z.string().regex(/^[\w-]{1,100}$/);

export function newPasswordRoutes(engine: () => Engine): Route[] {
  return [openRoute, formRoute(engine), completeRoute(engine), doneRoute(engine)];
}

/**
 * The mailed link. It only moves the token from the address into a cookie: nothing is looked up and nothing consumed,
 * because mail scanners open every link, and the address that stays in the browser's history is worth nothing.
 */
const openRoute = defineRoute({
  method: 'GET',
  url: '/password-resets/open',
  access,
  schema: { querystring: z.object({ token: tokenText.catch('none') }) },
  handler: async (ctx, { query }, wire) => {
    keepToken(ctx.config, wire, query.token);
    return wire.reply.redirect('/password-resets/new', 303);
  },
});

const formRoute = (engine: () => Engine): Route =>
  defineRoute({
    method: 'GET',
    url: '/password-resets/new',
    access,
    schema: {
      querystring: z.object({
        problem: z
          .string()
          .regex(/^[a-z_]{1,40}$/)
          .optional(),
      }),
    },
    handler: async (ctx, { query }, wire) => {
      const token = readToken(ctx.config, wire) ?? '';
      try {
        const view = await newPasswordView({ engine: engine(), ctx, wire, token, problem: query.problem });
        return await sendView(wire, view, passwordResetNewPage);
      } catch (error) {
        if (!(error instanceof Failure) || !wantsHtml(wire.request)) throw error;
        return await sendExpired(engine(), ctx, wire);
      }
    },
  });

interface Visit {
  readonly engine: Engine;
  readonly ctx: Context;
  readonly wire: Wire;
  readonly token: string;
  readonly problem?: string | undefined;
}

/** Shows whose password it is: whoever has the token reads that mailbox. Failure `link_expired`. */
export async function newPasswordView({ engine, ctx, wire, token, problem }: Visit) {
  const reset = await findPasswordReset(ctx, token);
  if (!reset) throw new Failure('link_expired');
  const client = await findRecoveryClient(engine, reset.clientId);
  const fields = [{ name: 'password', type: 'password', required: true }] as const;
  return {
    step: 'new_password',
    locale: localeOf(wire),
    client: client?.shown ?? null,
    email: reset.email,
    problem: problem === undefined ? null : refused(problem),
    actions: { complete: { method: 'POST', href: '/password-resets/complete', fields } },
  } as const;
}

function refused(reason: string) {
  return { code: 'password_refused', fields: { password: reason } } as const;
}

async function sendExpired(engine: Engine, ctx: Context, wire: Wire) {
  const client = await findRecoveryClient(engine, readAsked(ctx.config, wire)?.clientId);
  const locale = localeOf(wire);
  return sendPage(
    wire.reply.status(410),
    passwordResetExpiredPage({ locale, client: client?.shown ?? null }),
  );
}

/** Bounded before anything is hashed: a megabyte of password would be an attack on the processor. */
const completion = z.object({ password: z.string().max(1024), token: z.string().max(1000).optional() });

const completeRoute = (engine: () => Engine): Route =>
  defineRoute({
    method: 'POST',
    url: '/password-resets/complete',
    access,
    schema: { body: completion },
    handler: async (ctx, { body }, wire) => {
      const token = body.token ?? readToken(ctx.config, wire) ?? '';
      const complete = async () => {
        const { clientId, email } = await completePasswordReset(ctx, { token, password: body.password });
        // or whoever keeps guessing would hold this person up at once again
        keepKnownBrowser(ctx, wire.reply, email);
        return doneView(engine(), ctx, { wire, clientId });
      };
      return answerForm(wire, complete, {
        page: () => '/password-resets/done',
        json: (view) => view,
        backTo: ({ code, fields }) => {
          if (code === 'link_expired') return '/password-resets/new';
          if (code !== 'password_refused') return undefined;
          return `/password-resets/new?problem=${fields?.['password'] ?? code}`;
        },
      });
    },
  });

/** The token is used up; that it was this browser's is all this page needs to know. */
const doneRoute = (engine: () => Engine): Route =>
  defineRoute({
    method: 'GET',
    url: '/password-resets/done',
    access,
    schema: {},
    handler: async (ctx, _input, wire) => {
      const completed = await findCompletedReset(ctx, readToken(ctx.config, wire) ?? '');
      if (completed) {
        const { clientId } = completed;
        return sendView(wire, await doneView(engine(), ctx, { wire, clientId }), passwordResetDonePage);
      }
      if (!wantsHtml(wire.request)) throw new Failure('link_expired');
      return sendExpired(engine(), ctx, wire);
    },
  });

/** Where to sign in now: at the sign-in that this browser was in the middle of, else at the client. */
async function doneView(
  engine: Engine,
  ctx: Context,
  { wire, clientId }: { wire: Wire; clientId: string | null },
) {
  const asked = readAsked(ctx.config, wire);
  const client = await findRecoveryClient(engine, clientId);
  // of another client: asked for in this browser since, and not what this mail was about
  const isSame = asked?.interaction !== undefined && asked.clientId === (clientId ?? undefined);
  const back = isSame ? `${ctx.config.issuer}/sign-in/${asked.interaction}` : undefined;
  return {
    step: 'password_changed',
    locale: localeOf(wire),
    client: client?.shown ?? null,
    location: back ?? client?.startUrl ?? null,
  } as const;
}
