import type { Engine } from '../../provider/provider.ts';
import { defineRoute, type Route } from '../route.ts';
import { uidParams, visitSignIn } from './visit.ts';

/** `GET /sign-in/:uid`: the step where this interaction stands. */
export const stepRoute = (engine: () => Engine): Route =>
  defineRoute({
    method: 'GET',
    url: '/sign-in/:uid',
    access: 'interaction',
    schema: { params: uidParams },
    handler: async (ctx, { params }, wire) =>
      visitSignIn({ ...wire, engine: engine(), ctx, uid: params.uid }, ({ signIn }) =>
        Promise.resolve({ signIn }),
      ),
  });
