import { abort } from '../../core/sign-in/sign-in.ts';
import type { Engine } from '../../provider/provider.ts';
import type { Route } from '../route.ts';
import { actionRoute } from './action.ts';

export const abortRoute = (engine: () => Engine): Route =>
  actionRoute(engine, { name: 'abort', transition: (_ctx, signIn) => abort(signIn) });
