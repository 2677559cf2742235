/** Where a browser arrives at an identity provider: whoever is known goes on, whoever is not is asked. */
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import type { Context } from '../../context.ts';
import { sendPage } from '../../http/html.ts';
import { defineRoute, type Route, type Wire } from '../../http/route.ts';
import { parseEmail } from '../../kernel/email-address.ts';
import { Failure } from '../../kernel/failures.ts';
import { minute } from '../../kernel/time.ts';
import { type Browser, type Browsers, type IdpSession, newSession } from './browsers.ts';
import { type Fault, slowMs } from './faults.ts';
import { createMemory } from './memory.ts';
import { outOfOrderPage, signInPage } from './pages.ts';
import type { Place } from './people.ts';

/** Somebody at the desk. */
export interface Visit {
  readonly browser: Browser;
  readonly session: IdpSession;
}

/** What a browser came with. */
export interface Arrival {
  readonly place: Place;
  /** The session of before does not do. */
  readonly askAgain: (session: IdpSession) => boolean;
  readonly loginHint: string | undefined;
  /** Answers whoever asked, once it is known who is here. */
  readonly answer: (visit: Visit, wire: Wire) => Promise<unknown>;
  /** Answers them where nobody wants to say who they are; without it there is no such way. */
  readonly cancel?: (wire: Wire) => Promise<unknown>;
}

export interface Desk {
  receive(arrival: Arrival, wire: Wire): Promise<unknown>;
  readonly routes: readonly Route[];
}

export function createDesk({ now }: Pick<Context, 'now'>, browsers: Browsers): Desk {
  const waiting = createMemory<Arrival>(now, { seconds: 10 * minute });
  const signIn = defineRoute({
    method: 'POST',
    url: '/demo/idp/sign-in',
    access: 'demo',
    schema: {
      body: z.object({
        ticket: z.string().max(100),
        email: z.string().max(254),
        cancel: z.literal('yes').optional(),
      }),
    },
    handler: async (ctx, { body: { ticket, email: typed, cancel } }, wire) => {
      const arrival = waiting.find(ticket);
      if (!arrival) throw new Failure('link_expired');
      if (cancel && arrival.cancel) return arrival.cancel(wire);
      const email = parseEmail(typed);
      if (!email) return sendPage(wire.reply.status(400), ask(arrival, ticket, typed));
      const browser = browsers.of(wire);
      const session = newSession(arrival.place.personOf(email), ctx.now());
      browser.sessions[arrival.place.idp] = session;
      return arrival.answer({ browser, session }, wire);
    },
  });
  return {
    routes: [signIn],
    async receive(arrival, wire) {
      const browser = browsers.of(wire);
      const session = browser.sessions[arrival.place.idp];
      if (session && !arrival.askAgain(session)) return arrival.answer({ browser, session }, wire);
      return sendPage(wire.reply, ask(arrival, waiting.put(arrival)));
    },
  };
}

function ask({ place, loginHint, cancel }: Arrival, ticket: string, refused?: string) {
  return signInPage({ place, ticket, loginHint, refused, canCancel: cancel !== undefined });
}

/** Waits or fails where that is the fault; true when that was the answer. */
export async function misbehaves(fault: Fault | undefined, { reply }: Wire): Promise<boolean> {
  if (fault === 'slow') await waitFor(slowMs, reply);
  if (fault !== 'server_error') return false;
  await sendPage(reply.status(500), outOfOrderPage());
  return true;
}

/** Not for longer than there is somebody who waits: it would hold up the end of the service. */
async function waitFor(ms: number, { raw }: Wire['reply']): Promise<void> {
  const gone = new AbortController();
  raw.once('close', () => gone.abort());
  await delay(ms, undefined, { signal: gone.signal, ref: false }).catch(() => undefined);
}
