/** What every action of the journey has in common: a transition, then the next step. */
import type { z } from 'zod';
import type { Context } from '../../context.ts';
import type { SignIn, Transition } from '../../core/sign-in/sign-in.ts';
import type { Engine } from '../../provider/provider.ts';
import { keepKnownBrowser } from '../known-browser.ts';
import { defineRoute, type Route } from '../route.ts';
import { uidParams, visitSignIn } from './visit.ts';

export interface ActionDefinition<Body extends z.ZodType> {
  readonly name: string;
  readonly body?: Body;
  readonly transition: (
    ctx: Context,
    signIn: SignIn,
    body: z.output<Body>,
  ) => Promise<Transition> | Transition;
}

/** `POST /sign-in/:uid/<name>`: JSON answers 200 with the next step, a form 303s to it. */
export function actionRoute<Body extends z.ZodType>(
  engine: () => Engine,
  action: ActionDefinition<Body>,
): Route {
  const schema = { params: uidParams, ...(action.body && { body: action.body }) };
  return defineRoute({
    method: 'POST',
    url: `/sign-in/:uid/${action.name}`,
    access: 'interaction',
    schema,
    handler: async (ctx, input, wire) => {
      const { params, body } = input as { params: { uid: string }; body: z.output<Body> };
      return visitSignIn({ ...wire, engine: engine(), ctx, uid: params.uid }, async (opened) => {
        const transition = await action.transition(ctx, opened.signIn, body);
        const moved = await opened.move(transition);
        if (transition.provenEmail) keepKnownBrowser(ctx, wire.reply, transition.provenEmail);
        return { signIn: moved, problem: transition.problem };
      });
    },
  });
}
