/** The way out: the form of a request that is posted, and the link by which an admin tries a connection out. */
import { z } from 'zod';
import { type Context, inTransaction } from '../../context.ts';
import { consumeTest, findConnection } from '../../core/connections/connections.ts';
import { findDeparture } from '../../core/departures/departures.ts';
import { Failure } from '../../kernel/failures.ts';
import type { ConnectionId } from '../../kernel/ids.ts';
import { departurePage } from '../../pages/federation.ts';
import { readFederationBrowser } from '../company-cookies.ts';
import { localeOf, sendPage } from '../html.ts';
import { defineRoute, type Route, type Wire } from '../route.ts';
import { connectionParams } from './connection.ts';
import { setOut } from './leave.ts';

const token = z.string().regex(/^[\w-]{43}$/);

export const startRoute: Route = defineRoute({
  method: 'GET',
  url: '/federation/:id/start',
  access: 'federation',
  schema: {
    params: connectionParams,
    querystring: z.object({ departure: token.optional(), test: token.optional() }),
  },
  handler: async (ctx, { params: { id }, query: { departure, test } }, wire) => {
    if (test !== undefined) return startTest(ctx, { id, token: test }, wire);
    if (departure !== undefined) return showForm(ctx, { id, token: departure }, wire);
    throw new Failure('not_found');
  },
});

interface Link {
  readonly id: ConnectionId;
  readonly token: string;
}

/** The request as a form with one button, for identity providers that want it posted. For the browser that leaves only. */
async function showForm(ctx: Context, { id, token: departing }: Link, { request, reply }: Wire) {
  const browser = readFederationBrowser(ctx.config, request) ?? '';
  const departure = await findDeparture(ctx, { token: departing, browser });
  const connection = await findConnection(ctx.db, id);
  const form = departure?.connectionId === id ? departure.luggage.form : undefined;
  if (!form || !connection) throw new Failure('link_expired');
  return sendPage(reply, departurePage({ ...form, label: connection.label }, localeOf(request)));
}

/** Once: a real sign-in at the identity provider, which makes nobody here. */
async function startTest(ctx: Context, { id, token: link }: Link, wire: Wire) {
  const test = await inTransaction(ctx, (tx) => consumeTest(tx, link));
  const connection = test?.connectionId === id ? await findConnection(ctx.db, id) : undefined;
  if (!connection) throw new Failure('link_expired');
  const journey = { purpose: 'test', forceAuthn: false } as const;
  const left = await setOut(ctx, { connection, journey, wire });
  await inTransaction(ctx, left.write);
  if ('caseId' in left) throw new Failure('company_sign_in_failed', { caseId: left.caseId });
  return wire.reply.redirect(left.location, 303);
}
