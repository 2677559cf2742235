import type { Engine } from '../../provider/provider.ts';
import { defineRoute, type Route } from '../route.ts';
import { z } from 'zod';
import { moveOn } from './action.ts';
import { findOwnWay } from './arrive.ts';
import { sendExpired, uidParams, visitSignIn } from './visit.ts';

/** `GET /sign-in/:uid`: the step where this interaction stands. */
export const stepRoute = (engine: () => Engine): Route =>
  defineRoute({
    method: 'GET',
    url: '/sign-in/:uid',
    access: 'interaction',
    schema: { params: uidParams, querystring: z.object({ ended: z.string().max(10).optional() }) },
    handler: async (ctx, { params, query }, wire) => {
      const visit = { ...wire, engine: engine(), ctx, uid: params.uid };
      // the engine would not resume it: see provider/pages.ts
      if (query.ended !== undefined) return sendExpired(visit);
      return visitSignIn(visit, async (opened) => {
        const transition = await findOwnWay(ctx, opened.signIn, wire);
        if (!transition) return { signIn: opened.signIn };
        // what did not succeed is part of the step: the visit itself was no mistake
        const { problem: _shown, ...moved } = await moveOn(ctx, { opened, transition }, wire);
        return moved;
      });
    },
  });
