import { restart } from '../../core/sign-in/sign-in.ts';
import type { Engine } from '../../provider/provider.ts';
import type { Route } from '../route.ts';
import { actionRoute } from './action.ts';

export const restartRoute = (engine: () => Engine): Route =>
  actionRoute(engine, { name: 'restart', transition: (_ctx, signIn) => restart(signIn) });
