/** What every action of the journey has in common: a transition, then the next step. */
import type { z } from 'zod';
import type { Context } from '../../context.ts';
import type { Leaving, SignIn, Transition } from '../../core/sign-in/sign-in.ts';
import type { Engine } from '../../provider/provider.ts';
import type { OpenedSignIn } from '../../provider/interactions.ts';
import { forgetCompany, rememberCompany } from '../company-cookies.ts';
import { leaveBy } from '../federation/leave.ts';
import { keepKnownBrowser } from '../known-browser.ts';
import { defineRoute, type Route, type Wire } from '../route.ts';
import { uidParams, visitSignIn } from './visit.ts';

export interface ActionDefinition<Body extends z.ZodType> {
  readonly name: string;
  readonly body?: Body;
  /** Whether anything can be done at all, asked before the sign-in is: who is refused here learns no step. */
  readonly before?: (ctx: Context) => Promise<void>;
  readonly transition: (
    ctx: Context,
    signIn: SignIn,
    body: z.output<Body>,
  ) => Promise<Transition | Leaving> | Transition | Leaving;
}

/** `POST /sign-in/:uid/<name>`: JSON answers 200 with the next step, a form 303s to it. */
export function actionRoute<Body extends z.ZodType>(
  engine: () => Engine,
  action: ActionDefinition<Body>,
): Route {
  const { before } = action;
  const schema = { params: uidParams, ...(action.body && { body: action.body }) };
  return defineRoute({
    method: 'POST',
    url: `/sign-in/:uid/${action.name}`,
    access: 'interaction',
    schema,
    ...(before && { before }),
    handler: async (ctx, input, wire) => {
      const { params, body } = input as { params: { uid: string }; body: z.output<Body> };
      return visitSignIn({ ...wire, engine: engine(), ctx, uid: params.uid }, async (opened) => {
        const { signIn } = opened;
        const answer = await action.transition(ctx, signIn, body);
        const transition =
          'leaveBy' in answer ? await leaveBy(ctx, { signIn, leaving: answer }, wire) : answer;
        return moveOn(ctx, { opened, transition }, wire);
      });
    },
  });
}

interface Moving {
  readonly opened: OpenedSignIn;
  readonly transition: Transition;
}

/** Writes a transition, and leaves with the browser what it may be known by next time. */
export async function moveOn(ctx: Context, { opened, transition }: Moving, { reply }: Wire) {
  const signIn = await opened.move(transition);
  const { problem, provenEmail, cameBy, forgetsCompany } = transition;
  if (provenEmail) keepKnownBrowser(ctx, reply, provenEmail);
  if (forgetsCompany) forgetCompany(ctx.config, reply);
  if (cameBy) rememberCompany(ctx, reply, cameBy.id);
  // of two tries at once only one has left: its departure was written with the state
  const leaveFor = signIn.state === transition.state ? transition.leaveFor : undefined;
  return { signIn, problem, leaveFor };
}
