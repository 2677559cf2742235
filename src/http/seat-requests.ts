/** One click on the mail that asks for a seat: an admin of the account grants it or refuses. Nobody is signed in by it. */
import { z } from 'zod';
import { type Context, inTransaction } from '../context.ts';
import { decideLinkedSeatRequest, findLinkedSeatRequest, type SeatRequest } from '../core/seats/seats.ts';
import { Failure } from '../kernel/failures.ts';
import { hour } from '../kernel/time.ts';
import {
  type DecidedSeatView,
  seatRequestDecidedPage,
  seatRequestDonePage,
  seatRequestExpiredPage,
  seatRequestPage,
} from '../pages/seat-request.ts';
import { sendPage, wantsHtml } from './html.ts';
import { answerForm, localeOf, sendView } from './recovery/answer.ts';
import { readCookie, setCookie } from './recovery/cookie.ts';
import { defineRoute, type Route, type Wire } from './route.ts';

const access = 'recovery';
// the link can be opened again for seven days, but not by whoever sits at this browser next
const cookie = { name: 'doorward_seat_request', path: '/seat-requests', seconds: hour } as const;

export function seatRequestRoutes(): Route[] {
  return [openRoute, pageRoute, decideRoute, doneRoute];
}

/**
 * The mailed link. It only moves the token from the address into a cookie: nothing is looked up and nothing consumed,
 * because mail scanners open every link.
 */
const openRoute = defineRoute({
  method: 'GET',
  url: '/seat-requests/open',
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
    return reply.redirect('/seat-requests/decide', 303);
  },
});

const pageRoute = defineRoute({
  method: 'GET',
  url: '/seat-requests/decide',
  access,
  schema: {},
  handler: async (ctx, _input, wire) => {
    const request = await findLinkedSeatRequest(ctx, tokenOf(ctx, wire));
    if (request?.state !== 'open') return sendOver(wire, request);
    const { freeSeats, expiresAt } = request;
    const view = {
      step: 'decide_seat_request',
      ...wishOf(wire, request),
      free_seats: freeSeats,
      expires_at: expiresAt.toISOString(),
      problem: freeSeats === 0 ? ({ code: 'no_free_seat' } as const) : null,
      actions: { grant: actionOf('grant'), refuse: actionOf('refuse') },
    } as const;
    return sendView(wire, view, seatRequestPage);
  },
});

function tokenOf(ctx: Context, { request }: Wire): string {
  return readCookie(ctx.config, request.headers.cookie, cookie.name) ?? '';
}

/** Programs learn that it is over; an admin is told what was decided. */
function sendOver(wire: Wire, request: SeatRequest | undefined) {
  if (!wantsHtml(wire.request)) throw new Failure('link_expired');
  const view = request && decidedView(wire, request);
  return sendPage(
    wire.reply.status(410),
    view ? seatRequestDecidedPage(view) : seatRequestExpiredPage(localeOf(wire)),
  );
}

function wishOf(wire: Wire, { user, product, account }: SeatRequest) {
  const person = { name: user.name, email: user.email };
  return { locale: localeOf(wire), person, product: product.name, account: account.name } as const;
}

function decidedView(wire: Wire, request: SeatRequest): DecidedSeatView | undefined {
  const { state } = request;
  return state === 'open' ? undefined : { step: 'seat_request_decided', state, ...wishOf(wire, request) };
}

function actionOf(value: 'grant' | 'refuse') {
  const fields = [{ name: 'decision', type: 'hidden', required: true, value }] as const;
  return { method: 'POST', href: '/seat-requests/decide', fields } as const;
}

const decideRoute = defineRoute({
  method: 'POST',
  url: '/seat-requests/decide',
  access,
  schema: {
    body: z.object({ decision: z.enum(['grant', 'refuse']), token: z.string().max(100).optional() }),
  },
  handler: async (ctx, { body }, wire) => {
    const { decision, token = tokenOf(ctx, wire) } = body;
    const decide = () => inTransaction(ctx, (tx) => decideLinkedSeatRequest(tx, { token, decision }));
    return answerForm(wire, decide, {
      page: () => '/seat-requests/done',
      json: (request) => decidedView(wire, request),
      // that page says which of the two it is
      backTo: ({ code }) =>
        code === 'link_expired' || code === 'no_free_seat' ? '/seat-requests/decide' : undefined,
    });
  },
});

const doneRoute = defineRoute({
  method: 'GET',
  url: '/seat-requests/done',
  access,
  schema: {},
  handler: async (ctx, _input, wire) => {
    const request = await findLinkedSeatRequest(ctx, tokenOf(ctx, wire));
    const view = request && decidedView(wire, request);
    return view ? sendView(wire, view, seatRequestDonePage) : sendOver(wire, undefined);
  },
});
